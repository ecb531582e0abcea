//! Greedy weighted ensembles (Caruana, Niculescu-Mizil, Crew and Ksikes 2004): starting with the best member, the
//! member that helps most is added again and again, with replacement; counts become weights.

use atsre_domain::metric::{Metric, Split};
use serde::{Deserialize, Serialize};

use crate::calibration;
use crate::error::ForecastError;
use crate::forecaster::SeriesForecast;
use crate::job::{TrialResult, WindowForecast};
use crate::metrics;

/// How many members are added at most, so that no weight above zero is below 1/25.
const ROUNDS: usize = 25;

/// An ensemble over trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// One weight for each trial, in the order given; they sum to 1, and trials that do not help have 0.
    pub weights: Vec<f64>,
    /// The objective over the common backtest windows, of each trial by itself.
    pub member_values: Vec<f64>,
    /// The objective of the ensemble, never worse than the best of `member_values`.
    pub value: f64,
    /// Weighted means of means and of quantiles at each level, with their scores.
    pub result: TrialResult,
}

/// Finds weights by the `objective` over the backtest windows that all trials share, and combines the trials.
///
/// Smaller is better for every objective; for [`Metric::Coverage`] the objective is the distance to the nominal
/// coverage of the outermost levels. Ties go to the trial that comes first, so the same trials in the same order give
/// the same bits.
///
/// # Errors
/// [`ForecastError::Job`] where there is no trial, the trials have other levels, series or horizons than one another,
/// no common window, or a window on which the objective is undefined for a trial.
pub fn greedy(trials: &[&TrialResult], objective: Metric) -> Result<Ensemble, ForecastError> {
    let first = trials.first().ok_or_else(|| ForecastError::Job("an ensemble needs at least one trial".to_string()))?;
    if trials.iter().any(|t| t.quantile_levels != first.quantile_levels) {
        return Err(ForecastError::Job("the trials of an ensemble must share their quantile levels".to_string()));
    }
    let levels = &first.quantile_levels;
    let windows = common(trials, |t| &t.windows);
    let judge = |weights: &[f64]| value(objective, &combined_windows(&windows, weights), levels);
    let member_values = (0..trials.len())
        .map(|i| {
            judge(&unit(trials.len(), i)).ok_or_else(|| {
                ForecastError::Job(format!(
                    "trial {i} of the ensemble has no {} over the common backtest windows",
                    objective.name()
                ))
            })
        })
        .collect::<Result<Vec<f64>, _>>()?;
    let (weights, best) = select(&member_values, judge);
    Ok(Ensemble { result: combine(trials, &windows, &weights)?, weights, member_values, value: best })
}

