//! Cleaning: from the raw table to a panel on a regular axis ([`regularise()`]), and from there to a panel
//! without missing values, gross outliers or broken rules ([`clean()`]).
//!
//! Between the two lies the profile: it is made of the regularised panel, in which missing values are still
//! missing. Nothing is changed in silence: both stages list every cell they change, and [`combine`] joins the
//! two lists into one that leads from the raw table to the clean panel.
//!
//! The shape of the panel is settled in the first stage: a series runs from its first observed target value to
//! its last, and rows before and after are left out (rows after it stay as the horizon's rows where they carry
//! covariates that are known ahead). The second stage changes values only.

pub(crate) mod axis;
mod clean;
mod decompose;
mod gather;
mod impute;
mod outliers;
mod regularise;
mod treat;

use std::collections::BTreeMap;

use atsre_domain::cleaning::{CellChange, ChangeKind, CleaningSummary};
use atsre_domain::panel::Panel;

pub use clean::clean;
pub use regularise::regularise;

/// A panel on a regular time axis in which missing values are still missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Regularised {
    /// The panel; NaN where a value is missing.
    pub panel: Panel,
    /// Rows moved or merged, and cells inserted as missing.
    pub changes: Vec<CellChange>,
    /// What was done, in words, a sentence each.
    pub notes: Vec<String>,
}

/// A clean panel with everything that made it so.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleaned {
    /// The panel, of the same shape as the one given.
    pub panel: Panel,
    /// Every cell whose value differs from the panel given, by series, then time, then column.
    pub changes: Vec<CellChange>,
    /// The changes counted, and what was done in words.
    pub summary: CleaningSummary,
}

/// Why a table cannot be put on a regular axis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CleaningError {
    /// No column has the role of the time axis, and the frequency needs a calendar.
    #[error("the table has no time column: name one, or use the frequency `step`")]
    NoTimeColumn,
    /// The time column holds something else than times.
    #[error("the time column {0:?} does not hold times")]
    NotTimes(String),
    /// The item column holds something else than categories or whole numbers.
    #[error("the item column {0:?} holds neither names nor numbers")]
    NotItems(String),
    /// There is no such column to forecast.
    #[error("there is no column {0:?} to use as target")]
    UnknownTarget(String),
    /// The target is not numeric.
    #[error("the target column {0:?} is not numeric")]
    TargetNotNumeric(String),
    /// A covariate said to be known ahead is not in the table.
    #[error("there is no covariate {0:?} that could be known ahead: give the name of a covariate column")]
    UnknownCovariate(String),
    /// The target has no value at all.
    #[error("the target column {0:?} has no observed value")]
    NothingObserved(String),
    /// The axis would be almost empty: the frequency does not fit the data.
    #[error("item {item:?} has {rows} rows but would have {slots} {frequency}: give a frequency that fits the data")]
    SparseAxis {
        /// The item.
        item: String,
        /// Rows in the table.
        rows: usize,
        /// Rows on the regular axis.
        slots: u64,
        /// The frequency in words.
        frequency: String,
    },
    /// The frequency's multiple is zero.
    #[error("a frequency of every 0 units is no frequency: give a multiple of at least 1")]
    ZeroFrequency,
}

/// Joins the lists of both stages into one that leads from the raw table to the clean panel: a cell that the
/// first stage inserted as missing and the second one filled becomes one [`ChangeKind::InsertedGap`] with the
/// filled value.
#[must_use]
pub fn combine(regularised: &[CellChange], cleaned: &[CellChange]) -> Vec<CellChange> {
    let mut inserted: BTreeMap<(&str, i64, &str), usize> = BTreeMap::new();
    let mut all = regularised.to_vec();
    for (index, change) in regularised.iter().enumerate() {
        if change.kind == ChangeKind::InsertedGap {
            inserted.insert((&change.item_id, change.time.0, &change.column), index);
        }
    }
    for change in cleaned {
        match inserted.get(&(change.item_id.as_str(), change.time.0, change.column.as_str())) {
            Some(index) => {
                all[*index].after = change.after;
                all[*index].method = format!("the row was absent; {}", change.method);
            }
            None => all.push(change.clone()),
        }
    }
    all
}

/// Counts changes by kind.
#[must_use]
pub fn summarise(changes: &[CellChange], rows: u64, notes: Vec<String>) -> CleaningSummary {
    let mut counts = BTreeMap::new();
    for change in changes {
        *counts.entry(change.kind).or_insert(0) += 1;
    }
    CleaningSummary { changes: counts, rows, notes }
}
