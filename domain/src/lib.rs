//! The language of ATSRE: value types, events, commands, aggregates, process managers and decision policies.
//!
//! This crate is pure. It does no I/O, reads no clock, draws no random number and is never asynchronous;
//! times, seeds and identifiers arrive as fields of commands. It knows nothing of Postgres, of actors or of
//! the engines that compute.
//!
//! Start reading at [`experiment`], the aggregate that an experiment's whole life runs through, then
//! [`process`], which says what each agent does when something has happened, then [`policy`].

pub mod artifact;
pub mod catalogue;
pub mod cleaning;
pub mod dataset;
pub mod decider;
pub mod event;
pub mod experiment;
pub mod failure;
pub mod finite;
pub mod frequency;
pub mod graph;
pub mod identity;
pub mod metric;
pub mod missing;
pub mod model;
pub mod node;
pub mod panel;
pub mod plan;
pub mod policy;
pub mod process;
pub mod profile;
pub mod rule;
pub mod table;
pub mod telemetry;

pub use artifact::{ArtifactRef, Digest};
pub use decider::{Decider, Recorded};
pub use finite::Finite;
pub use frequency::Frequency;
pub use identity::{Attempt, Epoch, Position, Seed, Sequence, StreamId, Timestamp, TrialNumber};
