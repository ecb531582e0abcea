//! Why a test of Granger causality cannot be had.

/// A Granger test could not be computed. Columns are numbered from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GrangerError {
    /// Columns of different length.
    #[error("column {column} has {rows} rows, the first has {expected}; give every column as many")]
    Ragged {
        /// The column.
        column: usize,
        /// Its rows.
        rows: usize,
        /// The first column's rows.
        expected: usize,
    },
    /// A value is missing or infinite.
    #[error("row {row} of column {column} is not a finite number; fill it or shorten the series")]
    NotFinite {
        /// The column.
        column: usize,
        /// The row.
        row: usize,
    },
    /// A column that does not vary.
    #[error("column {column} is constant; leave it out")]
    Constant {
        /// The column.
        column: usize,
    },
    /// Too few rows for the regressors.
    #[error("{rows} rows are too few for {lags} lags; at least {needed} are needed")]
    TooFewRows {
        /// Rows given.
        rows: usize,
        /// Lags of each column.
        lags: usize,
        /// Rows needed.
        needed: usize,
    },
    /// The regressors are collinear or predict the effect perfectly.
    #[error(
        "with {lag} lags the past of columns {effect} and {cause} is collinear or predicts column {effect} perfectly; drop one"
    )]
    Collinear {
        /// The cause.
        cause: usize,
        /// The effect.
        effect: usize,
        /// Lags of each.
        lag: usize,
    },
    /// No lag was asked for.
    #[error("a Granger test needs at least one lag")]
    NoLag,
}
