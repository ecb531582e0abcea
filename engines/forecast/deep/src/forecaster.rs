//! A trained network as a forecaster: one network for all series of a panel.

use atsre_domain::model::ModelSpec;
use atsre_forecast::{
    FitTask, ForecastError, Forecaster, PredictRequest, Refit, Registry, SeriesForecast, TrainingView, catalogue,
};
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::chronos;
use crate::configuration::{Configuration, NetSettings, TRAINED};
use crate::device::{self, SoftwareAdapter};
use crate::error::Error;
use crate::features::Encoder;
use crate::fracast;
use crate::loss::negative_binomial::LARGEST_COUNT;
use crate::loss::{Criterion, Loss};
use crate::nets::{Architecture, Net};
use crate::quantiles::mean;
use crate::sampling;
use crate::saved::{Reading, Writing};
use crate::training::{self, History, Keep, Plan, Run};
use crate::windows::{WindowSet, WindowShape, least_length};

/// The number of the random stream that weights are drawn from; windows come from the next.
const WEIGHT_STREAM: u64 = 1;
const WINDOW_STREAM: u64 = 2;
/// Where a saved file keeps the network's weights.
const NET: &str = "net";

/// Adds the deep models to a registry: those that are trained and the pretrained networks.
pub fn register(registry: &mut Registry) {
    for model in TRAINED {
        registry.register(model, construct);
    }
    registry.register(catalogue::FRACAST_0, fracast::construct);
    registry.register(catalogue::CHRONOS_BOLT, chronos::construct_bolt);
    registry.register(catalogue::CHRONOS_2, chronos::construct_two);
    registry.register(catalogue::CHRONOS_T5, chronos::construct_t5);
}

fn construct(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Ok(Box::new(NetForecaster::new(Configuration::from_spec(spec)?, SoftwareAdapter::Refuse)))
}

/// A global model: trained once over all windows of all series, then asked at any origin.
///
/// Each window is shifted and scaled by its own mean and standard deviation, so that forecasts follow any shift and
/// positive scaling of a series. Where the network takes covariates, known ones are shown over the last and the next
/// horizon (to TiDE over the whole window and the next horizon), past ones over the last; the calendar as the phase of
/// day, week and year at the origin, where the data show these cycles at least twice.
#[derive(Debug)]
pub struct NetForecaster {
    configuration: Configuration,
    software: SoftwareAdapter,
    /// The saved network that the next fit starts from.
    start: Option<Vec<u8>>,
    /// The checkpoint that the next fit goes on from.
    checkpoint: Option<Vec<u8>>,
    keeper: Option<Keeper>,
    fitted: Option<Fitted>,
}

#[derive(Debug)]
struct Fitted {
    net: Net,
    architecture: Architecture,
    encoder: Encoder,
    shape: WindowShape,
    levels: Vec<f64>,
    device: Device,
    history: History,
}

/// Who keeps the checkpoints of a training.
struct Keeper {
    every: usize,
    keep: Box<dyn Fn(Vec<u8>) + Send + Sync>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("every", &self.every).finish_non_exhaustive()
    }
}

impl NetForecaster {
    /// A model that is yet to be fitted. Nothing is allocated and no device is opened before [`Forecaster::fit`].
    #[must_use]
    pub fn new(configuration: Configuration, software: SoftwareAdapter) -> Self {
        Self { configuration, software, start: None, checkpoint: None, keeper: None, fitted: None }
    }

