//! The deep models, through the frame that every forecaster runs in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "deep/child.rs"]
mod child;
#[path = "deep/chronos.rs"]
mod chronos;
#[path = "deep/deepar.rs"]
mod deepar;
#[path = "deep/fixture.rs"]
mod fixture;
#[path = "deep/fracast.rs"]
mod fracast;
#[path = "deep/gpu.rs"]
mod gpu;
#[path = "deep/learning.rs"]
mod learning;
#[path = "deep/memory.rs"]
mod memory;
#[path = "deep/nets.rs"]
mod nets;
#[path = "deep/refusals.rs"]
mod refusals;
#[path = "deep/repeatability.rs"]
mod repeatability;
#[path = "deep/saved.rs"]
mod saved;
