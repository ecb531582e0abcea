//! The last observed value, for every step (Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, 3rd
//! edition 2021, §5.2): the best forecast of a random walk.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;

/// The last-value forecast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naive;

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(Naive))
}

impl LocalModel for Naive {
    const NAME: &'static str = catalogue::NAIVE;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    /// Intervals are a random walk's: σ √h, σ from the one-step differences (§5.5). A difference across a gap of
    /// g steps has variance g σ².
    fn forecast(&self, history: &[f64], horizon: usize, _season: usize) -> Result<NormalForecast, ForecastError> {
        let last_index = gaps::last_observed(history).unwrap_or(0);
        let last = history[last_index];
        let (mut squares, mut count, mut before) = (0.0, 0_u32, None);
        for (t, y) in history.iter().enumerate().filter(|(_, y)| y.is_finite()) {
            if let Some((earlier, value)) = before.replace((t, *y)) {
                squares += (y - value) * (y - value) / (t - earlier) as f64;
                count += 1;
            }
        }
        let sigma = (squares / f64::from(count.max(1))).sqrt();
        let stale = history.len() - 1 - last_index;
        Ok(NormalForecast {
            mean: vec![last; horizon],
            deviation: (1..=horizon).map(|h| sigma * ((h + stale) as f64).sqrt()).collect(),
        })
    }

    fn fitted(&self, history: &[f64], _season: usize) -> Result<Vec<f64>, ForecastError> {
        Ok(previous(history))
    }
}

/// The last observed value before each; NaN before the first.
pub(super) fn previous(history: &[f64]) -> Vec<f64> {
    let mut last = f64::NAN;
    let before = |y: &f64| {
        let before = last;
        last = if y.is_finite() { *y } else { last };
        before
    };
    history.iter().map(before).collect()
}
