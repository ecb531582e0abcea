//! Benchmarks: each a command that prints a ratio measured in one run.
//!
//! `cargo run --release -p atsre-bench -- [NAME] [--size N]`. Each makes its own database in a private cluster, with
//! the safety of a real one, measures ours and a peer in turns, and prints both with their ratio against a bar. A
//! missed bar is printed, never an error: what a machine was doing besides is not known here.

pub mod append;
pub mod follow;
pub mod history;
pub mod ingest;
pub mod log;
pub mod outcome;
pub mod sampler;
pub mod verify;

pub use outcome::{Bar, Outcome};

/// Deterministic histories, shared with the tests of the read models.
#[path = "../../projections/tests/support/mod.rs"]
mod support;
