//! Samples of one process: processor, memory, disk, GPU and energy; and facts about the machine.
//!
//! A [`Sampler`] looks at one process id whenever it is asked to; it has no clock, no thread and no opinion about
//! what its samples mean. [`Batch`] gathers samples into the columnar form that events carry. The caller decides
//! when to sample (once a second by default, ten times a second at most) and where batches go.
//!
//! What cannot be measured is absent, never zero: without NVML there are no GPU columns, and energy says whether
//! it was counted or estimated.

mod batch;
mod error;
mod gpu;
mod host;
mod power;
mod process;
mod sampler;

pub use batch::{Batch, LONGEST_MILLIS, MOST_SAMPLES};
pub use error::MonitorError;
pub use host::{GpuDevice, Host, cpu_features, host};
pub use sampler::{GpuSample, Sample, Sampler, SamplerOptions};
