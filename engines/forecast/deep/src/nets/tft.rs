//! The network TFT: recurrent layers and attention over variables that the network itself selects.
//!
//! Source: B. Lim, S. Ö. Arık, N. Loeff, T. Pfister, *Temporal Fusion Transformers for Interpretable Multi-horizon Time
//! Series Forecasting*, International Journal of Forecasting 2021, §4: gated residual networks, variable selection for
//! the static, past and future inputs, static contexts, the recurrent encoder and decoder, static enrichment, attention
//! and the position-wise layer, each behind a gate. Dropout lies before every gate and on the attention, as there. One
//! future input is always there: how far a moment lies from the origin. Categorical covariates come as one input a level.

mod attention;
mod gated;
mod selection;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::layers::{linear, linear_weights};
use super::lstm::{Lstm, State};
use super::{Lesson, Network};
use crate::dropout::Dropout;
use crate::windows::WindowShape;
use attention::Attention;
use gated::{Gate, Residual};
use selection::Selection;

/// The sizes that make a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The inputs.
    pub shape: WindowShape,
    /// Outputs a step.
    pub channels: usize,
    /// Width of all layers; a multiple of `heads`.
    pub hidden: usize,
    /// Attention heads.
    pub heads: usize,
}

impl Architecture {
    /// Inputs of a moment of the horizon: its distance from the origin and the known covariates.
    fn future(&self) -> usize {
        1 + self.shape.known
    }

    /// Inputs of a moment of the window: those, the value, whether it was observed where that is told, and the past
    /// covariates.
    fn past(&self) -> usize {
        self.future() + 1 + usize::from(self.shape.mask) + self.shape.past
    }

    fn with_context(&self) -> bool {
        self.shape.constant > 0
    }

    fn square(&self) -> (usize, usize, usize) {
        (self.hidden, self.hidden, self.hidden)
    }

    /// The number of weights of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let (width, context) = (self.hidden, self.with_context());
        let constant = match context {
            true => Selection::weights(self.shape.constant, width, false) + 4 * Residual::weights(self.square(), false),
            false => 0,
        };
        constant
            + Selection::weights(self.past(), width, context)
            + Selection::weights(self.future(), width, context)
            + 2 * Lstm::weights(width, width)
            + 3 * Gate::weights(width, width)
            + Residual::weights(self.square(), context)
            + Residual::weights(self.square(), false)
            + Attention::weights(width, self.heads)
            + linear_weights(width, self.channels)
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        let (window, horizon) = (self.shape.input_size, self.shape.horizon);
        let moments = window + horizon;
        let selected = window * Selection::numbers_per_moment(self.past(), self.hidden)
            + horizon * Selection::numbers_per_moment(self.future(), self.hidden)
            + Selection::numbers_per_moment(self.shape.constant, self.hidden);
        let recurrent = moments * (Lstm::numbers_per_moment(self.hidden, self.hidden) + 18 * self.hidden);
        let attended = 5 * self.heads * horizon * moments + 2 * moments * self.hidden + 30 * horizon * self.hidden;
        (selected + recurrent + attended + 6 * horizon * self.channels + 3 * self.shape.features() + 2 * window) as u64
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct Tft {
    constant: Option<Constant>,
    past: Selection,
    future: Selection,
    encoder: Lstm,
    decoder: Lstm,
    recurrent: Gate,
    enrichment: Residual,
    attention: Attention,
    attended: Gate,
    dense: Residual,
    last: Gate,
    head: Linear,
    #[module(skip)]
    architecture: Architecture,
}

/// The static covariates and the contexts that follow from them (§4.3).
#[derive(Module, Debug)]
struct Constant {
    selection: Selection,
    selecting: Residual,
    output: Residual,
    cell: Residual,
    enriching: Residual,
}

/// What the static covariates say to the rest; each `[batch, hidden]`.
struct Contexts {
    selecting: Tensor<2>,
    start: State,
    enriching: Tensor<2>,
}

impl Tft {
    /// A network with weights drawn from `random`: uniform in `±1/sqrt(inputs)`, biases too.
    #[must_use]
    pub fn new(a: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let (width, context) = (a.hidden, a.with_context());
        let constant = context.then(|| Constant {
            selection: Selection::new(a.shape.constant, width, false, random, device),
            selecting: Residual::new(a.square(), false, random, device),
            output: Residual::new(a.square(), false, random, device),
            cell: Residual::new(a.square(), false, random, device),
            enriching: Residual::new(a.square(), false, random, device),
        });
        Self {
            constant,
            past: Selection::new(a.past(), width, context, random, device),
            future: Selection::new(a.future(), width, context, random, device),
            encoder: Lstm::new(width, width, random, device),
            decoder: Lstm::new(width, width, random, device),
            recurrent: Gate::new(width, width, random, device),
            enrichment: Residual::new(a.square(), context, random, device),
            attention: Attention::new(width, a.heads, random, device),
            attended: Gate::new(width, width, random, device),
            dense: Residual::new(a.square(), false, random, device),
            last: Gate::new(width, width, random, device),
            head: linear(width, a.channels, random, device),
            architecture: a.clone(),
        }
    }

