//! The selection as a [`Forecaster`].

use std::collections::BTreeMap;

use atsre_domain::model::ModelSpec;

use super::budget::{Budget, declared_seconds};
use super::candidates::{Candidate, Situation, candidates};
use super::evaluation::{Evaluation, Trial, forecasts, is_intermittent, offsets};
use super::periods;
use crate::calibration::{Calibrator, Trajectory, limit_spread, make_monotone};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::models::fallback;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::view::{SeriesView, TrainingView};

/// A candidate whose windows cost more than this share of the budget is tried on the latest window first.
const COSTLY_SHARE: f64 = 0.05;
/// A costly candidate that errs so many times as much as the best so far is not tried further.
const HOPELESS: f64 = 2.5;
/// Weights below this are not worth a fit.
const LEAST_WEIGHT: f64 = 0.02;
/// A forecast farther outside the history's range than so many times that range is not believed while others are closer.
const FARTHEST: f64 = 3.0;
/// Quantiles lie no farther from the median than so many times the largest error on the windows, or than the history's
/// range where that is more.
const WIDEST: f64 = 3.0;
/// Candidates that share a series equally where no window judges anything, the first that there are of them.
const STANDARD: [&str; 4] = ["auto-ets", "dynamic-optimized-theta", "theta", "naive"];
/// How many of those.
const STANDARD_MEMBERS: usize = 2;

/// The default forecaster.
#[derive(Debug)]
struct Auto {
    budget_seconds: f64,
    season_setting: usize,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    /// Forecasts by the series' index in the panel, with the origins that they start from.
    forecasts: BTreeMap<usize, (usize, SeriesForecast)>,
    notes: Vec<String>,
}

/// Builds the forecaster.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::AUTO)?, spec)?;
    Ok(Box::new(Auto {
        budget_seconds: settings.number("budget_seconds", 0.0..=1e9)?,
        season_setting: settings.size("season_length", 0..=1_000_000)?,
        fitted: None,
    }))
}

impl Forecaster for Auto {
    fn name(&self) -> &'static str {
        catalogue::AUTO
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, _horizon: usize, _season_length: usize) -> usize {
        1
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let season_length = if self.season_setting > 0 { self.season_setting } else { task.season_length.max(1) };
        let task = FitTask { season_length, ..*task };
        let registry = Registry::classical();
        let selection = Selection::run(&registry, &task, self.budget_seconds)?;
        self.fitted = Some(selection.finish(&registry, &task)?);
        task.progress.report(1.0, "done");
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(catalogue::AUTO.to_string()))?;
        request
            .view
            .iter()
            .map(|series| {
                let found = fitted.forecasts.get(&series.index()).filter(|(origin, forecast)| {
                    *origin == series.origin()
                        && forecast.mean.len() == request.horizon
                        && forecast.quantiles.len() == request.quantile_levels.len()
                });
                found.map(|(_, forecast)| forecast.clone()).ok_or_else(|| {
                    ForecastError::Job(format!(
                        "auto was not fitted for this forecast of series `{}` after {} observations; fit it on the same view",
                        series.item_id(),
                        series.origin()
                    ))
                })
            })
            .collect()
    }

    fn notes(&self) -> Vec<String> {
        self.fitted.as_ref().map_or_else(Vec::new, |f| f.notes.clone())
    }
}

/// Candidates that were judged, with their weights.
struct Selection {
    candidates: Vec<Candidate>,
    evaluation: Evaluation,
    weights: Vec<Vec<f64>>,
    notes: Vec<String>,
}

