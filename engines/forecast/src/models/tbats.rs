//! TBATS: exponential smoothing with a Box–Cox transformation, ARMA errors, a trend that may be damped and trigonometric
//! seasons of any length (De Livera, Hyndman and Snyder 2011).
//!
//! The number of harmonics of each season is the one of the least AIC in a regression on the series without its trend
//! (§3.3 of the paper searches it by fits); transformation, trend and ARMA errors are then chosen one after another by
//! the AIC of the model, corrected for short series, so that a series costs a handful of fits. Seeds are found by
//! regression for given parameters (§3.1), parameters by a simplex search for given seeds, twice in turn.

use atsre_domain::model::ModelSpec;

use super::arima;
use super::ets::corrected;
use super::local::{Local, LocalModel, NormalForecast};
use super::simplex::Search;
use crate::catalogue;
use crate::decomposition::mstl;
use crate::error::ForecastError;
use crate::forecaster::Forecaster;
use filter::{Form, Parameters, State, Trend};
use transformation::Transformation;

mod filter;
mod transformation;

/// Harmonics of a season at most, and observations that one must have to itself.
const MOST_HARMONICS: usize = 12;
const OBSERVATIONS_PER_HARMONIC: usize = 8;
/// Evaluations of one search, and what it leaves undecided of the criterion.
const EVALUATIONS: usize = 250;
const TOLERANCE: f64 = 1e-3;
/// Searches, each from the seeds of the last one's parameters.
const TURNS: usize = 2;
/// Orders of ARMA errors that are tried on the residuals.
const ORDERS: [(usize, usize); 6] = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)];
/// Fewer observations bear no ARMA errors.
const ENOUGH_FOR_ARMA: usize = 30;
/// Seasons of a day that are also those of a week, seven times as long.
const DAYS: [usize; 5] = [24, 48, 96, 144, 288];

/// TBATS.
#[derive(Clone, Debug)]
pub(crate) struct Tbats {
    /// The seasons; empty for the plan's, and the week where that is a day.
    periods: Vec<usize>,
}

/// Builds the model.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Local::construct(spec, |settings| Ok(Tbats { periods: settings.sizes("seasonal_periods", 2..=100_000)? }))
}

/// A fitted form.
#[derive(Clone, Debug)]
struct Fit {
    form: Form,
    parameters: Parameters,
    end: State,
    errors: Vec<f64>,
    criterion: f64,
}

impl Fit {
    /// Fits a form to transformed values, from `start` on; none where nothing finite comes of it.
    fn of(z: &[f64], form: &Form, start: &Parameters, jacobian: f64) -> Option<Self> {
        let n = z.len() as f64;
        let (low, high) = form.limits();
        let search = Search { low: &low, high: &high, tolerance: TOLERANCE, evaluations: EVALUATIONS };
        let mut vector = form.pack(start);
        let mut best: Option<(f64, Vec<f64>, State)> = None;
        for _ in 0..TURNS {
            let Some(seeds) = filter::seeds(form, &form.unpack(&vector), z) else { break };
            let objective = |x: &[f64]| {
                let parameters = form.unpack(x);
                let squares =
                    if parameters.admissible() { filter::squares(form, &parameters, &seeds, z) } else { None };
                squares.map_or(f64::INFINITY, |s| n * s.max(1e-20 * n).ln())
            };
            let (found, value) = search.minimise(&vector, 0.1, objective);
            if !value.is_finite() || best.as_ref().is_some_and(|b| value >= b.0 - TOLERANCE) {
                break;
            }
            vector.clone_from(&found);
            best = Some((value, found, seeds));
        }
        let (value, vector, seeds) = best?;
        let parameters = form.unpack(&vector);
        let mut end = seeds;
        let errors: Vec<f64> = z.iter().map(|v| end.step(form, &parameters, Some(*v)).1).collect();
        let spent = vector.len() + form.seeds() + 1;
        let criterion = match corrected(value - jacobian, spent, z.len()) {
            // Where there is no room for the correction, the parameters count more than ever.
            c if c.is_infinite() => value - jacobian + 4.0 * spent as f64 * (1.0 + spent as f64 / n),
            c => c,
        };
        errors.iter().all(|e| e.is_finite()).then_some(Self { form: form.clone(), parameters, end, errors, criterion })
    }

    fn better(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.criterion < self.criterion => other,
            _ => self,
        }
    }
}

/// A chosen model of a series.
#[derive(Clone, Debug)]
struct Chosen {
    transformation: Transformation,
    fit: Fit,
    z: Vec<f64>,
}

impl Chosen {
    fn of(values: &[f64], periods: &[usize]) -> Option<Self> {
        let transformations = Transformation::candidates(values, periods.iter().copied().max().unwrap_or(1));
        let first = transformations.first()?;
        let (z, _) = first.apply(values);
        let plain = Form { trend: Trend::None, seasons: harmonics(&z, periods), autoregressive: 0, moving_average: 0 };
        let mut chosen: Option<Self> = None;
        for transformation in transformations {
            let (z, jacobian) = transformation.apply(values);
            let form = Form { seasons: harmonics(&z, periods), ..plain.clone() };
            let Some(fit) = Fit::of(&z, &form, &form.start(), jacobian) else { continue };
            if chosen.as_ref().is_none_or(|c| fit.criterion < c.fit.criterion) {
                chosen = Some(Self { transformation, fit, z });
            }
        }
        let Self { transformation, mut fit, z } = chosen?;
        let jacobian = transformation.apply(values).1;
        for trend in [Trend::Linear, Trend::Damped] {
            let form = Form { trend, ..fit.form.clone() };
            let start = Parameters { alpha: fit.parameters.alpha, ..form.start() };
            let other = Fit::of(&z, &form, &start, jacobian);
            fit = fit.better(other);
        }
        if z.len() >= ENOUGH_FOR_ARMA {
            fit = with_arma(fit, &z, jacobian);
        }
        Some(Self { transformation, fit, z })
    }

