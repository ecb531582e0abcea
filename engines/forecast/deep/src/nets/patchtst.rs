//! The network PatchTST: an attention encoder over patches of the window.
//!
//! Source: Y. Nie, N. H. Nguyen, P. Sinthong, J. Kalagnanam, *A Time Series Is Worth 64 Words: Long-term Forecasting with
//! Transformers*, ICLR 2023, §3.1: channel independence (every series of a panel goes through the same network by itself),
//! instance normalisation (which all windows have had), patches with the last value repeated by a stride, a learnt
//! position, the encoder with batch norm, and a flattened linear head; dropout after the embedding, the attention and the
//! dense layers.

use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::layers::{linear, linear_weights, matrix};
use super::{Lesson, Network};
use crate::dropout::Dropout;

/// The bound of the learnt positions' first values.
const POSITION_BOUND: f32 = 0.02;

/// What follows attention and the dense layers of each encoder layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Norm {
    /// Over all windows and patches of a batch; running statistics when forecasting.
    Batch,
    /// Over each patch's own features.
    Layer,
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
    /// Observations in a patch, at most `input_size`.
    pub patch: usize,
    /// Observations from one patch to the next.
    pub stride: usize,
    /// Features of a patch; a multiple of `heads`.
    pub hidden: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of the dense layers.
    pub feed_forward: usize,
    /// Encoder layers.
    pub layers: usize,
    /// The norm of the encoder.
    pub norm: Norm,
}

impl Architecture {
    /// The number of patches: those inside the window and one more for the repeated end.
    #[must_use]
    pub fn patches(&self) -> usize {
        (self.input_size - self.patch) / self.stride + 2
    }