impl Selection {
    fn run(registry: &Registry, task: &FitTask<'_>, budget_seconds: f64) -> Result<Self, ForecastError> {
        let view = task.view;
        let mut lengths: Vec<usize> = view.iter().map(|s| gaps::usable_length(s.target())).collect();
        let observations = lengths.iter().sum();
        lengths.sort_unstable();
        let typical_length = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        let situation = Situation {
            season_length: task.season_length,
            more_seasons: periods::longer(view, task.season_length),
            series: view.len(),
            typical_length,
            intermittent: view.iter().any(|s| is_intermittent(s.target())),
        };
        let mut budget = Budget::new(budget_seconds, view.len());
        let offsets = offsets(typical_length, task.horizon, task.season_length);
        let windows = offsets.len();
        let mut evaluation = Evaluation::new(offsets);
        let (mut judged, mut too_dear) = (Vec::new(), Vec::new());
        let all = candidates(registry, &situation);
        let count = all.len();
        for (i, candidate) in all.into_iter().enumerate() {
            let whole = declared_seconds(&candidate.cost, observations, windows + 1);
            if evaluation.board.nothing_left_to_gain() {
                break;
            }
            // The cheapest is always there: a budget too small for it would leave nothing.
            if i > 0 && !budget.affords(whole) {
                too_dear.push(candidate.label);
                continue;
            }
            task.progress.report(0.9 * i as f64 / count as f64, &candidate.label);
            evaluation.open(view.len());
            let costly = !budget.affords(whole / COSTLY_SHARE);
            evaluation.judge(&candidate, registry, task, 0)?;
            let lag = evaluation.board.lag_behind(evaluation.board.rows.len() - 1, 0);
            if costly && windows > 1 && lag.is_some_and(|lag| lag > HOPELESS) {
                budget.spend(declared_seconds(&candidate.cost, observations, 1));
            } else {
                for window in 1..windows {
                    evaluation.judge(&candidate, registry, task, window)?;
                }
                budget.spend(whole);
            }
            judged.push(candidate);
        }
        let standard: Vec<usize> = STANDARD
            .iter()
            .filter_map(|name| judged.iter().position(|c| c.label == *name))
            .take(STANDARD_MEMBERS)
            .collect();
        let weights = evaluation.board.weights(view.len(), &standard);
        let mut notes = vec![format!("auto judged {} candidates on up to {windows} windows", judged.len())];
        if !too_dear.is_empty() {
            notes.push(format!("left out, as the budget did not reach: {}", too_dear.join("; ")));
        }
        Ok(Self { candidates: judged, evaluation, weights, notes })
    }

    /// Fits the candidates that have weight on the whole history and combines them.
    fn finish(mut self, registry: &Registry, task: &FitTask<'_>) -> Result<Fitted, ForecastError> {
        let view = task.view;
        let mut members: Vec<Vec<(f64, SeriesForecast)>> = vec![Vec::new(); view.len()];
        let mut shares = vec![0.0; self.candidates.len()];
        for (c, candidate) in self.candidates.iter().enumerate() {
            let wanted = |place: usize| self.weights[place][c] >= LEAST_WEIGHT;
            if !(0..view.len()).any(wanted) {
                continue;
            }
            task.progress.report(0.9 + 0.1 * c as f64 / self.candidates.len() as f64, &candidate.label);
            let needed = candidate.build(registry)?.minimum_length(task.horizon, task.season_length).max(1);
            let places: BTreeMap<usize, usize> = view.iter().enumerate().map(|(p, s)| (s.index(), p)).collect();
            let (part, places) = view.earlier(0, |s| {
                gaps::usable_length(s.target()) >= needed && (candidate.global || wanted(places[&s.index()]))
            });
            for (place, forecast) in places.into_iter().zip(forecasts(candidate, registry, task, &part)?) {
                if let Some(forecast) = forecast.filter(|_| wanted(place)) {
                    shares[c] += self.weights[place][c] / view.len() as f64;
                    members[place].push((self.weights[place][c], forecast));
                }
            }
        }
        self.describe(&shares);
        let calibrator = self.calibrator(task);
        let mut finished = BTreeMap::new();
        for (place, members) in members.into_iter().enumerate() {
            let series = view.series(place);
            let mut forecast = match combined(believable(members, &series)) {
                Some(forecast) => forecast,
                None => last_value(task, &series)?,
            };
            calibrator.apply(&mut forecast.quantiles);
            limit_spread(task.quantile_levels, &mut forecast.quantiles, self.widest(place, &series, task));
            make_monotone(&mut forecast.quantiles);
            finished.insert(series.index(), (series.origin(), forecast));
        }
        self.notes.push(format!("auto's own quantiles: {}", calibrator.basis));
        Ok(Fitted { forecasts: finished, notes: self.notes })
    }

    fn describe(&mut self, shares: &[f64]) {
        let mut used: Vec<(f64, &str)> = shares
            .iter()
            .zip(&self.candidates)
            .filter(|(s, _)| **s > 0.0)
            .map(|(s, c)| (*s, c.label.as_str()))
            .collect();
        used.sort_by(|a, b| b.0.total_cmp(&a.0));
        let list: Vec<String> = used.iter().map(|(share, label)| format!("{label} {:.0} %", 100.0 * share)).collect();
        self.notes.push(format!("weights, over all series: {}", list.join("; ")));
    }

    /// What this selection would have forecast on a window.
    fn on_window(&self, place: usize, window: usize) -> Option<Trial> {
        let mut sum: Option<Trial> = None;
        let mut total = 0.0;
        for (c, weight) in self.weights[place].iter().enumerate().filter(|(_, w)| **w >= LEAST_WEIGHT) {
            let Some(trial) = &self.evaluation.trials[c][place][window] else { continue };
            total += weight;
            match &mut sum {
                None => sum = Some(scaled(trial, *weight)),
                Some(sum) => {
                    add(&mut sum.mean, &trial.mean, *weight);
                    sum.quantiles.iter_mut().zip(&trial.quantiles).for_each(|(s, row)| add(s, row, *weight));
                }
            }
        }
        sum.filter(|_| total > 0.0).map(|sum| scaled(&sum, 1.0 / total))
    }

