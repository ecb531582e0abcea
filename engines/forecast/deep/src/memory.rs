//! What a training needs in memory, declared before it runs, so that a planner can keep under a limit.

use crate::nhits::Architecture;

/// Bytes that burn and its threads take whatever the sizes.
const FIXED_BYTES: u64 = 26 << 20;
/// Copies of the weights: themselves, gradients, two moments of AdamW, the best so far, and what a step of the optimizer
/// holds beside them.
const WEIGHT_COPIES: u64 = 6;
/// Twice the numbers held for each hidden unit and window: the layer's output, its rectifier's, a share of gradients.
const TWICE_PER_HIDDEN_UNIT: u64 = 5;
/// Copies of each window and each of its outputs beside one a stack: on the host, on the device, loss and gradient.
const COPIES: u64 = 2;

/// Bytes that a training on the processor needs at its peak, beside the process's code and the panel itself: an estimate
/// from a little above. Its parts were fitted to measured peaks (hidden width 64 to 2048, batches of 64 to 16,384, one to
/// three stacks, with and without covariates); the test `declared_memory_covers_the_measured_peak` holds it to them.
///
/// - `architecture`: the network;
/// - `batch_size`: windows in a batch;
/// - `observations`, `channels`: the panel's size and its covariate inputs a moment, which the encoded copy holds.
#[must_use]
pub fn declared_bytes(architecture: &Architecture, batch_size: usize, observations: usize, channels: usize) -> u64 {
    let a = architecture;
    let stacks = a.stacks.len() as u64;
    let hidden = TWICE_PER_HIDDEN_UNIT * stacks * (a.layers * a.hidden) as u64 / 2;
    let values = (stacks + COPIES) * (a.input_size + a.levels * a.horizon) as u64;
    let features = (stacks + 1) * a.features as u64;
    let window = 4 * (hidden + values + features);
    let data = observations as u64 * (8 + 4 * channels as u64);
    FIXED_BYTES + 4 * WEIGHT_COPIES * a.parameters() as u64 + batch_size as u64 * window + data
}
