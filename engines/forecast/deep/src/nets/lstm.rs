//! A recurrent layer with gates in one product.
//!
//! Source: S. Hochreiter, J. Schmidhuber, *Long Short-Term Memory*, Neural Computation 1997, with the forget gate of F. A.
//! Gers, J. Schmidhuber and F. Cummins 2000, whose bias begins at 1 (R. Jozefowicz, W. Zaremba, I. Sutskever 2015).

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::layers::linear_weights;

/// One layer.
#[derive(Module, Debug)]
pub(super) struct Lstm {
    /// From the input and the output before to the input, forget and output gates and the candidate, in this order:
    /// `[inputs + hidden, 4 · hidden]`.
    gates: Linear,
    #[module(skip)]
    hidden: usize,
}

/// What a layer carries from one moment to the next; both `[batch, hidden]`.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The output.
    pub(super) output: Tensor<2>,
    /// The cell.
    pub(super) cell: Tensor<2>,
}

impl State {
    /// The state before the first moment.
    pub(super) fn zero(batch: usize, hidden: usize, device: &Device) -> Self {
        let zeros = Tensor::zeros([batch, hidden], device);
        Self { output: zeros.clone(), cell: zeros }
    }

    /// Every window's state `times` times, one after the other.
    pub(super) fn repeated(&self, times: usize) -> Self {
        let repeat = |tensor: &Tensor<2>| {
            let [batch, hidden] = tensor.dims();
            let repeated = tensor.clone().unsqueeze_dim::<3>(1).repeat_dim(1, times);
            repeated.reshape([batch * times, hidden])
        };
        Self { output: repeat(&self.output), cell: repeat(&self.cell) }
    }
}

impl Lstm {
    /// A layer with weights drawn from `random`, uniform in `±1/sqrt(hidden)`, biases too but for the forget gate's.
    pub(super) fn new(inputs: usize, hidden: usize, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let bound = 1.0 / (hidden as f32).sqrt();
        let mut draw = |count: usize| (0..count).map(|_| random.random_range(-bound..=bound)).collect::<Vec<f32>>();
        let weight = TensorData::new(draw((inputs + hidden) * 4 * hidden), [inputs + hidden, 4 * hidden]);
        let mut biases = draw(4 * hidden);
        biases[hidden..2 * hidden].fill(1.0);
        let bias = TensorData::new(biases, [4 * hidden]);
        let gates = Linear { weight: Param::from_data(weight, device), bias: Some(Param::from_data(bias, device)) };
        Self { gates, hidden }
    }

    /// The number of weights.
    pub(super) const fn weights(inputs: usize, hidden: usize) -> usize {
        linear_weights(inputs + hidden, 4 * hidden)
    }

    /// Numbers held for the backward pass of one moment.
    pub(super) const fn numbers_per_moment(inputs: usize, hidden: usize) -> usize {
        inputs + 22 * hidden
    }

    /// One moment: `input` is `[batch, inputs]`.
    pub(super) fn step(&self, input: Tensor<2>, state: State) -> State {
        let gates = self.gates.forward(Tensor::cat(vec![input, state.output], 1));
        let opened = sigmoid(gates.clone().narrow(1, 0, 3 * self.hidden));
        let gate = |place: usize| opened.clone().narrow(1, place * self.hidden, self.hidden);
        let candidate = tanh(gates.narrow(1, 3 * self.hidden, self.hidden));
        let cell = gate(1) * state.cell + gate(0) * candidate;
        State { output: gate(2) * tanh(cell.clone()), cell }
    }
}
