//! Which model answers to which.

use serde_json::{Value, json};

/// A model of ours beside one of statsforecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Its name in our catalogue.
    pub ours: &'static str,
    /// Its name in statsforecast.
    pub theirs: &'static str,
    /// How many times the peer's speed is asked for, where any is.
    pub bar: Option<f64>,
}

const fn pair(ours: &'static str, theirs: &'static str, bar: Option<f64>) -> Pair {
    Pair { ours, theirs, bar }
}

/// What the speed table compares.
pub const SPEED: [Pair; 6] = [
    pair("auto-ets", "AutoETS", Some(20.0)),
    pair("auto-arima", "AutoARIMA", Some(20.0)),
    pair("dynamic-optimized-theta", "DynamicOptimizedTheta", Some(10.0)),
    pair("auto-ces", "AutoCES", Some(10.0)),
    pair("mstl", "MSTL", Some(20.0)),
    pair("theta", "Theta", Some(5.0)),
];

/// The four whose median is the ensemble to beat.
pub const FOUR: [Pair; 4] = [
    pair("auto-ets", "AutoETS", None),
    pair("auto-ces", "AutoCES", None),
    pair("auto-theta", "AutoTheta", None),
    pair("auto-arima", "AutoARIMA", None),
];

/// What every group has to do at least as well as.
pub const SEASONAL_NAIVE: Pair = pair("seasonal-naive", "SeasonalNaive", None);

impl Pair {
    /// Whether the model applies to series of such a season: without a season there is nothing to decompose.
    #[must_use]
    pub fn applies(&self, season: usize) -> bool {
        self.theirs != "MSTL" || season > 1
    }

    /// The seasons that the peer is given: those that ours takes by itself.
    #[must_use]
    pub fn seasons(&self, season: usize) -> Vec<usize> {
        if self.theirs == "MSTL" && season == 24 { vec![24, 168] } else { vec![season] }
    }

    /// The peer's settings that are not its defaults.
    #[must_use]
    pub fn arguments(&self, season: usize) -> Value {
        // Without the approximation one hourly series takes minutes.
        if self.theirs == "AutoARIMA" && season >= 24 { json!({"approximation": true}) } else { json!({}) }
    }
}
