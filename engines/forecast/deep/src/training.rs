//! The training loop: AdamW on any network and loss, with early stopping on held-out windows.

use std::ops::ControlFlow;

use atsre_forecast::Progress;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::clipping::clip_global_norm;
use crate::dropout::Dropout;
use crate::error::Error;
use crate::loss::{Actual, Criterion, Loss};
use crate::nets::deepar::DeepAr;
use crate::nets::{Lesson, Network};
use crate::optimizer::AdamW;
use crate::schedule::Schedule;
use crate::windows::{Batch, Normalisation, Position, WindowSet};

/// The gradients' common norm is kept below this.
const GRADIENT_NORM: f64 = 1.0;
/// Evaluations on the held-out windows over a whole training.
const EVALUATIONS: usize = 20;
/// Evaluations without improvement after which training stops.
const PATIENCE: usize = 8;
/// The loss is read back every so many steps: reading waits for the device.
const READ_EVERY: usize = 10;
/// A loss that has grown by more than this since the first step has diverged.
const DIVERGED: f64 = 1_000.0;
/// A first loss counts as at least this much: a likelihood may begin at 0.
const LEAST_FIRST: f64 = 0.01;
/// Windows that are evaluated or predicted at once, at most; fewer where the training's batch is smaller.
pub(crate) const INFERENCE_BATCH: usize = 256;

/// How a training is to go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Windows in a batch.
    pub(crate) batch_size: usize,
    /// Steps at most.
    pub(crate) steps: usize,
    /// The schedule's highest learning rate.
    pub(crate) learning_rate: f64,
    /// How the learning rate moves.
    pub(crate) schedule: Schedule,
    /// The share of a layer's outputs that is dropped, where the network has dropout.
    #[serde(default)]
    pub(crate) dropout: f64,
}

/// How a training went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Mean training loss since the entry before, by the step (from 1) at which it was read.
    pub losses: Vec<(usize, f64)>,
    /// Loss on the held-out windows, by step; empty where the series are too short to hold any out.
    pub evaluations: Vec<(usize, f64)>,
    /// The step whose weights were kept.
    pub best_step: usize,
    /// The step after which the caller's time was up; none where the training ended by itself.
    pub out_of_time: Option<usize>,
}

/// Where a training goes on from, and who hears of it.
pub(crate) struct Run<'a> {
    /// The checkpoint to go on from.
    pub(crate) from: Option<Vec<u8>>,
    /// Takes a checkpoint every so many steps, rounded up to the next at which the loss is read.
    pub(crate) keep: Option<(usize, Keep<'a>)>,
    /// Where to report, and whether to stop.
    pub(crate) progress: &'a dyn Progress,
}

/// Who takes the bytes of a checkpoint.
pub(crate) type Keep<'a> = &'a (dyn Fn(Vec<u8>) + Send + Sync);

/// A batch on the device.
struct Inputs {
    window: Tensor<2>,
    features: Option<Tensor<2>>,
    actual: Actual,
    /// The sum of the actual values' weights, above 0.
    total_weight: f64,
    /// 1 where the window's value was observed, `[batch, input_size]`; absent where all of them were.
    observed: Option<Tensor<2>>,
}

