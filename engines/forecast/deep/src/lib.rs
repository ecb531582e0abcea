//! Deep forecasting models on burn.
//!
//! The networks of [`nets`] are trained on all series of a panel; Fracast-0 and the Chronos models come with pretrained
//! weights and forecast at once. [`register`] adds them to a registry. They compute on the processor (burn's flex backend) or on a GPU (wgpu),
//! chosen at run time by [`device::open`]; Fracast-0 runs in loops of its own.
//!
//! All randomness is ours (ChaCha from the job's seed: weights, windows with the seeds of dropout's masks, drawn paths);
//! burn's own generator, which is one for the whole process, is never used. The same data, settings and seed give the same bits on the processor.
//!
//! This crate knows nothing of events or processes, and of files only the folders of weights that [`weights`] reads.
//! Start reading at [`NetForecaster`], then [`nets`]; for the pretrained models at [`zero_shot`].

pub mod agreement;
mod checkpoint;
pub mod chronos;
mod clipping;
mod configuration;
pub mod device;
pub mod dropout;
mod error;
mod features;
mod forecaster;
pub mod fracast;
mod loss;
mod memory;
pub mod nets;
mod optimizer;
mod quantiles;
mod sampling;
mod saved;
mod schedule;
pub mod t5;
mod training;
pub mod weights;
mod windows;
pub mod zero_shot;

pub use configuration::{Configuration, NetSettings};
pub use error::Error;
pub use forecaster::{NetForecaster, register};
pub use loss::Loss;
pub use memory::declared_bytes;
pub use schedule::Schedule;
pub use training::History;
pub use windows::WindowShape;
