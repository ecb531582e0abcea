//! Tests of Granger causality: does the past of one column help to predict another beyond what is already known?
//! (Granger 1969; Geweke 1982 for conditioning on further columns.)

mod error;

use rayon::prelude::*;
use statrs::function::beta::beta_reg;
use statrs::function::gamma::gamma_ur;

pub use error::GrangerError;

use crate::linear::Cholesky;
use crate::vectors::standardised;
use crate::window_products::WindowProducts;

/// A residual below this share of the variance is rounding.
const PERFECT: f64 = 1e-13;

/// One column's past as a cause of another, with one number of lags.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrangerTest {
    /// The column whose past is left out.
    pub cause: usize,
    /// The column predicted.
    pub effect: usize,
    /// Lags of each column.
    pub lag: usize,
    /// Rows regressed.
    pub rows: usize,
    /// Degrees of freedom of the full regression's residuals.
    pub freedom: f64,
    /// F statistic of the residual sums of squares, which is also that of the Wald test of the coefficients, and its p-value.
    pub f: (f64, f64),
    /// `n (RSS₀ − RSS₁) / RSS₁` and its p-value, χ² with `lag` degrees of freedom.
    pub chi_squared: (f64, f64),
    /// The likelihood ratio `n ln(RSS₀ / RSS₁)` and its p-value, χ² with `lag` degrees of freedom.
    pub likelihood_ratio: (f64, f64),
}

/// Tests every ordered pair of columns (`columns[column][time]`) alone, with 1 to `max_lag` lags of both; by cause, effect, lag.
///
/// # Errors
/// [`GrangerError`]: columns that are ragged, not finite, constant, too short or perfectly predicted.
pub fn pairwise(columns: &[Vec<f64>], max_lag: usize, constant: bool) -> Result<Vec<GrangerTest>, GrangerError> {
    every_pair(columns, max_lag, constant, |_, _| Vec::new())
}

/// Tests every ordered pair of columns given the past of all other columns, with 1 to `max_lag` lags of each.
///
/// # Errors
/// [`GrangerError`]: columns that are ragged, not finite, constant, collinear, too short or perfectly predicted.
pub fn conditional(columns: &[Vec<f64>], max_lag: usize, constant: bool) -> Result<Vec<GrangerTest>, GrangerError> {
    every_pair(columns, max_lag, constant, |cause, effect| {
        (0..columns.len()).filter(|c| *c != cause && *c != effect).collect()
    })
}

fn every_pair(
    columns: &[Vec<f64>],
    max_lag: usize,
    constant: bool,
    others: impl Fn(usize, usize) -> Vec<usize> + Sync,
) -> Result<Vec<GrangerTest>, GrangerError> {
    let scaled = checked(columns, max_lag, constant)?;
    let windows: Vec<Window> = (1..=max_lag).map(|lag| Window::new(&scaled, lag, constant)).collect();
    let size = columns.len();
    let pairs: Vec<(usize, usize)> =
        (0..size * size).map(|k| (k / size, k % size)).filter(|(cause, effect)| cause != effect).collect();
    let tests: Result<Vec<Vec<GrangerTest>>, GrangerError> = pairs
        .par_iter()
        .with_min_len(16)
        .map(|(cause, effect)| {
            let given = others(*cause, *effect);
            windows.iter().map(|window| window.test(*cause, *effect, &given)).collect()
        })
        .collect();
    Ok(tests?.concat())
}

/// Columns of unit variance (of unit mean square about their own mean, which is kept where there is no constant).
fn checked(columns: &[Vec<f64>], max_lag: usize, constant: bool) -> Result<Vec<Vec<f64>>, GrangerError> {
    let rows = columns.first().map_or(0, Vec::len);
    if max_lag == 0 {
        return Err(GrangerError::NoLag);
    }
    let needed = 3 * max_lag + 1 + usize::from(constant);
    if rows < needed {
        return Err(GrangerError::TooFewRows { rows, lags: max_lag, needed });
    }
    let mut scaled = Vec::with_capacity(columns.len());
    for (column, values) in columns.iter().enumerate() {
        if values.len() != rows {
            return Err(GrangerError::Ragged { column, rows: values.len(), expected: rows });
        }
        if let Some(row) = values.iter().position(|v| !v.is_finite()) {
            return Err(GrangerError::NotFinite { column, row });
        }
        let (values_scaled, deviation) = standardised(values).ok_or(GrangerError::Constant { column })?;
        scaled.push(if constant { values_scaled } else { values.iter().map(|v| v / deviation).collect() });
    }
    Ok(scaled)
}

