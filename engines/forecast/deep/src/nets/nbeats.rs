//! The network N-BEATS: a chain of blocks, each of which explains a part of the window, which the next no longer sees,
//! and adds a part of the forecast.
//!
//! Source: B. N. Oreshkin, D. Carpov, N. Chapados, Y. Bengio, *N-BEATS: Neural Basis Expansion Analysis for Interpretable
//! Time Series Forecasting*, ICLR 2020: the block (eq. 1), the doubly residual chain (§3.2), the generic architecture,
//! and the interpretable one with a polynomial trend (eq. 2) and a Fourier season (eq. 3), whose blocks share their
//! weights inside a stack. Here every output channel has coefficients of its own over the same basis. The paper's
//! ensemble over windows and losses is left to whoever combines models.

use std::f64::consts::TAU;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Network;
use super::layers::{linear, linear_weights, unbiased};

/// What the blocks of a stack can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// A basis that is learnt, of so many functions; each block has weights of its own.
    Generic(usize),
    /// Polynomials up to this degree; the blocks share their weights.
    Trend(usize),
    /// A Fourier series; the blocks share their weights.
    Season,
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
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Hidden layers of each block.
    pub layers: usize,
    /// Blocks of each stack.
    pub blocks: usize,
    /// The stacks.
    pub stacks: Vec<Basis>,
}

impl Architecture {
    /// The blocks with weights of their own: the basis, how often the block is applied, and whether anybody reads its
    /// last backcast.
    fn groups(&self) -> Vec<(Basis, usize, bool)> {
        let mut groups = Vec::new();
        for basis in &self.stacks {
            match basis {
                Basis::Generic(_) => groups.extend(std::iter::repeat_n((*basis, 1, true), self.blocks)),
                Basis::Trend(_) | Basis::Season => groups.push((*basis, self.blocks, true)),
            }
        }
        if let Some((_, repeats, backcast)) = groups.last_mut() {
            *backcast = *repeats > 1;
        }
        groups
    }

    /// The number of weights of the network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let group = |(basis, _, backcast): (Basis, usize, bool)| {
            let hidden = linear_weights(self.input_size, self.hidden)
                + (self.layers - 1) * linear_weights(self.hidden, self.hidden);
            let part = |length: usize, channels: usize| {
                let functions = functions(basis, length);
                let learnt = if matches!(basis, Basis::Generic(_)) { linear_weights(functions, length) } else { 0 };
                self.hidden * channels * functions + learnt
            };
            hidden + part(self.horizon, self.channels) + if backcast { part(self.input_size, 1) } else { 0 }
        };
        self.groups().into_iter().map(group).sum()
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        let block = |basis: &Basis| {
            let coefficients = self.channels * functions(*basis, self.horizon) + functions(*basis, self.input_size);
            5 * self.layers * self.hidden / 2 + 2 * coefficients + 2 * (self.input_size + self.channels * self.horizon)
        };
        let blocks: usize = self.stacks.iter().map(|basis| self.blocks * block(basis)).sum();
        (blocks + 4 * (self.input_size + self.channels * self.horizon)) as u64
    }
}

/// The number of functions of a basis over `length` moments.
fn functions(basis: Basis, length: usize) -> usize {
    match basis {
        Basis::Generic(count) => count,
        Basis::Trend(degree) => degree + 1,
        Basis::Season => 2 * harmonics(length) + 1,
    }
}

/// The highest frequency of eq. 3, in cycles over `length` moments.
fn harmonics(length: usize) -> usize {
    (length / 2).saturating_sub(1)
}

/// The network.
#[derive(Module, Debug)]
pub struct NBeats {
    groups: Vec<Group>,
    #[module(skip)]
    channels: usize,
    #[module(skip)]
    horizon: usize,
}

/// A block that is applied once or, with the same weights, several times.
#[derive(Module, Debug)]
struct Group {
    hidden: Vec<Linear>,
    forecast: Expansion,
    /// Absent where nobody would read it.
    backcast: Option<Expansion>,
    #[module(skip)]
    repeats: usize,
}

/// Coefficients and the basis that they go over.
#[derive(Module, Debug)]
struct Expansion {
    coefficients: Linear,
    learnt: Option<Linear>,
    /// `[functions, length]`.
    fixed: Option<Tensor<2>>,
    #[module(skip)]
    functions: usize,
}

