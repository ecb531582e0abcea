//! Gates and gated residual networks (Lim et al. 2021, §4.1).

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use crate::dropout::Dropout;
use crate::nets::layers::{linear, linear_weights, unbiased};

/// A gated linear unit beside a residual, and a norm: `LayerNorm(residual + GLU(input))`.
#[derive(Module, Debug)]
pub(super) struct Gate {
    /// The gate and what it lets through, in one product.
    unit: Linear,
    norm: LayerNorm,
    #[module(skip)]
    outputs: usize,
}

/// Equations 2 to 5, with a linear map of the input where its width is not that of the output.
#[derive(Module, Debug)]
pub(super) struct Residual {
    first: Linear,
    context: Option<Linear>,
    second: Linear,
    skip: Option<Linear>,
    gate: Gate,
}

impl Gate {
    pub(super) fn new(inputs: usize, outputs: usize, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let unit = linear(inputs, 2 * outputs, random, device);
        Self { unit, norm: LayerNormConfig::new(outputs).init(device), outputs }
    }

    pub(super) const fn weights(inputs: usize, outputs: usize) -> usize {
        linear_weights(inputs, 2 * outputs) + 2 * outputs
    }

    pub(super) fn forward(&self, input: Tensor<2>, residual: Tensor<2>, dropout: &mut Dropout) -> Tensor<2> {
        let both = self.unit.forward(dropout.apply(input));
        let gate = sigmoid(both.clone().narrow(1, 0, self.outputs));
        self.norm.forward(residual + gate * both.narrow(1, self.outputs, self.outputs))
    }
}

impl Residual {
    /// Whether there is a context says `context`; it is as wide as the layers, `hidden`.
    pub(super) fn new(
        (inputs, hidden, outputs): (usize, usize, usize),
        context: bool,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        Self {
            first: linear(inputs, hidden, random, device),
            context: context.then(|| unbiased(hidden, hidden, random, device)),
            second: linear(hidden, hidden, random, device),
            skip: (inputs != outputs).then(|| linear(inputs, outputs, random, device)),
            gate: Gate::new(hidden, outputs, random, device),
        }
    }

    pub(super) const fn weights((inputs, hidden, outputs): (usize, usize, usize), context: bool) -> usize {
        let skip = if inputs == outputs { 0 } else { linear_weights(inputs, outputs) };
        let context = if context { hidden * hidden } else { 0 };
        linear_weights(inputs, hidden)
            + context
            + linear_weights(hidden, hidden)
            + skip
            + Gate::weights(hidden, outputs)
    }

    /// Rows of `input` are windows, or moments of windows with all windows of a moment together; `context` has a row for
    /// each window.
    pub(super) fn forward(&self, input: Tensor<2>, context: Option<&Tensor<2>>, dropout: &mut Dropout) -> Tensor<2> {
        let [rows, _] = input.dims();
        let mut hidden = self.first.forward(input.clone());
        if let (Some(layer), Some(context)) = (&self.context, context) {
            let [batch, _] = context.dims();
            let context = layer.forward(context.clone());
            let [_, width] = context.dims();
            hidden = hidden + context.unsqueeze_dim::<3>(0).repeat_dim(0, rows / batch).reshape([rows, width]);
        }
        let residual = match &self.skip {
            Some(skip) => skip.forward(input),
            None => input,
        };
        self.gate.forward(self.second.forward(elu(hidden)), residual, dropout)
    }
}

/// The exponential linear unit (Clevert, Unterthiner and Hochreiter 2016).
pub(super) fn elu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    relu(input.clone()) + input.clamp_max(0.0).exp().sub_scalar(1.0)
}
