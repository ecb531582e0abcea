//! Accuracy, as numbers that an event can hold.

use serde::{Deserialize, Serialize};

use crate::finite::Finite;

/// A measure of forecast accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Mean absolute scaled error (Hyndman and Koehler 2006).
    Mase,
    /// Symmetric mean absolute percentage error, as the M4 competition defines it, in percent.
    Smape,
    /// Root mean squared scaled error (M5).
    Rmsse,
    /// Mean absolute error, in units of the target.
    Mae,
    /// Root mean squared error, in units of the target.
    Rmse,
    /// Weighted quantile loss over the experiment's quantile levels.
    Wql,
    /// The share of actual values inside the central interval given by the outermost quantiles.
    Coverage,
}

impl Metric {
    /// The name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mase => "mase",
            Self::Smape => "smape",
            Self::Rmsse => "rmsse",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
            Self::Wql => "wql",
            Self::Coverage => "coverage",
        }
    }
}

/// Which part of the data a score was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Rolling-origin windows inside the training data.
    Backtest,
    /// The last horizon of the file, withheld from every model.
    Test,
}

impl Split {
    /// The name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backtest => "backtest",
            Self::Test => "test",
        }
    }
}

/// One measured number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What was measured.
    pub metric: Metric,
    /// On which data.
    pub split: Split,
    /// The mean over series, windows and steps.
    pub value: Finite,
    /// Half the width of a 95 % confidence interval of the mean over windows and series, where there are enough.
    pub half_width: Option<Finite>,
}