/// Trains `net`, whose weights lie on `device` with autodiff, and returns it with the weights that did best on the
/// held-out windows (the last ones where nothing is held out), without autodiff.
///
/// # Errors
/// [`Error::NonFinite`] where the loss leaves the finite numbers, [`Error::Diverged`] where it grows beyond a thousand
/// times its first value, [`Error::Cancelled`] soon after the caller asks for it, and what the device says where it
/// fails. Where the caller's time is up the training ends, and what it has learnt so far counts.
pub(crate) fn train<N: Network>(
    net: N,
    windows: &WindowSet,
    criterion: &Criterion,
    plan: &Plan,
    device: &Device,
    random: &mut ChaCha8Rng,
    run: Run<'_>,
) -> Result<(N, History), Error> {
    let mut state = match run.from {
        Some(bytes) => Checkpoint::read(bytes, plan, net, device, random)?,
        None => {
            Checkpoint { step: 0, net, optimizer: AdamW::default(), best: Best::new(), history: History::default() }
        }
    };
    let mut running: Option<(Tensor<1>, usize)> = None;
    let evaluate_every = (plan.steps / EVALUATIONS).max(1);
    let mut since_kept = 0;
    for step in state.step + 1..=plan.steps {
        if run.progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let inputs = Inputs::new(&windows.batch(&windows.draw(plan.batch_size, random)), windows, device);
        let mut dropout = match plan.dropout > 0.0 {
            true => Dropout::new(plan.dropout, random.random()),
            false => Dropout::none(),
        };
        let loss = inputs.training_loss(&state.net, criterion, &mut dropout);
        let gradients = GradientsParams::from_grads(loss.backward(), &state.net);
        let gradients = clip_global_norm(&state.net, gradients, GRADIENT_NORM);
        let rate = plan.schedule.rate(step - 1, plan.steps, plan.learning_rate);
        state.net = state.optimizer.step(rate, state.net, gradients);
        state.step = step;
        let (sum, count) = match running.take() {
            Some((sum, count)) => (sum + loss.inner(), count + 1),
            None => (loss.inner(), 1),
        };
        let out_of_time = step < plan.steps && run.progress.out_of_time();
        let last = step == plan.steps || out_of_time;
        if step == 1 || step % READ_EVERY == 0 || last {
            let loss = finite(read(sum)? / count as f64, step)?;
            let first = state.history.losses.first().map_or(loss, |(_, first)| *first);
            if loss > DIVERGED * first.abs().max(LEAST_FIRST) {
                return Err(Error::Diverged { step, first, loss });
            }
            state.history.losses.push((step, loss));
            run.progress.report(step as f64 / plan.steps as f64, &format!("step {step} of {}", plan.steps));
        } else {
            running = Some((sum, count));
        }
        if !windows.evaluation().is_empty() && (step % evaluate_every == 0 || last) {
            let valid = state.net.valid();
            let loss = finite(evaluate(&valid, windows, criterion, plan.batch_size, device)?, step)?;
            state.history.evaluations.push((step, loss));
            if state.best.offer(step, loss, valid).is_break() {
                break;
            }
        }
        since_kept += 1;
        if let Some((every, keep)) = run.keep
            && since_kept >= every
            && running.is_none()
        {
            keep(state.write(plan, random)?);
            since_kept = 0;
        }
        if out_of_time {
            state.history.out_of_time = Some(step);
            break;
        }
    }
    let Checkpoint { step, net, best, mut history, .. } = state;
    let (best_step, net) = best.kept.map_or_else(|| (step, net.valid()), |kept| (kept.0, kept.2));
    history.best_step = best_step;
    Ok((net, history))
}

/// The best weights so far.
#[derive(Debug)]
pub(crate) struct Best<N> {
    /// The step, the loss on the held-out windows and the weights.
    pub(crate) kept: Option<(usize, f64, N)>,
    /// Evaluations since then.
    pub(crate) without_improvement: usize,
}

impl<N> Best<N> {
    const fn new() -> Self {
        Self { kept: None, without_improvement: 0 }
    }

    fn offer(&mut self, step: usize, loss: f64, net: N) -> ControlFlow<()> {
        if self.kept.as_ref().is_none_or(|(_, least, _)| loss < *least) {
            self.kept = Some((step, loss, net));
            self.without_improvement = 0;
        } else {
            self.without_improvement += 1;
        }
        if self.without_improvement >= PATIENCE { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Inputs {
    fn new(batch: &Batch, windows: &WindowSet, device: &Device) -> Self {
        let shape = windows.shape();
        let matrix = |values: &[f32], width: usize| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [batch.size, width]), device)
        };
        let features = (shape.features() > 0).then(|| matrix(&batch.features, shape.features()));
        let mask =
            |features: &Tensor<2>| features.clone().narrow(1, shape.features() - shape.input_size, shape.input_size);
        let scale: Vec<f32> = batch.normalisations.iter().map(|n| n.scale as f32).collect();
        Self {
            window: matrix(&batch.windows, shape.input_size),
            observed: features.as_ref().filter(|_| shape.mask).map(mask),
            features,
            actual: Actual {
                values: matrix(&batch.targets, shape.horizon),
                weights: matrix(&batch.weights, shape.horizon),
                scale: matrix(&scale, 1),
            },
            // A batch without any observed target has weights of 0, and so a loss of 0 by any divisor.
            total_weight: batch.total_weight().max(f64::from(f32::MIN_POSITIVE)),
        }
    }

    fn said<N: Network>(&self, net: &N, dropout: &mut Dropout) -> Tensor<3> {
        let target = self.actual.values.clone();
        net.learn(Lesson { window: self.window.clone(), features: self.features.clone(), target }, dropout)
    }

