//! The sizes of a Chronos-Bolt, from its `config.json`.

use crate::t5::{Activation, Distances};
use crate::weights::{self, Error};

/// The widest layer that is believed, and the longest context.
const LARGEST: usize = 1 << 16;

/// Sizes and constants of a Chronos-Bolt.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Observations that it sees.
    pub context: usize,
    /// Steps that it forecasts at once.
    pub horizon: usize,
    /// Observations in a patch.
    pub patch: usize,
    /// The quantile levels that it was trained for.
    pub levels: Vec<f64>,
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
    pub(super) activation: Activation,
    pub(super) gated: bool,
    pub(super) distances: Distances,
    pub(super) epsilon: f64,
    pub(super) start_token: usize,
    /// The token after the last patch, where there is one.
    pub(super) end_token: Option<usize>,
}

impl Configuration {
    pub(super) fn read(file: &weights::Configuration) -> Result<Self, Error> {
        file.expect_architecture("ChronosBoltModelForForecasting", "ChronosBoltPipeline")?;
        let size = |key: &str| file.size(key, 1..=LARGEST);
        let patch = size("chronos_config.input_patch_size")?;
        if file.size_or("chronos_config.input_patch_stride", 1..=LARGEST, patch)? != patch {
            return Err(file.refusal("chronos_config.input_patch_stride", "the patch size: patches must not overlap"));
        }
        let (activation, gated) = Activation::read(file)?;
        let end = file.flag_or("chronos_config.use_reg_token", false);
        let tokens = if end { 2 } else { 1 };
        let encoder_layers = size("num_layers")?;
        Ok(Self {
            context: file.size("chronos_config.context_length", 1..=1 << 24)?,
            horizon: size("chronos_config.prediction_length")?,
            patch,
            levels: file.levels("chronos_config.quantiles")?,
            width: size("d_model")?,
            inner: size("d_ff")?,
            heads: size("num_heads")?,
            head_width: size("d_kv")?,
            encoder_layers,
            decoder_layers: file.size_or("num_decoder_layers", 1..=LARGEST, encoder_layers)?,
            activation,
            gated,
            distances: Distances {
                buckets: file.size_or("relative_attention_num_buckets", 4..=LARGEST, 32)?,
                furthest: file.size_or("relative_attention_max_distance", 2..=LARGEST, 128)?,
                both_ways: true,
            },
            epsilon: file.number_or("layer_norm_epsilon", 1e-6)?,
            start_token: file.size_or("decoder_start_token_id", 0..=tokens - 1, 0)?,
            end_token: if end { Some(file.size_or("reg_token_id", 0..=1, 1)?) } else { None },
        })
    }

    /// Rows of the table of tokens.
    pub(super) fn tokens(&self) -> usize {
        if self.end_token.is_some() { 2 } else { 1 }
    }
}
