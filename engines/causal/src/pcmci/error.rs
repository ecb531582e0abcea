//! Why a graph over time cannot be had.

/// A lagged graph could not be sought. Columns are numbered from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PcmciError {
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
    /// Too few rows have twice the longest lag behind them.
    #[error("{rows} rows are too few for lags up to {max_lag}; at least {needed} are needed")]
    TooFewRows {
        /// Rows given.
        rows: usize,
        /// The longest lag.
        max_lag: usize,
        /// Rows needed.
        needed: usize,
    },
    /// The shortest lag is longer than the longest, or the longest is zero.
    #[error("lags from {min_lag} to {max_lag} are no range with a lag of at least 1")]
    Lags {
        /// The shortest lag.
        min_lag: usize,
        /// The longest lag.
        max_lag: usize,
    },
    /// A level is not a probability.
    #[error("significance level {0} is not between 0 and 1")]
    Level(f64),
    /// Knowledge is about other columns or lags.
    #[error(
        "background knowledge is about {columns} columns at lags up to {max_lag}, the data have {expected} at up to {expected_lag}"
    )]
    Window {
        /// Columns that knowledge is about.
        columns: usize,
        /// Its longest lag.
        max_lag: usize,
        /// Columns of the data.
        expected: usize,
        /// The longest lag asked for.
        expected_lag: usize,
    },
}
