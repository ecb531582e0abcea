//! The skeleton of PC-stable: which nodes stay adjacent.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Settings;
use crate::independence::{IndependenceTest, Outcome};
use crate::knowledge::{Knowledge, Window};
use crate::paths;
use crate::pattern::Pattern;
use crate::subsets::visit_subsets;

/// Adjacencies and what was learned on the way.
pub(crate) struct Skeleton {
    pub(crate) adjacent: Vec<bool>,
    pub(crate) nearest: Vec<Option<Outcome>>,
    pub(crate) separating: BTreeMap<(usize, usize), Vec<usize>>,
    /// The largest conditioning set that was tried.
    pub(crate) depth: usize,
    pub(crate) tests: usize,
}

impl Skeleton {
    fn remove(&mut self, window: Window, pair: (usize, usize)) {
        for (i, j) in window.copies(pair.0, pair.1) {
            self.adjacent[i * window.nodes() + j] = false;
            self.adjacent[j * window.nodes() + i] = false;
        }
    }
}

/// Where the outcome of a pair is kept.
pub(super) fn slot(nodes: usize, i: usize, j: usize) -> usize {
    i.min(j) * nodes + i.max(j)
}

/// What one depth says of one pair.
struct Examined {
    separating: Option<Vec<usize>>,
    nearest: Option<Outcome>,
    tests: usize,
}

/// Colombo and Maathuis 2014, algorithm 4.1: the neighbours that a depth conditions on are fixed before it begins.
///
/// In a window over time the parents of the later node separate a pair, so only its neighbours are conditioned on; for
/// a pair of the same moment, the neighbours of either. Edges that knowledge requires are tested, for their
/// statistics, and stay.
pub(super) fn find<T: IndependenceTest + ?Sized>(test: &T, knowledge: &Knowledge, settings: &Settings) -> Skeleton {
    let window = knowledge.window();
    let nodes = window.nodes();
    let mut skeleton = Skeleton {
        adjacent: (0..nodes * nodes)
            .map(|k| k / nodes != k % nodes && !knowledge.excludes(k / nodes, k % nodes))
            .collect(),
        nearest: vec![None; nodes * nodes],
        separating: BTreeMap::new(),
        depth: 0,
        tests: 0,
    };
    let mut depth = 0;
    loop {
        let neighbours: Vec<Vec<usize>> =
            (0..window.columns()).map(|late| strongest_first(&skeleton, nodes, late)).collect();
        let pairs: Vec<(usize, usize)> = window.pairs().filter(|(i, j)| skeleton.adjacent[i * nodes + j]).collect();
        let wide = |node: usize| node < window.columns() && neighbours[node].len() > depth;
        if !pairs.iter().any(|(i, j)| wide(*i) || wide(*j)) {
            break;
        }
        let examined: Vec<Examined> = pairs
            .par_iter()
            .map(|(early, late)| {
                let of_early = neighbours.get(*early).map(Vec::as_slice);
                let keep = knowledge.requires(*early, *late) || knowledge.requires(*late, *early);
                examine(test, (*early, *late), [Some(&neighbours[*late]), of_early], depth, settings.alpha, keep)
            })
            .collect();
        for (pair, found) in pairs.iter().zip(examined) {
            record(&mut skeleton, window, *pair, found);
        }
        skeleton.depth = depth;
        if settings.max_depth.is_some_and(|limit| depth >= limit) {
            break;
        }
        depth += 1;
    }
    skeleton
}

fn record(skeleton: &mut Skeleton, window: Window, pair: (usize, usize), found: Examined) {
    let slot = slot(window.nodes(), pair.0, pair.1);
    skeleton.tests += found.tests;
    if let Some(outcome) = found.nearest
        && skeleton.nearest[slot].is_none_or(|best| outcome.nearer_to_independence(&best))
    {
        skeleton.nearest[slot] = Some(outcome);
    }
    if let Some(mut members) = found.separating {
        members.sort_unstable();
        skeleton.separating.insert((pair.0.min(pair.1), pair.0.max(pair.1)), members);
        skeleton.remove(window, pair);
    }
}

/// The neighbours of a node at lag 0, the most dependent first: they separate soonest. The order has no influence on
/// which edges go.
fn strongest_first(skeleton: &Skeleton, nodes: usize, late: usize) -> Vec<usize> {
    let mut found: Vec<usize> = (0..nodes).filter(|j| skeleton.adjacent[late * nodes + j]).collect();
    let strength = |j: &usize| {
        skeleton.nearest[slot(nodes, late, *j)].map_or(0.0, |o| if o.statistic.is_nan() { 0.0 } else { o.statistic })
    };
    found.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    found
}

/// Tests one pair given every set of `depth` neighbours of either end, until one separates.
fn examine<T: IndependenceTest + ?Sized>(
    test: &T,
    (early, late): (usize, usize),
    sides: [Option<&[usize]>; 2],
    depth: usize,
    alpha: f64,
    keep: bool,
) -> Examined {
    let mut examined = Examined { separating: None, nearest: None, tests: 0 };
    let others = |side: &[usize]| side.iter().copied().filter(|n| *n != early && *n != late).collect::<Vec<_>>();
    let first: Vec<usize> = sides[0].map(others).unwrap_or_default();
    for (turn, side) in sides.iter().enumerate() {
        let Some(side) = side else { continue };
        visit_subsets(&others(side), depth, |given| {
            // What both ends have in common was asked from the first.
            if turn == 1 && given.iter().all(|n| first.contains(n)) {
                return true;
            }
            let outcome = test.test(early, late, given);
            examined.tests += 1;
            if examined.nearest.is_none_or(|best| outcome.nearer_to_independence(&best)) {
                examined.nearest = Some(outcome);
            }
            let separates = !keep && outcome.independent(alpha);
            if separates {
                examined.separating = Some(given.to_vec());
            }
            !separates
        });
        if examined.separating.is_some() {
            break;
        }
    }
    examined
}

/// The skeleton as a graph, with every edge oriented that knowledge allows one way only.
///
/// Where such edges close a cycle, data and knowledge disagree; the weakest of them that is not required is dropped
/// until none does.
pub(super) fn oriented_by_knowledge(skeleton: &Skeleton, knowledge: &Knowledge) -> Pattern {
    let window = knowledge.window();
    let nodes = window.nodes();
    let mut pattern = Pattern::undirected_where(nodes, |i, j| skeleton.adjacent[i * nodes + j]);
    for i in 0..nodes {
        for j in 0..nodes {
            if pattern.adjacent(i, j) && knowledge.directs(i, j) {
                pattern.orient(i, j);
            }
        }
    }
    loop {
        let component = paths::components(nodes, pattern.directed_edges());
        let weakest = window
            .pairs()
            .filter(|(i, j)| pattern.adjacent(*i, *j) && !pattern.undirected(*i, *j) && component[*i] == component[*j])
            .filter(|(i, j)| !knowledge.requires(*i, *j) && !knowledge.requires(*j, *i))
            .min_by(|a, b| {
                let strength =
                    |pair: &(usize, usize)| skeleton.nearest[slot(nodes, pair.0, pair.1)].map_or(0.0, |o| o.statistic);
                strength(a).total_cmp(&strength(b))
            });
        let Some((i, j)) = weakest else { return pattern };
        window.copies(i, j).for_each(|(i, j)| pattern.separate(i, j));
    }
}
