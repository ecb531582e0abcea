//! The `experiment` aggregate: one question to one version of a data set, with its plan and its trials.
//!
//! Trials are entities with numbers local to the experiment, and no payload repeats the experiment's own id: a
//! fork shares its prefix byte for byte.

mod command;
mod decide;
mod error;
mod event;
mod fork;
mod state;

pub use command::Command;
pub use error::Error;
pub use event::*;
pub use fork::{Constraints, OVERRIDE_KEYS, Override};
pub use state::{Approval, Attempted, Experiment, Phase, Question, Stage, Trial, TrialState};