/// Columns at lags 0 to k, with their products.
struct Window {
    size: usize,
    lag: usize,
    rows: usize,
    constant: bool,
    products: WindowProducts,
}

impl Window {
    fn new(columns: &[Vec<f64>], lag: usize, constant: bool) -> Self {
        let rows = columns.first().map_or(0, Vec::len) - lag;
        Self { size: columns.len(), lag, rows, constant, products: WindowProducts::new(columns, lag) }
    }

    fn test(&self, cause: usize, effect: usize, given: &[usize]) -> Result<GrangerTest, GrangerError> {
        let entry = |i: usize, j: usize| {
            if self.constant { self.products.covariance(i, j) } else { self.products.product(i, j) / self.rows as f64 }
        };
        let design = Design { size: self.size, lag: self.lag, rows: self.rows, constant: self.constant };
        design.test(&entry, cause, effect, given)
    }
}

/// What one regression is made of: node `lag * size + column`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design {
    pub(crate) size: usize,
    pub(crate) lag: usize,
    pub(crate) rows: usize,
    pub(crate) constant: bool,
}

impl Design {
    /// Tests a column's past from the second moments of the window that `entry` gives. The regressors are factored with the cause's
    /// past last, so that what it adds to the explained variance is a sum of squares and no difference of large numbers.
    pub(crate) fn test(
        &self,
        entry: &dyn Fn(usize, usize) -> f64,
        cause: usize,
        effect: usize,
        given: &[usize],
    ) -> Result<GrangerTest, GrangerError> {
        let lag = self.lag;
        let order = std::iter::once(effect).chain(given.iter().copied()).chain([cause]);
        let nodes: Vec<usize> =
            order.flat_map(|c| (1..=lag).map(move |k| (c, k))).map(|(c, k)| k * self.size + c).collect();
        let freedom = self.rows as f64 - nodes.len() as f64 - f64::from(u8::from(self.constant));
        if freedom < 1.0 {
            let needed = lag + nodes.len() + usize::from(self.constant) + 1;
            return Err(GrangerError::TooFewRows { rows: self.rows + lag, lags: lag, needed });
        }
        let whole = entry(effect, effect);
        let right: Vec<f64> = nodes.iter().map(|n| entry(*n, effect)).collect();
        let factor = Cholesky::new(nodes.len(), |i, j| entry(nodes[i], nodes[j])).ok_or(GrangerError::Collinear {
            cause,
            effect,
            lag,
        })?;
        let shares = factor.forward(&right);
        let (known, added) = shares.split_at(nodes.len() - lag);
        let square = |v: &[f64]| v.iter().map(|w| w * w).sum::<f64>();
        let gain = square(added);
        let residual = whole - square(known) - gain;
        if residual.is_nan() || residual <= PERFECT * whole {
            return Err(GrangerError::Collinear { cause, effect, lag });
        }
        let (rows, numerator) = (self.rows as f64, lag as f64);
        let f = gain / residual * freedom / numerator;
        let chi_squared = rows * gain / residual;
        let likelihood_ratio = rows * (gain / residual).ln_1p();
        let of_chi = |x: f64| if x > 0.0 { gamma_ur(0.5 * numerator, 0.5 * x) } else { 1.0 };
        let of_f = |x: f64| beta_reg(0.5 * freedom, 0.5 * numerator, freedom / (freedom + numerator * x));
        Ok(GrangerTest {
            cause,
            effect,
            lag,
            rows: self.rows,
            freedom,
            f: (f, of_f(f)),
            chi_squared: (chi_squared, of_chi(chi_squared)),
            likelihood_ratio: (likelihood_ratio, of_chi(likelihood_ratio)),
        })
    }
}

#[cfg(test)]
mod tests;
