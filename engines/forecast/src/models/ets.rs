//! Exponential smoothing in state space form (Hyndman, Koehler, Ord and Snyder, *Forecasting with Exponential
//! Smoothing*, 2008): every form of error, trend and season, fitted by maximum likelihood, and the choice among them
//! by AICc.
//!
//! The functions are pure, over values without gaps; the models of the catalogue are made of them in `models`.

mod admissible;
mod blocks;
mod filter;
mod fit;
mod form;
pub(crate) mod models;
mod optimise;
mod parameters;
mod plain;
mod select;
mod sensitivity;
mod start;
#[cfg(test)]
mod tests;
mod variance;

pub(crate) use fit::corrected;
pub use fit::{Fit, Options};
pub use form::{Component, Error, Form, Pattern};
pub use parameters::{Bounds, Parameters};
pub use select::{fit, select};
