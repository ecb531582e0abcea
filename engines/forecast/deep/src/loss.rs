//! What a network is trained to say, and the quantiles that follow from it.

mod distribution;
mod pinball;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use distribution::{gaussian, student_t};
use pinball::{levels_tensor, pinball};

/// The loss of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// The pinball loss: an output for each quantile level.
    #[default]
    Quantile,
    /// The negative log likelihood of a normal distribution: outputs for its mean and its scale.
    Gaussian,
    /// That of Student's t distribution: outputs for its centre, its scale and its degrees of freedom.
    StudentT,
}

impl Loss {
    /// Outputs a step.
    pub(crate) const fn channels(self, levels: usize) -> usize {
        match self {
            Self::Quantile => levels,
            Self::Gaussian => 2,
            Self::StudentT => 3,
        }
    }

    /// The first so many outputs of a step are values of the series; the others are scales and shapes.
    pub(crate) const fn locations(self, levels: usize) -> usize {
        match self {
            Self::Quantile => levels,
            Self::Gaussian | Self::StudentT => 1,
        }
    }

    /// The quantiles at `levels` of each step, from a network's outputs `[channels, horizon]`, still normalised and in
    /// no order where the loss does not give one.
    pub(crate) fn quantiles(self, outputs: &[f32], horizon: usize, levels: &[f64]) -> Vec<Vec<f64>> {
        let at = |channel: usize, step: usize| f64::from(outputs[channel * horizon + step]);
        match self {
            Self::Quantile => (0..horizon).map(|s| (0..levels.len()).map(|l| at(l, s)).collect()).collect(),
            Self::Gaussian => (0..horizon).map(|s| gaussian::quantiles(at(0, s), at(1, s), levels)).collect(),
            Self::StudentT => {
                (0..horizon).map(|s| student_t::quantiles(at(0, s), at(1, s), at(2, s), levels)).collect()
            }
        }
    }

    /// The expected value at each step, where the loss gives one beside the quantiles; still normalised.
    pub(crate) fn means(self, outputs: &[f32], horizon: usize) -> Option<Vec<f64>> {
        match self {
            Self::Quantile => None,
            Self::Gaussian | Self::StudentT => Some(outputs[..horizon].iter().map(|v| f64::from(*v)).collect()),
        }
    }
}

/// A loss with what it needs on the device.
#[derive(Clone, Debug)]
pub(crate) struct Criterion {
    loss: Loss,
    levels: Tensor<3>,
}

impl Criterion {
    pub(crate) fn new(loss: Loss, levels: &[f64], device: &Device) -> Self {
        Self { loss, levels: levels_tensor(levels, device) }
    }

    /// The weighted mean loss.
    ///
    /// - `forecast`: `[batch, channels, horizon]`;
    /// - `actual`, `weight`: `[batch, horizon]`; weight 0 where the target is missing;
    /// - `total_weight`: the sum of `weight`, above 0.
    pub(crate) fn of(&self, forecast: Tensor<3>, actual: Tensor<2>, weight: Tensor<2>, total_weight: f64) -> Tensor<1> {
        match self.loss {
            Loss::Quantile => pinball(forecast, actual, weight, total_weight, self.levels.clone()),
            Loss::Gaussian => (gaussian::surprise(forecast, actual) * weight).sum().div_scalar(total_weight),
            Loss::StudentT => (student_t::surprise(forecast, actual) * weight).sum().div_scalar(total_weight),
        }
    }
}
