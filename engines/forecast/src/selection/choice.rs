//! Judging candidates, weighing them, and joining their forecasts.

use std::collections::BTreeMap;

use super::budget::{Budget, declared_seconds};
use super::candidates::{Candidate, Situation, candidates};
use super::evaluation::{Evaluation, LONG, forecasts, is_intermittent, offsets};
use super::forecaster::Fitted;
use super::join::Join;
use super::weights::Rule;
use super::{demand, periods, prior};
use crate::calibration::{limit_spread, make_monotone};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, PredictRequest, SeriesForecast};
use crate::gaps;
use crate::models::fallback;
use crate::registry::Registry;
use crate::view::{SeriesView, TrainingView};

/// A candidate whose windows cost more than this share of the budget is tried on the latest window first.
const COSTLY_SHARE: f64 = 0.05;
/// A costly candidate that errs so many times as much as the best so far is not tried further.
const HOPELESS: f64 = 2.5;
/// Weights below this are not worth a fit.
pub(super) const LEAST_WEIGHT: f64 = 0.02;
/// A forecast farther outside the history's range than so many times that range is not believed while others are closer.
const FARTHEST: f64 = 3.0;
/// Candidates that share a series equally where no window judges anything, the first that there are of them.
const STANDARD: [&str; 4] = ["auto-ets", "dynamic-optimized-theta", "theta", "naive"];
/// How many of those.
const STANDARD_MEMBERS: usize = 2;
/// Candidates that see a series unlike the exponential smoothers, ARIMA and decompositions, which err alike, with the share
/// that each has at least. Chosen on series of M1, M4, NN5 and hospital data, of which either half shows them to take 0.9 % off
/// the errors.
const OUTSIDERS: [(&str, f64); 3] = [("rank-one", 0.07), ("seasonal-naive", 0.07), (POOLED_RIDGE, 0.08)];
const POOLED_RIDGE: &str = "ridge, pooled";
/// They do so from this season on; the few seasons of quarters say too little of their shape.
const SHAPELY: usize = 7;

/// Candidates that were judged, with their weights.
pub(super) struct Selection {
    pub(super) evaluation: Evaluation,
    /// One row a series, one weight a candidate.
    pub(super) weights: Vec<Vec<f64>>,
    pub(super) join: Join,
    candidates: Vec<Candidate>,
    notes: Vec<String>,
}

impl Selection {
    /// Judges candidates on windows inside the history, the cheap first, and weighs them.
    ///
    /// # Errors
    /// [`ForecastError::Cancelled`], or a candidate that cannot be built.
    pub(super) fn run(registry: &Registry, task: &FitTask<'_>, budget_seconds: f64) -> Result<Self, ForecastError> {
        let view = task.view;
        let mut lengths: Vec<usize> = view.iter().map(|s| gaps::usable_length(s.target())).collect();
        let observations = lengths.iter().sum();
        lengths.sort_unstable();
        let typical_length = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        let intermittent: Vec<bool> = view.iter().map(|s| is_intermittent(s.target())).collect();
        let situation = Situation {
            season_length: task.season_length,
            more_seasons: periods::longer(view, task.season_length),
            series: view.len(),
            typical_length,
            intermittent: intermittent.iter().filter(|i| **i).count(),
        };
        let mut budget = Budget::new(budget_seconds, view.len());
        let offsets = offsets(typical_length, task.horizon, task.season_length);
        let windows = offsets.len();
        let mut evaluation = Evaluation::new(offsets, intermittent);
        let (mut judged, mut too_dear) = (Vec::<Candidate>::new(), Vec::new());
        let all = candidates(registry, &situation);
        let count = all.len();
        for (i, candidate) in all.into_iter().enumerate() {
            let whole = declared_seconds(&candidate.cost, observations, windows + 1);
            if evaluation.board.nothing_left_to_gain() {
                break;
            }
            // The cheapest is always there: a budget too small for it would leave nothing.
            let first = !judged.iter().any(|c| c.intermittent == candidate.intermittent);
            if !first && !budget.affords(whole) {
                too_dear.push(candidate.label);
                continue;
            }
            task.progress.report(0.9 * i as f64 / count as f64, &candidate.label);
            evaluation.open(view.len());
            let costly = !budget.affords(whole / COSTLY_SHARE);
            evaluation.judge(&candidate, registry, task, 0)?;
            let newest = evaluation.board.rows.len() - 1;
            let lag = evaluation.board.lag_behind(newest, 0);
            if costly && windows > 1 && lag.is_some_and(|lag| lag > HOPELESS) {
                evaluation.board.dismiss(newest);
                budget.spend(declared_seconds(&candidate.cost, observations, 1));
            } else {
                for window in 1..windows {
                    evaluation.judge(&candidate, registry, task, window)?;
                }
                budget.spend(whole);
            }
            judged.push(candidate);
        }
        let long = typical_length >= LONG;
        let weights = weights(&evaluation, &judged, long, task.season_length);
        let mut notes = vec![format!("auto judged {} candidates on up to {windows} windows", judged.len())];
        if !too_dear.is_empty() {
            notes.push(format!("left out, as the budget did not reach: {}", too_dear.join("; ")));
        }
        let join = if long || task.season_length > 1 { Join::Mean } else { Join::Robust };
        Ok(Self { candidates: judged, evaluation, weights, join, notes })
    }

