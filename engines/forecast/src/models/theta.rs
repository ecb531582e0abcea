//! The standard Theta method (Assimakopoulos and Nikolopoulos 2000) in the state space form of Fiorucci, Pellegrini,
//! Louzada, Petropoulos and Koehler (2016, eq. 10 to 13, model STM), which Hyndman and Billah (2003) showed to be
//! simple exponential smoothing with half the slope of the trend line as drift. Seasonal data are adjusted by a
//! classical decomposition where the M4 competition's test finds a season.

use atsre_domain::model::ModelSpec;

use super::local::{Local, LocalModel, NormalForecast, deviation};
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use crate::gaps;
use season::{Decomposition, Season};

pub(crate) mod season;

/// The bounds of the smoothing parameter, as in the forecTheta package.
const ALPHA_BOUNDS: (f64, f64) = (0.1, 0.99);
/// Points of the coarse search over the smoothing parameter.
const GRID: usize = 45;
/// Steps of the golden-section search: 0.618⁴⁰ of a grid cell is below 1e-10.
const REFINEMENTS: usize = 40;
/// The first errors are not judged: the initial level is free there.
const BURN_IN: usize = 3;

/// The Theta method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theta {
    decomposition: Option<Decomposition>,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| {
        let word = settings.word("decomposition", &["auto", "multiplicative", "additive", "none"])?;
        let decomposition = match word {
            "none" => None,
            "additive" => Some(Decomposition::Additive),
            _ => Some(Decomposition::Multiplicative),
        };
        Ok(Theta { decomposition })
    })
}

impl LocalModel for Theta {
    const NAME: &'static str = catalogue::THETA;

    fn minimum_length(&self, _season_length: usize) -> usize {
        BURN_IN + 1
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let values = gaps::filled(history);
        let season = self.decomposition.and_then(|wanted| Season::find(&values, season, wanted));
        let adjusted = season.as_ref().map_or_else(|| values.clone(), |s| s.remove(&values));
        let fit = Fit::best(&adjusted);
        let forecast = fit.forecast(&adjusted, horizon);
        Ok(match season {
            None => forecast,
            Some(season) => season.restore(forecast, values.len()),
        })
    }
}

/// A fitted standard Theta model.
#[derive(Clone, Copy, Debug)]
struct Fit {
    alpha: f64,
    initial_level: f64,
    line: Line,
    sum_of_squares: f64,
}

/// The trend line, a + b t with t from 1.
#[derive(Clone, Copy, Debug)]
struct Line {
    intercept: f64,
    slope: f64,
}

impl Line {
    fn through(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let moment = values.iter().enumerate().map(|(t, y)| (t + 1) as f64 * (y - mean)).sum::<f64>() / n;
        let slope = 12.0 * moment / (n * n - 1.0);
        Self { intercept: mean - (n + 1.0) * slope / 2.0, slope }
    }

    /// Half of what the line adds at the 0-based time t: ½ (a (1 − α)ᵗ + b (1 − (1 − α)ᵗ⁺¹) / α).
    fn half(self, alpha: f64, power: f64) -> f64 {
        0.5 * (self.intercept * power + self.slope * (1.0 - power * (1.0 - alpha)) / alpha)
    }
}

impl Fit {
    /// The least squares fit. For a given α the errors are linear in the initial level, which is therefore solved
    /// for; α is searched on a grid and refined by golden section.
    fn best(values: &[f64]) -> Self {
        let line = Line::through(values);
        let (low, high) = ALPHA_BOUNDS;
        let cell = (high - low) / (GRID - 1) as f64;
        let at = |alpha: f64| Self::with_alpha(values, line, alpha);
        let mut best = at(low);
        for i in 1..GRID {
            let candidate = at(low + cell * i as f64);
            if candidate.sum_of_squares < best.sum_of_squares {
                best = candidate;
            }
        }
        let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
        let (mut left, mut right) = ((best.alpha - cell).max(low), (best.alpha + cell).min(high));
        for _ in 0..REFINEMENTS {
            let (first, second) = (at(right - ratio * (right - left)), at(left + ratio * (right - left)));
            if first.sum_of_squares <= second.sum_of_squares {
                right = second.alpha;
            } else {
                left = first.alpha;
            }
            for candidate in [first, second] {
                if candidate.sum_of_squares < best.sum_of_squares {
                    best = candidate;
                }
            }
        }
        best
    }

    /// The best initial level for one α. The level after t observations is `known + (1 − α)ᵗ · initial`.
    fn with_alpha(values: &[f64], line: Line, alpha: f64) -> Self {
        let (mut known, mut power) = (0.0, 1.0);
        let (mut cross, mut square, mut total) = (0.0, 0.0, 0.0);
        for (t, y) in values.iter().enumerate() {
            if t >= BURN_IN {
                let error = y - known - line.half(alpha, power);
                cross += error * power;
                square += power * power;
                total += error * error;
            }
            known = alpha * y + (1.0 - alpha) * known;
            power *= 1.0 - alpha;
        }
        let initial_level = if square > 0.0 { cross / square } else { 0.0 };
        // The rounding of a perfect fit may fall below zero.
        let sum_of_squares = (total - initial_level * cross).max(0.0);
        Self { alpha, initial_level, line, sum_of_squares }
    }

    /// Means by running the recursion on its own forecasts; variances σ² (1 + (h − 1) α²), as for simple exponential
    /// smoothing (Hyndman and Billah 2003, §4).
    fn forecast(&self, values: &[f64], horizon: usize) -> NormalForecast {
        let (mut level, mut power) = (self.initial_level, 1.0);
        let mut errors = Vec::with_capacity(values.len());
        for (t, y) in values.iter().enumerate() {
            if t >= BURN_IN {
                errors.push(y - level - self.line.half(self.alpha, power));
            }
            level = self.alpha * y + (1.0 - self.alpha) * level;
            power *= 1.0 - self.alpha;
        }
        let sigma = deviation(errors.iter().map(|e| e * e).sum(), errors.len());
        let mut forecast = NormalForecast { mean: Vec::with_capacity(horizon), deviation: Vec::with_capacity(horizon) };
        for h in 0..horizon {
            let mean = level + self.line.half(self.alpha, power);
            forecast.mean.push(mean);
            forecast.deviation.push(sigma * (1.0 + h as f64 * self.alpha * self.alpha).sqrt());
            level = self.alpha * mean + (1.0 - self.alpha) * level;
            power *= 1.0 - self.alpha;
        }
        forecast
    }
}
