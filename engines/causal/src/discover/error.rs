//! Why a graph cannot be had.

use crate::knowledge::KnowledgeError;
use crate::pcmci::PcmciError;

/// Discovery could not be done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DiscoverError {
    /// Background knowledge contradicts itself or the data's columns.
    #[error("background knowledge cannot be kept")]
    Knowledge(#[from] KnowledgeError),
    /// The level is not a probability.
    #[error("significance level {0} is not between 0 and 1")]
    Level(f64),
    /// The target is not among the columns.
    #[error("target column {target:?} is not among the columns: {columns}")]
    NoTarget {
        /// The name asked for.
        target: String,
        /// The names there are.
        columns: String,
    },
    /// The target took no part.
    #[error("nothing can be discovered of target {target:?}: {why}")]
    Target {
        /// The target.
        target: String,
        /// Why it had to be left out.
        why: String,
    },
    /// Too few rows.
    #[error(
        "{rows} complete rows are too few for {columns} columns and lags up to {max_lag}; at least {needed} are needed"
    )]
    TooFewRows {
        /// Rows without missing values.
        rows: usize,
        /// Columns.
        columns: usize,
        /// The longest lag.
        max_lag: usize,
        /// Rows needed.
        needed: usize,
    },
    /// More columns than can be compared with each other.
    #[error("{columns} columns are too many; choose at most {most}")]
    TooManyColumns {
        /// Columns given.
        columns: usize,
        /// Columns allowed.
        most: usize,
    },
    /// Columns of different length.
    #[error("column {column:?} has {rows} rows, the first has {expected}")]
    Ragged {
        /// The column.
        column: String,
        /// Its length.
        rows: usize,
        /// The first column's length.
        expected: usize,
    },
    /// The algorithm refused the data.
    #[error("the algorithm cannot work on these columns")]
    Lagged(#[from] PcmciError),
    /// The algorithm is one for series.
    #[error("{0} works on series in time; rows without time are for PC")]
    NeedsSeries(&'static str),
    /// The compatible mode knows no lags.
    #[error("the compatible mode works on rows without time; use the default mode for series")]
    CompatibleNeedsRows,
    /// The graph breaks what is known: a defect of the algorithm.
    #[error("the graph breaks background knowledge: {0}")]
    Broken(String),
}
