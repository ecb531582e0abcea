//! The frame that every forecasting model fits into.

use atsre_domain::identity::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ForecastError;
use crate::in_sample::SeriesFit;
use crate::view::TrainingView;

/// How a running fit tells its caller where it is, and learns that it should stop.
pub trait Progress: Sync {
    /// Reports the share done, 0 to 1, with a short message such as `step 120 of 300`.
    fn report(&self, fraction: f64, message: &str);
    /// Whether the caller has cancelled the work: the model then returns [`ForecastError::Cancelled`] soon.
    fn cancelled(&self) -> bool;

    /// Whether the caller's time for the work is up: a model that learns step by step then stops, and forecasts with what
    /// it has learnt. Other models go on.
    fn out_of_time(&self) -> bool {
        false
    }

    /// [`ForecastError::Cancelled`] where the caller has cancelled.
    ///
    /// # Errors
    /// As said.
    fn check(&self) -> Result<(), ForecastError> {
        if self.cancelled() { Err(ForecastError::Cancelled) } else { Ok(()) }
    }
}

/// Reports to nobody and is never cancelled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _fraction: f64, _message: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// Everything a fit may see and must keep to.
#[derive(Clone, Copy)]
pub struct FitTask<'a> {
    /// The data, each series cut at its own origin.
    pub view: &'a TrainingView<'a>,
    /// Steps that will be asked for, at least 1.
    pub horizon: usize,
    /// Quantile levels that will be asked for, ascending, inside (0, 1).
    pub quantile_levels: &'a [f64],
    /// The plan's season in observations, 1 where there is none: what a model's own season setting of 0 stands for.
    pub season_length: usize,
    /// The source of every random draw.
    pub seed: u64,
    /// Threads the model may use. The job already runs inside a rayon pool of this size.
    pub threads: usize,
    /// Where to report, and whether to stop.
    pub progress: &'a dyn Progress,
}

/// A request for forecasts after the view's origins.
#[derive(Clone, Copy)]
pub struct PredictRequest<'a> {
    /// The data up to the origins; the same series as in the fit where the model is local, perhaps with later origins
    /// where [`Forecaster::refit`] is [`Refit::Once`].
    pub view: &'a TrainingView<'a>,
    /// Steps to forecast: the horizon of the fit.
    pub horizon: usize,
    /// Quantile levels: those of the fit.
    pub quantile_levels: &'a [f64],
    /// The source of every random draw.
    pub seed: u64,
    /// Where to report, and whether to stop.
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for FitTask<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FitTask").field("horizon", &self.horizon).field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PredictRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PredictRequest").field("horizon", &self.horizon).finish_non_exhaustive()
    }
}

/// The forecast of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesForecast {
    /// The series.
    pub item_id: String,
    /// The moments forecast, one for each step.
    pub times: Vec<Timestamp>,
    /// The expected value at each step.
    #[serde(with = "atsre_domain::missing")]
    pub mean: Vec<f64>,
    /// One row for each quantile level, each with one value a step; rows ascend at every step.
    #[serde(with = "atsre_domain::missing::rows")]
    pub quantiles: Vec<Vec<f64>>,
}

/// How a backtest treats a model between windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refit {
    /// Cheap: fitted anew on each window's history.
    EveryWindow,
    /// Dear and global: fitted once, on the history before the first origin, and then only given more history.
    Once,
}

/// A forecasting model: built by the registry, fitted on a view, then asked for quantiles.
///
/// A model sees data through [`TrainingView`] only, which has no way to look past an origin, except at covariates
/// that are known over the horizon. With the same data, settings and seed it returns the same bits, whatever the
/// number of threads.
pub trait Forecaster: Send {
    /// The name in the catalogue.
    fn name(&self) -> &'static str;

    /// Whether a backtest may keep the fitted parameters from window to window.
    fn refit(&self) -> Refit;

    /// The fewest observations before an origin that the model can work with for this horizon and season.
    fn minimum_length(&self, horizon: usize, season_length: usize) -> usize;

    /// Learns from the view.
    ///
    /// # Errors
    /// [`ForecastError`], by its kind.
    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError>;

    /// Forecasts `horizon` steps after each origin of the view: one forecast for each series, in the view's order.
    ///
    /// # Errors
    /// [`ForecastError`], by its kind.
    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError>;

    /// The one-step forecasts inside each history of the view, with their residuals: one for each series, in the
    /// view's order. A regression on time or a map of many steps gives what it says of the next step. None where the
    /// model has no such fit: a choice or a mean of other models, or a network whose windows are sampled.
    ///
    /// # Errors
    /// As [`Self::predict`].
    fn in_sample(&self, _request: &PredictRequest<'_>) -> Result<Option<Vec<SeriesFit>>, ForecastError> {
        Ok(None)
    }

    /// What a reader of the result should know, such as the season that was used or covariates that were left out.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