    /// Fits the candidates that have weight on the whole history and combines them.
    ///
    /// # Errors
    /// [`ForecastError::Cancelled`], or a series that not even the last value forecasts.
    pub(super) fn finish(mut self, registry: &Registry, task: &FitTask<'_>) -> Result<Fitted, ForecastError> {
        let view = task.view;
        let mut members: Vec<Vec<(f64, SeriesForecast)>> = vec![Vec::new(); view.len()];
        let mut shares = vec![0.0; self.candidates.len()];
        let places: BTreeMap<usize, usize> = view.iter().enumerate().map(|(p, s)| (s.index(), p)).collect();
        for (c, candidate) in self.candidates.iter().enumerate() {
            let wanted = |place: usize| self.weights[place][c] >= LEAST_WEIGHT;
            if !(0..view.len()).any(wanted) {
                continue;
            }
            task.progress.report(0.9 + 0.1 * c as f64 / self.candidates.len() as f64, &candidate.label);
            let needed = candidate.build(registry)?.minimum_length(task.horizon, task.season_length).max(1);
            let suits = |place: usize| self.evaluation.intermittent[place] == candidate.intermittent;
            let (part, part_places) = view.earlier(0, |s| {
                let place = places[&s.index()];
                gaps::usable_length(s.target()) >= needed && (wanted(place) || candidate.global && suits(place))
            });
            for (place, forecast) in part_places.into_iter().zip(forecasts(candidate, registry, task, &part)?) {
                if let Some(forecast) = forecast.filter(|_| wanted(place)) {
                    shares[c] += self.weights[place][c] / view.len() as f64;
                    members[place].push((self.weights[place][c], forecast));
                }
            }
        }
        self.describe(&shares);
        let kinds = [false, true].map(|intermittent| self.calibration(task, intermittent));
        let mut finished = BTreeMap::new();
        for (place, members) in members.into_iter().enumerate() {
            let series = view.series(place);
            let mut forecast = match self.joined(believable(members, &series)) {
                Some(forecast) => forecast,
                None => last_value(task, &series)?,
            };
            let widths = &kinds[usize::from(self.evaluation.intermittent[place])].widths;
            widths.apply(place, gaps::usable_length(series.target()), &mut forecast.quantiles);
            limit_spread(task.quantile_levels, &mut forecast.quantiles, self.widest(place, &series, task));
            make_monotone(&mut forecast.quantiles);
            if self.evaluation.intermittent[place] {
                demand::settle(series.target(), &mut forecast);
            }
            finished.insert(series.index(), (series.origin(), forecast));
        }
        let mostly_zeros = self.evaluation.intermittent.iter().filter(|i| **i).count();
        let [regular, seldom] = kinds;
        if mostly_zeros < view.len() {
            self.notes.push(format!("auto's own quantiles: {}", regular.widths.basis()));
            self.notes.extend(regular.coverage);
        }
        if mostly_zeros > 0 {
            self.notes.push(format!("auto's own quantiles of intermittent series: {}", seldom.widths.basis()));
            self.notes.extend(seldom.coverage);
            self.notes.push(demand::note(mostly_zeros));
        }
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

    /// The members' means and quantiles at each level, joined; none without members, or where that leaves the finite
    /// numbers.
    fn joined(&self, members: Vec<(f64, SeriesForecast)>) -> Option<SeriesForecast> {
        let of = |row: &dyn Fn(&SeriesForecast) -> &[f64]| -> Vec<f64> {
            self.join.rows(&members.iter().map(|(w, f)| (*w, row(f))).collect::<Vec<_>>())
        };
        let mean = of(&|f| &f.mean);
        let levels = members.first()?.1.quantiles.len();
        let quantiles: Vec<Vec<f64>> = (0..levels).map(|l| of(&|f| &f.quantiles[l])).collect();
        let finite = mean.iter().chain(quantiles.iter().flatten()).all(|v| v.is_finite());
        let first = members.into_iter().next()?.1;
        finite.then_some(SeriesForecast { mean, quantiles, ..first })
    }
}

fn weights(evaluation: &Evaluation, judged: &[Candidate], long: bool, season_length: usize) -> Vec<Vec<f64>> {
    let seasonal = season_length > 1;
    let regular = match (long, seasonal) {
        (true, _) => Rule::LONG,
        (false, true) => Rule::SEASONAL,
        (false, false) => Rule::PLAIN,
    };
    let rules: Vec<Rule> =
        evaluation.intermittent.iter().map(|i| if *i { Rule::INTERMITTENT } else { regular }).collect();
    let known = |c: &Candidate| if long || c.intermittent { 0.0 } else { prior::expected(&c.label, seasonal) };
    let expected: Vec<f64> = judged.iter().map(known).collect();
    let mut standard: Vec<usize> = STANDARD
        .iter()
        .filter_map(|name| judged.iter().position(|c| c.label == *name))
        .take(STANDARD_MEMBERS)
        .collect();
    if standard.is_empty() {
        standard.extend(0..judged.len().min(STANDARD_MEMBERS));
    }
    let outsiders: Vec<(usize, f64)> = OUTSIDERS
        .iter()
        .filter(|(name, _)| season_length >= SHAPELY && !(long && *name == POOLED_RIDGE))
        .filter_map(|(name, share)| Some((judged.iter().position(|c| c.label == *name)?, *share)))
        .collect();
    evaluation.board.weights(&rules, &expected, &standard, &outsiders)
}

/// The smallest and the largest observed value; zero where there is none.
pub(super) fn range(history: &[f64]) -> (f64, f64) {
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
