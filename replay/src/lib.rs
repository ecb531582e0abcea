//! What auditors and researchers do with history.
//!
//! [`verify`](mod@verify) proves that the log is whole and unaltered and that the read models say what it says; [`history`](mod@history) tells
//! what an experiment decided, in order, with causes. Nothing here calls a model, a clock or the network: the
//! functions take a store and give values, and there is no port through which an effect could happen.

pub mod artifacts;
pub mod chain;
pub mod fork;
pub mod history;
mod lineage;
mod payloads;
pub mod state;
pub mod verify;

pub use history::{HistoryEvent, history, why};
pub use verify::{Difference, Verification, verify, verify_log, verify_stream};
