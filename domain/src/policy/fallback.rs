//! What is run when nothing else is, and before anything else is.

use std::collections::BTreeMap;

use crate::experiment::Budget;
use crate::model::{Device, Limits, ModelSpec, Setting};

/// The yardstick: seasonal naive with the strongest season, or naive where there is none.
#[must_use]
pub fn baseline(season_length: u32, non_negative: bool) -> ModelSpec {
    let seasonal = season_length > 1;
    let mut hyperparameters = BTreeMap::new();
    if seasonal {
        hyperparameters.insert("season_length".to_owned(), Setting::Integer(i64::from(season_length)));
    }
    hyperparameters.insert("non_negative".to_owned(), Setting::Flag(non_negative));
    ModelSpec {
        framework: "atsre".to_owned(),
        model: if seasonal { "seasonal-naive" } else { "naive" }.to_owned(),
        hyperparameters,
        covariates: Vec::new(),
        device: Device::Cpu,
    }
}

/// What the baseline may use: it has to end early, whatever the budget.
#[must_use]
pub fn baseline_limits(budget: &Budget) -> Limits {
    // A quarter of the time, so that even a baseline that hangs leaves the others theirs.
    let deadline_ms = (budget.wall_ms / 4).clamp(5_000, 60_000).min(budget.wall_ms);
    Limits { memory_bytes: budget.trial_memory_bytes, deadline_ms, threads: 1 }
}
