//! Variable selection (Lim et al. 2021, §4.2): each variable through a gated residual network of its own, then all of
//! them mixed by weights that follow from the moment.

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::gated::{Residual, elu};
use crate::dropout::Dropout;

/// Added to a variance before its root.
const EPSILON: f64 = 1e-5;

/// The variables' own networks side by side, `[variables, ..]`, and the one that weighs them.
#[derive(Module, Debug)]
pub(super) struct Selection {
    /// From each variable, a number, to its features: `[variables, 1, hidden]` both.
    embedding: Param<Tensor<3>>,
    embedding_bias: Param<Tensor<3>>,
    first: Param<Tensor<3>>,
    first_bias: Param<Tensor<3>>,
    second: Param<Tensor<3>>,
    second_bias: Param<Tensor<3>>,
    /// The gate and what it lets through, `[variables, hidden, 2 · hidden]`.
    gate: Param<Tensor<3>>,
    gate_bias: Param<Tensor<3>>,
    norm: Param<Tensor<3>>,
    norm_bias: Param<Tensor<3>>,
    weighing: Residual,
    #[module(skip)]
    hidden: usize,
}

impl Selection {
    /// A network over so many variables, with a context or without.
    pub(super) fn new(
        variables: usize,
        hidden: usize,
        context: bool,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let bound = 1.0 / (hidden as f32).sqrt();
        let mut uniform = |shape: [usize; 3], bound: f32| {
            let values = (0..shape.iter().product()).map(|_| random.random_range(-bound..=bound)).collect::<Vec<f32>>();
            Param::from_data(TensorData::new(values, shape), device)
        };
        let square = [variables, hidden, hidden];
        let vector = [variables, 1, hidden];
        let (embedding, embedding_bias) = (uniform(vector, 1.0), uniform(vector, 1.0));
        let (first, first_bias) = (uniform(square, bound), uniform(vector, bound));
        let (second, second_bias) = (uniform(square, bound), uniform(vector, bound));
        let gate = uniform([variables, hidden, 2 * hidden], bound);
        let gate_bias = uniform([variables, 1, 2 * hidden], bound);
        let constant = |value: f32| Param::from_data(TensorData::new(vec![value; variables * hidden], vector), device);
        let (norm, norm_bias) = (constant(1.0), constant(0.0));
        let weighing = Residual::new(Self::weighing(variables, hidden), context, random, device);
        Self {
            embedding,
            embedding_bias,
            first,
            first_bias,
            second,
            second_bias,
            gate,
            gate_bias,
            norm,
            norm_bias,
            weighing,
            hidden,
        }
    }

    const fn weighing(variables: usize, hidden: usize) -> (usize, usize, usize) {
        (variables * hidden, hidden, variables)
    }

    /// The number of weights.
    pub(super) const fn weights(variables: usize, hidden: usize, context: bool) -> usize {
        let own = 2 * hidden + 2 * (hidden + 1) * hidden + (hidden + 1) * 2 * hidden + 2 * hidden;
        variables * own + Residual::weights(Self::weighing(variables, hidden), context)
    }

    /// Numbers held for the backward pass of one moment.
    pub(super) const fn numbers_per_moment(variables: usize, hidden: usize) -> usize {
        17 * variables * hidden + 8 * hidden + 10 * variables
    }

    /// The features of each row of `values`, `[rows, variables]`, mixed: `[rows, hidden]`. Contexts are as in
    /// [`Residual::forward`].
    pub(super) fn forward(&self, values: Tensor<2>, context: Option<&Tensor<2>>, dropout: &mut Dropout) -> Tensor<2> {
        let [rows, variables] = values.dims();
        let each = values.swap_dims(0, 1).reshape([variables, rows, 1]);
        let embedded = each * self.embedding.val() + self.embedding_bias.val();
        let together = embedded.clone().swap_dims(0, 1).reshape([rows, variables * self.hidden]);
        let weights = softmax(self.weighing.forward(together, context, dropout), 1);
        let weights = weights.swap_dims(0, 1).reshape([variables, rows, 1]);
        let hidden = elu(embedded.clone().matmul(self.first.val()) + self.first_bias.val());
        let hidden = dropout.apply(hidden.matmul(self.second.val()) + self.second_bias.val());
        let both = hidden.matmul(self.gate.val()) + self.gate_bias.val();
        let gate = sigmoid(both.clone().narrow(2, 0, self.hidden));
        let features = self.normalised(embedded + gate * both.narrow(2, self.hidden, self.hidden));
        (features * weights).sum_dim(0).reshape([rows, self.hidden])
    }

    /// The layer norm of each variable.
    fn normalised(&self, input: Tensor<3>) -> Tensor<3> {
        let centred = input.clone() - input.mean_dim(2);
        let deviation = centred.clone().square().mean_dim(2).add_scalar(EPSILON).sqrt();
        centred / deviation * self.norm.val() + self.norm_bias.val()
    }
}
