//! Forecasts of very many series, a batch at a time.

use std::collections::VecDeque;

use atsre_domain::frequency::Frequency;
use atsre_domain::model::ModelSpec;
use atsre_domain::panel::{Covariate, Panel, Series};
use atsre_domain::plan::BacktestPlan;

use crate::error::ForecastError;
use crate::forecaster::{Progress, SeriesForecast, Silent};
use crate::job::{TrialJob, run};
use crate::registry::Registry;

/// Series that are in memory at once, and that a pooled model or a selection learns from together. Fixed, so that neither
/// threads nor memory change a forecast.
pub const BATCH: usize = 512;

/// What is asked for every series.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRequest {
    /// The distance between two observations.
    pub frequency: Frequency,
    /// The covariates that every series has a row of, in this order.
    pub covariates: Vec<Covariate>,
    /// The model.
    pub spec: ModelSpec,
    /// Steps to forecast, at least 1.
    pub horizon: u32,
    /// Quantile levels, ascending, inside (0, 1), at least one.
    pub quantile_levels: Vec<f64>,
    /// The season in observations, 1 for none.
    pub season_length: u32,
    /// Windows by which quantiles are calibrated; 0 for the model's own.
    pub calibration_windows: u32,
    /// The source of every random draw.
    pub seed: u64,
    /// Threads, at least 1.
    pub threads: u32,
}

/// Forecasts in the order of the series, made as they are asked for.
pub struct ForecastStream<'a, I> {
    series: I,
    request: StreamRequest,
    registry: &'a Registry,
    progress: &'a dyn Progress,
    ready: VecDeque<Result<SeriesForecast, ForecastError>>,
    done: usize,
    cancelled: bool,
}

impl<I> std::fmt::Debug for ForecastStream<'_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForecastStream")
            .field("request", &self.request)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

/// Forecasts every series of an iterator: one result for each, in the input's order. At most [`BATCH`] series are held at
/// once. A series that cannot be forecast is an error in its place and costs the others nothing; after
/// [`ForecastError::Cancelled`] nothing follows. The same series and request give the same bits on any number of threads.
///
/// `progress` hears how many series are done, with a fraction of 0 where the input does not know its length.
pub fn forecast_stream<'a, I: IntoIterator<Item = Series>>(
    series: I,
    request: StreamRequest,
    registry: &'a Registry,
    progress: &'a dyn Progress,
) -> ForecastStream<'a, I::IntoIter> {
    let series = series.into_iter();
    ForecastStream { series, request, registry, progress, ready: VecDeque::new(), done: 0, cancelled: false }
}

impl<I: Iterator<Item = Series>> Iterator for ForecastStream<'_, I> {
    type Item = Result<SeriesForecast, ForecastError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && !self.cancelled {
            self.fill();
        }
        let next = self.ready.pop_front()?;
        if matches!(next, Err(ForecastError::Cancelled)) {
            self.cancelled = true;
            self.ready.clear();
        }
        Some(next)
    }
}

impl<I: Iterator<Item = Series>> ForecastStream<'_, I> {
    fn fill(&mut self) {
        let batch: Vec<Series> = self.series.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return;
        }
        let count = batch.len();
        let results = if self.progress.cancelled() { vec![Err(ForecastError::Cancelled)] } else { self.batch(batch) };
        self.ready.extend(results);
        self.done += count;
        let known = self.series.size_hint().1.map(|left| self.done + left);
        let fraction = known.map_or(0.0, |total| self.done as f64 / total.max(1) as f64);
        self.progress.report(fraction, &format!("{} series done", self.done));
    }

    /// One result for each series. Those that no model can use are set aside first; where the rest still fails together,
    /// each is tried by itself.
    fn batch(&self, batch: Vec<Series>) -> Vec<Result<SeriesForecast, ForecastError>> {
        let sound: Vec<bool> = batch.iter().map(|s| s.target.iter().any(|v| v.is_finite()) && self.fits(s)).collect();
        let together: Vec<Series> =
            batch.iter().zip(&sound).filter(|(_, sound)| **sound).map(|(s, _)| s.clone()).collect();
        let joint = if together.is_empty() { Ok(Vec::new()) } else { self.forecast(together) };
        match joint {
            Ok(forecasts) => {
                let mut forecasts = forecasts.into_iter();
                let one = |(series, sound): (Series, bool)| {
                    if sound && let Some(forecast) = forecasts.next() { Ok(forecast) } else { self.alone(series) }
                };
                batch.into_iter().zip(sound).map(one).collect()
            }
            Err(ForecastError::Cancelled) => vec![Err(ForecastError::Cancelled)],
            Err(_) => batch.into_iter().map(|series| self.alone(series)).collect(),
        }
    }

    fn fits(&self, series: &Series) -> bool {
        series.covariates.len() == self.request.covariates.len() && series.times.len() >= series.target.len()
    }

    fn alone(&self, series: Series) -> Result<SeriesForecast, ForecastError> {
        let name = series.item_id.clone();
        self.forecast(vec![series])?.pop().ok_or_else(|| ForecastError::Job(format!("series `{name}` has no forecast")))
    }

    fn forecast(&self, series: Vec<Series>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let request = &self.request;
        let job = TrialJob {
            panel: Panel {
                target: "target".to_string(),
                frequency: request.frequency,
                covariates: request.covariates.clone(),
                series,
            },
            spec: request.spec.clone(),
            horizon: request.horizon,
            quantile_levels: request.quantile_levels.clone(),
            backtest: BacktestPlan {
                windows: request.calibration_windows,
                step: request.horizon.max(1),
                season_length: request.season_length,
            },
            holdout: 0,
            seed: request.seed,
            threads: request.threads,
        };
        // A batch's own progress means nothing to the whole; cancellation does.
        run(&job, self.registry, &Cancellable(self.progress)).map(|result| result.forecasts)
    }
}

/// Passes cancellation on, and no reports.
struct Cancellable<'a>(&'a dyn Progress);

impl Progress for Cancellable<'_> {
    fn report(&self, fraction: f64, message: &str) {
        Silent.report(fraction, message);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }

    fn out_of_time(&self) -> bool {
        self.0.out_of_time()
    }
}
