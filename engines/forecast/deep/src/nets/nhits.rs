//! The network N-HiTS: a chain of blocks, each looking at the input at its own rate and speaking about the horizon
//! at its own resolution.
//!
//! Source: C. Challu, K. G. Olivares, B. N. Oreshkin, F. Garza, M. Mergenthaler-Canseco, A. Dubrawski, *N-HiTS: Neural
//! Hierarchical Interpolation for Time Series Forecasting*, AAAI 2023: multi-rate sampling (eq. 1), the MLP and its
//! coefficients (eq. 2), hierarchical interpolation (eq. 3 and 4), residuals and sum (eq. 5 and 6). Here each block is
//! a stack of its own and speaks about every quantile level; covariates enter each block's MLP beside the pooled input.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool1d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Network;
use super::layers::linear;

/// One stack's rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// Width and stride of the max-pool over the input.
    pub pooling: usize,
    /// Steps between two knots of the backcast and of the forecast.
    pub downsampling: usize,
}

/// The sizes that make a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Observations in the input window.
    pub input_size: usize,
    /// Covariate inputs of a window.
    pub features: usize,
    /// Steps to forecast.
    pub horizon: usize,
    /// Quantile levels to forecast.
    pub levels: usize,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Hidden layers of each block.
    pub layers: usize,
    /// The stacks, from the slowest to the fastest.
    pub stacks: Vec<Rates>,
}

impl Architecture {
    /// The number of weights of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let last = self.stacks.len().saturating_sub(1);
        let block = |(i, rates): (usize, &Rates)| {
            let input = self.input_size.div_ceil(rates.pooling) + self.features;
            let hidden = (input + 1) * self.hidden + (self.layers - 1) * (self.hidden + 1) * self.hidden;
            let forecast = (self.hidden + 1) * self.levels * knots(self.horizon, rates.downsampling);
            let backcast = if i == last { 0 } else { (self.hidden + 1) * knots(self.input_size, rates.downsampling) };
            hidden + forecast + backcast
        };
        self.stacks.iter().enumerate().map(block).sum()
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        /// Twice the numbers held for each hidden unit: the layer's output, its rectifier's, a share of gradients.
        const TWICE_PER_HIDDEN_UNIT: u64 = 5;
        /// Copies of each window and each of its outputs beside one a stack: on the host, on the device, loss and gradient.
        const COPIES: u64 = 2;
        let stacks = self.stacks.len() as u64;
        let hidden = TWICE_PER_HIDDEN_UNIT * stacks * (self.layers * self.hidden) as u64 / 2;
        let values = (stacks + COPIES) * (self.input_size + self.levels * self.horizon) as u64;
        hidden + values + (stacks + 1) * self.features as u64
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct NHits {
    blocks: Vec<Block>,
    #[module(skip)]
    levels: usize,
    #[module(skip)]
    horizon: usize,
}

#[derive(Module, Debug)]
struct Block {
    hidden: Vec<Linear>,
    forecast: Linear,
    /// Coefficients to steps, `[knots, horizon]`.
    forecast_basis: Tensor<2>,
    /// Absent in the last block, whose residual nobody reads.
    backcast: Option<Linear>,
    /// Coefficients to observations, `[knots, input_size]`.
    backcast_basis: Tensor<2>,
    #[module(skip)]
    pooling: usize,
}

impl NHits {
    /// A network with weights drawn from `random`: uniform in `±1/sqrt(inputs)`, biases too.
    ///
    /// All draws are ours and in a fixed order, so that the same seed gives the same weights on every device.
    #[must_use]
    pub fn new(architecture: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let last = architecture.stacks.len().saturating_sub(1);
        let blocks = architecture
            .stacks
            .iter()
            .enumerate()
            .map(|(i, rates)| Block::new(architecture, *rates, i < last, random, device))
            .collect();
        Self { blocks, levels: architecture.levels, horizon: architecture.horizon }
    }
}

impl Network for NHits {
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> Tensor<3> {
        let [batch, _] = window.dims();
        let mut residual = window;
        let mut forecast: Option<Tensor<2>> = None;
        for block in &self.blocks {
            let (backcast, partial) = block.forward(residual.clone(), features.clone());
            if let Some(backcast) = backcast {
                residual = residual - backcast;
            }
            forecast = Some(match forecast {
                Some(sum) => sum + partial,
                None => partial,
            });
        }
        match forecast {
            Some(sum) => sum.reshape([batch, self.levels, self.horizon]),
            None => Tensor::zeros([batch, self.levels, self.horizon], &residual.device()),
        }
    }
}

impl Block {
    fn new(a: &Architecture, rates: Rates, with_backcast: bool, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let pooled = a.input_size.div_ceil(rates.pooling);
        let hidden = (0..a.layers)
            .map(|layer| linear(if layer == 0 { pooled + a.features } else { a.hidden }, a.hidden, random, device))
            .collect();
        let forecast_knots = knots(a.horizon, rates.downsampling);
        let backcast_knots = knots(a.input_size, rates.downsampling);
        Self {
            hidden,
            forecast: linear(a.hidden, a.levels * forecast_knots, random, device),
            forecast_basis: interpolation(forecast_knots, a.horizon, device),
            backcast: with_backcast.then(|| linear(a.hidden, backcast_knots, random, device)),
            backcast_basis: interpolation(backcast_knots, a.input_size, device),
            pooling: rates.pooling,
        }
    }

