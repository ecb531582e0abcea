//! The possible-d-sep step.

use std::collections::{BTreeSet, VecDeque};

use atsre_domain::graph::Mark;

use super::Search;
use super::paths::semi_directed_step;
use crate::fci::pag::Pag;
use crate::fci::sets::Sets;
use crate::hash_order::in_set_order;
use crate::independence::IndependenceTest;
use crate::subsets::visit_subsets;

/// Where semi-directed paths lead, found when asked for and forgotten when an edge goes.
struct Reach {
    from: Vec<Option<Vec<bool>>>,
}

impl Reach {
    fn leads(&mut self, pag: &Pag, from: usize, to: usize) -> bool {
        self.from[from].get_or_insert_with(|| pag.reached(from, |a, b| semi_directed_step(pag, a, b)))[to]
    }
}

impl<T: IndependenceTest + ?Sized> Search<'_, T> {
    /// Removes every edge whose ends some set of possible-d-sep nodes separates, of at most `most` members where that is
    /// given. Returns the pairs (smaller, larger).
    pub(super) fn remove_by_possible_d_sep(&mut self, most: Option<usize>, sets: &mut Sets) -> Vec<(usize, usize)> {
        let nodes = self.pag.nodes();
        let mut reach = Reach { from: vec![None; nodes] };
        let mut removed = Vec::new();
        let edges: Vec<(usize, usize)> = (0..nodes)
            .flat_map(|i| self.pag.neighbours(i).iter().filter(move |j| **j > i).map(move |j| (i, *j)))
            .map(|(i, j)| if points_left(&self.pag, i, j) { (j, i) } else { (i, j) })
            .collect();
        for (a, b) in edges {
            for (from, to) in [(a, b), (b, a)] {
                let candidates = possible_d_sep(&self.pag, &mut reach, from, to);
                if let Some(given) = self.first_separating(a, b, &candidates, most, sets) {
                    self.pag.separate(a, b);
                    // Known under this order of the pair alone.
                    self.separating.insert((a, b), given);
                    reach.from.fill(None);
                    removed.push((a.min(b), a.max(b)));
                    break;
                }
            }
        }
        removed
    }

    /// Tries sets by size; of each size all but the first, unless it is the only one.
    fn first_separating(
        &self,
        a: usize,
        b: usize,
        candidates: &[usize],
        most: Option<usize>,
        sets: &mut Sets,
    ) -> Option<BTreeSet<usize>> {
        let within = |end: usize, given: &[usize]| given.iter().all(|n| self.pag.adjacent(end, *n));
        // Then so is every set of them, and none is tried.
        if within(a, candidates) || within(b, candidates) {
            return None;
        }
        let mut found = None;
        for size in 2..=candidates.len().min(most.unwrap_or(usize::MAX)) {
            let mut first = size < candidates.len();
            visit_subsets(candidates, size, |given| {
                if !sets.take() {
                    return false;
                }
                if std::mem::take(&mut first) || within(a, given) || within(b, given) {
                    return true;
                }
                if self.independent(a, b, given) {
                    found = Some(given.iter().copied().collect());
                }
                found.is_none()
            });
            if found.is_some() || sets.exhausted() {
                break;
            }
        }
        found
    }
}

/// Whether an edge listed as (i, j) has its arrow at i only, and so is turned round.
fn points_left(pag: &Pag, i: usize, j: usize) -> bool {
    pag.has(i, j, Mark::Arrow) && !pag.has(j, i, Mark::Arrow)
}

/// The candidates for separating `x` from `y`, by their names `X1`, `X2`, … in descending order of text.
fn possible_d_sep(pag: &Pag, reach: &mut Reach, x: usize, y: usize) -> Vec<usize> {
    let nodes = pag.nodes();
    let mut possible = vec![false; nodes];
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let (mut queued, mut waiting) = (vec![false; nodes], VecDeque::new());
    for b in in_set_order(pag.neighbours(x).iter().copied()).into_iter().filter(|b| *b != y) {
        possible[b] = true;
        queued[b] = true;
        waiting.push_back(b);
    }
    // Every queued pair starts at x itself, so that its second node says it all.
    while let Some(b) = waiting.pop_front() {
        let earlier = std::mem::take(&mut before[b]);
        possible[b] |=
            earlier.iter().any(|r| *r != b && *r != x && (reach.leads(pag, *r, x) || reach.leads(pag, *r, b)));
        before[b] = earlier;
        for c in pag.neighbours(b).iter().copied().filter(|c| *c != x && *c != y) {
            if !before[c].contains(&b) {
                before[c].push(b);
            }
            if (pag.collider(x, b, c) || pag.adjacent(x, c)) && !queued[c] {
                queued[c] = true;
                waiting.push_back(c);
            }
        }
    }
    possible[x] = false;
    possible[y] = false;
    let mut found: Vec<usize> = (0..nodes).filter(|n| possible[*n]).collect();
    found.sort_by_cached_key(|n| std::cmp::Reverse((n + 1).to_string()));
    found
}
