//! The rules by which trials are combined.

use atsre_domain::metric::Metric;

use super::combination::{Limits, Rule, combine, combined_windows};
use super::stacking::non_negative_least_squares;
use super::{common, greedy, member_values, shared_levels, unit, value};
use crate::error::ForecastError;
use crate::job::{TrialResult, WindowForecast};

/// Quantiles lie no farther from the median than so many times the largest error that the members' median made on the
/// windows of a series.
const WIDEST: f64 = 3.0;
/// Fewer errors than this say nothing about how far quantiles may lie.
const ENOUGH_ERRORS: usize = 20;
/// Weights of a step are drawn towards those of all steps, as if that many windows had told them.
const STEP_PRIOR: f64 = 10.0;

/// How to combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Equal weights: hard to beat where there are few windows (Clemen 1989).
    Mean,
    /// The median: a member that explodes does no harm.
    Median,
    /// Greedy weights (Caruana and others 2004).
    Greedy,
    /// Greedy weights for each step of the horizon, drawn towards those of all steps.
    GreedyByStep,
    /// Non-negative least squares on the windows' errors in units of each series' scale, made to sum to one.
    Stacking,
}

/// Trials combined by a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// The rule with its weights.
    pub rule: Rule,
    /// The objective over the common windows, of each trial by itself.
    pub member_values: Vec<f64>,
    /// The objective of the combination. Only greedy weights promise never to be worse than the best member.
    pub value: f64,
    /// The combined forecasts, windows and scores. Quantiles ascend and stay within three times the largest past error
    /// of the median.
    pub result: TrialResult,
}

/// Combines trials by a method; `objective` is what greedy weights minimise and what is reported.
///
/// # Errors
/// [`ForecastError::Job`] as for [`super::greedy()`].
pub fn combine_by(method: Method, trials: &[&TrialResult], objective: Metric) -> Result<Combination, ForecastError> {
    let levels = shared_levels(trials)?;
    let windows = common(trials, |t| &t.windows);
    let member_values = member_values(trials, &windows, objective)?;
    let count = trials.len();
    let rule = match method {
        Method::Mean => Rule::Weights(vec![1.0 / count as f64; count]),
        Method::Median => Rule::Median,
        Method::Greedy => Rule::Weights(greedy_weights(&windows, &member_values, objective, levels)),
        Method::GreedyByStep => by_step(&windows, &member_values, objective, levels),
        Method::Stacking => Rule::Weights(stacked(&windows, count)),
    };
    let limits = limits(&windows);
    let value = value(objective, &combined_windows(&windows, &rule, Some((&limits, levels))), levels)
        .ok_or_else(|| ForecastError::Job(format!("the combination has no {}", objective.name())))?;
    let mut result = combine(trials, &windows, &rule, Some(&limits))?;
    result.notes = vec![format!("{count} trials combined by {}", method.name())];
    Ok(Combination { rule, member_values, value, result })
}

impl Method {
    /// In words: `greedy weights`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "their mean",
            Self::Median => "their median",
            Self::Greedy => "greedy weights",
            Self::GreedyByStep => "greedy weights for each step",
            Self::Stacking => "stacking",
        }
    }
}

fn greedy_weights(
    windows: &[Vec<&WindowForecast>],
    member_values: &[f64],
    objective: Metric,
    levels: &[f64],
) -> Vec<f64> {
    let judge =
        |weights: &[f64]| value(objective, &combined_windows(windows, &Rule::Weights(weights.to_vec()), None), levels);
    greedy::select(member_values, judge).0
}

