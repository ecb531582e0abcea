//! Naive 2, the benchmark of the M competitions: the last value of the seasonally adjusted series, with the season
//! back in it (Makridakis, Spiliotis and Assimakopoulos 2020, §3.1). The season is that of a classical multiplicative
//! decomposition where the 90 % autocorrelation test finds one.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use super::naive::{Naive, previous};
use super::theta::season::{Decomposition, Season};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;

/// The seasonally adjusted last value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naive2;

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(Naive2))
}

impl LocalModel for Naive2 {
    const NAME: &'static str = catalogue::NAIVE2;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let values = gaps::filled(history);
        let Some(season) = Season::find(&values, season, Decomposition::Multiplicative) else {
            return Naive.forecast(history, horizon, 1);
        };
        let forecast = Naive.forecast(&season.remove(&values), horizon, 1)?;
        Ok(season.restore(forecast, values.len()))
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let values = gaps::filled(history);
        let Some(season) = Season::find(&values, season, Decomposition::Multiplicative) else {
            return Ok(previous(history));
        };
        let mean = previous(&season.remove(&values));
        let deviation = vec![0.0; mean.len()];
        Ok(season.restore(NormalForecast { mean, deviation }, 0).mean)
    }
}
