//! Anomaly rules: derived from the data and from what column names say, and tried on the data before use.
//!
//! In the spirit of Argos (Gu et al. 2025, "Argos: agentic time-series anomaly detection with autonomous rule
//! generation via large language models"): rules are small, explicit and reviewable, and a rule that the data
//! themselves break too often is kept on record and left unused. Here a rule is data in the language of
//! [`atsre_domain::rule`], never code, so a rule that a person or a language model proposes is tested and used
//! in exactly the same way as one that [`derive()`] found.
//!
//! The phase of a [`calendar context`](atsre_domain::rule::RuleForm::CalendarContext) is the number of steps
//! since 1970-01-01 (in UTC; months for monthly data, weekdays from Monday for business days, the step itself
//! for steps) modulo the period; it is the same for all series, whenever they start.

mod derive;
mod evaluate;
mod hints;
mod statistics;

pub use derive::derive;
pub use evaluate::{Violation, test_rule, violations};
pub(crate) use evaluate::{broken_rows, well_formed};
pub use hints::{DomainHint, hints_from_names};
pub(crate) use statistics::{has_few_values, sampled_rows};

use atsre_domain::panel::{Panel, Series};

/// A column of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ColumnIndex {
    /// The target.
    Target,
    /// The covariate at this place.
    Covariate(usize),
}

impl ColumnIndex {
    /// The column of this name, where it holds numbers.
    pub(crate) fn numeric(panel: &Panel, name: &str) -> Option<Self> {
        if panel.target == name {
            return Some(Self::Target);
        }
        panel.covariates.iter().position(|c| c.name == name && c.levels.is_none()).map(Self::Covariate)
    }

    /// All columns: the target, then the covariates in order.
    pub(crate) fn all(panel: &Panel) -> impl Iterator<Item = Self> {
        std::iter::once(Self::Target).chain((0..panel.covariates.len()).map(Self::Covariate))
    }

    /// The column's name.
    pub(crate) fn name(self, panel: &Panel) -> &str {
        match self {
            Self::Target => &panel.target,
            Self::Covariate(index) => &panel.covariates[index].name,
        }
    }

    /// The column's values in a series.
    pub(crate) fn values(self, series: &Series) -> &[f64] {
        match self {
            Self::Target => &series.target,
            Self::Covariate(index) => &series.covariates[index],
        }
    }
}
