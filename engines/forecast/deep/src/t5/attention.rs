//! Attention with several heads (Vaswani et al. 2017), as T5 has it: scores are not divided by the root of the width.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::buckets::{Distances, bucket};
use super::linear;
use crate::weights::{Error, Weights};

/// Attention with several heads.
#[derive(Module, Debug)]
pub(crate) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    #[module(skip)]
    heads: usize,
}

impl Attention {
    /// Reads `NAME.q`, `NAME.k`, `NAME.v` and `NAME.o`; the heads' widths together need not be the model's.
    pub(crate) fn read(
        weights: &Weights,
        name: &str,
        [width, heads, head_width]: [usize; 3],
        device: &Device,
    ) -> Result<Self, Error> {
        let inner = heads * head_width;
        let part = |part: &str, sizes| linear(weights, &format!("{name}.{part}"), sizes, false, device);
        Ok(Self {
            query: part("q", [width, inner])?,
            key: part("k", [width, inner])?,
            value: part("v", [width, inner])?,
            output: part("o", [inner, width])?,
            heads,
        })
    }

    /// From every place of `x`, `[batch, queries, width]`, to every place of `source`, `[batch, keys, width]`. `bias` is
    /// added to the scores, `[batch, heads, queries, keys]` or 1 in place of a side.
    pub(crate) fn forward(&self, x: Tensor<3>, source: Tensor<3>, bias: Option<Tensor<4>>) -> Tensor<3> {
        let (keys, values) = self.keys_and_values(source);
        self.attend(self.queries(x), keys, values, bias)
    }

    /// The queries, `[batch, heads, places, head width]`.
    pub(crate) fn queries(&self, x: Tensor<3>) -> Tensor<4> {
        self.split(self.query.forward(x))
    }

    /// The keys and values, `[batch, heads, places, head width]`.
    pub(crate) fn keys_and_values(&self, source: Tensor<3>) -> (Tensor<4>, Tensor<4>) {
        (self.split(self.key.forward(source.clone())), self.split(self.value.forward(source)))
    }

    pub(crate) fn attend(
        &self,
        queries: Tensor<4>,
        keys: Tensor<4>,
        values: Tensor<4>,
        bias: Option<Tensor<4>>,
    ) -> Tensor<3> {
        let [batch, heads, places, width] = queries.dims();
        let scores = queries.matmul(keys.transpose());
        let scores = match bias {
            Some(bias) => scores + bias,
            None => scores,
        };
        let mixed = softmax(scores, 3).matmul(values);
        self.output.forward(mixed.swap_dims(1, 2).reshape([batch, places, heads * width]))
    }

    /// What a single place makes of itself: with one key the softmax is 1.
    pub(crate) fn alone(&self, x: Tensor<3>) -> Tensor<3> {
        self.output.forward(self.value.forward(x))
    }

    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, places, inner] = x.dims();
        x.reshape([batch, places, self.heads, inner / self.heads]).swap_dims(1, 2)
    }
}

/// Biases of attention by the distance between two places, one table for all layers.
#[derive(Module, Debug)]
pub(crate) struct RelativeBias {
    /// `[buckets, heads]`.
    table: Param<Tensor<2>>,
    #[module(skip)]
    distances: Distances,
}

impl RelativeBias {
    /// Reads the tensor `name`.
    pub(crate) fn read(
        weights: &Weights,
        name: &str,
        heads: usize,
        distances: Distances,
        device: &Device,
    ) -> Result<Self, Error> {
        let shape = [distances.buckets, heads];
        let table = weights.read(name, &shape)?;
        Ok(Self { table: Param::from_data(TensorData::new(table, shape), device), distances })
    }

    /// The biases from the places `first..first + queries` to the places `0..keys`, `[1, heads, queries, keys]`.
    pub(crate) fn between(&self, first: usize, queries: usize, keys: usize) -> Tensor<4> {
        let table = self.table.val();
        let [_, heads] = table.dims();
        let relative = |q: usize, k: usize| k as i64 - (first + q) as i64;
        let places: Vec<i32> = (0..queries)
            .flat_map(|q| (0..keys).map(move |k| (q, k)))
            .map(|(q, k)| bucket(relative(q, k), &self.distances) as i32)
            .collect();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [queries * keys]), &table.device());
        table.select(0, places).reshape([queries, keys, heads]).swap_dims(1, 2).swap_dims(0, 1).unsqueeze()
    }
}

/// A bias that keeps attention from the keys that `open` does not name, `[batch, 1, 1, keys]`; none where all are open.
pub(crate) fn blocked(open: &[bool], batch: usize, device: &Device) -> Option<Tensor<4>> {
    if open.iter().all(|o| *o) {
        return None;
    }
    let values: Vec<f32> = open.iter().map(|o| if *o { 0.0 } else { f32::MIN }).collect();
    Some(Tensor::from_data(TensorData::new(values, [batch, 1, 1, open.len() / batch]), device))
}