    fn run(&self, window: Tensor<2>, features: Option<Tensor<2>>, dropout: &mut Dropout) -> Tensor<3> {
        let a = &self.architecture;
        let (batch, horizon) = (window.dims()[0], a.shape.horizon);
        let moments = a.shape.input_size + horizon;
        let contexts = self.contexts(features.as_ref(), dropout);
        let (past, future) = self.inputs(window, features);
        let selecting = contexts.as_ref().map(|c| &c.selecting);
        let past = self.past.forward(past, selecting, dropout);
        let future = self.future.forward(future, selecting, dropout);
        let start = match &contexts {
            Some(contexts) => contexts.start.clone(),
            None => State::zero(batch, a.hidden, &past.device()),
        };
        let (encoded, state) = through(&self.encoder, past.clone(), batch, start);
        let (decoded, _) = through(&self.decoder, future.clone(), batch, state);
        let selected = Tensor::cat(vec![past, future], 0);
        let local = self.recurrent.forward(Tensor::cat(vec![encoded, decoded], 0), selected, dropout);
        let enriching = contexts.as_ref().map(|c| &c.enriching);
        let enriched = self.enrichment.forward(local.clone(), enriching, dropout);
        let attended = self.attention.forward(enriched.clone(), (moments, batch, horizon), dropout);
        let ahead = |rows: Tensor<2>| rows.narrow(0, a.shape.input_size * batch, horizon * batch);
        let attended = self.attended.forward(attended, ahead(enriched), dropout);
        let dense = self.dense.forward(attended, None, dropout);
        let last = self.last.forward(dense, ahead(local), &mut Dropout::none());
        self.head.forward(last).reshape([horizon, batch, a.channels]).permute([1, 2, 0])
    }

    fn contexts(&self, features: Option<&Tensor<2>>, dropout: &mut Dropout) -> Option<Contexts> {
        let (constant, features) = (self.constant.as_ref()?, features?);
        let shape = &self.architecture.shape;
        let before = shape.known * (shape.covariate_context + shape.horizon) + shape.past * shape.covariate_context;
        let values = features.clone().narrow(1, before, shape.constant);
        let selected = constant.selection.forward(values, None, dropout);
        let mut context = |network: &Residual| network.forward(selected.clone(), None, dropout);
        Some(Contexts {
            selecting: context(&constant.selecting),
            start: State { output: context(&constant.output), cell: context(&constant.cell) },
            enriching: context(&constant.enriching),
        })
    }

    /// The inputs of the moments of the window and of the horizon, a row each, all windows of a moment together.
    fn inputs(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> (Tensor<2>, Tensor<2>) {
        let shape = &self.architecture.shape;
        let (device, [batch, input_size]) = (window.device(), window.dims());
        let moments = input_size + shape.horizon;
        let distance: Vec<f32> =
            (0..moments).map(|m| (m as f32 + 1.0 - input_size as f32) / shape.horizon as f32).collect();
        let distance = Tensor::<3>::from_data(TensorData::new(distance, [moments, 1, 1]), &device);
        let mut both = vec![distance.repeat_dim(1, batch)];
        let mut past = vec![window.swap_dims(0, 1).unsqueeze_dim::<3>(2)];
        if let Some(features) = features {
            // `[batch, moments · width]` from a place on, as `[moments, batch, width]`.
            let part = |from: usize, moments: usize, width: usize| {
                features.clone().narrow(1, from, moments * width).reshape([batch, moments, width]).swap_dims(0, 1)
            };
            let known = shape.known * moments;
            if shape.known > 0 {
                both.push(part(0, moments, shape.known));
            }
            if shape.past > 0 {
                past.push(part(known, input_size, shape.past));
            }
            if shape.mask {
                past.push(part(shape.features() - input_size, input_size, 1));
            }
        }
        let both = Tensor::cat(both, 2);
        let future = both.clone().narrow(0, input_size, shape.horizon);
        past.push(both.narrow(0, 0, input_size));
        let past = Tensor::cat(past, 2);
        let rows = |tensor: Tensor<3>| {
            let [moments, batch, width] = tensor.dims();
            tensor.reshape([moments * batch, width])
        };
        (rows(past), rows(future))
    }
}

impl Network for Tft {
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> Tensor<3> {
        self.run(window, features, &mut Dropout::none())
    }

    fn learn(&self, lesson: Lesson, dropout: &mut Dropout) -> Tensor<3> {
        self.run(lesson.window, lesson.features, dropout)
    }
}

/// A recurrent layer over all moments: its outputs, a row for each row of `rows`, and the last state.
fn through(layer: &Lstm, rows: Tensor<2>, batch: usize, start: State) -> (Tensor<2>, State) {
    let mut state = start;
    let mut outputs = Vec::new();
    for moment in moments(rows, batch) {
        state = layer.step(moment, state);
        outputs.push(state.output.clone());
    }
    (Tensor::cat(outputs, 0), state)
}

/// The rows of each moment. In two steps, because the backward pass of each cut fills a tensor of what was cut.
fn moments(rows: Tensor<2>, batch: usize) -> Vec<Tensor<2>> {
    let count = rows.dims()[0] / batch;
    let block = (count as f64).sqrt().ceil().max(1.0) as usize;
    let mut moments = Vec::with_capacity(count);
    for first in (0..count).step_by(block) {
        let size = block.min(count - first);
        let block = rows.clone().narrow(0, first * batch, size * batch);
        moments.extend((0..size).map(|place| block.clone().narrow(0, place * batch, batch)));
    }
    moments
}
