//! The value one season ago (Hyndman and Athanasopoulos 2021, §5.2).

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use super::naive::previous;
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;

/// The last-season forecast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeasonalNaive;

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(SeasonalNaive))
}

impl LocalModel for SeasonalNaive {
    const NAME: &'static str = catalogue::SEASONAL_NAIVE;

    fn minimum_length(&self, season_length: usize) -> usize {
        season_length
    }

    /// The most recent observed value of the same phase; where the phase was never observed, the last value.
    /// Intervals by σ √k, k the seasons since (§5.5), σ from the seasonal differences.
    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let length = history.len();
        let fallback = gaps::last_observed(history).map_or(0.0, |i| history[i]);
        let differences = history.iter().zip(history.iter().skip(season)).map(|(a, b)| b - a).filter(|d| d.is_finite());
        let (squares, count) = differences.fold((0.0, 0_u32), |(s, n), d| (s + d * d, n + 1));
        let sigma = if count == 0 { 0.0 } else { (squares / f64::from(count)).sqrt() };
        let (mean, deviation) = (0..horizon)
            .map(|h| {
                let seasons_ahead = h / season + 1;
                let found = (seasons_ahead..)
                    .map_while(|k| (length + h).checked_sub(k * season).map(|t| (k, history[t])))
                    .find(|(_, y)| y.is_finite());
                let (seasons, value) = found.unwrap_or((seasons_ahead, fallback));
                (value, sigma * (seasons as f64).sqrt())
            })
            .unzip();
        Ok(NormalForecast { mean, deviation })
    }

    /// Where a phase was never observed, the last value.
    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let one = |(t, last): (usize, f64)| {
            let earlier = (1..).map_while(|k| t.checked_sub(k * season)).map(|i| history[i]);
            if t < season { f64::NAN } else { earlier.into_iter().find(|y| y.is_finite()).unwrap_or(last) }
        };
        Ok(previous(history).into_iter().enumerate().map(one).collect())
    }
}
