//! Regularising, rules and cleaning through the public interface.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod clean;
mod known_data;
mod properties;
mod regularise;
mod rules;
mod support;
