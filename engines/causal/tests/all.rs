//! All tests of this crate from outside, in one program: each by itself would be compiled and linked on its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod choice;
mod every_algorithm;
mod formats;
mod hostile;
mod invariants;
mod knowledge_invariant;
mod lagged_knowledge;
mod lagged_oracle;
mod oracle;
mod oracle_latent;
#[path = "support/panels.rs"]
mod panels;
mod series;
mod support;
#[path = "support/truth.rs"]
mod truth;
