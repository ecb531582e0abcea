//! What a training needs in memory, declared before it runs, so that a planner can keep under a limit.

use crate::nets::Architecture;

/// Bytes that burn and its threads take whatever the sizes.
const FIXED_BYTES: u64 = 34 << 20;
/// Copies of the weights: themselves, gradients, two moments of AdamW, the best so far, and what a step of the optimizer
/// holds beside them.
const WEIGHT_COPIES: u64 = 6;

/// Bytes that a training on the processor needs at its peak, beside the process's code and the panel itself: an estimate
/// from a little above. Its parts were fitted to measured peaks (N-HiTS: hidden width 64 to 2048, batches of 64 to 16,384,
/// one to three stacks, with and without covariates); the tests in `memory` hold every network to them.
///
/// - `architecture`: the network;
/// - `batch_size`: windows in a batch;
/// - `observations`, `channels`: the panel's size and its covariate inputs a moment, which the encoded copy holds.
#[must_use]
pub fn declared_bytes(architecture: &Architecture, batch_size: usize, observations: usize, channels: usize) -> u64 {
    let window = 4 * architecture.numbers_per_window();
    let data = observations as u64 * (8 + 4 * channels as u64);
    FIXED_BYTES + 4 * WEIGHT_COPIES * architecture.parameters() as u64 + batch_size as u64 * window + data
}
