//! The non-linear functions of feed-forwards.

use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, gelu_approximate, relu, silu};

use crate::weights::{Configuration, Error};

/// A non-linear function, element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Relu,
    /// With the error function.
    Gelu,
    /// With the hyperbolic tangent.
    GeluTanh,
    Silu,
}

impl Activation {
    /// What `feed_forward_proj` says: the function, and whether the feed-forward is gated. `gated-gelu` means the
    /// approximation by the hyperbolic tangent.
    pub(crate) fn read(configuration: &Configuration) -> Result<(Self, bool), Error> {
        let key = "feed_forward_proj";
        let written = configuration.word_or(key, "relu");
        let (name, gated) = written.strip_prefix("gated-").map_or((written, false), |name| (name, true));
        let function = match name {
            "relu" => Self::Relu,
            "gelu" if gated => Self::GeluTanh,
            "gelu" => Self::Gelu,
            "gelu_new" => Self::GeluTanh,
            "silu" | "swish" => Self::Silu,
            _ => return Err(configuration.refusal(key, "relu, gelu, gelu_new, silu or one of them gated")),
        };
        Ok((function, gated))
    }

    pub(crate) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => relu(x),
            Self::Gelu => gelu(x),
            Self::GeluTanh => gelu_approximate(x),
            Self::Silu => silu(x),
        }
    }
}
