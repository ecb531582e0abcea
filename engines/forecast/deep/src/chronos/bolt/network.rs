//! The network: patches through an encoder, one token through a decoder, its state to all quantiles.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::Configuration;
use crate::chronos::patches::{Scaling, at};
use crate::t5::{Attention, Distances, FeedForward, RelativeBias, ResidualBlock, RmsNorm, blocked};
use crate::weights::{Error, Weights};

/// The weights on a device.
#[derive(Module, Debug)]
pub(super) struct Network {
    /// The decoder's first token and the one after the last patch, `[tokens, width]`.
    tokens: Param<Tensor<2>>,
    entrance: ResidualBlock,
    encoder: Vec<EncoderLayer>,
    encoder_bias: RelativeBias,
    encoder_norm: RmsNorm,
    decoder: Vec<DecoderLayer>,
    decoder_norm: RmsNorm,
    exit: ResidualBlock,
    #[module(skip)]
    patch: usize,
    #[module(skip)]
    start_token: usize,
    #[module(skip)]
    end_token: Option<usize>,
}

#[derive(Module, Debug)]
struct EncoderLayer {
    attention_norm: RmsNorm,
    attention: Attention,
    feed_forward_norm: RmsNorm,
    feed_forward: FeedForward,
}

#[derive(Module, Debug)]
struct DecoderLayer {
    attention_norm: RmsNorm,
    attention: Attention,
    cross_norm: RmsNorm,
    cross: Attention,
    feed_forward_norm: RmsNorm,
    feed_forward: FeedForward,
}

