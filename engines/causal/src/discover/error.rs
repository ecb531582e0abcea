//! Why a graph cannot be had.

use crate::ges::ScoreError;
use crate::independence::CategoryError;
use crate::knowledge::KnowledgeError;
use crate::lingam::LingamError;
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
    /// Two columns of one name.
    #[error("column {0:?} is there twice; rename one")]
    Repeated(String),
    /// The algorithm refused the data.
    #[error("the algorithm cannot work on these columns")]
    Lagged(#[from] PcmciError),
    /// A linear non-Gaussian model cannot be had of the data.
    #[error("{algorithm} cannot work on these columns (column numbers count from 0: {columns})")]
    Model {
        /// The algorithm.
        algorithm: &'static str,
        /// The first columns' names.
        columns: String,
        /// Why.
        source: Box<LingamError>,
    },
    /// A score cannot be had of the data.
    #[error("GES cannot score these columns")]
    Score(#[from] ScoreError),
    /// A test over counts cannot be asked of the data.
    #[error("{test} cannot be asked of column {column:?}")]
    Categories {
        /// The test.
        test: &'static str,
        /// The column.
        column: String,
        /// Why.
        source: CategoryError,
    },
    /// The data have gaps where the test or the algorithm needs none.
    #[error("{what}; fill the gaps, or use the default mode, which works on the complete rows")]
    Gaps {
        /// What has gaps, and where.
        what: String,
    },
    /// The algorithm is one for series.
    #[error("{algorithm} works on series in time; for rows without time use {instead}")]
    NeedsSeries {
        /// The algorithm.
        algorithm: &'static str,
        /// The key of one that works on rows.
        instead: &'static str,
    },
    /// The algorithm is one for rows.
    #[error("{algorithm} works on rows without time, which a series' rows are not; for series use {instead}")]
    NeedsRows {
        /// The algorithm.
        algorithm: &'static str,
        /// The key of one that works on series.
        instead: &'static str,
    },
    /// The algorithm asks no such test.
    #[error("{algorithm} cannot use the test {test}: {why}")]
    Test {
        /// The algorithm.
        algorithm: &'static str,
        /// The test's key.
        test: &'static str,
        /// Why, and what to use instead.
        why: &'static str,
    },
    /// The compatible mode has nothing to be compatible with.
    #[error("{algorithm} has no compatible mode here: {why}; use the default mode")]
    NotCompatible {
        /// The algorithm.
        algorithm: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The search would not end in bounded time.
    #[error("more than {tests} tests or comparisons would be needed; {advice}")]
    TooMuchWork {
        /// Tests (of DirectLiNGAM and ICA-LiNGAM multiplications) beyond which it is given up.
        tests: u64,
        /// What to do.
        advice: &'static str,
    },
    /// The caller wanted the result no longer.
    #[error("the discovery was cancelled")]
    Cancelled,
    /// The graph breaks what is known: a defect of the algorithm.
    #[error("the graph breaks background knowledge: {0}")]
    Broken(String),
}
