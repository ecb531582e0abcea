//! What every algorithm has in common: it turns units (rows, or blocks of rows) into a graph.

use std::collections::BTreeMap;

use super::DiscoverError;
use super::progress::Progress;
use crate::independence::Outcome;
use crate::pattern::Pattern;

/// What speaks for an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Evidence {
    pub(super) statistic: f64,
    /// NaN where the algorithm tests nothing.
    pub(super) p_value: f64,
}

/// What an algorithm found.
pub(super) struct Learned {
    /// The graph over the nodes of a window; of an edge over time at least the latest copy.
    pub(super) pattern: Pattern,
    /// What speaks for each pair (smaller, larger), latest copy.
    pub(super) evidence: BTreeMap<(usize, usize), Evidence>,
    /// Tests asked, where the algorithm counts them.
    pub(super) tests: usize,
    /// What has to be said of the run.
    pub(super) notes: Vec<String>,
}

impl Learned {
    /// The graph with the outcomes that PC and FCI keep (`smaller * nodes + larger`).
    pub(super) fn of_outcomes(pattern: Pattern, nearest: &[Option<Outcome>], tests: usize) -> Self {
        let nodes = pattern.nodes();
        let mut evidence = BTreeMap::new();
        for i in 0..nodes {
            for j in pattern.neighbours(i).filter(|j| i < *j) {
                if let Some(outcome) = nearest[i * nodes + j] {
                    evidence.insert((i, j), Evidence { statistic: outcome.statistic, p_value: outcome.p_value });
                }
            }
        }
        Self { pattern, evidence, tests, notes: Vec::new() }
    }

    pub(super) fn empty(nodes: usize) -> Self {
        Self { pattern: Pattern::empty(nodes), evidence: BTreeMap::new(), tests: 0, notes: Vec::new() }
    }
}

/// An algorithm with its data and settings.
pub(super) trait Learner: Sync {
    /// Rows, or blocks of rows, that a bootstrap draws from.
    fn units(&self) -> usize;

    /// What is found in all units, or in units taken so many times each.
    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError>;
}
