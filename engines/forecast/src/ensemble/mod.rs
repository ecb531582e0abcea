//! Several trials of the same data made into one.
//!
//! [`greedy`] finds weights by adding the member that helps most (Caruana and others 2004). [`combine_by`] offers that and
//! the other rules, which need less evidence (mean, median) or use more of it (weights for each step, stacking).

mod combination;
mod greedy;
mod rules;
mod stacking;

use atsre_domain::metric::Metric;

use crate::error::ForecastError;
use crate::job::{TrialResult, WindowForecast};
use crate::metrics;
use combination::{Rule, combined_windows};

pub use combination::Rule as CombinationRule;
pub use greedy::{Ensemble, greedy};
pub use rules::{Combination, Method, combine_by};

/// The levels that all trials have.
fn shared_levels<'a>(trials: &[&'a TrialResult]) -> Result<&'a [f64], ForecastError> {
    let first = trials.first().ok_or_else(|| ForecastError::Job("an ensemble needs at least one trial".to_string()))?;
    if trials.iter().any(|t| t.quantile_levels != first.quantile_levels) {
        return Err(ForecastError::Job("the trials of an ensemble must share their quantile levels".to_string()));
    }
    Ok(&first.quantile_levels)
}

/// The objective of each trial by itself over the common windows.
fn member_values(
    trials: &[&TrialResult],
    windows: &[Vec<&WindowForecast>],
    objective: Metric,
) -> Result<Vec<f64>, ForecastError> {
    let levels = shared_levels(trials)?;
    (0..trials.len())
        .map(|i| {
            let alone = combined_windows(windows, &Rule::Weights(unit(trials.len(), i)), None);
            value(objective, &alone, levels).ok_or_else(|| {
                ForecastError::Job(format!(
                    "trial {i} of the ensemble has no {} over the common backtest windows",
                    objective.name()
                ))
            })
        })
        .collect()
}

/// Whether a value is smaller by more than rounding: averages of equal forecasts differ in their last bits.
fn is_better(value: f64, than: f64) -> bool {
    value < than - 1e-9 * than.abs()
}

fn unit(members: usize, member: usize) -> Vec<f64> {
    let mut weights = vec![0.0; members];
    weights[member] = 1.0;
    weights
}

fn value(objective: Metric, windows: &[WindowForecast], levels: &[f64]) -> Option<f64> {
    let (value, _) = metrics::score(objective, windows, levels)?;
    if objective == Metric::Coverage {
        let nominal = levels.last()? - levels.first()?;
        return Some((value - nominal).abs());
    }
    Some(value)
}

/// The windows that every trial has: for each, the trials' forecasts in order. Ordered as in the first trial.
fn common<'a>(
    trials: &[&'a TrialResult],
    part: impl Fn(&'a TrialResult) -> &'a Vec<WindowForecast>,
) -> Vec<Vec<&'a WindowForecast>> {
    let key = |w: &'a WindowForecast| (w.origin, w.item_id.as_str(), w.mean.len());
    let indices: Vec<std::collections::BTreeMap<_, _>> =
        trials.iter().map(|t| part(t).iter().map(|w| (key(w), w)).collect()).collect();
    let Some(first) = trials.first() else {
        return Vec::new();
    };
    part(first).iter().filter_map(|w| indices.iter().map(|index| index.get(&key(w)).copied()).collect()).collect()
}
