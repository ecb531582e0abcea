//! Partial autocorrelation by the estimators in use.

use super::Error;
use super::autocorrelation::{Denominator, autocovariance};
use super::error::check;
use super::least_squares::LeastSquares;
use super::summation::{centred, dot};

const TEST: &str = "partial autocorrelation";

/// The estimator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// The Yule–Walker equations, solved for each order.
    YuleWalker(Denominator),
    /// The same by the recursion of Levinson (1947) and Durbin (1960).
    LevinsonDurbin(Denominator),
    /// For each lag a regression on all lags up to it and a constant, with all rows that the lag leaves.
    LeastSquares,
    /// Burg's (1975) forward and backward prediction errors.
    Burg,
}

/// Partial autocorrelations at lags 0 to `lags`; the first is 1.
///
/// # Errors
/// [`Error::TooShort`] where `lags` is more than half the length, [`Error::NotFinite`], [`Error::Constant`],
/// [`Error::Collinear`] from the regressions.
pub fn partial_autocorrelation(x: &[f64], lags: usize, estimator: Estimator) -> Result<Vec<f64>, Error> {
    check(TEST, x, (2 * lags).max(2))?;
    if super::error::is_constant(x) {
        return Err(Error::Constant { test: TEST });
    }
    match estimator {
        Estimator::YuleWalker(denominator) => yule_walker(&autocovariance(x, lags, denominator)?),
        Estimator::LevinsonDurbin(denominator) => Ok(levinson_durbin(&autocovariance(x, lags, denominator)?)),
        Estimator::LeastSquares => least_squares(x, lags),
        Estimator::Burg => Ok(burg(x, lags)),
    }
}

fn yule_walker(covariances: &[f64]) -> Result<Vec<f64>, Error> {
    let mut out = vec![1.0];
    for order in 1..covariances.len() {
        let matrix =
            (0..order).map(|i| (0..order).map(|j: usize| covariances[i.abs_diff(j)]).collect::<Vec<f64>>()).collect();
        let solution =
            solve(matrix, covariances[1..=order].to_vec()).ok_or(Error::Collinear { test: TEST, column: order - 1 })?;
        out.push(solution[order - 1]);
    }
    Ok(out)
}

/// Gaussian elimination with partial pivoting: covariances with unequal denominators need not be positive definite.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))?;
        if a[pivot][column] == 0.0 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..n {
            let factor = a[row][column] / a[column][column];
            let (upper, lower) = a.split_at_mut(row);
            for (target, source) in lower[0][column..].iter_mut().zip(&upper[column][column..]) {
                *target -= factor * source;
            }
            b[row] -= factor * b[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|j| a[row][j] * b[j]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    Some(b)
}

/// The reflection coefficients of the recursion over autocovariances from lag 0; the first entry is 1.
fn levinson_durbin(covariances: &[f64]) -> Vec<f64> {
    let mut reflections = vec![1.0];
    let mut coefficients: Vec<f64> = Vec::new();
    let mut error = covariances[0];
    for k in 1..covariances.len() {
        let predicted: f64 = coefficients.iter().zip(covariances[1..k].iter().rev()).map(|(a, c)| a * c).sum();
        let reflection = (covariances[k] - predicted) / error;
        let mirrored: Vec<f64> = coefficients.iter().rev().copied().collect();
        for (a, m) in coefficients.iter_mut().zip(mirrored) {
            *a -= reflection * m;
        }
        coefficients.push(reflection);
        error *= 1.0 - reflection * reflection;
        reflections.push(reflection);
    }
    reflections
}

fn least_squares(x: &[f64], lags: usize) -> Result<Vec<f64>, Error> {
    let mut out = vec![1.0];
    for lag in 1..=lags {
        let rows = x.len() - lag;
        let constant = vec![1.0; rows];
        let mut columns: Vec<&[f64]> = vec![&constant];
        columns.extend((1..=lag).map(|k| &x[lag - k..lag - k + rows]));
        let fit = LeastSquares::fit(TEST, &columns, &x[lag..])?;
        out.push(fit.coefficients(lag + 1)[lag]);
    }
    Ok(out)
}

fn burg(x: &[f64], lags: usize) -> Vec<f64> {
    let d = centred(x);
    let n = d.len();
    let mut out = vec![1.0];
    // The series runs backwards in both, as in Brockwell and Davis (1991), §8.2.
    let mut u: Vec<f64> = d.iter().rev().copied().collect();
    let mut v = u.clone();
    let mut energy = dot(&u[..n - 1], &u[..n - 1]) + dot(&v[1..], &v[1..]);
    for order in 1..=lags {
        let reflection = 2.0 / energy * dot(&v[order..], &u[order - 1..n - 1]);
        out.push(reflection);
        for i in (1..n).rev() {
            let (before, now) = (u[i - 1], v[i]);
            u[i] = before - reflection * now;
            v[i] = now - reflection * before;
        }
        let (first, last) = (v[order], u[n - 1]);
        energy = (1.0 - reflection * reflection) * energy - first * first - last * last;
    }
    out
}