/// Greedy weights found on each step by itself, mixed with those of all steps.
fn by_step(windows: &[Vec<&WindowForecast>], member_values: &[f64], objective: Metric, levels: &[f64]) -> Rule {
    let whole = greedy_weights(windows, member_values, objective, levels);
    let horizon = windows.first().map_or(0, |w| w[0].mean.len());
    let trust = windows.len() as f64 / (windows.len() as f64 + STEP_PRIOR);
    let members = member_values.len();
    let rows = (0..horizon)
        .map(|h| {
            let cut: Vec<Vec<WindowForecast>> =
                windows.iter().map(|w| w.iter().map(|m| at_step(m, h)).collect()).collect();
            let cut: Vec<Vec<&WindowForecast>> = cut.iter().map(|w| w.iter().collect()).collect();
            let alone =
                |i: usize| value(objective, &combined_windows(&cut, &Rule::Weights(unit(members, i)), None), levels);
            let values: Option<Vec<f64>> = (0..members).map(alone).collect();
            // A step at which nothing was observed has no weights of its own.
            let Some(values) = values else { return whole.clone() };
            let own = greedy_weights(&cut, &values, objective, levels);
            own.iter().zip(&whole).map(|(own, all)| trust * own + (1.0 - trust) * all).collect()
        })
        .collect();
    Rule::StepWeights(rows)
}

fn at_step(window: &WindowForecast, h: usize) -> WindowForecast {
    WindowForecast {
        actual: vec![window.actual[h]],
        mean: vec![window.mean[h]],
        quantiles: window.quantiles.iter().map(|row| vec![row[h]]).collect(),
        ..window.clone()
    }
}

/// Stacking weights; equal ones where the windows give none.
fn stacked(windows: &[Vec<&WindowForecast>], members: usize) -> Vec<f64> {
    let mut gram = vec![vec![0.0; members]; members];
    let mut right = vec![0.0; members];
    for window in windows {
        let scale = window[0].squared_scale.unwrap_or(1.0);
        for (h, y) in window[0].actual.iter().enumerate().filter(|(_, y)| y.is_finite()) {
            for i in 0..members {
                right[i] += window[i].mean[h] * y / scale;
                for j in 0..members {
                    gram[i][j] += window[i].mean[h] * window[j].mean[h] / scale;
                }
            }
        }
    }
    let weights = non_negative_least_squares(&gram, &right);
    let total: f64 = weights.iter().sum();
    if total > 0.0 && total.is_finite() {
        weights.iter().map(|w| w / total).collect()
    } else {
        vec![1.0 / members as f64; members]
    }
}

