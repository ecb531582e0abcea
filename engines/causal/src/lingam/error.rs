//! Why a model cannot be had.

use crate::knowledge::KnowledgeError;

/// A linear non-Gaussian model could not be estimated. Columns are numbered from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LingamError {
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
    #[error("row {row} of column {column} is not a finite number; leave the row out or fill it")]
    NotFinite {
        /// The column.
        column: usize,
        /// The row.
        row: usize,
    },
    /// Too few rows for a regression on all columns.
    #[error("{rows} rows are too few for {columns} columns and lags up to {lags}; at least {needed} are needed")]
    TooFewRows {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Lags asked for.
        lags: usize,
        /// Rows needed.
        needed: usize,
    },
    /// A column that does not vary.
    #[error("column {column} is constant; leave it out")]
    Constant {
        /// The column.
        column: usize,
    },
    /// A column that is a linear function of the ones before it.
    #[error("column {column} is a linear function of the columns (or lags) before it; leave it out")]
    Collinear {
        /// The column.
        column: usize,
    },
    /// Two columns differ so much in size that a weight between them is no finite number.
    #[error("the weight of column {cause} on column {effect} is not a finite number; rescale the columns")]
    Scale {
        /// The cause.
        cause: usize,
        /// The effect.
        effect: usize,
    },
    /// A matrix of prior knowledge or of starting values has the wrong shape.
    #[error("the {what} is not {size} × {size}, as {size} columns ask for")]
    Shape {
        /// Which matrix.
        what: &'static str,
        /// Rows and columns it should have.
        size: usize,
    },
    /// Known paths contradict each other.
    #[error("known paths contradict each other: {paths}; drop one of them")]
    Contradiction {
        /// The paths, as `3 → 1`.
        paths: String,
    },
    /// Background knowledge contradicts itself or the columns.
    #[error("background knowledge cannot be kept")]
    Knowledge(#[from] KnowledgeError),
    /// The number of lags is zero.
    #[error("a vector autoregression needs at least one lag")]
    NoLag,
    /// The unmixing matrix allows no order of the columns.
    #[error("independent component analysis found no order of the columns: component {component} mixes none of them")]
    NoOrder {
        /// The component.
        component: usize,
    },
}
