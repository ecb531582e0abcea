//! Properties of the statistics: what a change of units may not change, known limits, and input that is too small or degenerate.
//! That the numbers are right is proved by the reference cases (`xtask/tests/stats_cases.rs`).
#![allow(clippy::unwrap_used, missing_docs)]

mod degenerate;
mod invariance;
mod limits;
mod sample;
