//! Norms, linear maps and feed-forwards.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};

use super::Activation;
use crate::weights::{Error, Weights};

/// A vector divided by its root mean square, times a gain (Zhang and Sennrich 2019).
#[derive(Module, Debug)]
pub(crate) struct RmsNorm {
    gain: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl RmsNorm {
    /// Reads `NAME.weight`.
    pub(crate) fn read(
        weights: &Weights,
        name: &str,
        width: usize,
        epsilon: f64,
        device: &Device,
    ) -> Result<Self, Error> {
        let gain = weights.read(&format!("{name}.weight"), &[width])?;
        Ok(Self { gain: Param::from_data(TensorData::new(gain, [width]), device), epsilon })
    }

    pub(crate) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let size = x.clone().square().mean_dim(2).add_scalar(self.epsilon).sqrt();
        x / size * self.gain.val().unsqueeze()
    }
}

/// Reads a linear map: `NAME.weight` of `[outputs, inputs]`, turned over, and `NAME.bias` where there is one.
pub(crate) fn linear(
    weights: &Weights,
    name: &str,
    [inputs, outputs]: [usize; 2],
    bias: bool,
    device: &Device,
) -> Result<Linear, Error> {
    let stored = weights.read(&format!("{name}.weight"), &[outputs, inputs])?;
    let turned = (0..inputs).flat_map(|i| stored[i..].iter().step_by(inputs).copied()).collect::<Vec<_>>();
    let bias = if bias {
        let values = weights.read(&format!("{name}.bias"), &[outputs])?;
        Some(Param::from_data(TensorData::new(values, [outputs]), device))
    } else {
        None
    };
    Ok(Linear { weight: Param::from_data(TensorData::new(turned, [inputs, outputs]), device), bias })
}

/// A feed-forward without biases, gated (Shazeer 2020) or plain.
#[derive(Module, Debug)]
pub(crate) struct FeedForward {
    inner: Linear,
    gate: Option<Linear>,
    outer: Linear,
    #[module(skip)]
    activation: Activation,
}

impl FeedForward {
    /// Reads `NAME.wi` and `NAME.wo`, or `NAME.wi_0`, `NAME.wi_1` and `NAME.wo` where it is gated.
    pub(crate) fn read(
        weights: &Weights,
        name: &str,
        [width, inner]: [usize; 2],
        (activation, gated): (Activation, bool),
        device: &Device,
    ) -> Result<Self, Error> {
        let part = |part: &str, sizes| linear(weights, &format!("{name}.{part}"), sizes, false, device);
        let (inner_map, gate) = if gated {
            (part("wi_0", [width, inner])?, Some(part("wi_1", [width, inner])?))
        } else {
            (part("wi", [width, inner])?, None)
        };
        Ok(Self { inner: inner_map, gate, outer: part("wo", [inner, width])?, activation })
    }

    pub(crate) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let hidden = self.activation.apply(self.inner.forward(x.clone()));
        self.outer.forward(match &self.gate {
            Some(gate) => hidden * gate.forward(x),
            None => hidden,
        })
    }
}

/// One hidden layer with a linear map beside it: how patches enter and forecasts leave.
#[derive(Module, Debug)]
pub(crate) struct ResidualBlock {
    hidden: Linear,
    output: Linear,
    residual: Linear,
    #[module(skip)]
    activation: Activation,
}

impl ResidualBlock {
    /// Reads `NAME.hidden_layer`, `NAME.output_layer` and `NAME.residual_layer`, each with its bias.
    pub(crate) fn read(
        weights: &Weights,
        name: &str,
        [inputs, inner, outputs]: [usize; 3],
        activation: Activation,
        device: &Device,
    ) -> Result<Self, Error> {
        let part = |part: &str, sizes| linear(weights, &format!("{name}.{part}"), sizes, true, device);
        Ok(Self {
            hidden: part("hidden_layer", [inputs, inner])?,
            output: part("output_layer", [inner, outputs])?,
            residual: part("residual_layer", [inputs, outputs])?,
            activation,
        })
    }

    pub(crate) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.output.forward(self.activation.apply(self.hidden.forward(x.clone()))) + self.residual.forward(x)
    }
}
