//! Searches for uncovered paths that keep one path to each node.

use std::collections::VecDeque;

use atsre_domain::graph::Mark;

use crate::fci::pag::Pag;

/// Whether no node of the path is adjacent to the one after the next.
pub(super) fn uncovered(pag: &Pag, path: &[usize]) -> bool {
    path.windows(3).all(|w| !pag.adjacent(w[0], w[2]))
}

/// Breadth-first search for paths, each node reached once; the marks may change between two answers.
pub(super) struct PathSearch {
    seen: Vec<bool>,
    waiting: VecDeque<Vec<usize>>,
    /// A path that was given out and not yet continued.
    last: Option<Vec<usize>>,
}

impl PathSearch {
    /// Paths that continue `start`; nodes in `barred` are never entered.
    pub(super) fn new(pag: &Pag, start: Vec<usize>, barred: &[usize]) -> Self {
        let mut seen = vec![false; pag.nodes()];
        barred.iter().for_each(|n| seen[*n] = true);
        Self { seen, waiting: VecDeque::new(), last: Some(start) }
    }

    /// The next path to `end` that is uncovered, in the graph as it is now.
    pub(super) fn next(&mut self, pag: &Pag, end: usize, step: impl Fn(usize, usize) -> bool) -> Option<Vec<usize>> {
        loop {
            if let Some(path) = self.last.take()
                && let Some(node) = path.last()
            {
                for next in pag.neighbours(*node) {
                    if !self.seen[*next] && step(*node, *next) {
                        self.seen[*next] = true;
                        let mut longer = path.clone();
                        longer.push(*next);
                        self.waiting.push_back(longer);
                    }
                }
            }
            let path = self.waiting.pop_front()?;
            let found = path.last() == Some(&end) && uncovered(pag, &path);
            self.last = Some(path.clone());
            if found {
                return Some(path);
            }
        }
    }
}

/// A step along `o–o`.
pub(super) fn circle_step(pag: &Pag, from: usize, to: usize) -> bool {
    pag.has(from, to, Mark::Circle) && pag.has(to, from, Mark::Circle)
}

/// A step with no arrow where it leaves.
pub(super) fn semi_directed_step(pag: &Pag, from: usize, to: usize) -> bool {
    pag.adjacent(from, to) && !pag.has(from, to, Mark::Arrow)
}

/// A step with no arrow where it leaves and no tail where it ends.
pub(super) fn possibly_directed_step(pag: &Pag, from: usize, to: usize) -> bool {
    semi_directed_step(pag, from, to) && !pag.has(to, from, Mark::Tail)
}
