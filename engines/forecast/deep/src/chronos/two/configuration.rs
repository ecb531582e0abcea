//! The sizes of a Chronos-2, from its `config.json`.

use crate::t5::Activation;
use crate::weights::{self, Error};

/// The widest layer that is believed.
const LARGEST: usize = 1 << 16;

/// Sizes and constants of a Chronos-2.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Observations that it sees.
    pub context: usize,
    /// Observations in a patch.
    pub patch: usize,
    /// Steps in a patch of the forecast.
    pub output_patch: usize,
    /// Patches that it forecasts at once, at most.
    pub output_patches: usize,
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
    /// Layers.
    pub layers: usize,
    pub(super) arcsinh: bool,
    pub(super) time_scale: f64,
    pub(super) rotation_base: f64,
    pub(super) activation: Activation,
    pub(super) gated: bool,
    pub(super) epsilon: f64,
    pub(super) tokens: usize,
    /// The token between context and future, where there is one.
    pub(super) middle_token: Option<usize>,
}

impl Configuration {
    pub(super) fn read(file: &weights::Configuration) -> Result<Self, Error> {
        file.expect_architecture("Chronos2Model", "Chronos2Pipeline")?;
        let size = |key: &str| file.size(key, 1..=LARGEST);
        let patch = size("chronos_config.input_patch_size")?;
        if file.size_or("chronos_config.input_patch_stride", 1..=LARGEST, patch)? != patch {
            return Err(file.refusal("chronos_config.input_patch_stride", "the patch size: patches must not overlap"));
        }
        let output_patch = size("chronos_config.output_patch_size")?;
        if output_patch != patch {
            return Err(file.refusal("chronos_config.output_patch_size", "the input's patch size"));
        }
        let head_width = size("d_kv")?;
        if head_width % 2 == 1 {
            return Err(file.refusal("d_kv", "even: places are told by rotations of pairs"));
        }
        let (activation, gated) = Activation::read(file)?;
        let context = file.size("chronos_config.context_length", 1..=1 << 24)?;
        let tokens = file.size_or("vocab_size", 1..=LARGEST, 2)?;
        let time_scale = file.number_or("chronos_config.time_encoding_scale", context as f64)?;
        let rotation_base = file.number_or("rope_theta", 10_000.0)?;
        for (key, value) in [("chronos_config.time_encoding_scale", time_scale), ("rope_theta", rotation_base)] {
            if value <= 0.0 {
                return Err(file.refusal(key, "above 0"));
            }
        }
        let middle = file.flag_or("chronos_config.use_reg_token", false);
        Ok(Self {
            context,
            patch,
            output_patch,
            output_patches: size("chronos_config.max_output_patches")?,
            levels: file.levels("chronos_config.quantiles")?,
            width: size("d_model")?,
            inner: size("d_ff")?,
            heads: size("num_heads")?,
            head_width,
            layers: size("num_layers")?,
            arcsinh: file.flag_or("chronos_config.use_arcsinh", false),
            time_scale,
            rotation_base,
            activation,
            gated,
            epsilon: file.number_or("layer_norm_epsilon", 1e-6)?,
            tokens,
            middle_token: if middle {
                Some(file.size_or("reg_token_id", 0..=tokens - 1, 1.min(tokens - 1))?)
            } else {
                None
            },
        })
    }
}
