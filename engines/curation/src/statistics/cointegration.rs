//! The two-step test of cointegration of Engle and Granger (1987).

use super::dickey_fuller::{Deterministic, Lags, unit_root_statistic};
use super::error::check;
use super::least_squares::LeastSquares;
use super::summation::{centred, sum_of_squares};
use super::{Error, mackinnon};

const TEST: &str = "Engle–Granger test";

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cointegration {
    /// The unit-root statistic of the residuals; −∞ where the series are (almost) collinear.
    pub statistic: f64,
    /// MacKinnon's (1994) p-value of no cointegration.
    pub p_value: f64,
    /// MacKinnon's (2010) critical values at 1 %, 5 % and 10 %; NaN without deterministic terms.
    pub critical_values: [f64; 3],
}

/// Tests whether `y` and the `others` share a stochastic trend: the residuals of `y` regressed on `others` and the
/// deterministic terms are tested for a unit root.
///
/// # Errors
/// [`Error::TooShort`], [`Error::NotFinite`], [`Error::Collinear`], [`Error::Parameter`] for unequal lengths or more than
/// five `others`.
pub fn engle_granger(
    y: &[f64],
    others: &[&[f64]],
    deterministic: Deterministic,
    lags: Lags,
) -> Result<Cointegration, Error> {
    check(TEST, y, 8)?;
    let n = y.len();
    if others.is_empty() || others.len() > 5 || others.iter().any(|o| o.len() != n) {
        let (parameter, expected) = ("the other series", "one to five series as long as the first");
        return Err(Error::Parameter { test: TEST, parameter, expected, found: format!("{} series", others.len()) });
    }
    for other in others {
        check(TEST, other, n)?;
    }
    let trend = deterministic.columns(n);
    let mut columns: Vec<&[f64]> = trend.iter().map(Vec::as_slice).collect();
    columns.extend(others);
    let fit = LeastSquares::fit(TEST, &columns, y)?;
    let coefficients = fit.coefficients(columns.len());
    let residuals: Vec<f64> =
        (0..n).map(|t| y[t] - columns.iter().zip(&coefficients).map(|(c, b)| c[t] * b).sum::<f64>()).collect();
    let total = if deterministic == Deterministic::None { sum_of_squares(y) } else { sum_of_squares(&centred(y)) };
    let determination = 1.0 - fit.rss(columns.len()) / total;
    let statistic = if determination < 1.0 - 100.0 * f64::EPSILON.sqrt() {
        unit_root_statistic(&residuals, Deterministic::None, lags)?.statistic
    } else {
        f64::NEG_INFINITY
    };
    let series = others.len() + 1;
    let critical_values = match deterministic {
        Deterministic::None => [f64::NAN; 3],
        // One fewer than the observations, as Stata's egranger and statsmodels have it.
        other => mackinnon::critical_values(other, series, n as f64 - 1.0),
    };
    Ok(Cointegration { statistic, p_value: mackinnon::p_value(statistic, deterministic, series), critical_values })
}
