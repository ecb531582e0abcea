//! Layers that several networks share.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A layer with weights uniform in `±1/sqrt(inputs)`, biases too.
pub(super) fn linear(inputs: usize, outputs: usize, random: &mut ChaCha8Rng, device: &Device) -> Linear {
    let bound = 1.0 / (inputs as f32).sqrt();
    let weight = TensorData::new(draw(inputs * outputs, bound, random), [inputs, outputs]);
    let bias = TensorData::new(draw(outputs, bound, random), [outputs]);
    Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) }
}

/// A layer as [`linear`] makes it, without bias.
pub(super) fn unbiased(inputs: usize, outputs: usize, random: &mut ChaCha8Rng, device: &Device) -> Linear {
    let bound = 1.0 / (inputs as f32).sqrt();
    let weight = TensorData::new(draw(inputs * outputs, bound, random), [inputs, outputs]);
    Linear { weight: Param::from_data(weight, device), bias: None }
}

/// Weights of a matrix, uniform in `±bound`.
pub(super) fn matrix(shape: [usize; 2], bound: f32, random: &mut ChaCha8Rng, device: &Device) -> Param<Tensor<2>> {
    Param::from_data(TensorData::new(draw(shape[0] * shape[1], bound, random), shape), device)
}

/// The number of weights of a layer with biases.
pub(super) const fn linear_weights(inputs: usize, outputs: usize) -> usize {
    (inputs + 1) * outputs
}

fn draw(count: usize, bound: f32, random: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-bound..=bound)).collect()
}
