//! The agents, the guardian they live under, and the parent side of the trial workers.
//!
//! Agents speak only through events: each follows the log, takes work under a lease, does it with an engine, and
//! issues commands. What to do when something has happened is decided in the domain; this crate performs.
//!
//! Start reading at [`guardian`], the tree; then [`agent`], what every agent does; then the agents:
//! [`orchestrator`], [`curator`], [`causal_analyst`], [`planner`], [`forecaster`], [`reporter`]. [`trial`] runs
//! one attempt in one child process. This crate knows no read model and draws nothing on the terminal.

pub mod agent;
pub mod causal_analyst;
pub mod completion;
pub mod curator;
pub mod error;
pub mod forecaster;
pub mod guardian;
mod history;
pub mod inbox;
pub mod intake;
pub mod orchestrator;
pub mod planner;
pub mod progress;
pub mod report;
pub mod reporter;
pub mod reproduce;
pub mod services;
pub mod signer;
mod telemetry;
mod transcript;
pub mod trial;

pub use error::AgentError;
pub use services::{Services, Settings};

/// A variable of the environment, for the few that a worker inherits.
fn environment(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}
