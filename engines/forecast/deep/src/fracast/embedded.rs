//! The pretrained weights, as its authors published them.

use crate::weights::{Error, Weights};

/// `model.safetensors` of fracast-0 0.1.0, byte for byte.
static FILE: &[u8] = include_bytes!("pretrained/model.safetensors");

/// The weights by name.
pub(super) fn weights() -> Result<Weights, Error> {
    Weights::embedded("fracast-0/model.safetensors (in this program)", FILE)
}