/// How far quantiles may lie from the median, by series: from the errors of the members' median on all windows.
fn limits(windows: &[Vec<&WindowForecast>]) -> Limits {
    let mut errors: std::collections::BTreeMap<String, (f64, usize)> = std::collections::BTreeMap::new();
    for window in combined_windows(windows, &Rule::Median, None) {
        let entry = errors.entry(window.item_id).or_insert((0.0, 0));
        for error in window.actual.iter().zip(&window.mean).map(|(y, f)| (y - f).abs()).filter(|e| e.is_finite()) {
            *entry = (entry.0.max(error), entry.1 + 1);
        }
    }
    let enough = errors.into_iter().filter(|(_, (largest, count))| *count >= ENOUGH_ERRORS && *largest > 0.0);
    enough.map(|(item, (largest, _))| (item, WIDEST * largest)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const METHODS: [Method; 5] = [Method::Mean, Method::Median, Method::Greedy, Method::GreedyByStep, Method::Stacking];

    /// A trial of several windows; every window has these errors at its steps, around a value that varies.
    fn trial(windows: u32, errors: &[f64], width: f64) -> TrialResult {
        let window = |i: u32| {
            let actual: Vec<f64> = (0..errors.len()).map(|h| 10.0 + f64::from(i) + h as f64).collect();
            let mean: Vec<f64> = actual.iter().zip(errors).map(|(y, e)| y + e).collect();
            let shifted = |by: f64| mean.iter().map(|m| m + by).collect();
            WindowForecast {
                window: i,
                item_id: "a".to_string(),
                origin: 10 + u64::from(i),
                quantiles: vec![shifted(-width), mean.clone(), shifted(width)],
                actual,
                mean,
                absolute_scale: Some(1.0),
                squared_scale: Some(1.0),
            }
        };
        TrialResult {
            forecasts: Vec::new(),
            windows: (0..windows).map(window).collect(),
            test: Vec::new(),
            scores: Vec::new(),
            quantile_levels: vec![0.1, 0.5, 0.9],
            notes: Vec::new(),
        }
    }

    #[test]
    fn each_rule_does_what_it_says() {
        // given members that err by 1, 1 and −8
        let trials = [trial(12, &[1.0, 1.0], 1.0), trial(12, &[1.0, 1.0], 1.0), trial(12, &[-8.0, -8.0], 1.0)];
        let trials: Vec<&TrialResult> = trials.iter().collect();
        let value = |method| combine_by(method, &trials, Metric::Mae).unwrap().value;
        // then the mean errs by 2, the median by 1, and greedy weights cancel the errors nearly
        assert!((value(Method::Mean) - 2.0).abs() < 1e-9);
        assert!((value(Method::Median) - 1.0).abs() < 1e-9);
        assert!(value(Method::Greedy) < 0.1, "{}", value(Method::Greedy));
    }

    #[test]
    fn weights_for_each_step_use_who_is_good_there() {
        // given one member that is right at the first step only and one at the second only
        let trials = [trial(90, &[0.0, 4.0], 1.0), trial(90, &[4.0, 0.0], 1.0)];
        let trials: Vec<&TrialResult> = trials.iter().collect();
        let by_step = combine_by(Method::GreedyByStep, &trials, Metric::Mae).unwrap();
        let whole = combine_by(Method::Greedy, &trials, Metric::Mae).unwrap();
        // then they are better than weights for all steps
        assert!(by_step.value < 0.5 && whole.value > 1.9, "{} {}", by_step.value, whole.value);
        let Rule::StepWeights(rows) = by_step.rule else { unreachable!("the rule has weights for each step") };
        assert!(rows.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
    }

    #[test]
    fn stacking_finds_the_weights_that_make_the_actual_values() {
        // given members at −1 and +3 of what happened: three quarters and one quarter are exact
        let trials = [trial(30, &[-1.0, -1.0], 1.0), trial(30, &[3.0, 3.0], 1.0)];
        let trials: Vec<&TrialResult> = trials.iter().collect();
        let stacked = combine_by(Method::Stacking, &trials, Metric::Rmse).unwrap();
        assert!(stacked.value < 0.01, "{}", stacked.value);
    }

    #[test]
    fn quantiles_ascend_and_an_explosion_is_bounded() {
        // given two members, one with intervals a million wide, whose errors are 1
        let trials = [trial(12, &[1.0, 1.0], 1.0), trial(12, &[1.0, 1.0], 1e6)];
        let trials: Vec<&TrialResult> = trials.iter().collect();
        for method in METHODS {
            let combination = combine_by(method, &trials, Metric::Mae).unwrap();
            for window in &combination.result.windows {
                for h in 0..2 {
                    let column: Vec<f64> = window.quantiles.iter().map(|row| row[h]).collect();
                    assert!(column.is_sorted(), "{method:?}");
                    // then no quantile is farther from the median than three times that error
                    assert!(column[2] - column[1] <= 3.0 + 1e-9, "{method:?} {column:?}");
                }
            }
        }
    }

    #[test]
    fn one_member_comes_back_as_it_was() {
        let alone = trial(5, &[0.5, -0.5], 1.0);
        for method in METHODS {
            let combination = combine_by(method, &[&alone], Metric::Mae).unwrap();
            for (got, expect) in combination.result.windows.iter().zip(&alone.windows) {
                for (g, e) in got.mean.iter().zip(&expect.mean) {
                    assert!((g - e).abs() < 1e-9, "{method:?}");
                }
            }
        }
        assert!(combine_by(Method::Mean, &[], Metric::Mae).is_err());
    }
}
