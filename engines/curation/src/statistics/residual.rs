//! Tests of residuals: serial correlation and conditional heteroskedasticity.

use super::Error;
use super::distribution::{chi_squared_sf, f_sf};
use super::error::check;
use super::least_squares::LeastSquares;
use super::summation::{centred, sum_of_squares};

const ARCH: &str = "ARCH test";

/// Durbin and Watson's (1950) statistic Σ (e_t − e_{t−1})² / Σ e_t²: near 2 without serial correlation.
///
/// # Errors
/// [`Error::TooShort`], [`Error::NotFinite`], [`Error::Constant`] where every residual is zero.
pub fn durbin_watson(residuals: &[f64]) -> Result<f64, Error> {
    const TEST: &str = "Durbin–Watson statistic";
    check(TEST, residuals, 2)?;
    let total = sum_of_squares(residuals);
    if total == 0.0 {
        return Err(Error::Constant { test: TEST });
    }
    let steps: Vec<f64> = residuals.windows(2).map(|w| w[1] - w[0]).collect();
    Ok(sum_of_squares(&steps) / total)
}

/// The result of Engle's test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArchTest {
    /// The Lagrange multiplier n R².
    pub multiplier: f64,
    /// Its p-value, from χ² with as many degrees of freedom as lags.
    pub multiplier_p_value: f64,
    /// The F statistic of the same regression.
    pub f: f64,
    /// Its p-value.
    pub f_p_value: f64,
}

/// Engle's (1982) test of autoregressive conditional heteroskedasticity: squared residuals regressed on a constant and
/// their own `lags` lags.
///
/// # Errors
/// [`Error::TooShort`], [`Error::NotFinite`], [`Error::Collinear`], [`Error::Parameter`] for no lags.
pub fn arch_test(residuals: &[f64], lags: usize) -> Result<ArchTest, Error> {
    if lags == 0 {
        let (parameter, expected) = ("the number of lags", "at least 1");
        return Err(Error::Parameter { test: ARCH, parameter, expected, found: lags.to_string() });
    }
    check(ARCH, residuals, 2 * lags + 2)?;
    let squares: Vec<f64> = residuals.iter().map(|e| e * e).collect();
    let rows = squares.len() - lags;
    let constant = vec![1.0; rows];
    let mut columns: Vec<&[f64]> = vec![&constant];
    columns.extend((1..=lags).map(|k| &squares[lags - k..lags - k + rows]));
    let y = &squares[lags..];
    let fit = LeastSquares::fit(ARCH, &columns, y)?;
    let rss = fit.rss(lags + 1);
    let total = sum_of_squares(&centred(y));
    if total == 0.0 {
        return Err(Error::Constant { test: ARCH });
    }
    let explained = total - rss;
    let multiplier = rows as f64 * (1.0 - rss / total);
    let f = explained / lags as f64 / (rss / fit.degrees(lags + 1));
    Ok(ArchTest {
        multiplier,
        multiplier_p_value: chi_squared_sf(multiplier, lags as f64),
        f,
        f_p_value: f_sf(f, lags as f64, fit.degrees(lags + 1)),
    })
}
