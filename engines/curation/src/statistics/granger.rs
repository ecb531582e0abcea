//! Granger's (1969) test of whether the past of one series helps to predict another.

use super::Error;
use super::distribution::{chi_squared_sf, f_sf};
use super::error::check;
use super::least_squares::LeastSquares;

const TEST: &str = "Granger test";

/// The four forms of the test for one lag length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Granger {
    /// Lags of both series.
    pub lag: usize,
    /// F from the two residual sums of squares.
    pub f: f64,
    /// Its p-value.
    pub f_p_value: f64,
    /// n (RSS₀ − RSS₁) / RSS₁.
    pub chi_squared: f64,
    /// Its p-value.
    pub chi_squared_p_value: f64,
    /// The likelihood ratio.
    pub likelihood_ratio: f64,
    /// Its p-value.
    pub likelihood_ratio_p_value: f64,
    /// Wald's F that all coefficients of the cause are zero; for least squares the same number as `f`.
    pub wald_f: f64,
    /// Its p-value.
    pub wald_f_p_value: f64,
    /// Degrees of freedom of the F tests' denominator.
    pub degrees: f64,
}

/// Tests whether `cause` Granger-causes `effect` with `lag` lags of each and a constant.
///
/// # Errors
/// [`Error::TooShort`] unless n > 3 lag + 1, [`Error::NotFinite`], [`Error::Parameter`] for no lags or unequal lengths,
/// [`Error::Collinear`] for a constant series or a perfect fit.
pub fn granger(effect: &[f64], cause: &[f64], lag: usize) -> Result<Granger, Error> {
    if lag == 0 || effect.len() != cause.len() {
        let (parameter, expected) = ("lag and lengths", "at least one lag and two series of one length");
        let found = format!("lag {lag}, lengths {} and {}", effect.len(), cause.len());
        return Err(Error::Parameter { test: TEST, parameter, expected, found });
    }
    check(TEST, effect, 3 * lag + 2)?;
    check(TEST, cause, 3 * lag + 2)?;
    let rows = effect.len() - lag;
    let constant = vec![1.0; rows];
    let mut columns: Vec<&[f64]> = vec![&constant];
    columns.extend((1..=lag).map(|k| &effect[lag - k..lag - k + rows]));
    columns.extend((1..=lag).map(|k| &cause[lag - k..lag - k + rows]));
    let fit = LeastSquares::fit(TEST, &columns, &effect[lag..])?;
    let (own, joint) = (1 + lag, 1 + 2 * lag);
    let (without, with) = (fit.rss(own), fit.rss(joint));
    if with <= 0.0 {
        return Err(Error::Collinear { test: TEST, column: joint });
    }
    let (count, degrees, n) = (lag as f64, fit.degrees(joint), rows as f64);
    let gain = (without - with) / with;
    let f = gain / count * degrees;
    let likelihood_ratio = 2.0 * (fit.log_likelihood(joint) - fit.log_likelihood(own));
    Ok(Granger {
        lag,
        f,
        f_p_value: f_sf(f, count, degrees),
        chi_squared: n * gain,
        chi_squared_p_value: chi_squared_sf(n * gain, count),
        likelihood_ratio,
        likelihood_ratio_p_value: chi_squared_sf(likelihood_ratio, count),
        wald_f: f,
        wald_f_p_value: f_sf(f, count, degrees),
        degrees,
    })
}
