//! The parent side of the trial workers: each attempt at a trial runs in a child process of its own, with a
//! memory limit, a deadline and a heartbeat, so that an out-of-memory kill, a GPU fault or a crash costs that
//! attempt only, and telemetry belongs to exactly that process.

mod classify;
mod process;
pub mod protocol;

pub use process::{Attempt, AttemptOptions, Observation, Outcome, run};
