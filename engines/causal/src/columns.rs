//! Columns that an algorithm can work on.

/// Columns that do not form a complete table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// A value is missing or not finite.
    #[error("row {row} of column {column} is not a number; leave out incomplete rows first")]
    Missing {
        /// Column, from 0.
        column: usize,
        /// Row, from 0.
        row: usize,
    },
    /// Columns of different length.
    #[error("column {column} has {rows} rows, the first has {expected}")]
    Ragged {
        /// Column, from 0.
        column: usize,
        /// Its rows.
        rows: usize,
        /// Rows of the first column.
        expected: usize,
    },
    /// Too few rows.
    #[error("{rows} rows are too few; at least {needed} are needed")]
    TooFewRows {
        /// Rows given.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
}

/// The number of rows of columns that all have as many, at least `needed`, and no missing value.
pub(crate) fn complete_rows(columns: &[Vec<f64>], needed: usize) -> Result<usize, ColumnsError> {
    let expected = columns.first().map_or(0, Vec::len);
    for (column, values) in columns.iter().enumerate() {
        if values.len() != expected {
            return Err(ColumnsError::Ragged { column, rows: values.len(), expected });
        }
        if let Some(row) = values.iter().position(|v| !v.is_finite()) {
            return Err(ColumnsError::Missing { column, row });
        }
    }
    if expected < needed { Err(ColumnsError::TooFewRows { rows: expected, needed }) } else { Ok(expected) }
}
