//! The networks NLinear and DLinear: one linear map from the window to all steps.
//!
//! Source: A. Zeng, M. Chen, L. Zhang, Q. Xu, *Are Transformers Effective for Time Series Forecasting?*, AAAI 2023, §4.
//! NLinear subtracts the last value of the window and adds it back to the forecast; DLinear maps a moving average (the
//! window's ends repeated) and what it leaves by a map each. Here every quantile level has maps of its own. The models
//! `nlinear` and `dlinear` are the same maps in closed form, for the squared error.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::module::avg_pool1d;
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Network;
use super::layers::{linear, linear_weights};

/// What is done to the window before the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// NLinear: the last value is subtracted, and added to the forecast.
    Last,
    /// DLinear: split into a moving average and the rest.
    Decomposed {
        /// Width of the moving average in observations.
        moving_average: usize,
    },
}

/// The sizes that make a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    /// Observations in the input window.
    pub input_size: usize,
    /// Steps to forecast.
    pub horizon: usize,
    /// Outputs a step.
    pub channels: usize,
    /// The first so many channels are values of the series, to which NLinear adds the last one; others are scales and
    /// shapes of a distribution.
    pub locations: usize,
    /// NLinear or DLinear.
    pub form: Form,
}

impl Architecture {
    /// The number of weights of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let maps = match self.form {
            Form::Last => 1,
            Form::Decomposed { .. } => 2,
        };
        maps * linear_weights(self.input_size, self.channels * self.horizon)
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        (5 * self.input_size + 6 * self.channels * self.horizon) as u64
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct LinearNet {
    /// The map of the window less its last value, or of what the moving average leaves.
    map: Linear,
    /// The map of the moving average; absent in NLinear.
    trend: Option<Linear>,
    /// 1 for the channels that are values of the series, `[1, channels, 1]`.
    locations: Tensor<3>,
    /// Width of the moving average, 1 in NLinear.
    #[module(skip)]
    moving_average: usize,
    #[module(skip)]
    channels: usize,
    #[module(skip)]
    horizon: usize,
}

impl LinearNet {
    /// A network with weights drawn from `random`: uniform in `±1/sqrt(inputs)`, biases too.
    #[must_use]
    pub fn new(a: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let outputs = a.channels * a.horizon;
        let map = linear(a.input_size, outputs, random, device);
        let (trend, moving_average) = match a.form {
            Form::Last => (None, 1),
            Form::Decomposed { moving_average } => {
                (Some(linear(a.input_size, outputs, random, device)), moving_average)
            }
        };
        let locations: Vec<f32> = (0..a.channels).map(|c| f32::from(c < a.locations)).collect();
        let locations = Tensor::from_data(TensorData::new(locations, [1, a.channels, 1]), device);
        Self { map, trend, locations, moving_average, channels: a.channels, horizon: a.horizon }
    }
}

impl Network for LinearNet {
    fn forward(&self, window: Tensor<2>, _features: Option<Tensor<2>>) -> Tensor<3> {
        let [batch, input_size] = window.dims();
        let shape = [batch, self.channels, self.horizon];
        match &self.trend {
            Some(trend) => {
                let smooth = smoothed(window.clone(), self.moving_average);
                let rest = window - smooth.clone();
                (self.map.forward(rest) + trend.forward(smooth)).reshape(shape)
            }
            None => {
                let last = window.clone().narrow(1, input_size - 1, 1);
                let forecast = self.map.forward(window - last.clone()).reshape(shape);
                forecast + last.unsqueeze_dim::<3>(2) * self.locations.clone()
            }
        }
    }
}

/// The centred moving average over `width` observations of each row; the window's ends are repeated. An even width looks
/// one further ahead than back.
fn smoothed(window: Tensor<2>, width: usize) -> Tensor<2> {
    let [batch, length] = window.dims();
    let end = |place: usize, times: usize| window.clone().narrow(1, place, 1).repeat_dim(1, times);
    let mut parts = vec![window.clone()];
    if (width - 1) / 2 > 0 {
        parts.insert(0, end(0, (width - 1) / 2));
    }
    if width / 2 > 0 {
        parts.push(end(length - 1, width / 2));
    }
    let options = AvgPoolOptions {
        kernel_size: [width],
        stride: [1],
        padding: [(0, 0)],
        count_include_pad: true,
        ceil_mode: false,
    };
    avg_pool1d(Tensor::cat(parts, 1).unsqueeze_dim::<3>(1), options).reshape([batch, length])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_moving_average_repeats_the_ends() {
        let device = Device::flex();
        let row = Tensor::<2>::from_data(TensorData::new(vec![3.0_f32, 6.0, 9.0, 0.0], [1, 4]), &device);
        let smooth: Vec<f32> = smoothed(row, 3).into_data().as_slice().unwrap().to_vec();
        let right = [(3.0 + 3.0 + 6.0) / 3.0, 6.0, 5.0, 3.0];
        assert!(smooth.iter().zip(right).all(|(s, r)| (s - r).abs() < 1e-5), "{smooth:?}");
    }
}
