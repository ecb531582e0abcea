//! Averages of the history, and nothing at all: forecasts that are the same at every step (Hyndman and Athanasopoulos
//! 2021, §5.2).

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;

/// The mean of all observed values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoricAverage;

/// The mean of the last observed values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowAverage {
    /// How many; 0 for a season, or for all without one.
    window: usize,
}

/// Zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zero;

/// Builds the historic average.
pub(crate) fn construct_historic(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(HistoricAverage))
}

/// Builds the window average.
pub(crate) fn construct_window(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| Ok(WindowAverage { window: settings.size("window", 0..=1_000_000)? }))
}

/// Builds the forecast of nothing.
pub(crate) fn construct_zero(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(Zero))
}

/// The mean of `values`, and their standard deviation around it with the error of the mean: σ √(1 + 1/n).
fn average(values: &[f64], horizon: usize) -> NormalForecast {
    let n = values.len() as f64;
    let size = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let size = if size > 0.0 { size } else { 1.0 };
    let mean = values.iter().map(|v| v / size / n).sum::<f64>();
    let squares: f64 = values.iter().map(|v| (v / size - mean).powi(2)).sum();
    let deviation = if values.len() > 1 { (squares / (n - 1.0) * (1.0 + 1.0 / n)).sqrt() } else { 0.0 };
    NormalForecast { mean: vec![mean * size; horizon], deviation: vec![deviation * size; horizon] }
}

/// The mean of the last `window` observed values before each, or of all where there are fewer.
fn running_means(history: &[f64], window: usize) -> Vec<f64> {
    let mut seen: Vec<f64> = Vec::with_capacity(history.len());
    let mut mean = f64::NAN;
    let one = |y: &f64| {
        let before = mean;
        if y.is_finite() {
            seen.push(*y);
            mean = if seen.len() <= window {
                let known = if seen.len() == 1 { 0.0 } else { mean };
                known + (y - known) / seen.len() as f64
            } else {
                // Summed anew: a difference of running sums would keep the rounding of what has left the window.
                seen[seen.len() - window..].iter().sum::<f64>() / window as f64
            };
        }
        before
    };
    history.iter().map(one).collect()
}

fn observed(history: &[f64]) -> Vec<f64> {
    history.iter().copied().filter(|v| v.is_finite()).collect()
}

impl LocalModel for HistoricAverage {
    const NAME: &'static str = catalogue::HISTORIC_AVERAGE;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    fn forecast(&self, history: &[f64], horizon: usize, _season: usize) -> Result<NormalForecast, ForecastError> {
        Ok(average(&observed(history), horizon))
    }

    /// The mean of the values before each.
    fn fitted(&self, history: &[f64], _season: usize) -> Result<Vec<f64>, ForecastError> {
        Ok(running_means(history, usize::MAX))
    }
}

impl LocalModel for WindowAverage {
    const NAME: &'static str = catalogue::WINDOW_AVERAGE;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let values = observed(history);
        let window = match self.window {
            0 if season > 1 => season,
            0 => values.len(),
            window => window,
        };
        Ok(average(&values[values.len().saturating_sub(window)..], horizon))
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let window = match self.window {
            0 if season > 1 => season,
            0 => usize::MAX,
            window => window,
        };
        Ok(running_means(history, window))
    }
}

impl LocalModel for Zero {
    const NAME: &'static str = catalogue::ZERO;

    fn minimum_length(&self, _season_length: usize) -> usize {
        1
    }

    /// Intervals by the root mean square of the history.
    fn forecast(&self, history: &[f64], horizon: usize, _season: usize) -> Result<NormalForecast, ForecastError> {
        let values = observed(history);
        let size = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let size = if size > 0.0 { size } else { 1.0 };
        let squares: f64 = values.iter().map(|v| (v / size).powi(2)).sum();
        let deviation = (squares / values.len().max(1) as f64).sqrt() * size;
        Ok(NormalForecast { mean: vec![0.0; horizon], deviation: vec![deviation; horizon] })
    }

    fn fitted(&self, history: &[f64], _season: usize) -> Result<Vec<f64>, ForecastError> {
        Ok(vec![0.0; history.len()])
    }
}
