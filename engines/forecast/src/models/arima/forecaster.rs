//! ARIMA models behind the catalogue's names.

use atsre_domain::model::ModelSpec;
use rayon::prelude::*;

use super::fit::{Fit, Prediction};
use super::order::Order;
use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::in_sample::SeriesFit;
use crate::models::local::standard_normal_quantiles;
use crate::models::regressors::{self, Regressors};
use crate::settings::Settings;

/// How the orders are chosen.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// As set.
    Fixed(Order),
    /// By the stepwise search.
    Stepwise,
    /// By the stepwise search on the errors of a regression on Fourier terms.
    Harmonic,
}

/// The seasons set, and the one in use once fitted.
#[derive(Clone, Debug, Default)]
struct Season {
    setting: usize,
    periods: Vec<usize>,
    fitted: Option<usize>,
}

/// A fitted model with its forecast.
#[derive(Debug)]
struct Found {
    fit: Fit,
    prediction: Prediction,
}

/// ARIMA with the known covariates as regressors, each series by itself.
#[derive(Debug)]
struct Arima {
    name: &'static str,
    choice: Choice,
    season: Season,
    notes: Vec<String>,
}

/// Builds the model with set orders.
pub(crate) fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::ARIMA)?, spec)?;
    let order = Order::new(settings.size("p", 0..=20)?, settings.size("d", 0..=3)?, settings.size("q", 0..=20)?)
        .seasonal(
            settings.size("seasonal_p", 0..=4)?,
            settings.size("seasonal_d", 0..=2)?,
            settings.size("seasonal_q", 0..=4)?,
            1,
        )
        .with_constant(settings.flag("constant")?);
    build(catalogue::ARIMA, Choice::Fixed(order), &settings)
}

/// Builds the model that searches its orders.
pub(crate) fn construct_auto(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::AUTO_ARIMA)?, spec)?;
    build(catalogue::AUTO_ARIMA, Choice::Stepwise, &settings)
}

/// Builds the dynamic harmonic regression.
pub(crate) fn construct_harmonic(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    let settings = Settings::resolve(&catalogue::entry(catalogue::HARMONIC_REGRESSION)?, spec)?;
    let periods = settings.sizes("seasonal_periods", 2..=100_000)?;
    let season = Season { periods, ..Season::default() };
    Ok(Box::new(Arima { name: catalogue::HARMONIC_REGRESSION, choice: Choice::Harmonic, season, notes: Vec::new() }))
}

fn build(name: &'static str, choice: Choice, settings: &Settings) -> Result<Box<dyn Forecaster>, ForecastError> {
    let season = Season { setting: settings.size("season_length", 0..=10_000)?, ..Season::default() };
    Ok(Box::new(Arima { name, choice, season, notes: Vec::new() }))
}

impl Arima {
    fn season(&self, plan: usize) -> usize {
        if self.season.setting > 0 { self.season.setting } else { plan.max(1) }
    }

    /// The fit and its forecast. With many gaps the observations may not suffice, though
    /// the length does: then a simpler model does.
    fn one(
        &self,
        values: &[f64],
        regressors: &Regressors,
        horizon: usize,
        season: usize,
    ) -> Result<Found, ForecastError> {
        self.chosen(values, regressors, horizon, season).or_else(|_| {
            let fit = super::auto(values, &[], 1)?;
            Ok(Found { prediction: fit.forecast(horizon, &[])?, fit })
        })
    }

    fn chosen(
        &self,
        values: &[f64],
        regressors: &Regressors,
        horizon: usize,
        season: usize,
    ) -> Result<Found, ForecastError> {
        let fit = match self.choice {
            Choice::Fixed(order) => super::fit(values, &regressors.past, Order { season, ..order })?,
            Choice::Stepwise => super::auto(values, &regressors.past, season)?,
            Choice::Harmonic => {
                let (past, future) = (&regressors.past, &regressors.future);
                let harmonic = super::harmonic(values, past, future, &self.season.periods, horizon)?;
                return Ok(Found { prediction: harmonic.prediction, fit: harmonic.fit });
            }
        };
        Ok(Found { prediction: fit.forecast(horizon, &regressors.future)?, fit })
    }
}

impl Forecaster for Arima {
    fn name(&self) -> &'static str {
        self.name
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, _horizon: usize, season_length: usize) -> usize {
        match self.choice {
            Choice::Stepwise | Choice::Harmonic => 2,
            Choice::Fixed(order) => {
                let order = super::fit::normalised(Order { season: self.season(season_length), ..order });
                order.lost() + order.terms() + usize::from(order.constant) + 2
            }
        }
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        task.progress.check()?;
        self.season.fitted = Some(self.season(task.season_length));
        if self.season.periods.is_empty() {
            // The plan's season, and those of the calendar that are multiples of it: the week of hourly data.
            let calendar = task.view.frequency().calendar_periods().into_iter().map(|p| p as usize);
            let base = task.season_length;
            self.season.periods = calendar.filter(|p| base > 1 && p.is_multiple_of(base)).collect();
            self.season.periods.push(base);
        }
        self.notes = regressors::note(task.view, self.name).into_iter().collect();
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let season = self.season.fitted.ok_or_else(|| ForecastError::NotFitted(self.name.to_string()))?;
        let scores = standard_normal_quantiles(request.quantile_levels)?;
        (0..request.view.len())
            .into_par_iter()
            .map(|i| {
                request.progress.check()?;
                let series = request.view.series(i);
                let start = gaps::first_observed(series.target()).unwrap_or(0);
                let values = &series.target()[start..];
                let regressors = Regressors::known(request.view, &series, start, request.horizon);
                let Found { prediction, .. } = self.one(values, &regressors, request.horizon, season)?;
                let quantile = |z: &f64| {
                    prediction.mean.iter().zip(&prediction.deviation).map(|(m, d)| m + z * d).collect::<Vec<f64>>()
                };
                Ok(SeriesForecast {
                    item_id: series.item_id().to_string(),
                    times: series.future_times(request.horizon)?,
                    quantiles: scores.iter().map(quantile).collect(),
                    mean: prediction.mean,
                })
            })
            .collect()
    }

    fn in_sample(&self, request: &PredictRequest<'_>) -> Result<Option<Vec<SeriesFit>>, ForecastError> {
        let season = self.season.fitted.ok_or_else(|| ForecastError::NotFitted(self.name.to_string()))?;
        let one = |i: usize| {
            request.progress.check()?;
            let series = request.view.series(i);
            let start = gaps::first_observed(series.target()).unwrap_or(0);
            let regressors = Regressors::known(request.view, &series, start, request.horizon);
            let found = self.one(&series.target()[start..], &regressors, request.horizon, season)?;
            Ok(SeriesFit::of(&series, &found.fit.fitted()))
        };
        (0..request.view.len()).into_par_iter().map(one).collect::<Result<_, ForecastError>>().map(Some)
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}
