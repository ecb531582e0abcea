//! Tests of conditional independence: is x independent of y given a set of variables?

mod categories;
mod contingency;
mod d_separation;
mod fisher_z;
mod kernel;
mod memo;
mod missing;
mod normal_scores;

pub use categories::CategoryError;
pub use contingency::{Contingency, CountStatistic};
pub use d_separation::DSeparation;
pub use fisher_z::{Correlation, FisherZ, Tail};
pub use kernel::RandomFeatures;
pub use memo::Memo;
pub use missing::MissingFisherZ;
pub(crate) use normal_scores::normal_scores;

/// What one test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The test statistic, at least 0; the larger, the stronger the dependence. NaN where it cannot be computed.
    pub statistic: f64,
    /// Probability of such a statistic under independence. NaN where it cannot be computed.
    pub p_value: f64,
}

impl Outcome {
    /// A test that could not be computed, as of a constant column. It is no evidence of independence.
    pub const UNDEFINED: Self = Self { statistic: f64::NAN, p_value: f64::NAN };

    /// Whether independence is not rejected at level `alpha`: `p > alpha`, and never where the test is undefined.
    #[must_use]
    pub fn independent(&self, alpha: f64) -> bool {
        self.p_value > alpha
    }

    /// Whether this outcome is nearer to independence than `other`: a larger p-value and, where both
    /// underflow, a smaller statistic.
    #[must_use]
    pub fn nearer_to_independence(&self, other: &Self) -> bool {
        if self.p_value.is_nan() {
            return false;
        }
        other.p_value.is_nan()
            || self.p_value > other.p_value
            || (self.p_value >= other.p_value && self.statistic < other.statistic)
    }
}

/// A test of conditional independence over numbered variables.
pub trait IndependenceTest: Sync {
    /// How many variables there are; arguments of [`Self::test`] are below it.
    fn variables(&self) -> usize;

    /// Tests `x ⊥ y | given`. `x` and `y` differ and are not in `given`; the order of `given` has no meaning.
    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome;
}
