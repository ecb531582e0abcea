//! The network TiDE: dense residual blocks over the window and the covariates of all its moments and of the horizon.
//!
//! Source: A. Das, W. Kong, A. Leach, S. Mathur, R. Sen, R. Yu, *Long-term Forecasting with TiDE: Time-series Dense
//! Encoder*, TMLR 2023, §4: the residual block, the projection of the covariates of each moment, the dense encoder and
//! decoder, the temporal decoder beside each step's covariates, and the linear map from the window that is added. Here
//! past covariates are projected as the known ones are; the calendar's phase and the mask of missing values enter with
//! the static covariates; dropout is left to early stopping, and the temporal decoder has no layer norm, because its
//! outputs are values, not features.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Network;
use super::layers::{linear, linear_weights};
use crate::windows::WindowShape;

/// The sizes that make a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// The inputs.
    pub shape: WindowShape,
    /// Outputs a step.
    pub channels: usize,
    /// Width of the residual blocks.
    pub hidden: usize,
    /// Residual blocks of the encoder, and as many of the decoder.
    pub layers: usize,
    /// Numbers that the covariates of a moment are projected to.
    pub temporal_width: usize,
    /// Numbers that the decoder gives each step.
    pub decoder_output: usize,
    /// Width of the temporal decoder.
    pub temporal_hidden: usize,
    /// Whether blocks end in a layer norm.
    pub layer_norm: bool,
}

impl Architecture {
    fn fixed_inputs(&self) -> usize {
        self.shape.features() - self.known_inputs() - self.past_inputs()
    }

    fn known_inputs(&self) -> usize {
        self.shape.known * (self.shape.covariate_context + self.shape.horizon)
    }

    fn past_inputs(&self) -> usize {
        self.shape.past * self.shape.covariate_context
    }

    /// Known covariates that a step of the horizon has after the projection.
    fn known_width(&self) -> usize {
        if self.shape.known == 0 { 0 } else { self.temporal_width }
    }

    fn past_width(&self) -> usize {
        if self.shape.past == 0 { 0 } else { self.temporal_width }
    }

    fn encoder_inputs(&self) -> usize {
        let shape = &self.shape;
        let known = self.known_width() * (shape.covariate_context + shape.horizon);
        shape.input_size + known + self.past_width() * shape.covariate_context + self.fixed_inputs()
    }

    /// Inputs, hidden width, outputs and norm of every residual block, in the order of their weights.
    fn blocks(&self) -> Vec<(usize, usize, usize, bool)> {
        let mut blocks = Vec::new();
        for channels in [self.shape.known, self.shape.past] {
            if channels > 0 {
                blocks.push((channels, self.hidden, self.temporal_width, self.layer_norm));
            }
        }
        for layer in 0..self.layers {
            let inputs = if layer == 0 { self.encoder_inputs() } else { self.hidden };
            blocks.push((inputs, self.hidden, self.hidden, self.layer_norm));
        }
        for layer in 0..self.layers {
            let last = layer + 1 == self.layers;
            let outputs = if last { self.decoder_output * self.shape.horizon } else { self.hidden };
            blocks.push((self.hidden, self.hidden, outputs, self.layer_norm));
        }
        blocks.push((self.decoder_output + self.known_width(), self.temporal_hidden, self.channels, false));
        blocks
    }

    /// The number of weights of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let block = |(inputs, hidden, outputs, norm): (usize, usize, usize, bool)| {
            linear_weights(inputs, hidden)
                + linear_weights(hidden, outputs)
                + linear_weights(inputs, outputs)
                + if norm { 2 * outputs } else { 0 }
        };
        let skip = linear_weights(self.shape.input_size, self.channels * self.shape.horizon);
        self.blocks().into_iter().map(block).sum::<usize>() + skip
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        let shape = &self.shape;
        let moments = |channels: usize, count: usize| {
            if channels == 0 { 0 } else { count * (2 * channels + 5 * self.hidden / 2 + 7 * self.temporal_width) }
        };
        let projections = moments(shape.known, shape.covariate_context + shape.horizon)
            + moments(shape.past, shape.covariate_context);
        let dense = self.layers * (6 * self.hidden + 4 * self.hidden)
            + 6 * self.decoder_output * shape.horizon
            + 3 * self.encoder_inputs();
        let temporal = shape.horizon
            * (5 * self.temporal_hidden / 2 + 3 * (self.decoder_output + self.known_width()) + 6 * self.channels);
        (projections + dense + temporal + 2 * shape.features() + 3 * shape.input_size) as u64
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct Tide {
    known: Option<Residual>,
    past: Option<Residual>,
    encoder: Vec<Residual>,
    decoder: Vec<Residual>,
    temporal: Residual,
    skip: Linear,
    #[module(skip)]
    architecture: Architecture,
}

