//! The network: T5, with an encoder over the words and a decoder that remembers what it has said.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Configuration, Tokenized};
use crate::t5::{Attention, Distances, FeedForward, RelativeBias, RmsNorm, blocked, linear};
use crate::weights::{Error, Weights};

/// The weights on a device.
#[derive(Module, Debug)]
pub(super) struct Network {
    /// `[vocabulary, width]`.
    words: Param<Tensor<2>>,
    encoder: Vec<EncoderLayer>,
    encoder_bias: RelativeBias,
    encoder_norm: RmsNorm,
    decoder: Vec<DecoderLayer>,
    decoder_bias: RelativeBias,
    decoder_norm: RmsNorm,
    /// From states to scores, where it is not the table of words.
    head: Option<Linear>,
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

/// What the decoders have heard and said.
#[derive(Debug)]
pub(crate) struct Memory {
    /// For each layer the keys and values of the input.
    heard: Vec<(Tensor<4>, Tensor<4>)>,
    /// For each layer the keys and values of the words so far.
    said: Vec<Option<(Tensor<4>, Tensor<4>)>>,
    blocked: Option<Tensor<4>>,
    length: usize,
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
        let shape = [c.vocabulary, c.width];
        let words = weights.read("shared.weight", &shape)?;
        let head =
            if c.tied { None } else { Some(linear(weights, "lm_head", [c.width, c.vocabulary], false, device)?) };
        Ok(Self {
            words: Param::from_data(TensorData::new(words, shape), device),
            encoder: (0..c.encoder_layers).map(encoder_layer).collect::<Result<_, Error>>()?,
            encoder_bias: bias("encoder", c.distances)?,
            encoder_norm: norm("encoder.final_layer_norm")?,
            decoder: (0..c.decoder_layers).map(decoder_layer).collect::<Result<_, Error>>()?,
            decoder_bias: bias("decoder", Distances { both_ways: false, ..c.distances })?,
            decoder_norm: norm("decoder.final_layer_norm")?,
            head,
        })
    }

    /// The encoder's states, `[1, places, width]`.
    pub(super) fn encode(&self, input: &Tokenized, device: &Device) -> Tensor<3> {
        let places = input.words.len();
        let mut states = self.embedded(&input.words, device).unsqueeze::<3>();
        let bias = self.encoder_bias.between(0, places, places);
        let bias = match blocked(&input.open, 1, device) {
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

    pub(super) fn listen(&self, input: &Tokenized, decoders: usize, device: &Device) -> Memory {
        let source = self.encode(input, device).repeat_dim(0, decoders);
        Memory {
            heard: self.decoder.iter().map(|layer| layer.cross.keys_and_values(source.clone())).collect(),
            said: vec![None; self.decoder.len()],
            blocked: blocked(&input.open, 1, device),
            length: 0,
        }
    }

    /// The scores of the next words, `[decoders, 1, vocabulary]`, after each decoder has said one more.
    pub(super) fn speak(&self, last: &[usize], memory: &mut Memory, device: &Device) -> Tensor<3> {
        let mut state = self.embedded(last, device).unsqueeze_dim::<3>(1);
        let bias = self.decoder_bias.between(memory.length, 1, memory.length + 1);
        memory.length += 1;
        for ((layer, said), heard) in self.decoder.iter().zip(&mut memory.said).zip(&memory.heard) {
            let normed = layer.attention_norm.forward(state.clone());
            let (keys, values) = layer.attention.keys_and_values(normed.clone());
            let (keys, values) = match said.take() {
                Some((k, v)) => (Tensor::cat(vec![k, keys], 2), Tensor::cat(vec![v, values], 2)),
                None => (keys, values),
            };
            *said = Some((keys.clone(), values.clone()));
            let queries = layer.attention.queries(normed);
            state = state + layer.attention.attend(queries, keys, values, Some(bias.clone()));
            let queries = layer.cross.queries(layer.cross_norm.forward(state.clone()));
            let (keys, values) = heard.clone();
            state = state + layer.cross.attend(queries, keys, values, memory.blocked.clone());
            state = state.clone() + layer.feed_forward.forward(layer.feed_forward_norm.forward(state));
        }
        let state = self.decoder_norm.forward(state);
        match &self.head {
            Some(head) => head.forward(state),
            None => {
                let words = self.words.val();
                let [_, width] = words.dims();
                state.mul_scalar((width as f64).powf(-0.5)).matmul(words.transpose().unsqueeze::<3>())
            }
        }
    }

    /// The words' states, `[words, width]`.
    fn embedded(&self, words: &[usize], device: &Device) -> Tensor<2> {
        let words: Vec<i32> = words.iter().map(|w| *w as i32).collect();
        let count = words.len();
        self.words.val().select(0, Tensor::<1, Int>::from_data(TensorData::new(words, [count]), device))
    }
}
