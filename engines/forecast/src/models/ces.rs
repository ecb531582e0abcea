//! Complex exponential smoothing (Svetunkov, Kourentzes and Ord 2022): a level whose smoothing parameter is a complex
//! number, so that one form follows level and trend alike, with no, a simple, a partial or a full season, chosen by
//! AICc. Initial states are found by running the recursion forwards, backwards and forwards again.

use atsre_domain::model::ModelSpec;

use super::ets::corrected;
use super::local::{Local, LocalModel, NormalForecast};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;
use contest::{Winner, winner};
use recursion::States;
pub use recursion::Weights;

mod contest;
mod recursion;
mod search;
mod sensitivity;
#[cfg(test)]
mod tests;

/// The limits of α0, α1, β0 and β1.
const LOW: [f64; 4] = [0.01; 4];
const HIGH: [f64; 4] = [1.8, 1.9, 1.5, 1.5];
/// The smallest sum of squared errors relative to n: what rounding leaves of a perfect fit.
const PERFECT: f64 = 1e-30;

/// The season of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// None.
    None,
    /// The level itself is seasonal.
    Simple,
    /// A season with a real parameter beside the level.
    Partial,
    /// A season with a complex parameter beside the level.
    Full,
}

impl Season {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Simple, Self::Partial, Self::Full];

    /// Estimated parameters, as counted by the reference implementations: states and the variance.
    const fn parameters(self) -> usize {
        match self {
            Self::None | Self::Simple => 3,
            Self::Partial => 4,
            Self::Full => 5,
        }
    }

    /// Where the search begins: the criterion has several minima.
    const fn starts(self) -> &'static [&'static [f64]] {
        match self {
            Self::None | Self::Simple => &[&[1.3, 1.0], &[1.75, 1.0]],
            Self::Partial => &[&[1.3, 1.0, 0.1], &[1.75, 1.0, 0.02]],
            Self::Full => &[&[1.5, 1.0, 1.0, 0.95], &[1.05, 1.0, 1.45, 0.95], &[1.3, 0.8, 1.1, 1.05]],
        }
    }
}

/// A fitted form.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The season.
    pub season: Season,
    /// The parameters.
    pub weights: Weights,
    first: States,
    last: States,
    squares: f64,
    n: usize,
    size: f64,
}

impl Fit {
    /// Fits the forms that suit values without gaps, and takes the one with the least AICc. Only forms without a
    /// season where there are not two full ones. None without values.
    #[must_use]
    pub fn best(values: &[f64], season_length: usize, seasons: &[Season]) -> Option<Self> {
        let largest = values.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let size = if largest > 0.0 { largest } else { 1.0 };
        let y: Vec<f64> = values.iter().map(|v| v / size).collect();
        let seasonal = season_length > 1 && values.len() >= 2 * season_length;
        let suits = |s: &&Season| !y.is_empty() && (**s == Season::None || seasonal);
        let enough = |s: &&Season| y.len() > s.parameters() + 1;
        let fitting = seasons.iter().filter(suits).filter(enough).copied();
        let fit = |won: Winner| Self::with(&y, won, size);
        winner(&y, season_length, fitting).map(fit).or_else(|| (!y.is_empty()).then(|| Self::plain(&y, size)))
    }

    /// Without a season, however short the history.
    fn plain(y: &[f64], size: f64) -> Self {
        let season = Season::None;
        let other = || Winner { season, start: States::start(y, 1, season), x: season.starts()[0].to_vec() };
        Self::with(y, winner(y, 1, [season].into_iter()).unwrap_or_else(other), size)
    }

    fn with(y: &[f64], Winner { season, start, x }: Winner, size: f64) -> Self {
        let w = weights(&x);
        let mut first = start;
        first.cast_back(y, season, &w);
        let mut last = first.clone();
        let squares = last.run(y, season, &w, false);
        Self { season, weights: w, first, last, squares, n: y.len(), size }
    }

    /// Akaike's corrected criterion; infinite where there are too few values.
    #[must_use]
    pub fn aicc(&self) -> f64 {
        let n = self.n as f64;
        let likelihood = n * (self.squares.max(PERFECT * n).ln() + 2.0 * self.size.ln());
        corrected(likelihood, self.season.parameters(), self.n)
    }

    /// The forecasts.
    #[must_use]
    pub fn mean(&self, horizon: usize) -> Vec<f64> {
        let forecast = self.last.clone().forecast(self.n, horizon, self.season, &self.weights);
        forecast.into_iter().map(|v| v * self.size).collect()
    }

    /// The standard deviation of the forecasts: σ² times one plus the squared echoes of the errors before.
    #[must_use]
    pub fn deviation(&self, horizon: usize) -> Vec<f64> {
        let used = self.season.parameters() + 1;
        let sigma = (self.squares / self.n.saturating_sub(used).max(1) as f64).sqrt() * self.size;
        let mut total = 1.0;
        let mut out = Vec::with_capacity(horizon);
        for (h, echo) in self.last.echoes(horizon, self.season, &self.weights).into_iter().enumerate() {
            // The first entry is the forecast before the error.
            total += if h == 0 { 0.0 } else { echo * echo };
            out.push(sigma * total.sqrt());
        }
        out
    }

    /// One-step forecasts inside the history, which has to be the one of the fit.
    #[must_use]
    pub fn fitted(&self, values: &[f64]) -> Vec<f64> {
        let y: Vec<f64> = values.iter().map(|v| v / self.size).collect();
        self.first.clone().fitted(&y, self.season, &self.weights).into_iter().map(|v| v * self.size).collect()
    }
}

fn weights(x: &[f64]) -> Weights {
    let at = |i: usize| x.get(i).copied().unwrap_or(0.0);
    Weights { alpha: (at(0), at(1)), beta: (at(2), at(3)) }
}

fn forecast(history: &[f64], horizon: usize, m: usize, seasons: &[Season]) -> Result<NormalForecast, ForecastError> {
    let fit = fit(&gaps::filled(history), m, seasons)?;
    Ok(NormalForecast { mean: fit.mean(horizon), deviation: fit.deviation(horizon) })
}

fn fitted(history: &[f64], m: usize, seasons: &[Season]) -> Result<Vec<f64>, ForecastError> {
    let values = gaps::filled(history);
    Ok(fit(&values, m, seasons)?.fitted(&values))
}

fn fit(values: &[f64], m: usize, seasons: &[Season]) -> Result<Fit, ForecastError> {
    Fit::best(values, m, seasons).ok_or_else(|| ForecastError::Numerical {
        model: catalogue::CES.to_string(),
        problem: "the history is empty".to_string(),
    })
}

/// The best of all seasons.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AutoCes;

/// A given season.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ces(Season);

/// Builds the automatic choice.
pub(crate) fn construct_auto(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |_| Ok(AutoCes))
}

/// Builds a form with a given season.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        Ok(Ces(match settings.word("season", &["none", "simple", "partial", "full"])? {
            "none" => Season::None,
            "simple" => Season::Simple,
            "partial" => Season::Partial,
            _ => Season::Full,
        }))
    })
}

impl LocalModel for AutoCes {
    const NAME: &'static str = catalogue::AUTO_CES;

    fn minimum_length(&self, _season_length: usize) -> usize {
        2
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        forecast(history, horizon, season, &Season::ALL)
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        fitted(history, season, &Season::ALL)
    }
}

impl LocalModel for Ces {
    const NAME: &'static str = catalogue::CES;

    fn minimum_length(&self, _season_length: usize) -> usize {
        2
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        forecast(history, horizon, season, &[self.0])
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        fitted(history, season, &[self.0])
    }
}