    /// The number of weights of the network, running statistics among them.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let norm = match self.norm {
            Norm::Batch => 4 * self.hidden,
            Norm::Layer => 2 * self.hidden,
        };
        let attention = linear_weights(self.hidden, 3 * self.hidden) + linear_weights(self.hidden, self.hidden);
        let dense = linear_weights(self.hidden, self.feed_forward) + linear_weights(self.feed_forward, self.hidden);
        let outside = linear_weights(self.patch, self.hidden)
            + self.patches() * self.hidden
            + linear_weights(self.patches() * self.hidden, self.channels * self.horizon);
        outside + self.layers * (attention + dense + 2 * norm)
    }

    pub(super) fn numbers_per_window(&self) -> u64 {
        let patches = self.patches();
        let attention = 2 * self.heads * patches * patches + 8 * patches * self.hidden;
        let dense = 4 * patches * self.feed_forward + 2 * patches * self.hidden;
        let norms = 8 * patches * self.hidden;
        let ends = 4 * self.input_size + 2 * patches * self.patch + 6 * self.channels * self.horizon;
        (self.layers * (attention + dense + norms) + ends + 4 * patches * self.hidden) as u64
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct PatchTst {
    embedding: Linear,
    /// `[patches, hidden]`.
    positions: Param<Tensor<2>>,
    encoder: Vec<Layer>,
    head: Linear,
    #[module(skip)]
    architecture: Architecture,
}

#[derive(Module, Debug)]
struct Layer {
    /// Queries, keys and values in one product.
    attention: Linear,
    joined: Linear,
    first_norm: AnyNorm,
    widen: Linear,
    narrow: Linear,
    second_norm: AnyNorm,
    #[module(skip)]
    heads: usize,
}

#[derive(Module, Debug)]
enum AnyNorm {
    Batch(BatchNorm),
    Layer(LayerNorm),
}

impl PatchTst {
    /// A network with weights drawn from `random`: uniform in `±1/sqrt(inputs)`, biases too; positions in ±0.02.
    #[must_use]
    pub fn new(a: &Architecture, random: &mut ChaCha8Rng, device: &Device) -> Self {
        let embedding = linear(a.patch, a.hidden, random, device);
        let positions = matrix([a.patches(), a.hidden], POSITION_BOUND, random, device);
        let encoder = (0..a.layers)
            .map(|_| Layer {
                attention: linear(a.hidden, 3 * a.hidden, random, device),
                joined: linear(a.hidden, a.hidden, random, device),
                first_norm: AnyNorm::new(a, device),
                widen: linear(a.hidden, a.feed_forward, random, device),
                narrow: linear(a.feed_forward, a.hidden, random, device),
                second_norm: AnyNorm::new(a, device),
                heads: a.heads,
            })
            .collect();
        let head = linear(a.patches() * a.hidden, a.channels * a.horizon, random, device);
        Self { embedding, positions, encoder, head, architecture: a.clone() }
    }

    /// `[batch * patches, patch]`.
    fn patches(&self, window: Tensor<2>) -> Tensor<2> {
        let a = &self.architecture;
        let [batch, input_size] = window.dims();
        let last = window.clone().narrow(1, input_size - 1, 1).repeat_dim(1, a.stride);
        let padded = Tensor::cat(vec![window, last], 1);
        let cut = |place: usize| padded.clone().narrow(1, place * a.stride, a.patch);
        Tensor::cat((0..a.patches()).map(cut).collect(), 1).reshape([batch * a.patches(), a.patch])
    }
}

impl Network for PatchTst {
    fn forward(&self, window: Tensor<2>, _features: Option<Tensor<2>>) -> Tensor<3> {
        self.run(window, &mut Dropout::none())
    }

    fn learn(&self, lesson: Lesson, dropout: &mut Dropout) -> Tensor<3> {
        self.run(lesson.window, dropout)
    }
}

impl PatchTst {
    fn run(&self, window: Tensor<2>, dropout: &mut Dropout) -> Tensor<3> {
        let a = &self.architecture;
        let [batch, _] = window.dims();
        let shape = [batch, a.patches(), a.hidden];
        let embedded = self.embedding.forward(self.patches(window)).reshape(shape);
        let state = (embedded + self.positions.val().unsqueeze_dim::<3>(0)).reshape([batch * a.patches(), a.hidden]);
        let state = dropout.apply(state);
        let state = self.encoder.iter().fold(state, |state, layer| layer.forward(state, shape, dropout));
        let forecast = self.head.forward(state.reshape([batch, a.patches() * a.hidden]));
        forecast.reshape([batch, a.channels, a.horizon])
    }
}

impl Layer {
    /// One layer over `[batch * patches, hidden]`.
    fn forward(&self, state: Tensor<2>, shape: [usize; 3], dropout: &mut Dropout) -> Tensor<2> {
        let attended = dropout.apply(self.attend(state.clone(), shape));
        let attended = self.first_norm.forward(state + attended);
        let dense = self.narrow.forward(dropout.apply(gelu(self.widen.forward(attended.clone()))));
        self.second_norm.forward(attended + dropout.apply(dense))
    }

    /// Scaled dot-product attention of all patches of a window to each other (Vaswani et al. 2017, §3.2).
    fn attend(&self, state: Tensor<2>, [batch, patches, hidden]: [usize; 3]) -> Tensor<2> {
        let width = hidden / self.heads;
        let all = self.attention.forward(state);
        let part = |place: usize| {
            let part = all.clone().narrow(1, place * hidden, hidden);
            part.reshape([batch, patches, self.heads, width]).swap_dims(1, 2)
        };
        let scores = part(0).matmul(part(1).swap_dims(2, 3)).div_scalar((width as f64).sqrt());
        let mixed = softmax(scores, 3).matmul(part(2));
        self.joined.forward(mixed.swap_dims(1, 2).reshape([batch * patches, hidden]))
    }
}

impl AnyNorm {
    fn new(a: &Architecture, device: &Device) -> Self {
        match a.norm {
            Norm::Batch => Self::Batch(BatchNormConfig::new(a.hidden).init(device)),
            Norm::Layer => Self::Layer(LayerNormConfig::new(a.hidden).init(device)),
        }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Batch(norm) => norm.forward(input),
            Self::Layer(norm) => norm.forward(input),
        }
    }
}
