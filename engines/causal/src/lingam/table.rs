//! Columns, standardised.

use super::LingamError;
use crate::linear::Cholesky;

/// Columns with mean 0 and variance 1 (divided by n), and their correlations.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) rows: usize,
    pub(super) standardised: Vec<Vec<f64>>,
    /// Standard deviation of each column in its own unit.
    pub(super) deviation: Vec<f64>,
    correlation: Vec<f64>,
}

impl Table {
    /// Checks and standardises columns. `rows_min` more rows than columns are asked for.
    pub(super) fn new(columns: &[Vec<f64>], rows_min: usize) -> Result<Self, LingamError> {
        let rows = columns.first().map_or(0, Vec::len);
        check_shape(columns)?;
        let needed = columns.len() + rows_min;
        if rows < needed {
            return Err(LingamError::TooFewRows { rows, columns: columns.len(), lags: 0, needed });
        }
        let mut standardised = Vec::with_capacity(columns.len());
        let mut deviation = Vec::with_capacity(columns.len());
        for (column, values) in columns.iter().enumerate() {
            let (scaled, size) = standardise(values).ok_or(LingamError::Constant { column })?;
            standardised.push(scaled);
            deviation.push(size);
        }
        let count = columns.len();
        let mut correlation = vec![1.0; count * count];
        for i in 0..count {
            for j in 0..i {
                let value = dot(&standardised[i], &standardised[j]) / rows as f64;
                correlation[i * count + j] = value;
                correlation[j * count + i] = value;
            }
        }
        let table = Self { rows, standardised, deviation, correlation };
        table.refuse_collinear()?;
        Ok(table)
    }

    pub(super) fn columns(&self) -> usize {
        self.standardised.len()
    }

    pub(super) fn correlation(&self, i: usize, j: usize) -> f64 {
        self.correlation[i * self.columns() + j]
    }

    fn refuse_collinear(&self) -> Result<(), LingamError> {
        let regular = |size: usize| Cholesky::new(size, |i, j| self.correlation(i, j)).is_some();
        if regular(self.columns()) {
            return Ok(());
        }
        let sizes: Vec<usize> = (1..=self.columns()).collect();
        let column = sizes.partition_point(|size| regular(*size));
        Err(LingamError::Collinear { column })
    }
}

/// Equal lengths, finite numbers only.
pub(super) fn check_shape(columns: &[Vec<f64>]) -> Result<(), LingamError> {
    let expected = columns.first().map_or(0, Vec::len);
    for (column, values) in columns.iter().enumerate() {
        if values.len() != expected {
            return Err(LingamError::Ragged { column, rows: values.len(), expected });
        }
        if let Some(row) = values.iter().position(|v| !v.is_finite()) {
            return Err(LingamError::NotFinite { column, row });
        }
    }
    Ok(())
}

/// The values with mean 0 and variance 1, and their standard deviation; `None` where they do not vary.
fn standardise(values: &[f64]) -> Option<(Vec<f64>, f64)> {
    // Scaled by the largest first, so that no square overflows or vanishes.
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest <= 0.0 {
        return None;
    }
    let rows = values.len() as f64;
    let mut scaled: Vec<f64> = values.iter().map(|v| v / largest).collect();
    let mean = scaled.iter().sum::<f64>() / rows;
    scaled.iter_mut().for_each(|v| *v -= mean);
    let deviation = (scaled.iter().map(|v| v * v).sum::<f64>() / rows).sqrt();
    // Smaller than the rounding of the mean: a constant.
    if deviation <= 1e-14 {
        return None;
    }
    scaled.iter_mut().for_each(|v| *v /= deviation);
    Some((scaled, deviation * largest))
}

/// The scalar product, in eight running sums so that it can be vectorised, always in the same order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_parts, b_parts) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_parts.remainder().iter().zip(b_parts.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_parts.zip(b_parts) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}
