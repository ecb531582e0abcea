//! The possible-d-sep step (Spirtes, Glymour and Scheines 2000, §6.7): with hidden common causes, what separates two nodes
//! need not be adjacent to either.

use std::collections::BTreeMap;

use super::Settings;
use super::pag::Pag;
use super::sets::Sets;
use crate::independence::{IndependenceTest, Outcome};
use crate::knowledge::Knowledge;
use crate::subsets::visit_subsets;

/// What the step found.
pub(super) struct Late {
    /// What separated each pair (smaller, larger) that it removes.
    pub(super) separating: BTreeMap<(usize, usize), Vec<usize>>,
    pub(super) tests: usize,
    pub(super) curtailed: bool,
}

/// Looks for sets of possible-d-sep nodes that separate the ends of each edge. All sets come from the graph as it is given,
/// so that the order of the edges has no influence; of those of the smallest size that separate, the one with the largest
/// p-value is kept. Edges that knowledge requires stay.
pub(super) fn remove_by_possible_d_sep<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    settings: &Settings,
    pag: &Pag,
    nearest: &mut [Option<Outcome>],
) -> Late {
    let nodes = pag.nodes();
    let mut late = Late { separating: BTreeMap::new(), tests: 0, curtailed: false };
    let mut sets = Sets::all();
    for x in 0..nodes {
        for y in pag.neighbours(x).iter().copied().filter(|y| x < *y) {
            if knowledge.requires(x, y) || knowledge.requires(y, x) {
                continue;
            }
            let sides = [candidates(pag, x, y), candidates(pag, y, x)];
            // Sets of neighbours alone were asked about before.
            let asked = |turn: usize, given: &[usize]| {
                let within = |end: usize| given.iter().all(|n| pag.adjacent(end, *n));
                within(x) || within(y) || (turn == 1 && given.iter().all(|n| sides[0].contains(n)))
            };
            // Each set that is asked about has a member that is no neighbour of x, and one that is none of y.
            let beyond = |end: usize| sides.iter().flatten().any(|n| !pag.adjacent(end, *n));
            if !beyond(x) || !beyond(y) {
                continue;
            }
            let most = sides[0].len().max(sides[1].len()).min(settings.max_possible_d_sep.unwrap_or(usize::MAX));
            for size in 2..=most {
                let mut best: Option<(Outcome, Vec<usize>)> = None;
                for (turn, side) in sides.iter().enumerate() {
                    visit_subsets(side, size, |given| {
                        if !sets.take() {
                            return false;
                        }
                        if !asked(turn, given) {
                            let outcome = test.test(x, y, given);
                            late.tests += 1;
                            let slot = &mut nearest[x * nodes + y];
                            if slot.is_none_or(|so_far| outcome.nearer_to_independence(&so_far)) {
                                *slot = Some(outcome);
                            }
                            let better = best.as_ref().is_none_or(|(kept, _)| outcome.nearer_to_independence(kept));
                            if outcome.independent(settings.alpha) && better {
                                best = Some((outcome, given.to_vec()));
                            }
                        }
                        true
                    });
                }
                if sets.exhausted() {
                    late.curtailed = true;
                    return late;
                }
                if let Some((_, given)) = best {
                    late.separating.insert((x, y), given);
                    break;
                }
            }
        }
    }
    late
}

/// The possible-d-sep nodes of `x` but `y`, ascending: those to which a path from x leads on which each node is a collider or
/// forms a triangle with those beside it.
fn candidates(pag: &Pag, x: usize, y: usize) -> Vec<usize> {
    let nodes = pag.nodes();
    let mut found = vec![false; nodes];
    let mut seen = vec![false; nodes * nodes];
    let mut waiting: Vec<(usize, usize)> = pag.neighbours(x).iter().map(|n| (x, *n)).collect();
    while let Some((a, b)) = waiting.pop() {
        found[b] = true;
        for c in pag.neighbours(b).iter().copied().filter(|c| *c != a && *c != x) {
            if (pag.collider(a, b, c) || pag.adjacent(a, c)) && !std::mem::replace(&mut seen[b * nodes + c], true) {
                waiting.push((b, c));
            }
        }
    }
    (0..nodes).filter(|n| found[*n] && *n != y).collect()
}
