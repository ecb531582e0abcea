//! What a caller may decide.

use atsre_domain::graph::BackgroundKnowledge;

use super::DiscoverError;
use crate::pc::Mode;
use crate::subsets::choose;

/// Depth is limited so that a graph from which no edge could be removed would cost about this many tests.
const TESTS_MAX: f64 = 1e7;

/// An algorithm of discovery over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// PC-stable on the columns and their lags, with rows that count for less where they are autocorrelated.
    #[default]
    Pc,
    /// PCMCI (Runge et al. 2019): links of the same moment have no direction.
    Pcmci,
    /// PCMCI+ (Runge 2020): links of the same moment are directed where the tests tell.
    PcmciPlus,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pc, Self::Pcmci, Self::PcmciPlus];

    /// The name on the command line and in settings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pc => "pc",
            Self::Pcmci => "pcmci",
            Self::PcmciPlus => "pcmci-plus",
        }
    }

    /// The name in the literature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pc => "PC",
            Self::Pcmci => "PCMCI",
            Self::PcmciPlus => "PCMCI+",
        }
    }

    /// The algorithm of this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.key() == key)
    }
}

/// How to discover. The default leaves every choice to the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoverOptions {
    /// The algorithm; `None`: chosen from the data.
    pub algorithm: Option<Algorithm>,
    /// Level of the independence tests: an edge goes when `p > alpha`.
    pub alpha: f64,
    /// The longest lag in steps; `None`: chosen from the data.
    pub max_lag: Option<u32>,
    /// The largest conditioning set; `None`: as large as stays affordable.
    pub max_depth: Option<usize>,
    /// What is known beforehand.
    pub knowledge: BackgroundKnowledge,
    /// The column whose drivers are wanted; `None`: the panel's target, or none for rows.
    pub target: Option<String>,
    /// Bootstrap replicates for the confidence of edges; 0: no confidence.
    pub bootstrap: u32,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Which PC.
    pub mode: Mode,
    /// Seasons in steps, as a profile found them; `None`: those that the calendar suggests; empty: none.
    pub season_lengths: Option<Vec<u32>>,
}

impl Default for DiscoverOptions {
    fn default() -> Self {
        Self {
            algorithm: None,
            alpha: 0.01,
            max_lag: None,
            max_depth: None,
            knowledge: BackgroundKnowledge::default(),
            target: None,
            bootstrap: 20,
            seed: 0,
            mode: Mode::Default,
            season_lengths: None,
        }
    }
}

impl DiscoverOptions {
    pub(super) fn check(&self) -> Result<(), DiscoverError> {
        if self.alpha > 0.0 && self.alpha < 1.0 { Ok(()) } else { Err(DiscoverError::Level(self.alpha)) }
    }

    /// The largest conditioning set for `pairs` pairs of nodes with at most `neighbours` others each: the one asked for,
    /// or the largest affordable. `None`: no limit is needed.
    pub(super) fn depth(&self, pairs: usize, neighbours: usize) -> Option<usize> {
        self.max_depth.or_else(|| {
            let mut tests = 0.0;
            (0..neighbours).find(|depth| {
                tests += pairs as f64 * 2.0 * choose(neighbours - 1, depth + 1);
                tests > TESTS_MAX
            })
        })
    }
}
