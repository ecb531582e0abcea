//! Windows of a panel as rows of features: what models learn from that share one map between all series.

use crate::error::ForecastError;
use crate::models::local::standard_normal_quantiles;

pub(super) mod layout;
pub(super) mod prepared;
pub(super) mod rows;

/// The fewest training windows of a fit.
pub(super) const FEWEST_WINDOWS: usize = 4;
/// The fewest observations, whatever the horizon.
pub(super) const SHORTEST: usize = 12;
/// Training windows from which residual quantiles are read off; with fewer, they are a normal distribution's.
const ENOUGH_FOR_QUANTILES: usize = 60;

/// Empirical quantiles (type 7 of Hyndman and Fan 1996) where there are enough residuals, else normal ones.
pub(super) fn residual_quantiles(mut residuals: Vec<f64>, levels: &[f64]) -> Result<Vec<f64>, ForecastError> {
    if residuals.len() < ENOUGH_FOR_QUANTILES {
        let square = residuals.iter().map(|e| e * e).sum::<f64>() / residuals.len() as f64;
        return Ok(standard_normal_quantiles(levels)?.iter().map(|z| z * square.sqrt()).collect());
    }
    residuals.sort_by(f64::total_cmp);
    let quantile = |level: &f64| {
        let place = level * (residuals.len() - 1) as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(residuals.len() - 1);
        residuals[below] + (place - below as f64) * (residuals[above] - residuals[below])
    };
    Ok(levels.iter().map(quantile).collect())
}