impl NBeats {
    /// A network with weights drawn from `random`: uniform in `±1/sqrt(inputs)`, biases too.
    #[must_use]
    pub fn new(a: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let group = |(basis, repeats, backcast): (Basis, usize, bool)| Group {
            hidden: (0..a.layers)
                .map(|layer| linear(if layer == 0 { a.input_size } else { a.hidden }, a.hidden, random, device))
                .collect(),
            forecast: Expansion::new(basis, a.hidden, a.channels, a.horizon, random, device),
            backcast: backcast.then(|| Expansion::new(basis, a.hidden, 1, a.input_size, random, device)),
            repeats,
        };
        Self { groups: a.groups().into_iter().map(group).collect(), channels: a.channels, horizon: a.horizon }
    }
}

impl Network for NBeats {
    fn forward(&self, window: Tensor<2>, _features: Option<Tensor<2>>) -> Tensor<3> {
        let [batch, _] = window.dims();
        let mut residual = window;
        let mut forecast: Option<Tensor<2>> = None;
        for (place, group) in self.groups.iter().enumerate() {
            for repeat in 0..group.repeats {
                let state = group.hidden.iter().fold(residual.clone(), |state, layer| relu(layer.forward(state)));
                let partial = group.forecast.forward(state.clone());
                forecast = Some(match forecast {
                    Some(sum) => sum + partial,
                    None => partial,
                });
                let last = place + 1 == self.groups.len() && repeat + 1 == group.repeats;
                if let (Some(backcast), false) = (&group.backcast, last) {
                    residual = residual - backcast.forward(state);
                }
            }
        }
        let shape = [batch, self.channels, self.horizon];
        forecast.map_or_else(|| Tensor::zeros(shape, &residual.device()), |sum| sum.reshape(shape))
    }
}

impl Expansion {
    fn new(
        basis: Basis,
        hidden: usize,
        channels: usize,
        length: usize,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let functions = functions(basis, length);
        let coefficients = unbiased(hidden, channels * functions, random, device);
        let (learnt, fixed) = match basis {
            Basis::Generic(_) => (Some(linear(functions, length, random, device)), None),
            Basis::Trend(degree) => (None, Some(polynomials(degree, length))),
            Basis::Season => (None, Some(waves(length))),
        };
        let fixed = fixed.map(|values| Tensor::from_data(TensorData::new(values, [functions, length]), device));
        Self { coefficients, learnt, fixed, functions }
    }

    /// `[batch * channels, length]`.
    fn forward(&self, state: Tensor<2>) -> Tensor<2> {
        let coefficients = self.coefficients.forward(state);
        let [batch, outputs] = coefficients.dims();
        let coefficients = coefficients.reshape([batch * outputs / self.functions, self.functions]);
        match (&self.learnt, &self.fixed) {
            (Some(basis), _) => basis.forward(coefficients),
            (None, Some(basis)) => coefficients.matmul(basis.clone()),
            (None, None) => coefficients,
        }
    }
}

/// 1, t, t² … over t = 0, 1/length … (eq. 2).
fn polynomials(degree: usize, length: usize) -> Vec<f32> {
    let at = |power: usize, step: usize| (step as f64 / length as f64).powi(power as i32) as f32;
    (0..=degree).flat_map(|power| (0..length).map(move |step| at(power, step))).collect()
}

/// Cosines from frequency 0, then sines from frequency 1 (eq. 3; the sine of frequency 0 says nothing and is left out).
fn waves(length: usize) -> Vec<f32> {
    let highest = harmonics(length);
    let angle = |cycles: usize, step: usize| TAU * ((cycles * step) % length) as f64 / length as f64;
    let cosines = (0..=highest).flat_map(|cycles| (0..length).map(move |step| angle(cycles, step).cos() as f32));
    let sines = (1..=highest).flat_map(|cycles| (0..length).map(move |step| angle(cycles, step).sin() as f32));
    cosines.chain(sines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_bases_are_those_of_the_paper() {
        assert_eq!(polynomials(2, 4), [1.0, 1.0, 1.0, 1.0, 0.0, 0.25, 0.5, 0.75, 0.0, 0.0625, 0.25, 0.5625]);
        let waves = waves(4);
        let right = [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0];
        assert!(
            waves.len() == 12 && waves.iter().zip(right).all(|(w, r): (&f32, f32)| (w - r).abs() < 1e-6),
            "{waves:?}"
        );
        assert_eq!(super::waves(1), [1.0]);
    }
}