    fn calibrator(&self, task: &FitTask<'_>) -> Calibrator {
        let mut past = Vec::new();
        for place in 0..task.view.len() {
            for (window, actual) in self.actuals(place, task) {
                if let Some(trial) = self.on_window(place, window) {
                    past.push((actual, trial.quantiles));
                }
            }
        }
        let trajectories: Vec<Trajectory<'_>> =
            past.iter().map(|(actual, quantiles)| Trajectory { actual, quantiles }).collect();
        Calibrator::learn(task.quantile_levels, task.horizon, &trajectories)
    }

    fn actuals<'v>(&self, place: usize, task: &FitTask<'v>) -> Vec<(usize, &'v [f64])> {
        let target = task.view.series(place).target();
        let window = |(window, offset): (usize, &usize)| {
            let start = target.len().checked_sub(*offset)?;
            Some((window, target.get(start..start + task.horizon)?))
        };
        self.evaluation.offsets.iter().enumerate().filter_map(window).collect()
    }

    /// How far a quantile may lie from the median.
    fn widest(&self, place: usize, series: &SeriesView<'_>, task: &FitTask<'_>) -> f64 {
        let mut largest = 0.0_f64;
        for (window, actual) in self.actuals(place, task) {
            if let Some(trial) = self.on_window(place, window) {
                let errors = actual.iter().zip(&trial.mean).map(|(y, f)| (y - f).abs());
                largest = errors.filter(|e| e.is_finite()).fold(largest, f64::max);
            }
        }
        let (low, high) = range(series.target());
        (WIDEST * largest).max(high - low)
    }
}

fn add(sum: &mut [f64], values: &[f64], weight: f64) {
    sum.iter_mut().zip(values).for_each(|(s, v)| *s += weight * v);
}

fn scaled(trial: &Trial, factor: f64) -> Trial {
    let scale = |row: &Vec<f64>| row.iter().map(|v| factor * v).collect();
    Trial { mean: scale(&trial.mean), quantiles: trial.quantiles.iter().map(scale).collect() }
}

/// The smallest and the largest observed value; zero where there is none.
fn range(history: &[f64]) -> (f64, f64) {
    let observed = || history.iter().copied().filter(|v| v.is_finite());
    let low = observed().fold(f64::INFINITY, f64::min);
    if low.is_finite() { (low, observed().fold(low, f64::max)) } else { (0.0, 0.0) }
}

/// The members whose forecasts stay within reach of what was ever seen; all of them where none does.
fn believable(members: Vec<(f64, SeriesForecast)>, series: &SeriesView<'_>) -> Vec<(f64, SeriesForecast)> {
    let (low, high) = range(series.target());
    let reach = FARTHEST * (high - low);
    let close = |f: &SeriesForecast| f.mean.iter().all(|v| *v >= low - reach && *v <= high + reach);
    if members.iter().any(|(_, f)| close(f)) {
        members.into_iter().filter(|(_, f)| close(f)).collect()
    } else {
        members
    }
}

/// The weighted mean of means and of quantiles at each level; none without members, or where it leaves the finite
/// numbers.
fn combined(members: Vec<(f64, SeriesForecast)>) -> Option<SeriesForecast> {
    let total: f64 = members.iter().map(|(w, _)| w).sum();
    let mut members = members.into_iter();
    let (weight, mut sum) = members.next()?;
    let first = weight / total;
    sum.mean.iter_mut().chain(sum.quantiles.iter_mut().flatten()).for_each(|v| *v *= first);
    for (weight, member) in members {
        add(&mut sum.mean, &member.mean, weight / total);
        sum.quantiles.iter_mut().zip(&member.quantiles).for_each(|(s, row)| add(s, row, weight / total));
    }
    let finite = sum.mean.iter().chain(sum.quantiles.iter().flatten()).all(|v| v.is_finite());
    finite.then_some(sum)
}

/// What is left where every candidate failed.
fn last_value(task: &FitTask<'_>, series: &SeriesView<'_>) -> Result<SeriesForecast, ForecastError> {
    let (view, _): (TrainingView<'_>, _) = task.view.earlier(0, |s| s.index() == series.index());
    let request = PredictRequest {
        view: &view,
        horizon: task.horizon,
        quantile_levels: task.quantile_levels,
        seed: task.seed,
        progress: task.progress,
    };
    fallback().predict(&request)?.pop().ok_or_else(|| ForecastError::Numerical {
        model: catalogue::AUTO.to_string(),
        problem: format!("no candidate could forecast series `{}`", series.item_id()),
    })
}
