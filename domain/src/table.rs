//! A raw table as it was read from a file: typed columns, nothing changed but the types.

use serde::{Deserialize, Serialize};

use crate::identity::Timestamp;

/// What a column is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// The time axis.
    Time,
    /// The item of a long file.
    Item,
    /// What is forecast.
    Target,
    /// May explain the target.
    Covariate,
    /// Carries nothing usable (empty, constant, free text).
    Ignored,
}

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Moments (microseconds UTC), or step numbers.
    Times(Vec<Timestamp>),
    /// Numbers; NaN where missing.
    Numbers(Vec<f64>),
    /// Categories: an index into `levels` for each row, `u32::MAX` where missing.
    Categories {
        /// The distinct values, in the order of first appearance.
        levels: Vec<String>,
        /// One index a row.
        codes: Vec<u32>,
    },
}

impl Cells {
    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Times(v) => v.len(),
            Self::Numbers(v) => v.len(),
            Self::Categories { codes, .. } => codes.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column with its name and role.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The header, trimmed.
    pub name: String,
    /// What it is used for.
    pub role: ColumnRole,
    /// Its cells.
    pub cells: Cells,
}

/// A raw table: rows in file order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns, in file order; all of the same length.
    pub columns: Vec<Column>,
}

impl Table {
    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.cells.len())
    }

    /// The column with this role, where there is exactly one such role (time, item, target).
    #[must_use]
    pub fn with_role(&self, role: ColumnRole) -> Option<&Column> {
        self.columns.iter().find(|c| c.role == role)
    }
}

/// One thing that was inferred rather than told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inference {
    /// What was inferred, such as `time column` or `delimiter`.
    pub subject: String,
    /// What was chosen.
    pub choice: String,
    /// Why.
    pub reason: String,
    /// Whether a flag overrode the inference.
    pub overridden: bool,
}
