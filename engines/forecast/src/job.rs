//! One trial from end to end: backtest, calibration, final fit, forecast, scores.

use atsre_domain::metric::Score;
use atsre_domain::model::ModelSpec;
use atsre_domain::panel::Panel;
use atsre_domain::plan::BacktestPlan;
use serde::{Deserialize, Serialize};

use crate::error::ForecastError;
use crate::forecaster::{Progress, SeriesForecast};
use crate::registry::Registry;

pub use scheme::{History, Scheme};

mod scheme;

/// What to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialJob {
    /// The clean data.
    pub panel: Panel,
    /// The model, its settings and the covariates it may use.
    pub spec: ModelSpec,
    /// Steps to forecast, at least 1.
    pub horizon: u32,
    /// Quantile levels, ascending, inside (0, 1), at least one.
    pub quantile_levels: Vec<f64>,
    /// The rolling-origin backtest; 0 windows for none.
    pub backtest: BacktestPlan,
    /// Observations at the end of every series that the model never sees; the forecasts then cover their first
    /// `horizon` steps and are scored on the test split. 0 to use all data and forecast the future.
    pub holdout: u32,
    /// The source of every random draw.
    pub seed: u64,
    /// Threads, at least 1.
    pub threads: u32,
}

/// The forecast of one series from one origin, beside what then happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowForecast {
    /// The window, 0 the earliest.
    pub window: u32,
    /// The series.
    pub item_id: String,
    /// The index, in the series, of the first step forecast.
    pub origin: u64,
    /// What happened; NaN where missing.
    #[serde(with = "atsre_domain::missing")]
    pub actual: Vec<f64>,
    /// The expected value at each step.
    #[serde(with = "atsre_domain::missing")]
    pub mean: Vec<f64>,
    /// One row for each quantile level. Calibrated with the windows that had ended before this one's origin.
    #[serde(with = "atsre_domain::missing::rows")]
    pub quantiles: Vec<Vec<f64>>,
    /// The mean absolute seasonal difference before the origin, by which MASE scales; none where it is zero.
    pub absolute_scale: Option<f64>,
    /// The mean squared seasonal difference before the origin, by which RMSSE scales; none where it is zero.
    pub squared_scale: Option<f64>,
}

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// The forecasts after the last origin, in the panel's order.
    pub forecasts: Vec<SeriesForecast>,
    /// The backtest, by window and then in the panel's order.
    pub windows: Vec<WindowForecast>,
    /// With a holdout: the same forecasts beside the withheld values.
    pub test: Vec<WindowForecast>,
    /// Accuracy on the backtest, then on the test split.
    pub scores: Vec<Score>,
    /// The quantile levels, ascending: one row of each `quantiles` each.
    pub quantile_levels: Vec<f64>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Runs a trial: a rolling-origin backtest (Tashman 2000), conformal calibration of the quantiles from its residuals,
/// a final fit on everything but the holdout, and the forecast of the next horizon.
///
/// The same job gives the same bits, whatever `threads` is.
///
/// # Errors
/// [`ForecastError`], by its kind.
pub fn run(job: &TrialJob, registry: &Registry, progress: &dyn Progress) -> Result<TrialResult, ForecastError> {
    run_with(job, Scheme::default(), registry, progress)
}

/// Runs a trial as [`run`] does, with a gap before each window's first step, or with sliding histories.
///
/// # Errors
/// [`ForecastError`], by its kind.
pub fn run_with(
    job: &TrialJob,
    scheme: Scheme,
    registry: &Registry,
    progress: &dyn Progress,
) -> Result<TrialResult, ForecastError> {
    crate::backtest::run(job, scheme, registry, progress)
}