/// A dense layer, a rectifier and a linear layer, beside a linear map of the input (§4.1, figure 1).
#[derive(Module, Debug)]
struct Residual {
    hidden: Linear,
    output: Linear,
    skip: Linear,
    norm: Option<LayerNorm>,
}

impl Tide {
    /// A network with weights drawn from `random`: uniform in `±1/sqrt(inputs)`, biases too.
    #[must_use]
    pub fn new(a: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let mut blocks = a.blocks().into_iter().map(|sizes| Residual::new(sizes, random, device)).collect::<Vec<_>>();
        let skip = linear(a.shape.input_size, a.channels * a.shape.horizon, random, device);
        let mut rest = blocks.drain(..);
        let mut next = |wanted: bool| if wanted { rest.next() } else { None };
        let (known, past) = (next(a.shape.known > 0), next(a.shape.past > 0));
        let encoder = (0..a.layers).filter_map(|_| next(true)).collect();
        let decoder = (0..a.layers).filter_map(|_| next(true)).collect();
        #[allow(clippy::expect_used)]
        let temporal = next(true).expect("the list of blocks ends with the temporal decoder");
        Self { known, past, encoder, decoder, temporal, skip, architecture: a.clone() }
    }
}

impl Network for Tide {
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> Tensor<3> {
        let [batch, _] = window.dims();
        let a = &self.architecture;
        let (context, horizon) = (a.shape.covariate_context, a.shape.horizon);
        let mut inputs = vec![window.clone()];
        let mut ahead: Option<Tensor<3>> = None;
        if let Some(features) = features {
            if let Some(projection) = &self.known {
                let rows = features.clone().narrow(1, 0, a.known_inputs());
                let projected = projection.forward(rows.reshape([batch * (context + horizon), a.shape.known]));
                let projected = projected.reshape([batch, context + horizon, a.temporal_width]);
                ahead = Some(projected.clone().narrow(1, context, horizon));
                inputs.push(projected.reshape([batch, (context + horizon) * a.temporal_width]));
            }
            if let Some(projection) = &self.past {
                let rows = features.clone().narrow(1, a.known_inputs(), a.past_inputs());
                let projected = projection.forward(rows.reshape([batch * context, a.shape.past]));
                inputs.push(projected.reshape([batch, context * a.temporal_width]));
            }
            if a.fixed_inputs() > 0 {
                inputs.push(features.narrow(1, a.known_inputs() + a.past_inputs(), a.fixed_inputs()));
            }
        }
        let dense = self.encoder.iter().chain(&self.decoder);
        let decoded = dense.fold(Tensor::cat(inputs, 1), |state, block| block.forward(state));
        let decoded = decoded.reshape([batch, horizon, a.decoder_output]);
        let steps = match ahead {
            Some(ahead) => Tensor::cat(vec![decoded, ahead], 2),
            None => decoded,
        };
        let [_, _, width] = steps.dims();
        let forecast = self.temporal.forward(steps.reshape([batch * horizon, width]));
        let forecast = forecast.reshape([batch, horizon, a.channels]).swap_dims(1, 2);
        forecast + self.skip.forward(window).reshape([batch, a.channels, horizon])
    }
}

impl Residual {
    fn new(
        (inputs, hidden, outputs, norm): (usize, usize, usize, bool),
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        Self {
            hidden: linear(inputs, hidden, random, device),
            output: linear(hidden, outputs, random, device),
            skip: linear(inputs, outputs, random, device),
            norm: norm.then(|| LayerNormConfig::new(outputs).init(device)),
        }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let output = self.output.forward(relu(self.hidden.forward(input.clone()))) + self.skip.forward(input);
        match &self.norm {
            Some(norm) => norm.forward(output),
            None => output,
        }
    }
}
