//! What a selection may spend, in seconds as the catalogue declares them.

use atsre_domain::catalogue::DeclaredCost;

/// Declared seconds for each fit where the user says nothing, and for each series on top.
const DEFAULT_SECONDS: (f64, f64) = (30.0, 0.6);

/// A purse of declared seconds: never of measured ones, which differ from run to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    left: f64,
}

impl Budget {
    /// A budget of so many declared seconds; 0 for what so many series are worth.
    pub(super) fn new(seconds: f64, series: usize) -> Self {
        let own = DEFAULT_SECONDS.0 + DEFAULT_SECONDS.1 * series as f64;
        Self { left: if seconds > 0.0 { seconds } else { own } }
    }

    /// Whether so much is left.
    pub(super) fn affords(&self, seconds: f64) -> bool {
        seconds <= self.left
    }

    /// Takes what was spent; what is left may become nothing, never less.
    pub(super) fn spend(&mut self, seconds: f64) {
        self.left = (self.left - seconds).max(0.0);
    }
}

/// What `fits` fits of `observations` observations each cost together.
pub(super) fn declared_seconds(cost: &DeclaredCost, observations: usize, fits: usize) -> f64 {
    cost.fixed_seconds + cost.seconds_per_million * observations as f64 * fits as f64 / 1e6
}
