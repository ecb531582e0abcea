//! All tests of this crate from outside, in one program: each by itself would be compiled and linked on its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod agreement;
mod airpassengers;
mod arima;
mod auto;
mod backtesting;
mod boosting;
mod catalogue;
mod common;
mod decomposition;
mod hostile;
mod in_sample;
mod job;
mod linear;
mod many;
mod properties;
