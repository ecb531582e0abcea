//! Forecasts of many steps from a model of the next one.

use rayon::prelude::*;

use super::booster::Booster;
use super::examples::write;
use crate::error::ForecastError;
use crate::forecaster::FitTask;
use crate::models::windows::layout::Layout;
use crate::models::windows::prepared::Prepared;
use crate::models::windows::residual_quantiles;

/// Windows over which errors are collected, and how few of them say nothing.
const MOST_WINDOWS: usize = 256;
const FEWEST_WINDOWS: usize = 20;

/// The continuation of a series in its own unit, each forecast taken for the value that the next one starts from.
pub(super) fn path(layout: &Layout, series: &mut Prepared, model: &Booster, horizon: usize) -> Vec<f64> {
    let mut row = Vec::new();
    (0..horizon)
        .map(|_| {
            let origin = series.length() - 1;
            let frame = series.frame(layout, origin);
            row.clear();
            write(layout, series, origin, 1, frame, &mut row);
            let value = frame.undo(model.predict(&row));
            series.push(value);
            value
        })
        .collect()
}

/// The errors at each step over held-out windows, in units of the windows; too few windows give none.
pub(super) fn errors(
    layout: &Layout,
    prepared: &[Prepared],
    held: &[(usize, usize)],
    model: &Booster,
    task: &FitTask<'_>,
) -> Result<Vec<Vec<f64>>, ForecastError> {
    let whole: Vec<(usize, usize)> =
        held.iter().copied().filter(|&(s, origin)| origin + task.horizon < prepared[s].length()).collect();
    if whole.len() < FEWEST_WINDOWS {
        return Ok(Vec::new());
    }
    let stride = whole.len().div_ceil(MOST_WINDOWS);
    let chosen: Vec<(usize, usize)> = whole.into_iter().step_by(stride).collect();
    let paths = chosen.par_iter().map(|&(s, origin)| {
        task.progress.check()?;
        let scale = prepared[s].frame(layout, origin).scale();
        let mut series = prepared[s].until(layout, origin);
        let ahead = path(layout, &mut series, model, task.horizon);
        Ok(ahead.iter().enumerate().map(|(h, f)| (prepared[s].value(origin + 1 + h) - f) / scale).collect())
    });
    let paths: Vec<Vec<f64>> = paths.collect::<Result<_, ForecastError>>()?;
    Ok((0..task.horizon).map(|h| paths.iter().map(|p| p[h]).collect()).collect())
}

/// The quantiles' distances from the mean, a row a level. Without errors of whole paths, those of one step grow with
/// the root of the steps, as a random walk's do.
pub(super) fn offsets(
    errors: Vec<Vec<f64>>,
    task: &FitTask<'_>,
    layout: &Layout,
    prepared: &[Prepared],
    model: &Booster,
) -> Result<Vec<Vec<f64>>, ForecastError> {
    let steps: Vec<Vec<f64>> = if errors.is_empty() {
        let mut row = Vec::new();
        let mut single = Vec::new();
        for series in prepared {
            for origin in layout.history.max(1) - 1..series.length() - 1 {
                let frame = series.frame(layout, origin);
                row.clear();
                write(layout, series, origin, 1, frame, &mut row);
                single.push(frame.normalise(series.value(origin + 1)) - model.predict(&row));
            }
        }
        let one = residual_quantiles(single, task.quantile_levels)?;
        (1..=task.horizon).map(|h| one.iter().map(|o| o * (h as f64).sqrt()).collect()).collect()
    } else {
        errors.into_iter().map(|e| residual_quantiles(e, task.quantile_levels)).collect::<Result<_, ForecastError>>()?
    };
    Ok((0..task.quantile_levels.len()).map(|level| steps.iter().map(|s| s[level]).collect()).collect())
}
