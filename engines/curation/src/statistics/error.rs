//! Why a statistic cannot be computed.

/// Why a statistic cannot be computed from this sample.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are too few observations for the test and its settings.
    #[error("{test} needs at least {needed} observations, the series has {found}")]
    TooShort {
        /// The test.
        test: &'static str,
        /// The fewest observations that it can work with.
        needed: usize,
        /// The observations given.
        found: usize,
    },
    /// Every value is the same.
    #[error("{test} is not defined for a constant series")]
    Constant {
        /// The test.
        test: &'static str,
    },
    /// A value is missing or infinite: interpolate or drop such values first.
    #[error("{test} needs finite values, the one at index {index} is not")]
    NotFinite {
        /// The test.
        test: &'static str,
        /// The first such value.
        index: usize,
    },
    /// The regressors are linearly dependent, so the coefficients are not determined.
    #[error("the regressors of {test} are linearly dependent (column {column})")]
    Collinear {
        /// The test.
        test: &'static str,
        /// The first column that depends on those before it.
        column: usize,
    },
    /// A setting is outside of its range.
    #[error("{parameter} of {test} must be {expected}, not {found}")]
    Parameter {
        /// The test.
        test: &'static str,
        /// The setting.
        parameter: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it was.
        found: String,
    },
}

/// Refuses a sample that is shorter than `needed` or holds a value that is not finite.
pub(crate) fn check(test: &'static str, x: &[f64], needed: usize) -> Result<(), Error> {
    if x.len() < needed {
        return Err(Error::TooShort { test, needed, found: x.len() });
    }
    match x.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::NotFinite { test, index }),
        None => Ok(()),
    }
}

/// Whether all values are equal (an empty sample counts as constant).
pub(crate) fn is_constant(x: &[f64]) -> bool {
    x.windows(2).all(|w| w[0] == w[1])
}
