//! Whole-system tests: everything through the program, on a private Postgres of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod architecture;
mod bad_input;
mod erasing;
mod forking;
mod healing;
mod history;
mod language_model;
mod program;
mod resume;
mod shapes;
mod supervision;
mod support;
mod tampering;
