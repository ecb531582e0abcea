//! Fracast-0: a small network with real pretrained weights, inside the program. It forecasts any series at once, with
//! nothing to train and nothing to fetch.
//!
//! Source: the model fracast-0 of the project ztxtech/fracast-0 (Apache-2.0), which takes parts of its method from
//! TinyCast (RAWS Labs, Apache-2.0): one block of a depthwise causal convolution and a gated feed-forward, used at ten
//! dilations, that sees 2,048 moments; then a head that speaks about 48 steps in nine quantiles. `LICENSE` and `NOTICE`
//! beside the weights have the terms.
//!
//! The network runs in fused loops of our own, not on burn: with a width of 64 it is bound by memory and by the number
//! of operations, and a chain of tensor operations would write and read every intermediate of 2,048 rows. A tile of rows
//! passes a whole block while it lies in the first-level cache.

mod block;
mod embedded;
mod encoder;
mod forecaster;
mod head;
mod kernel;
mod network;
mod periods;
mod positions;
mod prefix;

pub(crate) use forecaster::construct;
pub use network::{Forecast, Network};

/// Moments that the network sees.
pub const WINDOW: usize = 2_048;
/// Steps that it forecasts at once.
pub const HORIZON: usize = 48;
/// The quantile levels that it was trained for.
pub const LEVELS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/// Observed values that its authors ask for.
pub const LEAST_OBSERVED: usize = 8;

/// The notice and the licence that go with the weights wherever the program goes.
pub const NOTICE: &str =
    concat!(include_str!("fracast/pretrained/NOTICE"), "\n", include_str!("fracast/pretrained/LICENSE"));

/// Width of the hidden states.
const WIDTH: usize = 64;
/// Width of the gated feed-forward's inner layer.
const INNER: usize = 96;
/// A hidden state.
type Row = [f32; WIDTH];
