//! The models of the catalogue that are forms of exponential smoothing.

use atsre_domain::model::ModelSpec;

use super::{Bounds, Component, Fit, Options, Pattern, select};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;
use crate::models::local::{Local, LocalModel, NormalForecast};
use crate::settings::Settings;

/// What `form` may be: error, trend and season.
const FORMS: [&str; 72] = [
    "ZZZ", "ZZN", "ZZA", "ZZM", "ZNZ", "ZNN", "ZNA", "ZNM", "ZAZ", "ZAN", "ZAA", "ZAM", "ZAdZ", "ZAdN", "ZAdA", "ZAdM",
    "ZMZ", "ZMN", "ZMA", "ZMM", "ZMdZ", "ZMdN", "ZMdA", "ZMdM", "AZZ", "AZN", "AZA", "AZM", "ANZ", "ANN", "ANA", "ANM",
    "AAZ", "AAN", "AAA", "AAM", "AAdZ", "AAdN", "AAdA", "AAdM", "AMZ", "AMN", "AMA", "AMM", "AMdZ", "AMdN", "AMdA",
    "AMdM", "MZZ", "MZN", "MZA", "MZM", "MNZ", "MNN", "MNA", "MNM", "MAZ", "MAN", "MAA", "MAM", "MAdZ", "MAdN", "MAdA",
    "MAdM", "MMZ", "MMN", "MMA", "MMM", "MMdZ", "MMdN", "MMdA", "MMdM",
];

/// A choice among forms.
#[derive(Clone, Copy, Debug)]
struct Choice {
    pattern: Pattern,
    options: Options,
}

impl Choice {
    fn new(settings: &Settings, pattern: Pattern) -> Result<Self, ForecastError> {
        let bounds = match settings.word("bounds", &["cautious", "usual", "admissible"])? {
            "admissible" => Bounds::Admissible,
            "usual" => Bounds::Usual,
            _ => Bounds::Cautious,
        };
        Ok(Self { pattern, options: Options { bounds } })
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let fit = self.fit(&gaps::filled(history), season)?;
        Ok(NormalForecast { mean: fit.mean(horizon), deviation: fit.deviation(horizon) })
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let values = gaps::filled(history);
        Ok(self.fit(&values, season)?.fitted(&values))
    }

    fn fit(&self, values: &[f64], season: usize) -> Result<Fit, ForecastError> {
        // Multiplicative components have no meaning here: their additive counterparts take their place.
        let pattern = if values.iter().all(|v| *v > 0.0) { self.pattern } else { self.pattern.additive() };
        select(values, season, pattern, &self.options).ok_or_else(|| ForecastError::Numerical {
            model: catalogue::ETS.to_string(),
            problem: "no form of exponential smoothing can be fitted to the history".to_string(),
        })
    }
}

/// Reads `damped`: a fixed choice, or either.
fn damping(settings: &Settings) -> Result<Option<bool>, ForecastError> {
    Ok(match settings.word("damped", &["auto", "yes", "no"])? {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    })
}

/// Reads `error`: the kind of errors, or either.
fn error_letter(settings: &Settings) -> Result<&'static str, ForecastError> {
    Ok(match settings.word("error", &["additive", "multiplicative", "auto"])? {
        "multiplicative" => "M",
        "auto" => "Z",
        _ => "A",
    })
}

fn pattern(letters: &str) -> Pattern {
    Pattern::parse(letters).unwrap_or(Pattern::ANY)
}

macro_rules! choice {
    ($(#[$doc:meta])* $model:ident, $name:expr, $minimum:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $model(Choice);

        impl LocalModel for $model {
            const NAME: &'static str = $name;

            fn minimum_length(&self, _season_length: usize) -> usize {
                $minimum
            }

            fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
                self.0.forecast(history, horizon, season)
            }

            fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
                self.0.fitted(history, season)
            }
        }
    };
}

choice!(
    /// The best of all stable forms.
    AutoEts,
    catalogue::AUTO_ETS,
    2
);
choice!(
    /// A form by its letters.
    Ets,
    catalogue::ETS,
    2
);
choice!(
    /// Holt's linear trend.
    Holt,
    catalogue::HOLT,
    2
);
choice!(
    /// Holt's and Winters' trend and season.
    HoltWinters,
    catalogue::HOLT_WINTERS,
    2
);

/// Builds the automatic choice.
pub(crate) fn construct_auto(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| Ok(AutoEts(Choice::new(settings, Pattern::ANY.damped(damping(settings)?))?)))
}

/// Builds a form by its letters.
pub(crate) fn construct_form(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        let word = settings.word("form", &FORMS)?;
        // Letters without a `d` name an undamped trend; a trend left open may be damped.
        let wanted = pattern(word);
        let undamped = wanted.damped.is_none() && matches!(word.as_bytes().get(1), Some(b'A' | b'M'));
        Ok(Ets(Choice::new(settings, if undamped { wanted.damped(Some(false)) } else { wanted })?))
    })
}

/// Builds Holt's method.
pub(crate) fn construct_holt(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        let letters = format!("{}AN", error_letter(settings)?);
        Ok(Holt(Choice::new(settings, pattern(&letters).damped(damping(settings)?))?))
    })
}

/// Builds Holt's and Winters' method.
pub(crate) fn construct_holt_winters(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        let season = match settings.word("season", &["additive", "multiplicative", "auto"])? {
            "multiplicative" => "M",
            "auto" => "Z",
            _ => "A",
        };
        let letters = format!("{}A{season}", error_letter(settings)?);
        Ok(HoltWinters(Choice::new(settings, pattern(&letters).damped(damping(settings)?))?))
    })
}

impl Pattern {
    /// The pattern with additive components in the place of multiplicative ones.
    fn additive(self) -> Self {
        let plain = |c: Component| if c == Component::Multiplicative { Component::Additive } else { c };
        Self {
            error: self.error.map(|_| super::Error::Additive),
            trend: self.trend.map(plain),
            season: self.season.map(plain),
            ..self
        }
    }
}
