//! A random walk with drift: the line through the first and the last observed value (Hyndman and Athanasopoulos
//! 2021, §5.2).

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast, deviation};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;

/// The random walk with drift.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drift;

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(Drift))
}

impl LocalModel for Drift {
    const NAME: &'static str = catalogue::DRIFT;

    fn minimum_length(&self, _season_length: usize) -> usize {
        3
    }

    /// Intervals by σ √(h (1 + h / (T − 1))), σ from the differences less the drift (§5.5).
    fn forecast(&self, history: &[f64], horizon: usize, _season: usize) -> Result<NormalForecast, ForecastError> {
        let first_index = gaps::first_observed(history).unwrap_or(0);
        let last_index = gaps::last_observed(history).unwrap_or(0);
        let (first, last) = (history[first_index], history[last_index]);
        let span = (last_index - first_index).max(1) as f64;
        let slope = (last - first) / span;
        let (mut squares, mut count, mut before) = (0.0, 0, None);
        for (t, y) in history.iter().enumerate().filter(|(_, y)| y.is_finite()) {
            if let Some((earlier, value)) = before.replace((t, *y)) {
                let gap = (t - earlier) as f64;
                let error = y - value - slope * gap;
                squares += error * error / gap;
                count += 1;
            }
        }
        let sigma = deviation(squares, count);
        let stale = history.len() - 1 - last_index;
        let ahead = (1..=horizon).map(|h| (h + stale) as f64);
        Ok(NormalForecast {
            mean: ahead.clone().map(|h| last + slope * h).collect(),
            deviation: ahead.map(|h| sigma * (h * (1.0 + h / span)).sqrt()).collect(),
        })
    }

    /// The drift of the whole history is added to each value for the next.
    fn fitted(&self, history: &[f64], _season: usize) -> Result<Vec<f64>, ForecastError> {
        let first = gaps::first_observed(history).unwrap_or(0);
        let last = gaps::last_observed(history).unwrap_or(0);
        let slope = (history[last] - history[first]) / (last - first).max(1) as f64;
        let mut before = None;
        let one = |(t, y): (usize, &f64)| {
            let fitted = before.map_or(f64::NAN, |(s, value)| value + slope * (t - s) as f64);
            before = if y.is_finite() { Some((t, *y)) } else { before };
            fitted
        };
        Ok(history.iter().enumerate().map(one).collect())
    }
}
