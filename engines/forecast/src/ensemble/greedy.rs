//! Greedy weighted ensembles (Caruana, Niculescu-Mizil, Crew and Ksikes 2004): starting with the best member, the
//! member that helps most is added again and again, with replacement; counts become weights.

use atsre_domain::metric::Metric;
use serde::{Deserialize, Serialize};

use super::combination::{Rule, combine, combined_windows};
use super::{common, is_better, member_values, unit, value};
use crate::error::ForecastError;
use crate::job::TrialResult;

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
    let levels = super::shared_levels(trials)?;
    let windows = common(trials, |t| &t.windows);
    let judge =
        |weights: &[f64]| value(objective, &combined_windows(&windows, &Rule::Weights(weights.to_vec()), None), levels);
    let member_values = member_values(trials, &windows, objective)?;
    let (weights, best) = select(&member_values, judge);
    let mut result = combine(trials, &windows, &Rule::Weights(weights.clone()), None)?;
    let used = weights.iter().filter(|w| **w > 0.0).count();
    result.notes = vec![format!("greedy ensemble of {used} of {} trials", trials.len())];
    Ok(Ensemble { result, weights, member_values, value: best })
}

/// Adds members greedily and keeps the best selection seen.
pub(super) fn select(member_values: &[f64], judge: impl Fn(&[f64]) -> Option<f64>) -> (Vec<f64>, f64) {
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

fn shares(counts: &[u32]) -> Vec<f64> {
    let total = f64::from(counts.iter().sum::<u32>());
    counts.iter().map(|c| f64::from(*c) / total).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::WindowForecast;
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
