//! What is compared with the peers.

use serde_json::{Value, json};

use crate::samples::Samples;
use crate::simulation::{Moments, Noise, Rows};

/// Where a case's samples come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// Rows without order.
    Rows(Rows),
    /// Rows in order of time.
    Moments(Moments),
}

/// An algorithm with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// PC-stable with Fisher's z.
    Pc {
        /// Significance level.
        alpha: f64,
    },
    /// FCI with Fisher's z.
    Fci {
        /// Significance level.
        alpha: f64,
    },
    /// GES with the Gaussian BIC.
    Ges {
        /// Factor of the penalty.
        lambda: f64,
    },
    /// DirectLiNGAM.
    DirectLingam,
    /// VARLiNGAM; the lag by BIC, pruned.
    VarLingam {
        /// Lags looked at.
        lags: usize,
    },
    /// PCMCI with partial correlation.
    Pcmci {
        /// The longest lag.
        max_lag: usize,
        /// Level of the selection of conditions.
        selection_alpha: f64,
        /// Level of a link.
        alpha: f64,
    },
    /// PCMCI+ with partial correlation.
    PcmciPlus {
        /// The longest lag.
        max_lag: usize,
        /// Significance level.
        alpha: f64,
    },
}

impl Algorithm {
    /// Its name for the peers' script.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pc { .. } => "pc",
            Self::Fci { .. } => "fci",
            Self::Ges { .. } => "ges",
            Self::DirectLingam => "direct-lingam",
            Self::VarLingam { .. } => "var-lingam",
            Self::Pcmci { .. } => "pcmci",
            Self::PcmciPlus { .. } => "pcmci-plus",
        }
    }

    /// Its settings for the peers' script.
    #[must_use]
    pub fn settings(&self) -> Value {
        match self {
            Self::Pc { alpha } | Self::Fci { alpha } => json!({"alpha": alpha}),
            Self::Ges { lambda } => json!({"lambda": lambda}),
            Self::DirectLingam => json!({}),
            Self::VarLingam { lags } => json!({"lags": lags}),
            Self::Pcmci { max_lag, selection_alpha, alpha } => {
                json!({"max_lag": max_lag, "selection_alpha": selection_alpha, "alpha": alpha})
            }
            Self::PcmciPlus { max_lag, alpha } => json!({"max_lag": max_lag, "alpha": alpha}),
        }
    }

    /// Whether there is a mode that follows the paper beside the one that answers as the peer does.
    #[must_use]
    pub fn has_default_mode(&self) -> bool {
        matches!(self, Self::Pc { .. } | Self::Fci { .. } | Self::Ges { .. })
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// Its name, unique.
    pub name: &'static str,
    /// What runs, in words.
    pub title: &'static str,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The samples.
    pub source: Source,
    /// How many times the peer's speed is asked for.
    pub bar: f64,
}

impl Case {
    /// The case of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        cases().into_iter().find(|c| c.name == name)
    }

    /// The samples.
    #[must_use]
    pub fn samples(&self) -> Samples {
        Samples::numbered(match self.source {
            Source::Rows(model) => model.table(),
            Source::Moments(model) => model.table(),
        })
    }

    /// The samples in words.
    #[must_use]
    pub fn data(&self) -> String {
        let noise = |n: Noise| if n == Noise::Gaussian { "Gaussian" } else { "Laplace" };
        match self.source {
            Source::Rows(m) if m.hidden > 0 => {
                format!("{} × {}, {} hidden, degree {}, {}", m.rows, m.columns, m.hidden, m.degree, noise(m.noise))
            }
            Source::Rows(m) => format!("{} × {}, degree {}, {}", m.rows, m.columns, m.degree, noise(m.noise)),
            Source::Moments(m) => {
                format!("{} × {} over time, lags to {}, {}", m.length, m.columns, m.lags, noise(m.noise))
            }
        }
    }
}

/// Every case, in the order of the table.
#[must_use]
pub fn cases() -> Vec<Case> {
    let rows =
        |columns, hidden, rows, degree, noise, seed| Source::Rows(Rows { columns, hidden, rows, degree, noise, seed });
    let moments = |noise, seed| Source::Moments(Moments { columns: 10, length: 2_000, lags: 3, noise, seed });
    let (gaussian, laplace) = (Noise::Gaussian, Noise::Laplace);
    let case = |name, title, algorithm, source, bar| Case { name, title, algorithm, source, bar };
    vec![
        case("pc-100", "PC", Algorithm::Pc { alpha: 0.05 }, rows(100, 0, 10_000, 3.0, gaussian, 100), 150.0),
        case("pc-50", "PC", Algorithm::Pc { alpha: 0.05 }, rows(50, 0, 1_000, 3.0, gaussian, 50), 100.0),
        case("fci-50", "FCI", Algorithm::Fci { alpha: 0.01 }, rows(50, 5, 2_000, 2.0, gaussian, 51), 100.0),
        case("ges-50", "GES", Algorithm::Ges { lambda: 0.5 }, rows(50, 0, 1_000, 3.0, gaussian, 50), 50.0),
        case("direct-lingam-50", "DirectLiNGAM", Algorithm::DirectLingam, rows(50, 0, 1_000, 3.0, laplace, 52), 30.0),
        case("var-lingam-10", "VARLiNGAM", Algorithm::VarLingam { lags: 3 }, moments(laplace, 10), 30.0),
        case(
            "pcmci-10",
            "PCMCI",
            Algorithm::Pcmci { max_lag: 5, selection_alpha: 0.2, alpha: 0.01 },
            moments(gaussian, 11),
            500.0,
        ),
        case("pcmci-plus-10", "PCMCI+", Algorithm::PcmciPlus { max_lag: 5, alpha: 0.01 }, moments(gaussian, 11), 500.0),
    ]
}
