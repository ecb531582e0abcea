//! What the Chronos models have of T5 (Raffel et al. 2020): attention without a scaling of its scores, with biases that
//! depend on the distance between two places; root-mean-square norms; feed-forwards without biases.
//!
//! Everything is read from [`Weights`](crate::weights::Weights) in PyTorch's names and layouts.

mod activation;
mod attention;
mod buckets;
mod layers;

pub(crate) use activation::Activation;
pub(crate) use attention::{Attention, RelativeBias, blocked};
pub use buckets::{Distances, bucket};
pub(crate) use layers::{FeedForward, ResidualBlock, RmsNorm, linear};
