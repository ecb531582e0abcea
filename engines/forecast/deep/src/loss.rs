//! What a network is trained to say, and the quantiles that follow from it.

pub(crate) mod distribution;
pub(crate) mod negative_binomial;
mod pinball;

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use distribution::{gaussian, student_t};
use pinball::{levels_tensor, pinball};

use crate::windows::Scaling;

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
    /// That of the negative binomial distribution of counts: outputs for its mean and its dispersion.
    NegativeBinomial,
}

impl Loss {
    /// Outputs a step.
    pub(crate) const fn channels(self, levels: usize) -> usize {
        match self {
            Self::Quantile => levels,
            Self::Gaussian | Self::NegativeBinomial => 2,
            Self::StudentT => 3,
        }
    }

    /// The first so many outputs of a step are values of the series; the others are scales and shapes.
    pub(crate) const fn locations(self, levels: usize) -> usize {
        match self {
            Self::Quantile => levels,
            Self::Gaussian | Self::StudentT | Self::NegativeBinomial => 1,
        }
    }

    /// How windows are normalised for it: counts have to stay counts.
    pub(crate) const fn scaling(self) -> Scaling {
        match self {
            Self::Quantile | Self::Gaussian | Self::StudentT => Scaling::Standard,
            Self::NegativeBinomial => Scaling::MeanAbsolute,
        }
    }

    /// The quantiles at `levels` of each step, from a network's outputs `[channels, horizon]` for a window of this
    /// `scale`, still normalised and in no order where the loss does not give one.
    pub(crate) fn quantiles(self, outputs: &[f32], scale: f64, horizon: usize, levels: &[f64]) -> Vec<Vec<f64>> {
        let at = |channel: usize, step: usize| f64::from(outputs[channel * horizon + step]);
        match self {
            Self::Quantile => (0..horizon).map(|s| (0..levels.len()).map(|l| at(l, s)).collect()).collect(),
            Self::Gaussian => (0..horizon).map(|s| gaussian::quantiles(at(0, s), at(1, s), levels)).collect(),
            Self::StudentT => {
                (0..horizon).map(|s| student_t::quantiles(at(0, s), at(1, s), at(2, s), levels)).collect()
            }
            Self::NegativeBinomial => (0..horizon)
                .map(|s| {
                    let parameters = negative_binomial::parameters(at(0, s), at(1, s), scale);
                    negative_binomial::quantiles(parameters, levels).iter().map(|count| count / scale).collect()
                })
                .collect(),
        }
    }

    /// The expected value at each step, where the loss gives one beside the quantiles; still normalised.
    pub(crate) fn means(self, outputs: &[f32], horizon: usize) -> Option<Vec<f64>> {
        match self {
            Self::Quantile => None,
            Self::Gaussian | Self::StudentT => Some(outputs[..horizon].iter().map(|v| f64::from(*v)).collect()),
            Self::NegativeBinomial => {
                let mean = |raw: &f32| negative_binomial::parameters(f64::from(*raw), 0.0, 1.0).0;
                Some(outputs[..horizon].iter().map(mean).collect())
            }
        }
    }
}

/// What happened, as a loss takes it.
#[derive(Clone, Debug)]
pub(crate) struct Actual {
    /// `[batch, steps]`, normalised.
    pub(crate) values: Tensor<2>,
    /// `[batch, steps]`: 0 where the value is missing.
    pub(crate) weights: Tensor<2>,
    /// `[batch, 1]`: what each window was divided by.
    pub(crate) scale: Tensor<2>,
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

    /// The weighted sum of the loss over all windows and steps of `forecast`, `[batch, channels, steps]`.
    pub(crate) fn sum(&self, forecast: Tensor<3>, Actual { values, weights, scale }: Actual) -> Tensor<1> {
        match self.loss {
            Loss::Quantile => pinball(forecast, values, weights, self.levels.clone()),
            Loss::Gaussian => (gaussian::surprise(forecast, values) * weights).sum(),
            Loss::StudentT => (student_t::surprise(forecast, values) * weights).sum(),
            Loss::NegativeBinomial => (negative_binomial::surprise(&forecast, values, scale) * weights).sum(),
        }
    }
}
