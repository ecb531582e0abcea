//! The tests of independence that a caller may ask for.

/// A test of conditional independence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestChoice {
    /// Partial correlation: Fisher's z on rows, Student's t in the PCMCI family.
    #[default]
    FisherZ,
    /// Fisher's z, each test over the rows that are complete in its own columns.
    MissingFisherZ,
    /// Pearson's χ² over counts of categories.
    ChiSquare,
    /// The likelihood ratio G² over counts of categories.
    GSquare,
    /// Partial correlation of normal scores: outliers and the shape of the margins do not matter.
    Robust,
    /// A kernel test by random Fourier features, which sees nonlinear dependence.
    Kernel,
}

impl TestChoice {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::FisherZ, Self::MissingFisherZ, Self::ChiSquare, Self::GSquare, Self::Robust, Self::Kernel];

    /// The name on the command line.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::FisherZ => "fisher-z",
            Self::MissingFisherZ => "missing-fisher-z",
            Self::ChiSquare => "chi-square",
            Self::GSquare => "g-square",
            Self::Robust => "robust",
            Self::Kernel => "kernel",
        }
    }

    /// What it tests, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FisherZ => "partial correlation",
            Self::MissingFisherZ => "partial correlation over the rows complete in each test's columns",
            Self::ChiSquare => "χ² over counts",
            Self::GSquare => "G² over counts",
            Self::Robust => "partial correlation of normal scores",
            Self::Kernel => "a kernel test with random Fourier features",
        }
    }

    /// The test of this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|test| test.key() == key)
    }

    /// How many tests over so many rows one run may ask: about half a minute's work, whichever the test.
    pub(super) fn affordable(self, rows: usize) -> f64 {
        let rows = rows.max(1) as f64;
        match self {
            Self::FisherZ | Self::Robust => 2e7,
            Self::MissingFisherZ => (1e9 / rows).clamp(1e4, 2e7),
            Self::ChiSquare | Self::GSquare => (4e9 / rows).clamp(1e4, 2e7),
            Self::Kernel => (1e7 / rows).clamp(1e2, 1e5),
        }
    }
}