/// Adds members greedily and keeps the best selection seen.
fn select(member_values: &[f64], judge: impl Fn(&[f64]) -> Option<f64>) -> (Vec<f64>, f64) {
    let members = member_values.len();
    let start = (0..members).fold(0, |best, i| if member_values[i] < member_values[best] { i } else { best });
    let mut counts = vec![0_u32; members];
    counts[start] = 1;
    let mut best = (unit(members, start), member_values[start]);
    for _ in 1..ROUNDS {
        let mut round: Option<(usize, f64)> = None;
        for i in 0..members {
            counts[i] += 1;
            let candidate = judge(&shares(&counts));
            counts[i] -= 1;
            if let Some(candidate) = candidate
                && round.is_none_or(|(_, value)| is_better(candidate, value))
            {
                round = Some((i, candidate));
            }
        }
        let Some((member, value)) = round else { break };
        counts[member] += 1;
        if is_better(value, best.1) {
            best = (shares(&counts), value);
        }
    }
    best
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

fn shares(counts: &[u32]) -> Vec<f64> {
    let total = f64::from(counts.iter().sum::<u32>());
    counts.iter().map(|c| f64::from(*c) / total).collect()
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

fn combined_windows(windows: &[Vec<&WindowForecast>], weights: &[f64]) -> Vec<WindowForecast> {
    let one = |members: &Vec<&WindowForecast>| {
        let mut combined = members[0].clone();
        combined.mean = weighted(members.iter().map(|m| m.mean.as_slice()), weights);
        combined.quantiles =
            weighted_rows(&members.iter().map(|m| m.quantiles.as_slice()).collect::<Vec<_>>(), weights);
        combined
    };
    windows.iter().map(one).collect()
}

/// Σ w x over the members with a weight; a single member of weight 1 comes back bit for bit.
fn weighted<'a>(members: impl Iterator<Item = &'a [f64]>, weights: &[f64]) -> Vec<f64> {
    let mut sum: Vec<f64> = Vec::new();
    for (values, weight) in members.zip(weights).filter(|(_, w)| **w > 0.0) {
        if sum.is_empty() {
            sum = values.iter().map(|v| weight * v).collect();
        } else {
            sum.iter_mut().zip(values).for_each(|(s, v)| *s += weight * v);
        }
    }
    sum
}

fn weighted_rows(members: &[&[Vec<f64>]], weights: &[f64]) -> Vec<Vec<f64>> {
    let rows = members.first().map_or(0, |m| m.len());
    let mut combined: Vec<Vec<f64>> =
        (0..rows).map(|row| weighted(members.iter().map(|m| m[row].as_slice()), weights)).collect();
    // Averages of ascending values ascend up to rounding.
    calibration::make_monotone(&mut combined);
    combined
}

fn combine(
    trials: &[&TrialResult],
    windows: &[Vec<&WindowForecast>],
    weights: &[f64],
) -> Result<TrialResult, ForecastError> {
    let levels = trials[0].quantile_levels.clone();
    let forecasts = (0..trials[0].forecasts.len())
        .map(|i| {
            let members: Option<Vec<&SeriesForecast>> = trials.iter().map(|t| t.forecasts.get(i)).collect();
            let members = members
                .filter(|m| m.iter().all(|f| f.item_id == m[0].item_id && f.times == m[0].times))
                .ok_or_else(|| {
                    let item = &trials[0].forecasts[i].item_id;
                    ForecastError::Job(format!(
                        "the trials of an ensemble do not all forecast the same steps of series `{item}`"
                    ))
                })?;
            Ok(SeriesForecast {
                item_id: members[0].item_id.clone(),
                times: members[0].times.clone(),
                mean: weighted(members.iter().map(|m| m.mean.as_slice()), weights),
                quantiles: weighted_rows(&members.iter().map(|m| m.quantiles.as_slice()).collect::<Vec<_>>(), weights),
            })
        })
        .collect::<Result<Vec<_>, ForecastError>>()?;
    let windows = combined_windows(windows, weights);
    let test = combined_windows(&common(trials, |t| &t.test), weights);
    let mut scores = metrics::scores(&windows, &levels, Split::Backtest);
    scores.extend(metrics::scores(&test, &levels, Split::Test));
    let used = weights.iter().filter(|w| **w > 0.0).count();
    let notes = vec![format!("greedy ensemble of {used} of {} trials", trials.len())];
    Ok(TrialResult { forecasts, windows, test, scores, quantile_levels: levels, notes })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trial(windows: &[&[f64]], actual: &[f64]) -> TrialResult {
        let window = |(i, mean): (usize, &&[f64])| WindowForecast {
            window: i as u32,
            item_id: "a".to_string(),
            origin: 10 + i as u64,
            actual: actual.to_vec(),
            mean: mean.to_vec(),
            quantiles: vec![mean.iter().map(|m| m - 1.0).collect(), mean.iter().map(|m| m + 1.0).collect()],
            absolute_scale: Some(1.0),
            squared_scale: Some(1.0),
        };
        TrialResult {
            forecasts: Vec::new(),
            windows: windows.iter().enumerate().map(window).collect(),
            test: Vec::new(),
            scores: Vec::new(),
            quantile_levels: vec![0.1, 0.9],
            notes: Vec::new(),
        }
    }

    #[test]
    fn opposite_errors_cancel() {
        let high = trial(&[&[12.0, 12.0]], &[10.0, 10.0]);
        let low = trial(&[&[8.0, 8.0]], &[10.0, 10.0]);
        let ensemble = greedy(&[&high, &low], Metric::Mae).unwrap();
        assert_eq!(ensemble.weights, vec![0.5, 0.5]);
        assert!(ensemble.value.abs() < 1e-12);
        assert_eq!(ensemble.member_values, vec![2.0, 2.0]);
        assert_eq!(ensemble.result.windows[0].mean, vec![10.0, 10.0]);
        assert_eq!(ensemble.result.windows[0].quantiles, vec![vec![9.0, 9.0], vec![11.0, 11.0]]);
    }

    #[test]
    fn ties_go_to_the_first() {
        let one = trial(&[&[11.0]], &[10.0]);
        let ensemble = greedy(&[&one, &one.clone()], Metric::Mae).unwrap();
        assert_eq!(ensemble.weights, vec![1.0, 0.0]);
    }

    #[test]
    fn only_common_windows_are_judged() {
        let long = trial(&[&[11.0], &[90.0]], &[10.0]);
        let short = trial(&[&[13.0]], &[10.0]);
        let ensemble = greedy(&[&long, &short], Metric::Mae).unwrap();
        assert_eq!(ensemble.member_values, vec![1.0, 3.0]);
        assert_eq!(ensemble.result.windows.len(), 1);
    }

    #[test]
    fn trials_that_do_not_fit_together_are_refused() {
        let one = trial(&[&[11.0]], &[10.0]);
        let mut other = one.clone();
        other.quantile_levels = vec![0.2, 0.8];
        assert!(greedy(&[&one, &other], Metric::Mae).is_err());
        assert!(greedy(&[], Metric::Mae).is_err());
        assert!(greedy(&[&one, &trial(&[], &[10.0])], Metric::Mae).is_err());
    }

    proptest! {
        #[test]
        fn never_worse_than_the_best_member(
            means in prop::collection::vec(prop::collection::vec(-50.0..50.0_f64, 6), 1..5),
            actual in prop::collection::vec(-50.0..50.0_f64, 3),
            objective in prop::sample::select(vec![Metric::Mae, Metric::Rmse, Metric::Mase, Metric::Wql, Metric::Smape]),
        ) {
            let trials: Vec<_> = means.iter().map(|m| trial(&[&m[..3], &m[3..]], &actual)).collect();
            let references: Vec<_> = trials.iter().collect();
            let ensemble = greedy(&references, objective).unwrap();
            let best = ensemble.member_values.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(ensemble.value <= best);
            prop_assert!((ensemble.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(ensemble.weights.iter().all(|w| *w >= 0.0));
            let again = value(objective, &ensemble.result.windows, &[0.1, 0.9]).unwrap();
            prop_assert_eq!(again.to_bits(), ensemble.value.to_bits());
        }
    }
}
