//! Members' forecasts joined by a rule.

use atsre_domain::metric::Split;

use super::common;
use crate::calibration;
use crate::error::ForecastError;
use crate::forecaster::SeriesForecast;
use crate::job::{TrialResult, WindowForecast};
use crate::metrics;
use crate::metrics::aggregate::median;

/// How members become one forecast.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The median of the members at each step, of means and of each level's quantiles.
    Median,
    /// Σ w x with these weights, one a member.
    Weights(Vec<f64>),
    /// The same with one row of weights for each step of the horizon.
    StepWeights(Vec<Vec<f64>>),
}

impl Rule {
    /// One row of values a member, joined.
    fn join(&self, members: &[&[f64]]) -> Vec<f64> {
        let steps = members.iter().map(|m| m.len()).min().unwrap_or(0);
        match self {
            Self::Weights(weights) => weighted(members.iter().copied(), weights),
            Self::Median => {
                let mut column = Vec::with_capacity(members.len());
                let at = |h: usize| {
                    column.clear();
                    column.extend(members.iter().map(|m| m[h]));
                    median(&mut column)
                };
                (0..steps).map(at).collect()
            }
            Self::StepWeights(rows) => (0..steps)
                .map(|h| {
                    // A horizon longer than the windows' goes on with the last step's weights.
                    let row = rows.get(h).or(rows.last()).map_or(&[][..], Vec::as_slice);
                    members.iter().zip(row).filter(|(_, w)| **w > 0.0).map(|(m, w)| w * m[h]).sum()
                })
                .collect(),
        }
    }

    fn join_rows(&self, members: &[&[Vec<f64>]]) -> Vec<Vec<f64>> {
        let rows = members.first().map_or(0, |m| m.len());
        let row = |r: usize| self.join(&members.iter().map(|m| m[r].as_slice()).collect::<Vec<_>>());
        let mut joined: Vec<Vec<f64>> = (0..rows).map(row).collect();
        // Averages of ascending values ascend up to rounding.
        calibration::make_monotone(&mut joined);
        joined
    }
}

/// How far quantiles may lie from the median: for each series by name.
pub(super) type Limits = std::collections::BTreeMap<String, f64>;

pub(super) fn combined_windows(
    windows: &[Vec<&WindowForecast>],
    rule: &Rule,
    limits: Option<(&Limits, &[f64])>,
) -> Vec<WindowForecast> {
    let one = |members: &Vec<&WindowForecast>| {
        let mut combined = members[0].clone();
        combined.mean = rule.join(&members.iter().map(|m| m.mean.as_slice()).collect::<Vec<_>>());
        combined.quantiles = rule.join_rows(&members.iter().map(|m| m.quantiles.as_slice()).collect::<Vec<_>>());
        limit(&combined.item_id, &mut combined.quantiles, limits);
        combined
    };
    windows.iter().map(one).collect()
}

fn limit(item_id: &str, quantiles: &mut [Vec<f64>], limits: Option<(&Limits, &[f64])>) {
    if let Some((limits, levels)) = limits
        && let Some(widest) = limits.get(item_id)
    {
        calibration::limit_spread(levels, quantiles, *widest);
    }
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

/// Joins the forecasts, the windows and the test windows, and scores them anew.
pub(super) fn combine(
    trials: &[&TrialResult],
    windows: &[Vec<&WindowForecast>],
    rule: &Rule,
    limits: Option<&Limits>,
) -> Result<TrialResult, ForecastError> {
    let levels = trials[0].quantile_levels.clone();
    let limits = limits.map(|l| (l, levels.as_slice()));
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
            let mean = rule.join(&members.iter().map(|m| m.mean.as_slice()).collect::<Vec<_>>());
            let mut quantiles = rule.join_rows(&members.iter().map(|m| m.quantiles.as_slice()).collect::<Vec<_>>());
            limit(&members[0].item_id, &mut quantiles, limits);
            Ok(SeriesForecast { item_id: members[0].item_id.clone(), times: members[0].times.clone(), mean, quantiles })
        })
        .collect::<Result<Vec<_>, ForecastError>>()?;
    let windows = combined_windows(windows, rule, limits);
    let test = combined_windows(&common(trials, |t| &t.test), rule, limits);
    let mut scores = metrics::scores(&windows, &levels, Split::Backtest);
    scores.extend(metrics::scores(&test, &levels, Split::Test));
    Ok(TrialResult { forecasts, windows, test, scores, quantile_levels: levels.clone(), notes: Vec::new() })
}