    /// How the training went; none before the fit.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.fitted.as_ref().map(|f| &f.history)
    }

    /// Starts the next fit from the weights of a saved network (transfer) instead of drawn ones.
    #[must_use]
    pub fn starting_from(mut self, saved: Vec<u8>) -> Self {
        self.start = Some(saved);
        self
    }

    /// Gives the caller a checkpoint about every so many steps of a fit: bytes for [`Self::resuming`].
    #[must_use]
    pub fn keeping_checkpoints(mut self, every: usize, keep: impl Fn(Vec<u8>) + Send + Sync + 'static) -> Self {
        self.keeper = Some(Keeper { every: every.max(1), keep: Box::new(keep) });
        self
    }

    /// Goes on with the training of a checkpoint at the next fit, which has to be of the same data, settings and seed: it
    /// ends in the same bits as a training that was never cut.
    #[must_use]
    pub fn resuming(mut self, checkpoint: Vec<u8>) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// The fitted network as the bytes of a safetensors file: the weights, and in the metadata all that
    /// [`Self::load`] needs.
    ///
    /// # Errors
    /// [`Error::Saved`] before a fit, and what the device says where it fails.
    pub fn save(&self) -> Result<Vec<u8>, Error> {
        let nothing = || Error::Saved { problem: "it is not yet fitted".to_string() };
        let fitted = self.fitted.as_ref().ok_or_else(nothing)?;
        let mut writing = Writing::default();
        writing.describe("configuration", &self.configuration)?;
        writing.describe("architecture", &fitted.architecture)?;
        writing.describe("encoder", &fitted.encoder)?;
        writing.describe("shape", &fitted.shape)?;
        writing.describe("levels", &fitted.levels)?;
        writing.describe("history", &fitted.history)?;
        writing.module(NET, &fitted.net)?;
        Ok(writing.into_bytes())
    }

    /// A fitted forecaster from the bytes that [`Self::save`] gave. On the same device its forecasts are the same, bit
    /// for bit.
    ///
    /// # Errors
    /// [`Error::Saved`] or [`Error::Weights`] where the bytes are no such file, and [`Error::DeviceUnavailable`].
    pub fn load(saved: Vec<u8>, software: SoftwareAdapter) -> Result<Self, Error> {
        let reading = Reading::new(saved)?;
        let configuration: Configuration = reading.described("configuration")?;
        let architecture: Architecture = reading.described_sizes("architecture")?;
        let shape: WindowShape = reading.described_sizes("shape")?;
        let encoder: Encoder = reading.described("encoder")?;
        let levels: Vec<f64> = reading.described("levels")?;
        let shown = WindowShape::new(&encoder, shape.input_size, shape.horizon, shape.covariate_context, shape.mask);
        if !architecture.heads_divide()
            || shown != shape
            || configuration.architecture(&shape, levels.len()) != architecture
        {
            return Err(Error::Saved { problem: "its metadata contradict each other".to_string() });
        }
        if architecture.parameters() != reading.count() {
            let (needed, found) = (architecture.parameters(), reading.count());
            return Err(Error::Saved { problem: format!("its architecture has {needed} weights, the file {found}") });
        }
        let device = device::open(configuration.device, software)?;
        let net = reading.module(NET, architecture.build(&mut stream(0, WEIGHT_STREAM), &device))?;
        let fitted =
            Fitted { net, architecture, encoder, shape, levels, device, history: reading.described("history")? };
        Ok(Self { configuration, software, start: None, checkpoint: None, keeper: None, fitted: Some(fitted) })
    }

    /// The saved network that the fit starts from, whose architecture has to be the same.
    fn start(&self, architecture: &Architecture) -> Result<Option<Reading>, Error> {
        let Some(saved) = &self.start else { return Ok(None) };
        let reading = Reading::new(saved.clone())?;
        let found: Architecture = reading.described("architecture")?;
        if found != *architecture {
            let problem = format!("it is {found:?}, the data and settings ask for {architecture:?}");
            return Err(Error::Saved { problem });
        }
        Ok(Some(reading))
    }

    fn learn(&self, task: &FitTask<'_>, encoder: Encoder, windows: &WindowSet) -> Result<Fitted, Error> {
        let device = device::open(self.configuration.device, self.software)?;
        let shape = *windows.shape();
        let architecture = self.configuration.architecture(&shape, task.quantile_levels.len());
        let start = self.start(&architecture)?;
        let criterion = Criterion::new(self.configuration.loss, task.quantile_levels, &device);
        let plan = Plan {
            batch_size: self.configuration.batch_size,
            steps: self.configuration.steps,
            learning_rate: self.configuration.learning_rate,
            schedule: self.configuration.schedule,
            dropout: self.configuration.dropout,
        };
        let (net, history) = device::guarded(self.configuration.device, || {
            let mut net = architecture.build(&mut stream(task.seed, WEIGHT_STREAM), &device.clone().autodiff());
            if let Some(start) = &start {
                net = start.module(NET, net)?;
            }
            let mut draws = stream(task.seed, WINDOW_STREAM);
            let keep = self.keeper.as_ref().map(|k| (k.every, &*k.keep as Keep<'_>));
            let run = Run { from: self.checkpoint.clone(), keep, progress: task.progress };
            training::train(net, windows, &criterion, &plan, &device, &mut draws, run)
        })?;
        Ok(Fitted { net, architecture, encoder, shape, levels: task.quantile_levels.to_vec(), device, history })
    }
}

impl Forecaster for NetForecaster {
    fn name(&self) -> &'static str {
        self.configuration.model()
    }

    fn refit(&self) -> Refit {
        Refit::Once
    }

    fn minimum_length(&self, horizon: usize, _season_length: usize) -> usize {
        least_length(horizon)
    }

    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let named = |error: Error| error.for_model(self.name());
        let takes_covariates = self.configuration.takes_covariates();
        let encoder = if takes_covariates { Encoder::learn(task.view) } else { Encoder::none() };
        let encoder = if self.configuration.moment_by_moment() { encoder.moment_by_moment() } else { encoder };
        let encoder = if self.configuration.takes_past() { encoder } else { encoder.without_past() };
        let longest = task.view.iter().max_by_key(|s| s.origin());
        let (longest, item_id) = longest.map_or((0, ""), |s| (s.origin(), s.item_id()));
        let input_size = self.configuration.input_size(task.horizon, task.season_length, longest);
        let incomplete = task.view.iter().any(|s| s.origin() < 2 * input_size || s.target().iter().any(|v| v.is_nan()));
        let context = self.configuration.covariate_context(input_size, task.horizon);
        let shape = WindowShape::new(&encoder, input_size, task.horizon, context, incomplete && takes_covariates);
        let windows = window_set(&self.configuration, task.view, &encoder, shape)?;
        if windows.len() == 0 {
            let (horizon, needed) = (task.horizon, least_length(task.horizon));
            return Err(named(Error::TooShort { horizon, longest, needed, item_id: item_id.to_string() }));
        }
        self.fitted = Some(self.learn(task, encoder, &windows).map_err(named)?);
        Ok(())
    }

    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        let fitted = self.fitted.as_ref().ok_or_else(|| ForecastError::NotFitted(self.name().to_string()))?;
        if request.horizon != fitted.shape.horizon || request.quantile_levels != fitted.levels {
            return Err(ForecastError::Job(format!(
                "{} was fitted for {} steps and {} quantile levels, and is asked for {} and {}",
                self.name(),
                fitted.shape.horizon,
                fitted.levels.len(),
                request.horizon,
                request.quantile_levels.len()
            )));
        }
        request.progress.check()?;
        let windows = window_set(&self.configuration, request.view, &fitted.encoder, fitted.shape)?;
        let loss = self.configuration.loss;
        let counts = loss == Loss::NegativeBinomial;
        let paths = match (&fitted.net, &self.configuration.net) {
            (Net::DeepAr(net), NetSettings::DeepAr { samples, .. }) => Some((net, *samples)),
            _ => None,
        };
        let outputs = device::guarded(self.configuration.device, || match paths {
            Some((net, paths)) => training::sample(net, &windows, loss, (paths, request.seed), &fitted.device),
            None => {
                training::infer(&fitted.net, &windows, &windows.last(), self.configuration.batch_size, &fitted.device)
            }
        })
        .map_err(|e| e.for_model(self.name()))?;
        let mut forecasts = Vec::with_capacity(outputs.len());
        for (series, (normalisation, values)) in request.view.iter().zip(outputs) {
            let (mut steps, mut means) = match paths {
                Some(_) => {
                    let of_step =
                        |step: usize| values.iter().skip(step).step_by(request.horizon).map(|v| f64::from(*v));
                    let mut drawn: Vec<Vec<f64>> = (0..request.horizon).map(|step| of_step(step).collect()).collect();
                    let means = drawn.iter().map(|d| d.iter().map(|v| v / d.len() as f64).sum()).collect();
                    let quantiles = |drawn: &mut Vec<f64>| sampling::quantiles(drawn, &fitted.levels, counts);
                    (drawn.iter_mut().map(quantiles).collect::<Vec<_>>(), Some(means))
                }
                None => (
                    loss.quantiles(&values, normalisation.scale, request.horizon, &fitted.levels),
                    loss.means(&values, request.horizon),
                ),
            };
            for value in steps.iter_mut().chain(&mut means).flatten() {
                let plain = *value * normalisation.scale + normalisation.centre;
                *value = if self.configuration.non_negative { plain.max(0.0) } else { plain };
            }
            if counts {
                // Off a whole number by the rounding of the scale alone.
                steps.iter_mut().flatten().for_each(|value| *value = value.round());
            }
            if steps.iter().chain(&means).flatten().any(|v| !v.is_finite()) {
                let place = format!("the forecast of series `{}`", series.item_id());
                return Err(Error::NonFinite { place }.for_model(self.name()));
            }
            // Rearrangement (Chernozhukov, Fernández-Val and Galichon 2010): sorting never raises the pinball loss.
            steps.iter_mut().for_each(|s| s.sort_by(f64::total_cmp));
            forecasts.push(SeriesForecast {
                item_id: series.item_id().to_string(),
                times: series.future_times(request.horizon)?,
                mean: means.unwrap_or_else(|| steps.iter().map(|s| mean(&fitted.levels, s)).collect()),
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
        let mut notes = vec![format!(
            "one network for all series; input window {}, {} covariate inputs; {held_out}",
            shape.input_size,
            shape.features()
        )];
        if let Some(step) = fitted.history.out_of_time {
            notes.push(format!("time was up after step {step} of {}", self.configuration.steps));
        }
        notes
    }
}

fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

fn window_set(
    configuration: &Configuration,
    view: &TrainingView<'_>,
    encoder: &Encoder,
    shape: WindowShape,
) -> Result<WindowSet, ForecastError> {
    let mut encoded = Vec::with_capacity(view.len());
    for series in view.iter() {
        let place = |row: usize| format!("row {row} of series `{}`", series.item_id());
        if let Some(row) = series.target().iter().position(|v| v.is_infinite()) {
            return Err(Error::NonFinite { place: place(row) }.for_model(configuration.model()));
        }
        let no_count = |v: &f64| *v < 0.0 || v.fract() != 0.0 || *v > LARGEST_COUNT;
        if configuration.loss == Loss::NegativeBinomial
            && let Some(row) = series.target().iter().position(|v| v.is_finite() && no_count(v))
        {
            let problem = format!(
                "is `negative-binomial`, but {} holds {}, which is no whole number from 0 to {LARGEST_COUNT}; take \
                 another loss",
                place(row),
                series.target()[row]
            );
            return Err(Error::Setting { setting: "loss".to_string(), problem }.for_model(configuration.model()));
        }
        encoded.push(encoder.encode(&series, shape.horizon)?);
    }
    Ok(WindowSet::new(shape, configuration.scaling(), encoded))
}