    /// The weighted mean loss of all that the network says, of the window too where it does.
    fn training_loss<N: Network>(&self, net: &N, criterion: &Criterion, dropout: &mut Dropout) -> Tensor<1> {
        let said = self.said(net, dropout);
        let before = said.dims()[2] - self.actual.values.dims()[1];
        if before == 0 {
            return criterion.sum(said, self.actual.clone()).div_scalar(self.total_weight);
        }
        let last = |tensor: &Tensor<2>| tensor.clone().narrow(1, tensor.dims()[1] - before, before);
        // A window counts by its weight, and not at all where none of its targets was observed.
        let weights = self.actual.weights.clone().max_dim(1).repeat_dim(1, before);
        let weights = match &self.observed {
            Some(observed) => weights * last(observed),
            None => weights,
        };
        let weights = Tensor::cat(vec![weights, self.actual.weights.clone()], 1);
        let values = Tensor::cat(vec![last(&self.window), self.actual.values.clone()], 1);
        let total = weights.clone().sum().clamp_min(f32::MIN_POSITIVE);
        criterion.sum(said, Actual { values, weights, scale: self.actual.scale.clone() }) / total
    }

    /// The weighted mean loss over the horizon, as nothing is dropped.
    fn loss<N: Network>(&self, net: &N, criterion: &Criterion) -> Tensor<1> {
        let said = self.said(net, &mut Dropout::none());
        let (steps, horizon) = (said.dims()[2], self.actual.values.dims()[1]);
        criterion.sum(said.narrow(2, steps - horizon, horizon), self.actual.clone()).div_scalar(self.total_weight)
    }
}

/// The weighted mean loss on the held-out windows.
fn evaluate<N: Network>(
    net: &N,
    windows: &WindowSet,
    criterion: &Criterion,
    batch_size: usize,
    device: &Device,
) -> Result<f64, Error> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for positions in windows.evaluation().chunks(batch_size.min(INFERENCE_BATCH)) {
        let inputs = Inputs::new(&windows.batch(positions), windows, device);
        sum += read(inputs.loss(net, criterion))? * inputs.total_weight;
        weight += inputs.total_weight;
    }
    Ok(sum / weight)
}

/// Normalised forecasts for the windows at `positions`: one vector a window, `[channels, horizon]` flattened.
///
/// # Errors
/// What the device says where it fails.
pub(crate) fn infer<N: Network>(
    net: &N,
    windows: &WindowSet,
    positions: &[Position],
    batch_size: usize,
    device: &Device,
) -> Result<Vec<(Normalisation, Vec<f32>)>, Error> {
    let mut forecasts = Vec::with_capacity(positions.len());
    for chunk in positions.chunks(batch_size.min(INFERENCE_BATCH)) {
        let batch = windows.batch(chunk);
        let inputs = Inputs::new(&batch, windows, device);
        let output = net.forward(inputs.window, inputs.features);
        let values: Vec<f32> = output.try_into_vec_as().map_err(Error::device)?;
        let width = values.len() / chunk.len();
        let each = batch.normalisations.iter().zip(values.chunks_exact(width));
        forecasts.extend(each.map(|(normalisation, values)| (*normalisation, values.to_vec())));
    }
    Ok(forecasts)
}

/// Paths drawn from a network that says each value from those before: for each window at `positions` its normalisation
/// and `[paths, horizon]` flattened, normalised. A window's paths follow from the seed and its place alone.
///
/// # Errors
/// What the device says where it fails.
pub(crate) fn sample(
    net: &DeepAr,
    windows: &WindowSet,
    loss: Loss,
    (paths, seed): (usize, u64),
    device: &Device,
) -> Result<Vec<(Normalisation, Vec<f32>)>, Error> {
    /// Paths that are drawn at once, about.
    const AT_ONCE: usize = 8_192;
    /// The random streams from here on are those of the series' paths; weights and windows have earlier ones.
    const PATH_STREAMS: u64 = 16;
    let positions = windows.last();
    let mut drawn = Vec::with_capacity(positions.len());
    for (chunk, places) in positions.chunks((AT_ONCE / paths).max(1)).enumerate() {
        let batch = windows.batch(places);
        let inputs = Inputs::new(&batch, windows, device);
        let first = (chunk * (AT_ONCE / paths).max(1)) as u64;
        let mut random: Vec<ChaCha8Rng> = (0..places.len() as u64)
            .map(|place| {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                random.set_stream(PATH_STREAMS + first + place);
                random
            })
            .collect();
        let scale = |window: usize| batch.normalisations[window].scale;
        let values = net.sample(inputs.window, inputs.features, paths, |window, outputs| {
            loss.draw(outputs, scale(window), &mut random[window]) as f32
        })?;
        let each = values.chunks_exact(values.len() / places.len());
        drawn.extend(batch.normalisations.iter().copied().zip(each.map(<[f32]>::to_vec)));
    }
    Ok(drawn)
}

fn read(value: Tensor<1>) -> Result<f64, Error> {
    value.try_into_scalar::<f32>().map(f64::from).map_err(Error::device)
}

fn finite(loss: f64, step: usize) -> Result<f64, Error> {
    if loss.is_finite() { Ok(loss) } else { Err(Error::NonFinite { place: format!("training step {step}") }) }
}
