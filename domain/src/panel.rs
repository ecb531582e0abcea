//! The data that engines compute on: many series over one regular time axis.

use serde::{Deserialize, Serialize};

use crate::frequency::Frequency;
use crate::identity::Timestamp;

/// What is known of a covariate, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CovariateKind {
    /// Known only up to the forecast origin.
    Past,
    /// Known over the horizon too: a calendar, a price list, a weather forecast.
    Known,
    /// Constant within a series.
    Static,
}

/// One covariate column of a panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covariate {
    /// The column's name in the file.
    pub name: String,
    /// When it is known.
    pub kind: CovariateKind,
    /// For a categorical column, its levels; the values are then indices into this list.
    pub levels: Option<Vec<String>>,
}

/// One series: `times`, `target` and each row of `covariates` have the same length, except that known
/// covariates and their times may run past the end of `target` (the horizon's rows).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The item's name; empty for the only series of a wide file.
    pub item_id: String,
    /// The time axis, ascending and regular: microseconds UTC, or step numbers where the frequency's unit is `Step`.
    pub times: Vec<Timestamp>,
    /// The observed target; NaN where it is missing.
    #[serde(with = "crate::missing")]
    pub target: Vec<f64>,
    /// One row for each of the panel's covariates, aligned with `times`; NaN where missing.
    #[serde(with = "crate::missing::rows")]
    pub covariates: Vec<Vec<f64>>,
}

/// Many series that share their columns and their frequency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// The target column's name.
    pub target: String,
    /// The distance between two observations.
    pub frequency: Frequency,
    /// The covariates, in the order of the rows of [`Series::covariates`].
    pub covariates: Vec<Covariate>,
    /// The series, ordered by item id.
    pub series: Vec<Series>,
}

impl Panel {
    /// All observed target values over all series, missing ones included.
    #[must_use]
    pub fn observations(&self) -> usize {
        self.series.iter().map(|s| s.target.len()).sum()
    }

    /// The length of the shortest series.
    #[must_use]
    pub fn shortest(&self) -> usize {
        self.series.iter().map(|s| s.target.len()).min().unwrap_or(0)
    }
}
