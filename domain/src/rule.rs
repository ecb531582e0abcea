//! The anomaly rule language: small, typed and reviewable; data, never host code.

use serde::{Deserialize, Serialize};

use crate::finite::Finite;

/// What a rule says must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum RuleForm {
    /// `minimum ≤ value ≤ maximum`.
    Bounds {
        /// Smallest plausible value.
        minimum: Option<Finite>,
        /// Largest plausible value.
        maximum: Option<Finite>,
    },
    /// The absolute change from one observation to the next is at most this.
    RateOfChange {
        /// Largest plausible absolute change per step, in units of the column.
        maximum_per_step: Finite,
    },
    /// The same value does not stand for more than so many observations in a row.
    FlatLine {
        /// Longest plausible run.
        longest_run: u32,
    },
    /// Within each phase of a season the value lies inside that phase's bounds.
    CalendarContext {
        /// The season, in observations.
        period: u32,
        /// Smallest plausible value of each phase.
        minimum: Vec<Finite>,
        /// Largest plausible value of each phase.
        maximum: Vec<Finite>,
    },
    /// A linear relation with another column holds within a band.
    CrossSeries {
        /// The other column.
        other: String,
        /// Slope of the relation.
        slope: Finite,
        /// Intercept of the relation.
        intercept: Finite,
        /// Largest plausible absolute residual.
        band: Finite,
    },
}

/// What cleaning does with a value that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAction {
    /// Report it only.
    Flag,
    /// Treat it as missing, then impute it.
    Impute,
    /// Move it to the nearest bound.
    Clip,
}

/// One rule on one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRule {
    /// The column it speaks of.
    pub column: String,
    /// What must hold.
    pub form: RuleForm,
    /// What happens to violations.
    pub action: RuleAction,
    /// Why: the evidence or the domain hint, in words.
    pub reason: String,
}

/// A rule with the result of its test on the data, made before it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestedRule {
    /// The rule.
    pub rule: AnomalyRule,
    /// Values it was tried on.
    pub tested: u64,
    /// Values that break it.
    pub violations: u64,
    /// Whether it is used: a rule that too many values break is kept on record and left unused.
    pub accepted: bool,
    /// Why it is used or not.
    pub verdict: String,
}
