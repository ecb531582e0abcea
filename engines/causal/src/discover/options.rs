//! What a caller may decide.

use atsre_domain::graph::BackgroundKnowledge;

use super::{Algorithm, DiscoverError, TestChoice};
use crate::pc::Mode;
use crate::subsets::choose;

/// Over time, depth is limited so that a graph from which no edge could be removed would cost about this many tests.
pub(super) const TESTS_MAX: f64 = 1e7;

/// How to discover. The default leaves every choice to the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoverOptions {
    /// The algorithm; `None`: chosen from the data.
    pub algorithm: Option<Algorithm>,
    /// The test of independence, for the algorithms that ask one; `None`: chosen from the data.
    pub test: Option<TestChoice>,
    /// Level of the independence tests: an edge goes when `p > alpha`.
    pub alpha: f64,
    /// The longest lag in steps; `None`: chosen from the data.
    pub max_lag: Option<u32>,
    /// The largest conditioning set; `None`: as large as stays affordable.
    pub max_depth: Option<usize>,
    /// What is known beforehand.
    pub knowledge: BackgroundKnowledge,
    /// The column whose drivers are wanted; `None`: the panel's target, or none for rows.
    pub target: Option<String>,
    /// Bootstrap replicates for the confidence of edges; 0: no confidence.
    pub bootstrap: u32,
    /// Seed of the bootstrap, of the kernel test's features and of ICA's start.
    pub seed: u64,
    /// Whether algorithms follow their papers and keep knowledge as an invariant, or answer as the reference
    /// implementations do to the letter. The setting inside [`Mode::Compatible`] is PC's.
    pub mode: Mode,
    /// Seasons in steps, as a profile found them; `None`: those that the calendar suggests; empty: none.
    pub season_lengths: Option<Vec<u32>>,
}

impl Default for DiscoverOptions {
    fn default() -> Self {
        Self {
            algorithm: None,
            test: None,
            alpha: 0.01,
            max_lag: None,
            max_depth: None,
            knowledge: BackgroundKnowledge::default(),
            target: None,
            bootstrap: 20,
            seed: 0,
            mode: Mode::Default,
            season_lengths: None,
        }
    }
}

impl DiscoverOptions {
    pub(super) fn check(&self) -> Result<(), DiscoverError> {
        if self.alpha > 0.0 && self.alpha < 1.0 { Ok(()) } else { Err(DiscoverError::Level(self.alpha)) }
    }

    pub(super) fn compatible(&self) -> bool {
        self.mode != Mode::Default
    }

    /// The largest conditioning set for `pairs` pairs of nodes with at most `neighbours` others each: the one asked for,
    /// or the largest with which a graph that loses no edge costs no more than `most` tests. `None`: no limit is needed.
    pub(super) fn depth(&self, pairs: usize, neighbours: usize, most: f64) -> Option<usize> {
        self.max_depth.or_else(|| {
            let mut tests = 0.0;
            (0..neighbours).find(|depth| {
                tests += pairs as f64 * 2.0 * choose(neighbours - 1, depth + 1);
                tests > most
            })
        })
    }
}
