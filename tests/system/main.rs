//! Whole-system tests: everything through the program, on a private Postgres of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod architecture;
mod healing;
mod program;
mod resume;
mod supervision;
mod support;
mod tampering;
