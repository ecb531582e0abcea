//! Deep forecasting models on burn.
//!
//! One model so far: N-HiTS, a global network over all series of a panel, which [`register`] adds to a registry. It
//! computes on the processor (burn's flex backend) or on a GPU (wgpu), chosen at run time by [`device::open`].
//!
//! All randomness is ours (ChaCha from the job's seed: weights, then windows); burn's own generator, which is one for
//! the whole process, is never used. The same data, settings and seed give the same bits on the processor.
//!
//! This crate knows nothing of events, processes or files. Start reading at [`NHitsForecaster`], then [`nhits`].

mod clipping;
mod configuration;
pub mod device;
mod error;
mod features;
mod forecaster;
mod loss;
mod memory;
pub mod nhits;
mod schedule;
mod training;
mod windows;

pub use configuration::Configuration;
pub use error::Error;
pub use forecaster::{NHitsForecaster, register};
pub use memory::declared_bytes;
pub use training::History;
