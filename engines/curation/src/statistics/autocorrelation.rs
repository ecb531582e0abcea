//! Autocovariance and autocorrelation, with Bartlett's intervals.

use super::Error;
use super::distribution::normal_quantile;
use super::error::check;
use super::summation::{centred, dot};

const TEST: &str = "autocorrelation";

/// What each autocovariance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denominator {
    /// n for every lag: biased, positive semi-definite.
    Length,
    /// n − lag: the number of products.
    Products,
}

/// Autocovariances at lags 0 to `lags`.
///
/// # Errors
/// [`Error::TooShort`] where `lags` is not less than the length; [`Error::NotFinite`].
pub fn autocovariance(x: &[f64], lags: usize, denominator: Denominator) -> Result<Vec<f64>, Error> {
    check(TEST, x, lags + 1)?;
    let n = x.len();
    let d = centred(x);
    Ok((0..=lags)
        .map(|lag| {
            let count = match denominator {
                Denominator::Length => n,
                Denominator::Products => n - lag,
            };
            dot(&d[lag..], &d[..n - lag]) / count as f64
        })
        .collect())
}

/// Autocorrelations at lags 0 to `lags`; the first is 1.
///
/// # Errors
/// As [`autocovariance`], and [`Error::Constant`].
pub fn autocorrelation(x: &[f64], lags: usize, denominator: Denominator) -> Result<Vec<f64>, Error> {
    let covariances = autocovariance(x, lags, denominator)?;
    let variance = covariances[0];
    if variance <= 0.0 {
        return Err(Error::Constant { test: TEST });
    }
    Ok(covariances.into_iter().map(|c| c / variance).collect())
}

/// Bartlett's interval (1946) with error probability `alpha` about each autocorrelation of a sample of `n`:
/// the variance at lag k is (1 + 2 Σ_{j<k} r_j²) / n.
#[must_use]
pub fn bartlett_interval(autocorrelations: &[f64], n: usize, alpha: f64) -> Vec<(f64, f64)> {
    let z = normal_quantile(1.0 - alpha / 2.0);
    let mut squares = 0.0;
    autocorrelations
        .iter()
        .enumerate()
        .map(|(lag, r)| {
            let variance = if lag == 0 { 0.0 } else { (1.0 + 2.0 * squares) / n as f64 };
            if lag > 0 {
                squares += r * r;
            }
            let half = z * variance.sqrt();
            (r - half, r + half)
        })
        .collect()
}
