//! What may go into a trial, and what may come out of a model.

use atsre_domain::panel::CovariateKind;

use crate::error::ForecastError;
use crate::forecaster::SeriesForecast;
use crate::job::TrialJob;
use crate::view::{Chosen, TrainingView};

/// Refuses a job that contradicts itself or its data.
pub(crate) fn check_job(job: &TrialJob) -> Result<(), ForecastError> {
    let refuse = |problem: String| Err(ForecastError::Job(problem));
    let levels = &job.quantile_levels;
    if job.horizon == 0 || job.threads == 0 {
        return refuse("horizon and threads must be at least 1".to_string());
    }
    if job.backtest.windows > 0 && job.backtest.step == 0 {
        return refuse("the step between two backtest origins must be at least 1".to_string());
    }
    if levels.is_empty() || !levels.iter().all(|l| *l > 0.0 && *l < 1.0) || !levels.windows(2).all(|w| w[0] < w[1]) {
        return refuse(format!("the quantile levels must ascend inside 0 to 1, got {levels:?}"));
    }
    if job.panel.series.is_empty() {
        return refuse("the panel has no series".to_string());
    }
    for series in &job.panel.series {
        let rows = series.covariates.len();
        if rows != job.panel.covariates.len() {
            let expect = job.panel.covariates.len();
            return refuse(format!("series `{}` has {rows} covariate rows, the panel {expect}", series.item_id));
        }
        if series.times.len() < series.target.len() {
            return refuse(format!("series `{}` has fewer times than target values", series.item_id));
        }
        if !series.target.iter().take(origin(series.target.len(), job.holdout as usize)).any(|v| v.is_finite()) {
            return refuse(format!("series `{}` has no observed value before the holdout", series.item_id));
        }
    }
    Ok(())
}

/// The end of what may be seen of a series with so many observations.
pub(crate) fn origin(length: usize, holdout: usize) -> usize {
    length.saturating_sub(holdout)
}

/// The spec's covariates. One that is declared as known, but whose values do not reach over the last horizon, would
/// be known in the backtest and unknown in earnest: it is taken as known up to the origin everywhere.
pub(crate) fn choose_covariates(job: &TrialJob, notes: &mut Vec<String>) -> Result<Vec<Chosen>, ForecastError> {
    let mut chosen = Vec::with_capacity(job.spec.covariates.len());
    for name in &job.spec.covariates {
        let row = job.panel.covariates.iter().position(|c| c.name == *name).ok_or_else(|| {
            let known = job.panel.covariates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
            ForecastError::Job(format!("covariate `{name}` is not in the data; covariates there: {known}"))
        })?;
        let declared = job.panel.covariates[row].kind;
        let kind = if declared == CovariateKind::Known && !reaches_over_horizon(job, row) {
            notes
                .push(format!("covariate `{name}` is not known over the forecast horizon: used up to the origin only"));
            CovariateKind::Past
        } else {
            declared
        };
        chosen.push(Chosen { row, kind });
    }
    Ok(chosen)
}

fn reaches_over_horizon(job: &TrialJob, row: usize) -> bool {
    job.panel.series.iter().all(|series| {
        let start = origin(series.target.len(), job.holdout as usize);
        let values = &series.covariates[row];
        values.get(start..start + job.horizon as usize).is_some_and(|v| v.iter().any(|x| x.is_finite()))
    })
}

/// A model's answer has one finite forecast of the right shape for each series.
pub(crate) fn check_forecasts(
    model: &str,
    view: &TrainingView<'_>,
    horizon: usize,
    levels: usize,
    forecasts: &[SeriesForecast],
) -> Result<(), ForecastError> {
    let failure = |problem: String| Err(ForecastError::Numerical { model: model.to_string(), problem });
    if forecasts.len() != view.len() {
        return failure(format!("{} forecasts for {} series", forecasts.len(), view.len()));
    }
    for (forecast, series) in forecasts.iter().zip(view.iter()) {
        let item = series.item_id();
        let rows = std::iter::once(&forecast.mean).chain(&forecast.quantiles);
        if forecast.item_id != item
            || forecast.times.len() != horizon
            || forecast.quantiles.len() != levels
            || !rows.clone().all(|r| r.len() == horizon)
        {
            return failure(format!("the forecast of series `{item}` has the wrong shape"));
        }
        if let Some(step) = rows.flat_map(|r| r.iter().enumerate()).find(|(_, v)| !v.is_finite()).map(|(h, _)| h + 1) {
            return failure(format!("the forecast of series `{item}` is not finite at step {step}"));
        }
    }
    Ok(())
}
