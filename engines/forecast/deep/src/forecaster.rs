//! N-HiTS as a forecaster: one network for all series of a panel.

use atsre_domain::model::ModelSpec;
use atsre_forecast::{
    FitTask, ForecastError, Forecaster, PredictRequest, Refit, Registry, SeriesForecast, TrainingView, catalogue,
};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::chronos;
use crate::configuration::Configuration;
use crate::device::{self, SoftwareAdapter};
use crate::error::Error;
use crate::features::Encoder;
use crate::fracast;
use crate::nhits::NHits;
use crate::quantiles::mean;
use crate::training::{self, History, Plan};
use crate::windows::{WindowSet, WindowShape, least_length};

/// The number of the random stream that weights are drawn from; windows come from the next.
const WEIGHT_STREAM: u64 = 1;
const WINDOW_STREAM: u64 = 2;

/// Adds the deep models to a registry: `nhits` and the pretrained networks.
pub fn register(registry: &mut Registry) {
    registry.register(catalogue::NHITS, construct);
    registry.register(catalogue::FRACAST_0, fracast::construct);
    registry.register(catalogue::CHRONOS_BOLT, chronos::construct_bolt);
    registry.register(catalogue::CHRONOS_2, chronos::construct_two);
    registry.register(catalogue::CHRONOS_T5, chronos::construct_t5);
}

fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Ok(Box::new(NHitsForecaster::new(Configuration::from_spec(spec)?, SoftwareAdapter::Refuse)))
}

/// The global N-HiTS model: trained once over all windows of all series, then asked at any origin.
///
/// Each window is shifted and scaled by its own mean and standard deviation, so that forecasts follow any shift and
/// positive scaling of a series. Known covariates are shown over the last and the next horizon, past ones over the last;
/// the calendar as the phase of day, week and year at the origin, where the data show these cycles at least twice.
#[derive(Debug)]
pub struct NHitsForecaster {
    configuration: Configuration,
    software: SoftwareAdapter,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    net: NHits,
    encoder: Encoder,
    shape: WindowShape,
    levels: Vec<f64>,
    device: Device,
    history: History,
}

impl NHitsForecaster {
    /// A model that is yet to be fitted. Nothing is allocated and no device is opened before [`Forecaster::fit`].
    #[must_use]
    pub fn new(configuration: Configuration, software: SoftwareAdapter) -> Self {
        Self { configuration, software, fitted: None }
    }

    /// How the training went; none before the fit.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.fitted.as_ref().map(|f| &f.history)
    }

    fn learn(&self, task: &FitTask<'_>, encoder: Encoder, windows: &WindowSet) -> Result<Fitted, Error> {
        let device = device::open(self.configuration.device, self.software)?;
        let shape = *windows.shape();
        let architecture = self.configuration.architecture(
            shape.input_size,
            shape.features(),
            shape.horizon,
            task.quantile_levels.len(),
        );
        let plan = Plan {
            batch_size: self.configuration.batch_size,
            steps: self.configuration.steps,
            learning_rate: self.configuration.learning_rate,
        };
        let (net, history) = device::guarded(self.configuration.device, || {
            let net = NHits::new(&architecture, &mut stream(task.seed, WEIGHT_STREAM), &device.clone().autodiff());
            let mut draws = stream(task.seed, WINDOW_STREAM);
            training::train(net, windows, task.quantile_levels, &plan, &device, &mut draws, task.progress)
        })?;
        Ok(Fitted { net, encoder, shape, levels: task.quantile_levels.to_vec(), device, history })
    }
}

