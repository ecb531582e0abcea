//! Demand that is often zero: Croston's method (1972) and its kin. Forecasts are rates, the same at every step.
//!
//! Missing values are left out. Intervals are those of normal errors with the mean square of the one-step errors, or
//! for the aggregating methods of the distances to the forecast: rough for counts, to be calibrated by a backtest.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use super::ses::{best_weight, smooth};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;

mod fitted;

/// Croston's weight of sizes and intervals.
const WEIGHT: f64 = 0.1;
/// Where optimised weights lie.
const BOUNDS: (f64, f64) = (0.1, 0.3);

/// How a rate is made of demands and the intervals between them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    /// Smoothed demand over smoothed interval (Croston 1972).
    Croston,
    /// The same with weights of the least squared errors.
    Optimized,
    /// Croston's rate less its bias, 1 − α/2 (Syntetos and Boylan 2005).
    Approximation,
    /// Smoothed demand times the smoothed probability of a demand (Teunter, Syntetos and Babai 2011).
    Probability { demand: f64, probability: f64 },
    /// Smoothed sums over the mean interval (Nikolopoulos and others 2011).
    Aggregate,
    /// The mean of the smoothed sums over 1 up to the mean interval (Petropoulos and Kourentzes 2015).
    Aggregates,
}

/// The forecast rate after `values`, none of which is missing.
fn rate(values: &[f64], method: Method) -> f64 {
    let demands: Vec<f64> = values.iter().copied().filter(|v| *v > 0.0).collect();
    if demands.is_empty() {
        // Croston's methods have nothing to smooth: the last value.
        return values.last().copied().unwrap_or(0.0);
    }
    let smoothed = |list: &[f64], alpha: f64| smooth(list, alpha).level;
    let best = |list: &[f64]| smoothed(list, best_weight(list, BOUNDS));
    let intervals = intervals(values);
    // The intervals end with the last demand: their mean needs no sum.
    let mean_interval = intervals.iter().sum::<f64>() / intervals.len() as f64;
    let largest = mean_interval.round_ties_even().max(1.0) as usize;
    let aggregate = |size: usize| {
        let sums: Vec<f64> = values[values.len() % size..].chunks(size).map(|c| c.iter().sum()).collect();
        best(&sums) / size as f64
    };
    match method {
        Method::Croston => smoothed(&demands, WEIGHT) / smoothed(&intervals, WEIGHT),
        Method::Optimized => best(&demands) / best(&intervals),
        Method::Approximation => (1.0 - WEIGHT / 2.0) * smoothed(&demands, WEIGHT) / smoothed(&intervals, WEIGHT),
        Method::Probability { demand, probability } => {
            let happened: Vec<f64> = values.iter().map(|v| f64::from(u8::from(*v > 0.0))).collect();
            smoothed(&demands, demand) * smoothed(&happened, probability)
        }
        Method::Aggregate => aggregate(largest),
        Method::Aggregates => (1..=largest).map(aggregate).sum::<f64>() / largest as f64,
    }
}

/// The distances between demands, the first from the start.
fn intervals(values: &[f64]) -> Vec<f64> {
    let mut since = 0.0;
    let mut out = Vec::new();
    for v in values {
        since += 1.0;
        if *v > 0.0 {
            out.push(since);
            since = 0.0;
        }
    }
    out
}

/// The mean square of the one-step errors of Croston's recursion, or of the distances to `rate`.
fn spread(values: &[f64], method: Method, rate: f64) -> f64 {
    let size = values.iter().fold(rate.abs(), |m: f64, v| m.max(v.abs()));
    let size = if size > 0.0 { size } else { 1.0 };
    let mut state: Option<(f64, f64)> = None;
    let (mut since, mut squares, mut count) = (0.0, 0.0, 0_u32);
    let recursive = matches!(method, Method::Croston | Method::Approximation | Method::Probability { .. });
    for v in values.iter().map(|v| v / size) {
        since += 1.0;
        let expected = match (recursive, state) {
            (false, _) => Some(rate / size),
            (true, state) => state.map(|(demand, interval)| demand / interval),
        };
        if let Some(expected) = expected {
            squares += (v - expected).powi(2);
            count += 1;
        }
        if recursive && v > 0.0 {
            let next = state.map(|(d, i)| (d + WEIGHT * (v - d), i + WEIGHT * (since - i)));
            state = next.or(Some((v, since)));
            since = 0.0;
        }
    }
    (squares / f64::from(count.max(1))).sqrt() * size
}

fn forecast(history: &[f64], horizon: usize, method: Method) -> NormalForecast {
    let values: Vec<f64> = history.iter().copied().filter(|v| v.is_finite()).collect();
    let rate = rate(&values, method);
    NormalForecast { mean: vec![rate; horizon], deviation: vec![spread(&values, method, rate); horizon] }
}

macro_rules! intermittent {
    ($(#[$doc:meta])* $model:ident, $construct:ident, $name:expr, $settings:ident => $method:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $model(Method);

        /// Builds the model.
        pub(crate) fn $construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
            Local::construct(spec, |$settings| Ok($model($method)))
        }

        impl LocalModel for $model {
            const NAME: &'static str = $name;

            fn minimum_length(&self, _season_length: usize) -> usize {
                1
            }

            fn forecast(&self, history: &[f64], horizon: usize, _season: usize) -> Result<NormalForecast, ForecastError> {
                Ok(forecast(history, horizon, self.0))
            }

            fn fitted(&self, history: &[f64], _season: usize) -> Result<Vec<f64>, ForecastError> {
                Ok(fitted::fitted(history, self.0))
            }
        }
    };
}

intermittent!(
    /// Croston's method.
    Croston,
    construct_croston,
    catalogue::CROSTON,
    _settings => Method::Croston
);
intermittent!(
    /// Croston's method with optimised weights.
    CrostonOptimized,
    construct_optimized,
    catalogue::CROSTON_OPTIMIZED,
    _settings => Method::Optimized
);
intermittent!(
    /// The approximation of Syntetos and Boylan.
    CrostonSba,
    construct_sba,
    catalogue::CROSTON_SBA,
    _settings => Method::Approximation
);
intermittent!(
    /// The method of Teunter, Syntetos and Babai.
    Tsb,
    construct_tsb,
    catalogue::TSB,
    settings => Method::Probability {
        demand: settings.number("alpha_demand", 0.0..=1.0)?,
        probability: settings.number("alpha_probability", 0.0..=1.0)?,
    }
);
intermittent!(
    /// Aggregate and disaggregate.
    Adida,
    construct_adida,
    catalogue::ADIDA,
    _settings => Method::Aggregate
);
intermittent!(
    /// Several aggregations.
    Imapa,
    construct_imapa,
    catalogue::IMAPA,
    _settings => Method::Aggregates
);