impl Network {
    pub(super) fn read(weights: &Weights, c: &Configuration, device: &Device) -> Result<Self, Error> {
        let norm = |name: &str| RmsNorm::read(weights, name, c.width, c.epsilon, device);
        let attention = |name: &str| Attention::read(weights, name, [c.width, c.heads, c.head_width], device);
        let feed_forward =
            |name: &str| FeedForward::read(weights, name, [c.width, c.inner], (c.activation, c.gated), device);
        let bias = |side: &str, distances: Distances| {
            let name = format!("{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
            RelativeBias::read(weights, &name, c.heads, distances, device)
        };
        let block = |name: &str, sizes: [usize; 3]| ResidualBlock::read(weights, name, sizes, c.activation, device);
        let encoder_layer = |i: usize| {
            let name = |part: &str| format!("encoder.block.{i}.{part}");
            Ok(EncoderLayer {
                attention_norm: norm(&name("layer.0.layer_norm"))?,
                attention: attention(&name("layer.0.SelfAttention"))?,
                feed_forward_norm: norm(&name("layer.1.layer_norm"))?,
                feed_forward: feed_forward(&name("layer.1.DenseReluDense"))?,
            })
        };
        let decoder_layer = |i: usize| {
            let name = |part: &str| format!("decoder.block.{i}.{part}");
            Ok(DecoderLayer {
                attention_norm: norm(&name("layer.0.layer_norm"))?,
                attention: attention(&name("layer.0.SelfAttention"))?,
                cross_norm: norm(&name("layer.1.layer_norm"))?,
                cross: attention(&name("layer.1.EncDecAttention"))?,
                feed_forward_norm: norm(&name("layer.2.layer_norm"))?,
                feed_forward: feed_forward(&name("layer.2.DenseReluDense"))?,
            })
        };
        let tokens = weights.read("shared.weight", &[c.tokens(), c.width])?;
        // A single place attends to itself whatever its bias; the file has to have the table all the same.
        bias("decoder", Distances { both_ways: false, ..c.distances })?;
        Ok(Self {
            tokens: Param::from_data(TensorData::new(tokens, [c.tokens(), c.width]), device),
            entrance: block("input_patch_embedding", [2 * c.patch, c.inner, c.width])?,
            encoder: (0..c.encoder_layers).map(encoder_layer).collect::<Result<_, Error>>()?,
            encoder_bias: bias("encoder", c.distances)?,
            encoder_norm: norm("encoder.final_layer_norm")?,
            decoder: (0..c.decoder_layers).map(decoder_layer).collect::<Result<_, Error>>()?,
            decoder_norm: norm("decoder.final_layer_norm")?,
            exit: block("output_patch_embedding", [c.width, c.inner, c.levels.len() * c.horizon])?,
            patch: c.patch,
            start_token: c.start_token,
            end_token: c.end_token,
        })
    }

    /// The scaled quantiles after each context, `[contexts, levels · steps]`, level by level.
    pub(super) fn forward(&self, contexts: &[&[f64]], scalings: &[Scaling], device: &Device) -> Tensor<3> {
        let batch = contexts.len();
        let (patches, mut open) = self.patches(contexts, scalings);
        let count = open.len() / batch.max(1);
        let patches = Tensor::<3>::from_data(TensorData::new(patches, [batch, count, 2 * self.patch]), device);
        let mut states = self.entrance.forward(patches);
        if let Some(token) = self.end_token {
            states = Tensor::cat(vec![states, self.token(token, batch)], 1);
            open = open.chunks(count).flat_map(|row| row.iter().copied().chain([true])).collect();
        }
        let blocked = blocked(&open, batch, device);
        let states = self.encode(states, blocked.clone());
        self.exit.forward(self.decode(states, blocked))
    }

    fn encode(&self, mut states: Tensor<3>, blocked: Option<Tensor<4>>) -> Tensor<3> {
        let [_, places, _] = states.dims();
        let bias = self.encoder_bias.between(0, places, places);
        let bias = match blocked {
            Some(blocked) => bias + blocked,
            None => bias,
        };
        for layer in &self.encoder {
            let normed = layer.attention_norm.forward(states.clone());
            states = states + layer.attention.forward(normed.clone(), normed, Some(bias.clone()));
            states = states.clone() + layer.feed_forward.forward(layer.feed_forward_norm.forward(states));
        }
        self.encoder_norm.forward(states)
    }

    fn decode(&self, source: Tensor<3>, blocked: Option<Tensor<4>>) -> Tensor<3> {
        let [batch, _, _] = source.dims();
        let mut state = self.token(self.start_token, batch);
        for layer in &self.decoder {
            state = state.clone() + layer.attention.alone(layer.attention_norm.forward(state));
            let normed = layer.cross_norm.forward(state.clone());
            state = state + layer.cross.forward(normed, source.clone(), blocked.clone());
            state = state.clone() + layer.feed_forward.forward(layer.feed_forward_norm.forward(state));
        }
        self.decoder_norm.forward(state)
    }

    fn token(&self, token: usize, batch: usize) -> Tensor<3> {
        self.tokens.val().narrow(0, token, 1).unsqueeze::<3>().repeat_dim(0, batch)
    }

    /// For each patch its scaled values, then which of them are observed; and which patches have any.
    fn patches(&self, contexts: &[&[f64]], scalings: &[Scaling]) -> (Vec<f32>, Vec<bool>) {
        let longest = contexts.iter().map(|c| c.len()).max().unwrap_or(1);
        let count = longest.div_ceil(self.patch);
        let places = count * self.patch;
        let mut values = Vec::with_capacity(contexts.len() * 2 * places);
        let mut open = Vec::with_capacity(contexts.len() * count);
        for (context, scaling) in contexts.iter().zip(scalings) {
            for patch in 0..count {
                let found = || (0..self.patch).map(|i| at(context, places, patch * self.patch + i));
                values.extend(found().map(|v| v.map_or(0.0, |v| scaling.scaled(v) as f32)));
                values.extend(found().map(|v| if v.is_some() { 1.0 } else { 0.0 }));
                open.push(found().any(|v| v.is_some()));
            }
        }
        (values, open)
    }
}
