//! Simple exponential smoothing from the first value on (Brown 1956), with a given weight or the one of the least
//! squared one-step errors.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast, deviation};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;

/// Where an optimised weight is searched.
const BOUNDS: (f64, f64) = (0.01, 0.99);
/// Points of the coarse search.
const GRID: usize = 13;
/// Steps of the golden-section search: 0.618³⁴ is below 1e-7.
const REFINEMENTS: usize = 34;

/// Simple exponential smoothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ses {
    /// The weight; none for the best.
    alpha: Option<f64>,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        let alpha = settings.number("alpha", 0.0..=1.0)?;
        Ok(Ses { alpha: (alpha > 0.0).then_some(alpha) })
    })
}

impl LocalModel for Ses {
    const NAME: &'static str = catalogue::SES;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    /// Intervals by σ √(1 + (h − 1) α²).
    fn forecast(&self, history: &[f64], horizon: usize, _season: usize) -> Result<NormalForecast, ForecastError> {
        let values = gaps::filled(history);
        let alpha = self.alpha.unwrap_or_else(|| best_weight(&values, BOUNDS));
        let smoothed = smooth(&values, alpha);
        let sigma = deviation(smoothed.squares, values.len().saturating_sub(1)) * smoothed.size;
        let widths = (0..horizon).map(|h| sigma * (1.0 + h as f64 * alpha * alpha).sqrt());
        Ok(NormalForecast { mean: vec![smoothed.level; horizon], deviation: widths.collect() })
    }

    fn fitted(&self, history: &[f64], _season: usize) -> Result<Vec<f64>, ForecastError> {
        let values = gaps::filled(history);
        let alpha = self.alpha.unwrap_or_else(|| best_weight(&values, BOUNDS));
        Ok(levels_before(&values, alpha))
    }
}

/// The end of a recursion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Smoothed {
    /// The last level: the forecast.
    pub(crate) level: f64,
    /// The sum of the squared one-step errors, over `size` squared.
    pub(crate) squares: f64,
    /// The largest absolute value, or 1.
    pub(crate) size: f64,
}

/// Smooths values with a weight, from the first value on; 0 without any.
pub(crate) fn smooth(values: &[f64], alpha: f64) -> Smoothed {
    let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let size = if largest > 0.0 { largest } else { 1.0 };
    let mut level = values.first().map_or(0.0, |v| v / size);
    let mut squares = 0.0;
    for y in values.iter().skip(1) {
        let error = y / size - level;
        squares += error * error;
        level += alpha * error;
    }
    Smoothed { level: level * size, squares, size }
}

/// The level before each value: what was expected of it. NaN for the first.
pub(crate) fn levels_before(values: &[f64], alpha: f64) -> Vec<f64> {
    let mut level = f64::NAN;
    let one = |y: &f64| {
        let before = level;
        level = if level.is_nan() { *y } else { level + alpha * (y - level) };
        before
    };
    values.iter().map(one).collect()
}

/// The weight between `low` and `high` with the least squared one-step errors.
pub(crate) fn best_weight(values: &[f64], (low, high): (f64, f64)) -> f64 {
    let at = |alpha: f64| (smooth(values, alpha).squares, alpha);
    let cell = (high - low) / (GRID - 1) as f64;
    let grid = (0..GRID).map(|i| at(low + cell * i as f64));
    let better = |a: (f64, f64), b: (f64, f64)| if b.0 < a.0 { b } else { a };
    let best = grid.reduce(better).unwrap_or((0.0, low));
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = ((best.1 - cell).max(low), (best.1 + cell).min(high));
    let mut first = at(right - ratio * (right - left));
    let mut second = at(left + ratio * (right - left));
    for _ in 0..REFINEMENTS {
        if first.0 <= second.0 {
            right = second.1;
            second = first;
            first = at(right - ratio * (right - left));
        } else {
            left = first.1;
            first = second;
            second = at(left + ratio * (right - left));
        }
    }
    better(better(best, first), second).1
}
