//! The Chronos models: pretrained transformers that forecast any series at once. Their weights are published; they are
//! read from a local folder or the hub's cache, never fetched.
//!
//! Sources: A. F. Ansari and others, *Chronos: Learning the Language of Time Series*, TMLR 2024, for Chronos-T5 and
//! Chronos-Bolt; A. F. Ansari and others, *Chronos-2: From Univariate to Universal Forecasting*, 2025. Details follow the
//! public implementation amazon-science/chronos-forecasting 2.3 (Apache-2.0).

pub mod bolt;
mod forecaster;
pub mod language;
mod patches;
pub mod two;

pub use forecaster::lacking;
pub(crate) use forecaster::{construct_bolt, construct_t5, construct_two};
