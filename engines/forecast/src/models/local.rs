//! The frame of cheap local models: each series by itself, estimated from the history in the request.

use atsre_domain::model::ModelSpec;
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::catalogue;
use crate::error::ForecastError;
use crate::forecaster::{FitTask, Forecaster, PredictRequest, Refit, SeriesForecast};
use crate::gaps;
use crate::in_sample::SeriesFit;
use crate::settings::Settings;
use crate::view::SeriesView;

/// Values of a size in this range can be squared and summed.
const SMALLEST: f64 = 1e-100;
const LARGEST: f64 = 1e100;

/// A forecast with normal errors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NormalForecast {
    /// The expected value at each step.
    pub(crate) mean: Vec<f64>,
    /// The standard deviation at each step.
    pub(crate) deviation: Vec<f64>,
}

/// A model of one series.
pub(crate) trait LocalModel: Send + Sync + 'static {
    /// The name in the catalogue.
    const NAME: &'static str;
    /// The fewest observations it can work with.
    fn minimum_length(&self, season_length: usize) -> usize;
    /// Forecasts `horizon` steps after `history`, which has at least one observed value.
    fn forecast(&self, history: &[f64], horizon: usize, season_length: usize) -> Result<NormalForecast, ForecastError>;
    /// The one-step forecasts of `history`, one for each of its values; NaN before the first.
    fn fitted(&self, history: &[f64], season_length: usize) -> Result<Vec<f64>, ForecastError>;
}

/// A local model as a [`Forecaster`].
#[derive(Debug)]
pub(crate) struct Local<M> {
    model: M,
    /// The model's own season; 0 for the plan's.
    season_setting: usize,
    /// The season in use, once fitted.
    season_length: Option<usize>,
}

impl<M: LocalModel> Local<M> {
    /// Builds the model from its spec: `make` reads the settings that are its own.
    pub(crate) fn construct(
        spec: &ModelSpec,
        make: impl FnOnce(&Settings) -> Result<M, ForecastError>,
    ) -> Result<Box<dyn Forecaster>, ForecastError> {
        let entry = catalogue::entry(M::NAME)?;
        let settings = Settings::resolve(&entry, spec)?;
        let season_setting = if entry.seasonal { settings.size("season_length", 0..=1_000_000)? } else { 1 };
        Ok(Box::new(Self { model: make(&settings)?, season_setting, season_length: None }))
    }

    /// The model without a season, ready to predict.
    pub(crate) const fn fitted(model: M) -> Self {
        Self { model, season_setting: 1, season_length: Some(1) }
    }

    /// The model's forecast. Values whose squares would leave the number range are brought near 1 for it by a power of
    /// two, which changes no digit.
    fn within_range(&self, history: &[f64], horizon: usize, season: usize) -> Result<NormalForecast, ForecastError> {
        let Some(scale) = unusual_scale(history) else {
            return self.model.forecast(history, horizon, season);
        };
        let scaled: Vec<f64> = history.iter().map(|v| v / scale).collect();
        let mut forecast = self.model.forecast(&scaled, horizon, season)?;
        forecast.mean.iter_mut().chain(&mut forecast.deviation).for_each(|v| *v = restored(*v, scale));
        Ok(forecast)
    }

    /// The model's one-step forecasts, in the same range.
    fn fitted_within_range(&self, history: &[f64], season: usize) -> Result<Vec<f64>, ForecastError> {
        let Some(scale) = unusual_scale(history) else {
            return self.model.fitted(history, season);
        };
        let scaled: Vec<f64> = history.iter().map(|v| v / scale).collect();
        Ok(self.model.fitted(&scaled, season)?.iter().map(|v| restored(*v, scale)).collect())
    }

    /// The observed part of a history that is long enough.
    fn usable<'v>(&self, series: &SeriesView<'v>, season: usize) -> Result<&'v [f64], ForecastError> {
        let history = series.target();
        let needed = self.model.minimum_length(season);
        let length = gaps::usable_length(history);
        if length < needed {
            let (model, item_id) = (M::NAME.to_string(), series.item_id().to_string());
            return Err(ForecastError::TooShort { model, item_id, length, needed });
        }
        Ok(&history[history.len() - length..])
    }

    fn season(&self, plan: usize) -> usize {
        if self.season_setting > 0 { self.season_setting } else { plan.max(1) }
    }
}

impl<M: LocalModel> Forecaster for Local<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn refit(&self) -> Refit {
        Refit::EveryWindow
    }

    fn minimum_length(&self, _horizon: usize, season_length: usize) -> usize {
        self.model.minimum_length(self.season(season_length))
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        task.progress.check()?;
        self.season_length = Some(self.season(task.season_length));
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let season_length = self.season_length.ok_or_else(|| ForecastError::NotFitted(M::NAME.to_string()))?;
        let scores = standard_normal_quantiles(request.quantile_levels)?;
        (0..request.view.len())
            .into_par_iter()
            .map(|i| {
                request.progress.check()?;
                let series = request.view.series(i);
                let history = self.usable(&series, season_length)?;
                let forecast = self.within_range(history, request.horizon, season_length)?;
                Ok(SeriesForecast {
                    item_id: series.item_id().to_string(),
                    times: series.future_times(request.horizon)?,
                    quantiles: scores.iter().map(|z| forecast.quantile(*z)).collect(),
                    mean: forecast.mean,
                })
            })
            .collect()
    }

    fn in_sample(&self, request: &PredictRequest<'_>) -> Result<Option<Vec<SeriesFit>>, ForecastError> {
        let season_length = self.season_length.ok_or_else(|| ForecastError::NotFitted(M::NAME.to_string()))?;
        let one = |i: usize| {
            request.progress.check()?;
            let series = request.view.series(i);
            let history = self.usable(&series, season_length)?;
            Ok(SeriesFit::of(&series, &self.fitted_within_range(history, season_length)?))
        };
        (0..request.view.len()).into_par_iter().map(one).collect::<Result<_, ForecastError>>().map(Some)
    }
}

/// The power of two that brings values near 1, where their squares would leave the number range.
pub(crate) fn unusual_scale(history: &[f64]) -> Option<f64> {
    let largest = history.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let usual = largest == 0.0 || (SMALLEST..LARGEST).contains(&largest);
    (!usual).then(|| largest.log2().floor().clamp(-1_000.0, 1_000.0).exp2())
}

/// Back in the units of the data. What still leaves the range, such as a deviation at a far step, stays at its end.
fn restored(value: f64, scale: f64) -> f64 {
    (value * scale).clamp(-f64::MAX / 16.0, f64::MAX / 16.0)
}

impl NormalForecast {
    fn quantile(&self, z: f64) -> Vec<f64> {
        self.mean.iter().zip(&self.deviation).map(|(m, d)| m + z * d).collect()
    }
}

/// The standard normal quantiles at `levels`.
pub(crate) fn standard_normal_quantiles(levels: &[f64]) -> Result<Vec<f64>, ForecastError> {
    let normal = Normal::new(0.0, 1.0)
        .map_err(|e| ForecastError::Job(format!("the standard normal distribution is refused: {e}")))?;
    Ok(levels.iter().map(|l| normal.inverse_cdf(*l)).collect())
}

/// The root of a sum of squared errors over `count − 1`, zero where there are fewer than two errors.
pub(crate) fn deviation(sum_of_squares: f64, count: usize) -> f64 {
    if count < 2 { 0.0 } else { (sum_of_squares / (count - 1) as f64).sqrt() }
}
