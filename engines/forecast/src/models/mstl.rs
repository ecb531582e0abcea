//! Forecasts by decomposition: MSTL (Bandara, Hyndman and Bergmeir 2021) takes the seasons out, which repeat, and a
//! model without a season forecasts what is left.

use atsre_domain::model::ModelSpec;

use super::ces;
use super::ets::{Options, Pattern, select};
use super::local::{Local, LocalModel, NormalForecast};
use super::theta::{Adjusted, Variant};
use crate::catalogue;
use crate::decomposition::mstl;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;

/// Seasons of a day that are also those of a week, seven times as long.
const DAYS: [usize; 5] = [24, 48, 96, 144, 288];

/// What forecasts the series without its seasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    AutoEts,
    Theta,
    DynamicOptimizedTheta,
    AutoTheta,
    AutoCes,
    Drift,
    Naive,
}

/// MSTL with an inner model.
#[derive(Clone, Debug)]
pub(crate) struct Mstl {
    /// The seasons; empty for the plan's, and the week where that is a day.
    periods: Vec<usize>,
    inner: Inner,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        let words = ["auto-ets", "theta", "dynamic-optimized-theta", "auto-theta", "auto-ces", "drift", "naive"];
        let inner = match settings.word("inner", &words)? {
            "theta" => Inner::Theta,
            "dynamic-optimized-theta" => Inner::DynamicOptimizedTheta,
            "auto-theta" => Inner::AutoTheta,
            "auto-ces" => Inner::AutoCes,
            "drift" => Inner::Drift,
            "naive" => Inner::Naive,
            _ => Inner::AutoEts,
        };
        Ok(Mstl { periods: settings.sizes("seasonal_periods", 2..=1_000_000)?, inner })
    })
}

impl Mstl {
    fn periods(&self, season: usize) -> Vec<usize> {
        match &self.periods[..] {
            [] if DAYS.contains(&season) => vec![season, 7 * season],
            [] => vec![season],
            given => given.to_vec(),
        }
    }
}

impl Inner {
    /// The one-step forecasts of values without a season.
    fn fitted(self, values: &[f64]) -> Result<Vec<f64>, ForecastError> {
        let theta = |variants: &[Variant]| Adjusted::best(values, 1, variants).map(|found| found.fitted(values));
        let fitted = match self {
            Self::AutoEts => select(values, 1, unseasonal(), &Options::default()).map(|fit| fit.fitted(values)),
            Self::Theta => theta(&[Variant::Standard]),
            Self::DynamicOptimizedTheta => theta(&[Variant::DynamicOptimized]),
            Self::AutoTheta => theta(&Variant::ALL),
            Self::AutoCes => ces::Fit::best(values, 1, &ces::Season::ALL).map(|fit| fit.fitted(values)),
            Self::Drift if values.len() > 2 => return super::drift::Drift.fitted(values, 1),
            Self::Drift | Self::Naive => return super::naive::Naive.fitted(values, 1),
        };
        fitted.ok_or_else(unfitted)
    }

    /// Forecasts values without a season.
    fn forecast(self, values: &[f64], horizon: usize) -> Result<NormalForecast, ForecastError> {
        let theta = |variants: &[Variant]| Adjusted::best(values, 1, variants).map(|found| found.forecast(horizon));
        let forecast = match self {
            Self::AutoEts => select(values, 1, unseasonal(), &Options::default())
                .map(|fit| NormalForecast { mean: fit.mean(horizon), deviation: fit.deviation(horizon) }),
            Self::Theta => theta(&[Variant::Standard]),
            Self::DynamicOptimizedTheta => theta(&[Variant::DynamicOptimized]),
            Self::AutoTheta => theta(&Variant::ALL),
            Self::AutoCes => ces::Fit::best(values, 1, &ces::Season::ALL)
                .map(|fit| NormalForecast { mean: fit.mean(horizon), deviation: fit.deviation(horizon) }),
            Self::Drift if values.len() > 2 => return super::drift::Drift.forecast(values, horizon, 1),
            Self::Drift | Self::Naive => return super::naive::Naive.forecast(values, horizon, 1),
        };
        forecast.ok_or_else(unfitted)
    }
}

/// No season is left, and its removal may have left values below zero.
fn unseasonal() -> Pattern {
    Pattern::parse("ZZN").unwrap_or(Pattern::ANY)
}

fn unfitted() -> ForecastError {
    ForecastError::Numerical {
        model: catalogue::MSTL.to_string(),
        problem: "the inner model cannot be fitted to the series without its seasons".to_string(),
    }
}

impl LocalModel for Mstl {
    const NAME: &'static str = catalogue::MSTL;

    fn minimum_length(&self, _season_length: usize) -> usize {
        4
    }

    /// Intervals are those of the inner model. A series too short for any season goes to it as it is.
    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let values = gaps::filled(history);
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let size = if largest > 0.0 { largest } else { 1.0 };
        let scaled: Vec<f64> = values.iter().map(|v| v / size).collect();
        let parts = mstl(&scaled, &self.periods(season));
        let adjusted = parts.as_ref().map_or_else(|| scaled.clone(), |p| p.adjusted());
        let mut forecast = self.inner.forecast(&adjusted, horizon)?;
        if let Some(parts) = parts {
            forecast.mean.iter_mut().zip(parts.continued(horizon)).for_each(|(m, s)| *m += s);
        }
        forecast.mean.iter_mut().chain(&mut forecast.deviation).for_each(|v| *v *= size);
        Ok(forecast)
    }

    /// The inner model's one-step forecasts, with the seasons of the decomposition.
    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let values = gaps::filled(history);
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let size = if largest > 0.0 { largest } else { 1.0 };
        let scaled: Vec<f64> = values.iter().map(|v| v / size).collect();
        let adjusted = mstl(&scaled, &self.periods(season)).map_or_else(|| scaled.clone(), |p| p.adjusted());
        let inner = self.inner.fitted(&adjusted)?;
        Ok(inner.iter().zip(&scaled).zip(&adjusted).map(|((f, y), a)| size * (f + y - a)).collect())
    }
}
