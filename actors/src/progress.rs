//! How a trial is coming along: told to whoever watches, kept nowhere.

use atsre_domain::identity::{StreamId, TrialNumber};

/// A trial's progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The experiment.
    pub experiment: StreamId,
    /// The trial.
    pub trial: TrialNumber,
    /// Its model.
    pub model: String,
    /// The share done, 0 to 1.
    pub fraction: f64,
    /// What it is doing.
    pub message: String,
}

/// Whoever watches.
pub trait ProgressSink: Send + Sync + std::fmt::Debug {
    /// Takes note.
    fn report(&self, progress: Progress);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl ProgressSink for Unwatched {
    fn report(&self, _: Progress) {}
}
