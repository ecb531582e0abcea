//! Columns, standardised.

use super::LingamError;
use crate::linear::Cholesky;
use crate::vectors::{dot, standardised};

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
        let mut scaled = Vec::with_capacity(columns.len());
        let mut deviation = Vec::with_capacity(columns.len());
        for (column, values) in columns.iter().enumerate() {
            let (column_scaled, size) = standardised(values).ok_or(LingamError::Constant { column })?;
            scaled.push(column_scaled);
            deviation.push(size);
        }
        let count = columns.len();
        let mut correlation = vec![1.0; count * count];
        for i in 0..count {
            for j in 0..i {
                let value = dot(&scaled[i], &scaled[j]) / rows as f64;
                correlation[i * count + j] = value;
                correlation[j * count + i] = value;
            }
        }
        let table = Self { rows, standardised: scaled, deviation, correlation };
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
