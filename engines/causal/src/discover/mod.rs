//! From a panel, or from rows without time, to a causal graph and the target's drivers.

mod assemble;
mod error;
mod momentary;
mod options;
mod rows;
mod series;

use atsre_domain::Finite;
use atsre_domain::graph::{BackgroundKnowledge, CausalGraph, Driver};
use atsre_domain::panel::Panel;
use serde::{Deserialize, Serialize};

pub use error::DiscoverError;
pub use options::{Algorithm, DiscoverOptions};

/// A column that took no part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The column.
    pub column: String,
    /// Why.
    pub why: String,
}

/// What was discovered, and why it was done so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// The algorithm: `PC`, `PCMCI` or `PCMCI+`.
    pub algorithm: String,
    /// The level of its tests.
    pub significance_level: Finite,
    /// The longest lag looked at, in steps; 0 for rows without time.
    pub max_lag: u32,
    /// Complete rows that the tests rest on.
    pub rows: u64,
    /// Independence tests asked for the graph (those of the bootstrap not counted).
    pub tests: u64,
    /// Every choice that was made, in order, as sentences.
    pub reasons: Vec<String>,
    /// The graph. Over time it holds each edge once, at its latest: the later end at lag 0; by stationarity the edge
    /// holds at every other moment too.
    pub graph: CausalGraph,
    /// The target's causes, most certain first; its own past is not among them.
    pub drivers: Vec<Driver>,
    /// The graph in words.
    pub interpretation: String,
    /// What was known beforehand, assumptions of the engine's own included; the graph breaks none of it.
    pub knowledge: BackgroundKnowledge,
    /// Columns that took no part.
    pub left_out: Vec<LeftOut>,
}

/// Discovers the causal graph of a panel's columns at lags 0 to L.
///
/// Seasons and unit roots are removed first, so that a shared season or trend does not count as a cause; L is chosen
/// where the options leave it open; autocorrelated rows count for less. See [`crate::lagged`].
///
/// # Errors
/// [`DiscoverError`]: contradictory knowledge, too few complete rows, a constant target, options out of range.
pub fn discover(panel: &Panel, options: &DiscoverOptions) -> Result<Discovery, DiscoverError> {
    series::discover(panel, options)
}

/// Discovers the causal graph of columns whose rows are independent of each other: `data[column][row]`, NaN missing.
///
/// # Errors
/// [`DiscoverError`]: contradictory knowledge, too few complete rows, options out of range.
pub fn discover_rows(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
) -> Result<Discovery, DiscoverError> {
    rows::discover(columns, data, options)
}