impl Forecaster for NHitsForecaster {
    fn name(&self) -> &'static str {
        catalogue::NHITS
    }

    fn refit(&self) -> Refit {
        Refit::Once
    }

    fn minimum_length(&self, horizon: usize, _season_length: usize) -> usize {
        least_length(horizon)
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let named = |error: Error| error.for_model(catalogue::NHITS);
        let encoder = Encoder::learn(task.view);
        let longest = task.view.iter().max_by_key(|s| s.origin());
        let (longest, item_id) = longest.map_or((0, ""), |s| (s.origin(), s.item_id()));
        let input_size = self.configuration.input_size(task.horizon, task.season_length, longest);
        let incomplete = task.view.iter().any(|s| s.origin() < 2 * input_size || s.target().iter().any(|v| v.is_nan()));
        let shape = WindowShape::new(&encoder, input_size, task.horizon, incomplete);
        let windows = window_set(task.view, &encoder, shape)?;
        if windows.len() == 0 {
            let (horizon, needed) = (task.horizon, least_length(task.horizon));
            return Err(named(Error::TooShort { horizon, longest, needed, item_id: item_id.to_string() }));
        }
        self.fitted = Some(self.learn(task, encoder, &windows).map_err(named)?);
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(catalogue::NHITS.to_string()))?;
        if request.horizon != fitted.shape.horizon || request.quantile_levels != fitted.levels {
            return Err(ForecastError::Job(format!(
                "nhits was fitted for {} steps and {} quantile levels, and is asked for {} and {}",
                fitted.shape.horizon,
                fitted.levels.len(),
                request.horizon,
                request.quantile_levels.len()
            )));
        }
        request.progress.check()?;
        let windows = window_set(request.view, &fitted.encoder, fitted.shape)?;
        let outputs = device::guarded(self.configuration.device, || {
            training::infer(&fitted.net, &windows, &windows.last(), self.configuration.batch_size, &fitted.device)
        })
        .map_err(|e| e.for_model(catalogue::NHITS))?;
        let mut forecasts = Vec::with_capacity(outputs.len());
        for (series, (normalisation, values)) in request.view.iter().zip(outputs) {
            let mut steps: Vec<Vec<f64>> = vec![Vec::with_capacity(fitted.levels.len()); request.horizon];
            for level in values.chunks_exact(request.horizon) {
                for (step, value) in steps.iter_mut().zip(level) {
                    let value = f64::from(*value) * normalisation.scale + normalisation.centre;
                    step.push(if self.configuration.non_negative { value.max(0.0) } else { value });
                }
            }
            if steps.iter().flatten().any(|v| !v.is_finite()) {
                let place = format!("the forecast of series `{}`", series.item_id());
                return Err(Error::NonFinite { place }.for_model(catalogue::NHITS));
            }
            // Rearrangement (Chernozhukov, Fernández-Val and Galichon 2010): sorting never raises the pinball loss.
            steps.iter_mut().for_each(|s| s.sort_by(f64::total_cmp));
            forecasts.push(SeriesForecast {
                item_id: series.item_id().to_string(),
                times: series.future_times(request.horizon)?,
                mean: steps.iter().map(|s| mean(&fitted.levels, s)).collect(),
                quantiles: (0..fitted.levels.len()).map(|l| steps.iter().map(|s| s[l]).collect()).collect(),
            });
        }
        Ok(forecasts)
    }

    fn notes(&self) -> Vec<String> {
        let Some(fitted) = &self.fitted else {
            return Vec::new();
        };
        let held_out = match fitted.history.evaluations.is_empty() {
            true => "nothing held out: the series are too short".to_string(),
            false => format!("the weights of step {} did best on the held-out windows", fitted.history.best_step),
        };
        let shape = &fitted.shape;
        vec![format!(
            "one network for all series; input window {}, {} covariate inputs; {held_out}",
            shape.input_size,
            shape.features()
        )]
    }
}

fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

fn window_set(view: &TrainingView<'_>, encoder: &Encoder, shape: WindowShape) -> Result<WindowSet, ForecastError> {
    let mut encoded = Vec::with_capacity(view.len());
    for series in view.iter() {
        if let Some(row) = series.target().iter().position(|v| v.is_infinite()) {
            let place = format!("row {row} of series `{}`", series.item_id());
            return Err(Error::NonFinite { place }.for_model(catalogue::NHITS));
        }
        encoded.push(encoder.encode(&series)?);
    }
    Ok(WindowSet::new(shape, encoded))
}
