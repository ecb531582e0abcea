//! What cleaning changed: every cell, with its reason; the raw data are never overwritten.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::finite::Finite;
use crate::identity::Timestamp;

/// Which of a data set's anomaly rules cleaning keeps to, where an experiment asked for something of its own. Rules are
/// counted from 1, in the order in which they were derived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleaningSettings {
    /// Whether no rule is kept to but those in `on`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_off: bool,
    /// Rules that are not kept to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub off: BTreeSet<u32>,
    /// Rules that are kept to, though their test spoke against them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on: BTreeSet<u32>,
}

impl CleaningSettings {
    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether cleaning keeps to the rule of this number, whose test said `accepted`.
    #[must_use]
    pub fn keeps(&self, number: u32, accepted: bool) -> bool {
        self.on.contains(&number) || (accepted && !self.all_off && !self.off.contains(&number))
    }
}

/// Why a cell or a row was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A missing value was imputed.
    ImputedMissing,
    /// A row absent from the regular time axis was inserted and imputed.
    InsertedGap,
    /// Several rows with one timestamp were merged.
    MergedDuplicate,
    /// A row was moved to its place in time.
    Reordered,
    /// An outlier of the remainder was replaced.
    ReplacedOutlier,
    /// A value that broke an anomaly rule was treated.
    BrokeRule,
    /// A sentinel such as −200 was read as missing.
    SentinelToMissing,
}

/// One changed cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellChange {
    /// The item's name; empty for the only series.
    pub item_id: String,
    /// The row's time.
    pub time: Timestamp,
    /// The column.
    pub column: String,
    /// Why.
    pub kind: ChangeKind,
    /// The value before; absent where it was missing.
    pub before: Option<Finite>,
    /// The value after; absent where it is now missing.
    pub after: Option<Finite>,
    /// How the new value was found, in words.
    pub method: String,
}

/// Changes counted by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleaningSummary {
    /// How many changes of each kind.
    pub changes: BTreeMap<ChangeKind, u64>,
    /// Rows of the clean table.
    pub rows: u64,
    /// What was done, in words, a sentence each.
    pub notes: Vec<String>,
}
