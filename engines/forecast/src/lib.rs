//! Forecasting models, backtesting, metrics, ensembles and conformal calibration.
//!
//! A [`TrialJob`] names a panel, a model and a backtest; [`run`] returns forecasts with calibrated quantiles, the
//! backtest's windows and scores; [`ensemble::greedy`] combines several results. Models implement [`Forecaster`] and
//! see data only through a [`view::TrainingView`], which cannot look past an origin.
//!
//! This crate knows nothing of events, processes or files. Start reading at [`forecaster`], then [`job`].

pub mod agreement;
mod backtest;
mod calibration;
pub mod catalogue;
mod checks;
pub mod decomposition;
pub mod ensemble;
pub mod error;
pub mod forecaster;
mod gaps;
pub mod hierarchy;
mod in_sample;
pub mod job;
mod linear;
pub mod metrics;
pub mod models;
pub mod reconciliation;
pub mod registry;
mod selection;
pub mod settings;
pub mod significance;
mod stream;
pub mod time_axis;
pub mod view;

pub use catalogue::catalogue;
pub use error::ForecastError;
pub use forecaster::{FitTask, Forecaster, PredictRequest, Progress, Refit, SeriesForecast, Silent};
pub use in_sample::SeriesFit;
pub use job::{History, Scheme, TrialJob, TrialResult, WindowForecast, run, run_with};
pub use models::{arima, direct, ets};
pub use registry::Registry;
pub use settings::Settings;
pub use stream::{BATCH, ForecastStream, StreamRequest, forecast_stream};
pub use view::{SeriesView, TrainingView};
