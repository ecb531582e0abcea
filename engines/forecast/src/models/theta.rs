//! The Theta family: the method of Assimakopoulos and Nikolopoulos (2000) in the state space form of Fiorucci,
//! Pellegrini, Louzada, Petropoulos and Koehler (2016), standard and optimised, static and dynamic. Hyndman and Billah
//! (2003) showed the standard method to be simple exponential smoothing with half the slope of the trend line as drift.
//! Seasonal data are adjusted by a classical decomposition where the M4 competition's test finds a season.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;
use crate::settings::Settings;
use fit::BURN_IN;
use season::{Decomposition, Season};

mod fit;
mod line;
pub(crate) mod season;

pub use fit::{Fit, Variant, criterion};

/// The parts of a Theta forecast: a fit to the adjusted values, and the season that was taken out.
#[derive(Clone, Debug)]
pub struct Adjusted {
    /// The fit to the adjusted values.
    pub fit: Fit,
    season: Option<Season>,
    length: usize,
}

impl Adjusted {
    /// Adjusts `values`, without gaps and not empty, for a multiplicative season of `season_length` where the test
    /// finds one, and fits each of `variants`. The one with the least AICc is kept, the earlier of equals.
    #[must_use]
    pub fn best(values: &[f64], season_length: usize, variants: &[Variant]) -> Option<Self> {
        Self::choose(values, season_length, variants, Some(Decomposition::Multiplicative))
    }

    fn choose(
        values: &[f64],
        season_length: usize,
        variants: &[Variant],
        decomposition: Option<Decomposition>,
    ) -> Option<Self> {
        let season = decomposition.and_then(|wanted| Season::find(values, season_length, wanted));
        let adjusted = season.as_ref().map(|s| s.remove(values));
        let adjusted = adjusted.as_deref().unwrap_or(values);
        if adjusted.is_empty() {
            return None;
        }
        let fits = variants.iter().map(|v| Fit::best(adjusted, *v));
        let fit = fits.reduce(|best, fit| if fit.criterion() < best.criterion() { fit } else { best })?;
        Some(Self { fit, season, length: values.len() })
    }

    /// The forecasts.
    #[must_use]
    pub fn mean(&self, horizon: usize) -> Vec<f64> {
        self.forecast(horizon).mean
    }

    /// The one-step forecasts of `values`, which have to be those of the fit.
    pub(crate) fn fitted(&self, values: &[f64]) -> Vec<f64> {
        let adjusted = self.season.as_ref().map_or_else(|| values.to_vec(), |s| s.remove(values));
        let mut mean: Vec<f64> = adjusted.iter().zip(self.fit.errors()).map(|(y, e)| y - e).collect();
        // The first ones are not judged: the initial level is free there.
        let judged = BURN_IN.min(mean.len());
        mean[..judged].fill(f64::NAN);
        let Some(season) = &self.season else { return mean };
        let deviation = vec![0.0; mean.len()];
        season.restore(NormalForecast { mean, deviation }, 0).mean
    }

    pub(crate) fn forecast(&self, horizon: usize) -> NormalForecast {
        let forecast = NormalForecast { mean: self.fit.mean(horizon), deviation: self.fit.deviation(horizon) };
        match &self.season {
            None => forecast,
            Some(season) => season.restore(forecast, self.length),
        }
    }
}

/// Reads `decomposition`.
fn decomposition(settings: &Settings) -> Result<Option<Decomposition>, ForecastError> {
    let word = settings.word("decomposition", &["auto", "multiplicative", "additive", "none"])?;
    Ok(match word {
        "none" => None,
        "additive" => Some(Decomposition::Additive),
        _ => Some(Decomposition::Multiplicative),
    })
}

fn empty(model: &str) -> ForecastError {
    ForecastError::Numerical { model: model.to_string(), problem: "the history is empty".to_string() }
}

macro_rules! theta {
    ($(#[$doc:meta])* $model:ident, $construct:ident, $name:expr, $variants:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $model {
            decomposition: Option<Decomposition>,
        }

        /// Builds the model.
        pub(crate) fn $construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
            Local::construct(spec, |settings| Ok($model { decomposition: decomposition(settings)? }))
        }

        impl LocalModel for $model {
            const NAME: &'static str = $name;

            fn minimum_length(&self, _season_length: usize) -> usize {
                BURN_IN + 1
            }

            fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
                let values = gaps::filled(history);
                let found = Adjusted::choose(&values, season, $variants, self.decomposition);
                Ok(found.ok_or_else(|| empty($name))?.forecast(horizon))
            }

            fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
                let values = gaps::filled(history);
                let found = Adjusted::choose(&values, season, $variants, self.decomposition);
                Ok(found.ok_or_else(|| empty($name))?.fitted(&values))
            }
        }
    };
}

theta!(
    /// The standard Theta method.
    Theta,
    construct,
    catalogue::THETA,
    &[Variant::Standard]
);
theta!(
    /// The optimised Theta model.
    OptimizedTheta,
    construct_optimized,
    catalogue::OPTIMIZED_THETA,
    &[Variant::Optimized]
);
theta!(
    /// The dynamic Theta model.
    DynamicTheta,
    construct_dynamic,
    catalogue::DYNAMIC_THETA,
    &[Variant::Dynamic]
);
theta!(
    /// The dynamic optimised Theta model.
    DynamicOptimizedTheta,
    construct_dynamic_optimized,
    catalogue::DYNAMIC_OPTIMIZED_THETA,
    &[Variant::DynamicOptimized]
);
theta!(
    /// The best of the family.
    AutoTheta,
    construct_auto,
    catalogue::AUTO_THETA,
    &Variant::ALL
);
