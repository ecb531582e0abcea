//! The sizes of a first Chronos, from its `config.json`.

use crate::t5::{Activation, Distances};
use crate::weights::{self, Error};

/// The widest layer that is believed.
const LARGEST: usize = 1 << 20;

/// Sizes and constants of a first Chronos.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Observations that it sees.
    pub context: usize,
    /// Steps that it was trained to forecast.
    pub horizon: usize,
    /// Words that it knows.
    pub vocabulary: usize,
    /// Paths that its authors sample.
    pub samples: usize,
    /// Words of which one is drawn, the likeliest.
    pub top: usize,
    /// Width of the hidden states.
    pub width: usize,
    /// Width of the feed-forwards' inner layers.
    pub inner: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of a head.
    pub head_width: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    pub(super) limits: (f64, f64),
    pub(super) special: usize,
    pub(super) padding_token: usize,
    pub(super) end_token: usize,
    pub(super) ends: bool,
    pub(super) start_token: usize,
    pub(super) activation: Activation,
    pub(super) gated: bool,
    pub(super) distances: Distances,
    pub(super) epsilon: f64,
    /// Whether scores come from the table of words.
    pub(super) tied: bool,
}

impl Configuration {
    pub(super) fn read(file: &weights::Configuration) -> Result<Self, Error> {
        file.expect_architecture("T5ForConditionalGeneration", "ChronosPipeline")?;
        let size = |key: &str| file.size(key, 1..=LARGEST);
        let kind = "chronos_config.tokenizer_class";
        if file.word_or(kind, "") != "MeanScaleUniformBins" {
            return Err(file.refusal(kind, "MeanScaleUniformBins"));
        }
        if file.word_or("chronos_config.model_type", "seq2seq") != "seq2seq" {
            return Err(file.refusal("chronos_config.model_type", "seq2seq"));
        }
        let vocabulary = size("chronos_config.n_tokens")?;
        if size("vocab_size")? != vocabulary {
            return Err(file.refusal("vocab_size", "chronos_config.n_tokens"));
        }
        let special = file.size("chronos_config.n_special_tokens", 1..=vocabulary)?;
        if special + 3 > vocabulary {
            return Err(file.refusal("chronos_config.n_tokens", "at least three more than n_special_tokens"));
        }
        let limit = |key: &str, default| file.number_or(&format!("chronos_config.tokenizer_kwargs.{key}"), default);
        let limits = (limit("low_limit", -15.0)?, limit("high_limit", 15.0)?);
        if limits.0 >= limits.1 {
            return Err(file.refusal("chronos_config.tokenizer_kwargs", "limits, the low one first"));
        }
        let (activation, gated) = Activation::read(file)?;
        let encoder_layers = size("num_layers")?;
        let token = |key: &str, default| file.size_or(key, 0..=vocabulary - 1, default);
        Ok(Self {
            context: file.size("chronos_config.context_length", 1..=1 << 24)?,
            horizon: size("chronos_config.prediction_length")?,
            vocabulary,
            samples: file.size_or("chronos_config.num_samples", 1..=LARGEST, 20)?,
            top: file.size_or("chronos_config.top_k", 1..=LARGEST, 50)?,
            width: size("d_model")?,
            inner: size("d_ff")?,
            heads: size("num_heads")?,
            head_width: size("d_kv")?,
            encoder_layers,
            decoder_layers: file.size_or("num_decoder_layers", 1..=LARGEST, encoder_layers)?,
            limits,
            special,
            padding_token: token("chronos_config.pad_token_id", 0)?,
            end_token: token("chronos_config.eos_token_id", 1)?,
            ends: file.flag_or("chronos_config.use_eos_token", true),
            start_token: token("decoder_start_token_id", 0)?,
            activation,
            gated,
            distances: Distances {
                buckets: file.size_or("relative_attention_num_buckets", 4..=LARGEST, 32)?,
                furthest: file.size_or("relative_attention_max_distance", 2..=LARGEST, 128)?,
                both_ways: true,
            },
            epsilon: file.number_or("layer_norm_epsilon", 1e-6)?,
            tied: file.flag_or("tie_word_embeddings", true),
        })
    }

    /// The word that every decoder begins with.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start_token
    }

    /// The word that ends a series.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end_token
    }
}
