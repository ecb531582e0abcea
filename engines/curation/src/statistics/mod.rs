//! Classical time-series statistics: pure functions over complete (finite) samples.
//!
//! Every function agrees with the reference cases in `tests/cases/stats` (values computed with statsmodels 0.15.0
//! and scipy 1.13.1) to a relative 1e-8; robust STL, Burg's partial autocorrelations and the Shapiro–Wilk p-value
//! to 1e-6. `cargo xtask cases stats DIR` judges a folder of such cases.
//!
//! This module knows nothing of panels, missing values or calendars: [`crate::profile`] prepares the data.

pub mod autocorrelation;
pub mod change_point;
pub mod cointegration;
pub mod dickey_fuller;
pub mod distribution;
mod error;
pub mod fourier;
pub mod granger;
pub mod harmonic;
pub mod hurst;
pub mod kpss;
mod least_squares;
pub(crate) mod loess;
mod mackinnon;
pub mod moments;
pub mod normality;
pub mod partial_autocorrelation;
pub mod portmanteau;
pub mod residual;
pub mod shapiro_wilk;
pub mod stl;
mod summation;

pub use error::Error;
