//! Seasonal ARIMA models with regressors, fitted by exact maximum likelihood, with missing values; and the stepwise
//! search for their orders.
//!
//! [`fit`] and [`auto`] work on plain slices; `forecaster` puts them behind the catalogue's names.

mod auto;
mod autocovariance;
mod conditional;
mod curvature;
mod differencing;
mod estimation;
mod fit;
pub(crate) mod forecaster;
mod harmonic;
mod innovations;
mod least_squares;
mod missing;
mod order;
mod polynomial;
mod strength;
mod unit_root;

pub(crate) use least_squares::dot;

pub use auto::auto;
pub use fit::{Fit, Prediction, fit};
pub use harmonic::{Harmonic, harmonic};
pub use order::Order;

use crate::gaps;

/// The series with its gaps bridged by straight lines, along the season where there is one.
pub(crate) fn bridged(values: &[f64], season: usize) -> Vec<f64> {
    let filled = gaps::filled(values);
    if season < 2 || values.iter().all(|v| v.is_finite()) || values.len() < 2 * season {
        return filled;
    }
    let half = season / 2;
    let mut sums = vec![(0.0, 0.0); season];
    for t in half..values.len() - half {
        if values[t].is_finite() {
            let level = filled[t - half..=t + half].iter().sum::<f64>() / (2 * half + 1) as f64;
            let (sum, count) = &mut sums[t % season];
            *sum += values[t] - level;
            *count += 1.0;
        }
    }
    let shape: Vec<f64> = sums.iter().map(|(sum, count)| if *count > 0.0 { sum / count } else { 0.0 }).collect();
    let without: Vec<f64> = values.iter().enumerate().map(|(t, v)| v - shape[t % season]).collect();
    gaps::filled(&without).iter().enumerate().map(|(t, v)| v + shape[t % season]).collect()
}
