//! The process managers: single steps, subscriptions, and whole experiments in a simulation.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../fixtures/mod.rs"]
mod fixtures;

mod orchestrator;
mod simulation;
mod subscription;
mod world;