    /// The part of the window that this block explains, `[batch, input_size]`, and its part of the forecast,
    /// `[batch * levels, horizon]`.
    fn forward(&self, window: Tensor<2>, features: Option<Tensor<2>>) -> (Option<Tensor<2>>, Tensor<2>) {
        let [batch, _] = window.dims();
        let pooled = self.pool(window);
        let mut state = match features {
            Some(features) => Tensor::cat(vec![pooled, features], 1),
            None => pooled,
        };
        for layer in &self.hidden {
            state = relu(layer.forward(state));
        }
        let backcast = self.backcast.as_ref().map(|b| b.forward(state.clone()).matmul(self.backcast_basis.clone()));
        let [forecast_knots, _] = self.forecast_basis.dims();
        let coefficients = self.forecast.forward(state);
        let [_, outputs] = coefficients.dims();
        let coefficients = coefficients.reshape([batch * outputs / forecast_knots, forecast_knots]);
        (backcast, coefficients.matmul(self.forecast_basis.clone()))
    }

    fn pool(&self, window: Tensor<2>) -> Tensor<2> {
        if self.pooling == 1 {
            return window;
        }
        let options = MaxPoolOptions {
            kernel_size: [self.pooling],
            stride: [self.pooling],
            padding: [(0, 0)],
            dilation: [1],
            ceil_mode: true,
        };
        let [batch, _] = window.dims();
        let pooled = max_pool1d(window.unsqueeze_dim::<3>(1), options);
        let [_, _, width] = pooled.dims();
        pooled.reshape([batch, width])
    }
}

/// The number of knots that speak about `length` steps, one every `distance`.
pub(crate) fn knots(length: usize, distance: usize) -> usize {
    length.div_ceil(distance.max(1)).max(1)
}

/// Linear interpolation as a matrix `[knots, length]`: the first knot lies on the first step, the last on the last
/// (Challu et al. 2023, eq. 4); a single knot is constant.
fn interpolation(knots: usize, length: usize, device: &Device) -> Tensor<2> {
    let mut weights = vec![0.0_f32; knots * length];
    for step in 0..length {
        let place = if length == 1 { 0.0 } else { step as f64 * (knots - 1) as f64 / (length - 1) as f64 };
        let left = (place.floor() as usize).min(knots - 1);
        let share = (place - left as f64) as f32;
        weights[left * length + step] += 1.0 - share;
        if left + 1 < knots {
            weights[(left + 1) * length + step] += share;
        }
    }
    Tensor::from_data(TensorData::new(weights, [knots, length]), device)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::module::Module;
    use rand::SeedableRng;

    use super::*;

    fn matrix(knots: usize, length: usize) -> Vec<f32> {
        interpolation(knots, length, &Device::flex()).into_data().as_slice::<f32>().unwrap().to_vec()
    }

    #[test]
    fn interpolation_runs_straight_between_the_outermost_steps() {
        assert_eq!(matrix(2, 5), [1.0, 0.75, 0.5, 0.25, 0.0, 0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(matrix(1, 3), [1.0; 3]);
        assert_eq!(matrix(3, 3), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(matrix(1, 1), [1.0]);
    }

    fn architecture() -> Architecture {
        let rates = |pooling, downsampling| Rates { pooling, downsampling };
        Architecture {
            input_size: 21,
            features: 3,
            horizon: 7,
            levels: 2,
            hidden: 5,
            layers: 2,
            stacks: vec![rates(4, 3), rates(2, 2), rates(1, 1)],
        }
    }

    #[test]
    fn the_declared_number_of_weights_is_the_true_one() {
        let net = NHits::new(&architecture(), &mut ChaCha8Rng::seed_from_u64(1), &Device::flex());
        assert_eq!(net.num_params(), architecture().parameters());
    }

    #[test]
    fn every_weight_learns_and_every_output_depends_on_the_window() {
        let device = Device::flex().autodiff();
        let net = NHits::new(&architecture(), &mut ChaCha8Rng::seed_from_u64(1), &device);
        let ramp = |count: usize| (0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>();
        let window = Tensor::<2>::from_data(TensorData::new(ramp(8 * 21), [8, 21]), &device);
        let features = Tensor::<2>::from_data(TensorData::new(ramp(8 * 3), [8, 3]), &device);
        let forecast = net.forward(window.clone(), Some(features.clone()));
        assert_eq!(forecast.dims(), [8, 2, 7]);
        let moved = net.forward(window.add_scalar(1.0), Some(features));
        let least: f32 = (moved - forecast.clone()).abs().min().into_scalar();
        assert!(least > 0.0);
        let gradients = burn::optim::GradientsParams::from_grads(forecast.sum().backward(), &net);
        // A weight and a bias for each of 3 · 2 hidden layers, 3 forecasts and 2 backcasts.
        assert_eq!(gradients.len(), 2 * (6 + 3 + 2));
    }
}
