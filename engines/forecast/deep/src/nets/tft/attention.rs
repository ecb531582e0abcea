//! Interpretable attention (Lim et al. 2021, §4.4): heads with one set of values, whose weights are averaged.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Device;
use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use crate::dropout::Dropout;
use crate::nets::layers::{linear, linear_weights, unbiased};

/// What is added to the score of a moment that must not be seen.
const UNSEEN: f32 = -1e9;

/// The layer: moments of the horizon attend to all moments up to themselves.
#[derive(Module, Debug)]
pub(super) struct Attention {
    queries: Linear,
    keys: Linear,
    values: Linear,
    joined: Linear,
    #[module(skip)]
    heads: usize,
}

impl Attention {
    /// `heads` divides `hidden`.
    pub(super) fn new(hidden: usize, heads: usize, random: &mut ChaCha8Rng, device: &Device) -> Self {
        Self {
            queries: linear(hidden, hidden, random, device),
            keys: linear(hidden, hidden, random, device),
            values: linear(hidden, hidden / heads, random, device),
            joined: unbiased(hidden / heads, hidden, random, device),
            heads,
        }
    }

    /// The number of weights.
    pub(super) const fn weights(hidden: usize, heads: usize) -> usize {
        let width = hidden / heads;
        2 * linear_weights(hidden, hidden) + linear_weights(hidden, width) + width * hidden
    }

    /// Over rows of moments with all windows of a moment together; returns the rows of the last `horizon` moments.
    pub(super) fn forward(
        &self,
        rows: Tensor<2>,
        (moments, batch, horizon): (usize, usize, usize),
        dropout: &mut Dropout,
    ) -> Tensor<2> {
        let [_, hidden] = rows.dims();
        let width = hidden / self.heads;
        let before = moments - horizon;
        let ahead = rows.clone().narrow(0, before * batch, horizon * batch);
        // `[batch, heads, moments, width]`.
        let split =
            |rows: Tensor<2>, moments: usize| rows.reshape([moments, batch, self.heads, width]).permute([1, 2, 0, 3]);
        let queries = split(self.queries.forward(ahead), horizon);
        let keys = split(self.keys.forward(rows.clone()), moments);
        let values = self.values.forward(rows).reshape([moments, batch, width]).swap_dims(0, 1);
        let seen = (0..horizon)
            .flat_map(|step| (0..moments).map(move |moment| if moment <= before + step { 0.0 } else { UNSEEN }));
        let seen = TensorData::new(seen.collect::<Vec<f32>>(), [1, 1, horizon, moments]);
        let scores = queries.matmul(keys.swap_dims(2, 3)).div_scalar((width as f64).sqrt());
        let scores = scores.clone() + Tensor::from_data(seen, &scores.device());
        let weights = dropout.apply(softmax(scores, 3)).mean_dim(1).reshape([batch, horizon, moments]);
        let mixed = weights.matmul(values).swap_dims(0, 1).reshape([horizon * batch, width]);
        self.joined.forward(mixed)
    }
}
