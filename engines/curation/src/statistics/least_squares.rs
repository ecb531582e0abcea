//! Ordinary least squares by Householder reflections (Golub and Van Loan 2013, §5.3), which need no normal equations
//! and so keep the digits that a squared condition number would cost.
//!
//! Columns are taken in order, so one factorisation answers for every model made of the first k columns.

use super::Error;
use super::summation::{dot, sum_of_squares};

/// Rows reflected at once: a block of 50 columns stays in the second-level cache.
const BLOCK_ROWS: usize = 1024;

/// A fitted regression and all the regressions nested in it.
#[derive(Debug)]
pub(crate) struct LeastSquares {
    /// Column j of the triangular factor R: entries 0 to j.
    r: Vec<Vec<f64>>,
    /// The first entries of Qᵀy, one a column.
    effects: Vec<f64>,
    /// The residual sum of squares with all columns.
    rss: f64,
    observations: usize,
}

impl LeastSquares {
    /// Regresses `y` on `columns` (each as long as `y`).
    ///
    /// # Errors
    /// [`Error::TooShort`] where there are not more rows than columns; [`Error::Collinear`] where a column depends
    /// on those before it.
    pub(crate) fn fit(test: &'static str, columns: &[&[f64]], y: &[f64]) -> Result<Self, Error> {
        let (n, p) = (y.len(), columns.len());
        if n <= p {
            return Err(Error::TooShort { test, needed: p + 1, found: n });
        }
        // Column p is y itself; below the triangle it collects the residual.
        let mut r: Vec<Vec<f64>> = (0..=p).map(|j| vec![0.0; j + 1]).collect();
        let mut start = 0;
        while start < n {
            let end = (start + BLOCK_ROWS).min(n);
            let mut block: Vec<Vec<f64>> = columns.iter().map(|c| c[start..end].to_vec()).collect();
            block.push(y[start..end].to_vec());
            reflect(&mut r, &mut block);
            start = end;
        }
        let last = r.pop().unwrap_or_default();
        for (column, entries) in r.iter().enumerate() {
            let length = sum_of_squares(entries).sqrt();
            if entries[column].abs() <= length * f64::EPSILON * n as f64 || length == 0.0 {
                return Err(Error::Collinear { test, column });
            }
        }
        Ok(Self { effects: last[..p].to_vec(), rss: last[p] * last[p], r, observations: n })
    }

    /// The residual sum of squares of the model with the first `k` columns.
    pub(crate) fn rss(&self, k: usize) -> f64 {
        self.effects[k..].iter().rev().fold(self.rss, |total, e| total + e * e)
    }

    /// Rows less columns of that model.
    pub(crate) fn degrees(&self, k: usize) -> f64 {
        (self.observations - k) as f64
    }

    /// The Gaussian log-likelihood at its maximum.
    pub(crate) fn log_likelihood(&self, k: usize) -> f64 {
        let half = self.observations as f64 / 2.0;
        -half * self.rss(k).ln() - half * (1.0 + (std::f64::consts::PI / half).ln())
    }

    /// The coefficients of the model with the first `k` columns.
    pub(crate) fn coefficients(&self, k: usize) -> Vec<f64> {
        let mut b = self.effects[..k].to_vec();
        for j in (0..k).rev() {
            b[j] /= self.r[j][j];
            let value = b[j];
            for (i, entry) in b.iter_mut().enumerate().take(j) {
                *entry -= self.r[j][i] * value;
            }
        }
        b
    }

    /// The t value of column `k − 1` in the model with the first `k` columns.
    pub(crate) fn last_t_value(&self, k: usize) -> f64 {
        let scale = (self.rss(k) / self.degrees(k)).sqrt();
        self.effects[k - 1] / scale * self.r[k - 1][k - 1].signum()
    }
}

/// Brings the rows of `block` into the triangle `r`, which stays what a factorisation of all rows so far would give.
fn reflect(r: &mut [Vec<f64>], block: &mut [Vec<f64>]) {
    for j in 0..block.len() {
        let (left, right) = block.split_at_mut(j + 1);
        let tail = &left[j];
        let square = sum_of_squares(tail);
        if square == 0.0 {
            continue;
        }
        let head = r[j][j];
        let length = (head * head + square).sqrt();
        let diagonal = if head > 0.0 { -length } else { length };
        // The reflector is (head − diagonal, tail); its sign avoids cancellation.
        let first = head - diagonal;
        let half_norm = (first * first + square) / 2.0;
        r[j][j] = diagonal;
        for (offset, column) in right.iter_mut().enumerate() {
            let entry = &mut r[j + 1 + offset][j];
            let factor = (first * *entry + dot(tail, column)) / half_norm;
            *entry -= factor * first;
            for (value, reflector) in column.iter_mut().zip(tail) {
                *value -= factor * reflector;
            }
        }
    }
}
