//! The model catalogue that the planner reads: what exists, what it can do, what it costs.

use serde::{Deserialize, Serialize};

use crate::model::Hyperparameters;

/// A family of models, by how they compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// The yardstick every other model has to beat.
    Baseline,
    /// One statistical model a series.
    Statistical,
    /// Solved in closed form.
    Linear,
    /// A neural network.
    Deep,
    /// A network trained by others on other data, used as it is.
    Foundation,
}

/// What a fit costs, as a declared estimate: seconds and bytes on one core.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredCost {
    /// Seconds that do not depend on the data.
    pub fixed_seconds: f64,
    /// Seconds for each million observations and each backtest window.
    pub seconds_per_million: f64,
    /// Bytes that do not depend on the data.
    pub fixed_bytes: u64,
    /// Bytes for each observation.
    pub bytes_per_observation: u64,
}

/// One model of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CatalogueEntry {
    /// The name used in plans and on the command line, such as `seasonal-naive`.
    pub name: &'static str,
    /// Who implements it: `atsre` for ours.
    pub framework: &'static str,
    /// What it is, in a sentence with its source.
    pub description: &'static str,
    /// Its family.
    pub family: Family,
    /// Uses covariates that are known over the horizon.
    pub known_covariates: bool,
    /// Uses covariates that are known up to the origin.
    pub past_covariates: bool,
    /// Models seasons.
    pub seasonal: bool,
    /// The shortest series it can be fitted to, in observations.
    pub minimum_length: u32,
    /// Can use a GPU.
    pub gpu: bool,
    /// Its declared cost.
    pub cost: DeclaredCost,
    /// The settings it takes, with their defaults.
    pub defaults: Hyperparameters,
}
