//! Which algorithm and which test the data ask for, and why: the Causal Analyst's policy. The same data give the same choice, and
//! what is looked at is bounded: at most 2,000 rows and 40 columns of them, and few samples drawn again.

mod gaussianity;
mod linearity;
mod model;
mod over_rows;
mod over_series;

use super::{Algorithm, TestChoice};

pub(super) use over_rows::of_rows;
pub(super) use over_series::of_series;

/// What is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) algorithm: Algorithm,
    pub(super) test: Option<TestChoice>,
}

/// A p-value as people read it.
fn p_value(value: f64) -> String {
    if value < 1e-4 { format!("p = {value:.0e}") } else { format!("p = {value:.4}") }
}
