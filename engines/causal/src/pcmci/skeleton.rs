//! The skeleton of PCMCI+: which columns are adjacent, at which lags.

use std::collections::BTreeMap;

use super::links::{LaggedLinks, Link};
use super::par_corr::{LaggedTest, Measured};
use super::parents::{Lagged, Parents, Selection, conditions};
use crate::knowledge::Knowledge;
use crate::subsets::visit_subsets;

/// The p-value of a link before its first test, below every one that a test gives. Every link of the start is tested at least once.
const UNTESTED: f64 = -1.0;

/// Adjacent columns and what separated the others.
#[derive(Clone, Debug)]
pub(super) struct Skeleton {
    pub(super) links: LaggedLinks,
    pub(super) parents: Parents,
    /// By (source, target, lag): the columns of the present that separated them. A lagged pair that is missing was separated by
    /// the past alone.
    pub(super) separating: BTreeMap<(usize, usize, usize), Vec<usize>>,
}

/// What the search may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) min_lag: usize,
    pub(super) max_lag: usize,
    pub(super) alpha: f64,
    /// Whether lagged links that the condition selection removed are tested again.
    pub(super) reset_lagged: bool,
}

/// Tests each pair given both ends' lagged parents and subsets of the columns of the present that are adjacent to the target
/// (Runge 2020, algorithm 2), the strongest first. What is found independent goes at once.
pub(super) fn find<T: LaggedTest>(
    test: &T,
    selections: Vec<Selection>,
    limits: Limits,
    knowledge: &Knowledge,
) -> Skeleton {
    let columns = test.columns();
    let mut search = start(columns, &selections, limits, knowledge);
    search.parents = selections.into_iter().map(|s| s.parents).collect();
    let mut weakest = vec![f64::INFINITY; columns * columns];
    let mut given = Vec::new();
    for size in 0.. {
        let present: Vec<Vec<usize>> = (0..columns).map(|target| search.present(target, &weakest)).collect();
        let pairs = search.pairs();
        let others = |(source, target, lag): (usize, usize, usize)| -> Vec<usize> {
            present[target].iter().copied().filter(|c| lag > 0 || *c != source).collect()
        };
        if !pairs.iter().any(|pair| others(*pair).len() >= size) {
            break;
        }
        for pair in pairs {
            let (source, target, lag) = pair;
            if !search.links.adjacent(source, target, lag) {
                continue;
            }
            let node = lag * columns + source;
            let fixed = knowledge.requires(node, target) || (lag == 0 && knowledge.requires(target, node));
            visit_subsets(&others(pair), size, |subset| {
                conditions(columns, subset, &search.parents, (source, lag), target, &mut given);
                let measured = test.test(node, target, &given);
                search.note(pair, measured);
                if lag == 0 {
                    for k in [source * columns + target, target * columns + source] {
                        weakest[k] = weakest[k].min(measured.value.abs());
                    }
                }
                let removed = measured.p_value > limits.alpha && !fixed;
                if removed {
                    search.links.set(source, target, lag, Link::Absent);
                    search.separating.insert(pair, subset.to_vec());
                    if lag == 0 {
                        search.remove_pair(source, target);
                        search.separating.insert((target, source, 0), subset.to_vec());
                    }
                }
                !removed
            });
        }
    }
    search.share_values();
    search
}

/// The lagged parents and every pair of the present, as far as knowledge allows.
fn start(columns: usize, selections: &[Selection], limits: Limits, knowledge: &Knowledge) -> Skeleton {
    let mut links = LaggedLinks::new(columns, limits.max_lag);
    for (target, selection) in selections.iter().enumerate() {
        for (at, nearest) in &selection.nearest {
            let Lagged { column, lag } = *at;
            let place = links.index(column, target, lag);
            if limits.reset_lagged || selection.parents.contains(at) {
                // Only what is asked of it from here on counts.
                links.set(column, target, lag, Link::Forward);
                links.p_values[place] = UNTESTED;
            } else {
                links.values[place] = nearest.value;
                links.p_values[place] = nearest.p_value;
            }
        }
        for source in (0..target).filter(|source| limits.min_lag == 0 && !knowledge.excludes(*source, target)) {
            let link = if knowledge.directs(source, target) {
                Link::Forward
            } else if knowledge.directs(target, source) {
                Link::Backward
            } else {
                Link::Open
            };
            links.set(source, target, 0, link);
            for place in [links.index(source, target, 0), links.index(target, source, 0)] {
                links.p_values[place] = UNTESTED;
            }
        }
    }
    Skeleton { links, parents: Vec::new(), separating: BTreeMap::new() }
}

impl Skeleton {
    /// The columns of the present adjacent to `target`, the strongest first.
    fn present(&self, target: usize, weakest: &[f64]) -> Vec<usize> {
        let columns = self.links.columns();
        let mut adjacent: Vec<usize> = (0..columns).filter(|c| self.links.adjacent(*c, target, 0)).collect();
        adjacent.sort_by(|a, b| weakest[b * columns + target].total_cmp(&weakest[a * columns + target]));
        adjacent
    }

    /// The pairs left, by source, target and lag.
    fn pairs(&self) -> Vec<(usize, usize, usize)> {
        let columns = self.links.columns();
        let mut pairs = Vec::new();
        for source in 0..columns {
            for target in 0..columns {
                pairs.extend(
                    (0..=self.links.max_lag())
                        .filter(|lag| self.links.adjacent(source, target, *lag))
                        .map(|lag| (source, target, lag)),
                );
            }
        }
        pairs
    }

    /// Keeps the outcome nearest to independence, the last of equals, for each direction of a pair by itself.
    fn note(&mut self, (source, target, lag): (usize, usize, usize), measured: Measured) {
        let at = self.links.index(source, target, lag);
        if measured.p_value >= self.links.p_values[at] {
            self.links.values[at] = measured.value;
            self.links.p_values[at] = measured.p_value;
        }
    }

    /// Takes a pair of the present out: the p-value that did it counts for both directions.
    fn remove_pair(&mut self, source: usize, target: usize) {
        let (from, to) = (self.links.index(source, target, 0), self.links.index(target, source, 0));
        self.links.p_values[to] = self.links.p_values[from];
    }

    /// Of the two directions of a pair of the present the one nearer to independence stands for both, of equals that of the smaller
    /// column.
    fn share_values(&mut self) {
        for target in 0..self.links.columns() {
            for source in 0..target {
                let (a, b) = (self.links.index(source, target, 0), self.links.index(target, source, 0));
                let (from, to) = if self.links.p_values[a] >= self.links.p_values[b] { (a, b) } else { (b, a) };
                self.links.values[to] = self.links.values[from];
                self.links.p_values[to] = self.links.p_values[from];
            }
        }
    }
}