    fn forecast(&self, horizon: usize) -> NormalForecast {
        let Fit { form, parameters, end, errors, .. } = &self.fit;
        let spent = form.pack(parameters).len() + form.seeds();
        let freedom = errors.len().saturating_sub(spent).max(errors.len().div_ceil(2)).max(1);
        let variance = errors.iter().map(|e| e * e).sum::<f64>() / freedom as f64;
        let mut state = end.clone();
        // What one error adds to later values: the model is linear.
        let mut echo = State::zero(form);
        echo.step(form, parameters, Some(1.0));
        let mut total = 1.0;
        let mut forecast = NormalForecast { mean: Vec::new(), deviation: Vec::new() };
        for h in 0..horizon {
            if h > 0 {
                let (response, _) = echo.step(form, parameters, None);
                total += response * response;
            }
            let (z, _) = state.step(form, parameters, None);
            let (mean, slope) = self.transformation.restore(z);
            forecast.mean.push(mean);
            forecast.deviation.push((variance * total).sqrt().min(1e150) * slope);
        }
        forecast
    }

    fn fitted(&self) -> Vec<f64> {
        self.z.iter().zip(&self.fit.errors).map(|(z, e)| self.transformation.restore(z - e).0).collect()
    }
}

/// The same form with ARMA errors, where the residuals ask for them and the whole gains by them.
fn with_arma(fit: Fit, z: &[f64], jacobian: f64) -> Fit {
    let fits = ORDERS.iter().filter_map(|&(p, q)| arima::fit(&fit.errors, &[], arima::Order::new(p, 0, q)).ok());
    let best = fits.reduce(|best, other| if other.criterion() < best.criterion() { other } else { best });
    let Some(best) = best.filter(|b| b.order().p + b.order().q > 0) else { return fit };
    let (autoregressive, moving_average) = (best.order().p, best.order().q);
    let form = Form { autoregressive, moving_average, ..fit.form.clone() };
    let (ar, ma) = best.coefficients().split_at(autoregressive);
    let start = Parameters { ar: ar.to_vec(), ma: ma.to_vec(), ..fit.parameters.clone() };
    let other = Fit::of(z, &form, &start, jacobian);
    fit.better(other)
}

/// The harmonics of each season that is there twice: as many as the least AIC of a regression on them asks for.
fn harmonics(z: &[f64], periods: &[usize]) -> Vec<(usize, usize)> {
    let Some(parts) = mstl(z, periods) else { return Vec::new() };
    let n = z.len();
    let mut left: Vec<f64> = z.iter().zip(&parts.trend).map(|(v, t)| v - t).collect();
    let mut seasons = Vec::new();
    let mut used = 0;
    for &period in &parts.periods {
        let most = MOST_HARMONICS.min(period / 2).min((n / OBSERVATIONS_PER_HARMONIC).saturating_sub(used));
        let mut rest = left.clone();
        let (mut best, mut count) = (n as f64 * squares(&rest).max(1e-20).ln(), 0);
        for k in 1..=most {
            for quarter in [0, 1] {
                let wave = |t: usize| {
                    let phase = std::f64::consts::TAU * ((k * (t % period)) % period) as f64 / period as f64;
                    if quarter == 0 { phase.cos() } else { phase.sin() }
                };
                let (product, square) = rest.iter().enumerate().fold((0.0, 0.0), |(p, s), (t, v)| {
                    let w = wave(t);
                    (p + w * v, s + w * w)
                });
                // Half a cycle a step has no sine.
                let weight = if square > 1e-6 * n as f64 { product / square } else { 0.0 };
                rest.iter_mut().enumerate().for_each(|(t, v)| *v -= weight * wave(t));
            }
            let criterion = n as f64 * squares(&rest).max(1e-20).ln() + 4.0 * k as f64;
            if criterion < best {
                (best, count) = (criterion, k);
                left.clone_from(&rest);
            }
        }
        if count > 0 {
            seasons.push((period, count));
            used += count;
        }
    }
    seasons
}

fn squares(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum()
}

impl Tbats {
    fn chosen(&self, history: &[f64], season: usize) -> Result<Chosen, ForecastError> {
        let periods = match &self.periods[..] {
            [] if DAYS.contains(&season) => vec![season, 7 * season],
            [] => vec![season],
            given => given.to_vec(),
        };
        let values = arima::bridged(history, season);
        Chosen::of(&values, &periods).ok_or_else(|| ForecastError::Numerical {
            model: catalogue::TBATS.to_string(),
            problem: "no form has a finite likelihood".to_string(),
        })
    }
}

impl LocalModel for Tbats {
    const NAME: &'static str = catalogue::TBATS;

    fn minimum_length(&self, _season_length: usize) -> usize {
        2
    }

    fn forecast(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        Ok(self.chosen(history, season)?.forecast(horizon))
    }

    fn fitted(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        Ok(self.chosen(history, season)?.fitted())
    }
}

#[cfg(test)]
#[path = "tbats/tests.rs"]
mod tests;
