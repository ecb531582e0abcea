//! From a panel, or from rows without time, to a causal graph and the target's drivers.

mod adjustment;
mod algorithm;
mod assemble;
mod choice;
mod confidence;
mod error;
mod learner;
mod options;
mod order;
mod progress;
mod rows;
mod series;
mod statements;
mod test_choice;

use atsre_domain::Finite;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::graph::{BackgroundKnowledge, CausalGraph, Driver, Mark, Variable};
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use serde::{Deserialize, Serialize};

pub use algorithm::Algorithm;
pub use error::DiscoverError;
pub use options::DiscoverOptions;
pub use progress::{Progress, Stage};
pub use test_choice::TestChoice;

/// A column that took no part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The column.
    pub column: String,
    /// Why.
    pub why: String,
}

/// How often two variables were joined over the bootstrap samples, by the marks that joined them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeFrequency {
    /// One end: the cause where the graph's own edge is directed.
    pub source: Variable,
    /// The other end.
    pub target: Variable,
    /// Each pair of marks that was seen, the most frequent first; what is missing to 1 is the share without an edge.
    pub marks: Vec<MarkFrequency>,
}

/// The share of bootstrap samples with these marks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkFrequency {
    /// The mark at the source.
    pub source_mark: Mark,
    /// The mark at the target.
    pub target_mark: Mark,
    /// The share, 0 to 1.
    pub share: Finite,
}

/// What was discovered, and why it was done so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// The algorithm's name in the literature: [`Algorithm::name`].
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
    /// How often each pair was joined over the bootstrap samples, by marks: pairs of the graph, and others joined in at least one
    /// of twenty samples. Empty without a bootstrap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frequencies: Vec<EdgeFrequency>,
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
    discover_with(panel, options, &())
}

/// As [`discover`], followed by `progress`.
///
/// # Errors
/// As of [`discover`]; [`DiscoverError::Cancelled`].
pub fn discover_with(
    panel: &Panel,
    options: &DiscoverOptions,
    progress: &dyn Progress,
) -> Result<Discovery, DiscoverError> {
    let target = options.target.as_ref().unwrap_or(&panel.target);
    series::discover(panel, options, Some(target), Vec::new(), progress)
}

/// As [`discover_with`], and tells the drivers only where the options name a target: for whoever asks for the graph alone.
///
/// # Errors
/// As of [`discover_with`].
pub fn discover_graph(
    panel: &Panel,
    options: &DiscoverOptions,
    progress: &dyn Progress,
) -> Result<Discovery, DiscoverError> {
    series::discover(panel, options, options.target.as_ref(), Vec::new(), progress)
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
    discover_rows_with(columns, data, options, &())
}

/// As [`discover_rows`], followed by `progress`.
///
/// # Errors
/// As of [`discover_rows`]; [`DiscoverError::Cancelled`].
pub fn discover_rows_with(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
    progress: &dyn Progress,
) -> Result<Discovery, DiscoverError> {
    rows::discover(columns, data, options, Vec::new(), progress)
}

/// Discovers the causal graph of columns of which it is not known whether their rows are in order of time: `data[column][row]`, NaN
/// missing. The algorithm that is asked for decides, or a longest lag; else whether most columns are autocorrelated. The
/// reasons tell how it was decided.
///
/// # Errors
/// As of [`discover`] and [`discover_rows`].
pub fn discover_columns(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
    progress: &dyn Progress,
) -> Result<Discovery, DiscoverError> {
    let lags = options.max_lag.is_some_and(|lag| lag > 0);
    let (in_time, reason) = match options.algorithm {
        Some(algorithm) if !algorithm.works_on_rows() => {
            (true, format!("rows are taken as moments in time, which {} works on", algorithm.name()))
        }
        Some(Algorithm::Pc) | None if lags => {
            (true, "rows are taken as moments in time, because lags were asked for".to_owned())
        }
        Some(algorithm) => {
            (false, format!("rows are taken as independent of each other, as {} does", algorithm.name()))
        }
        None if options.compatible() => (false, "rows are taken as independent of each other".to_owned()),
        None => {
            let (found, strongest) = order::autocorrelated(data);
            let told = format!(
                "{found} of {} columns are autocorrelated within stretches of 50 rows (at most {strongest:.2})",
                data.len()
            );
            if 2 * found >= data.len().max(1) {
                (true, format!("{told}: rows are taken as moments in time"))
            } else {
                (false, format!("{told}: rows are taken as independent of each other"))
            }
        }
    };
    if !in_time {
        return rows::discover(columns, data, options, vec![reason], progress);
    }
    rows::check_shape(columns, data)?;
    let Some(first) = options.target.as_ref().or(columns.first()) else {
        return Err(DiscoverError::TooFewRows { rows: 0, columns: 0, max_lag: 0, needed: 1 });
    };
    let Some(at) = columns.iter().position(|name| name == first) else {
        return Err(DiscoverError::NoTarget { target: first.clone(), columns: columns.join(", ") });
    };
    let others = || columns.iter().zip(data).enumerate().filter(|(k, _)| *k != at).map(|(_, column)| column);
    let panel = Panel {
        target: first.clone(),
        frequency: Frequency::every(FrequencyUnit::Step),
        covariates: others()
            .map(|(name, _)| Covariate { name: name.clone(), kind: CovariateKind::Past, levels: None })
            .collect(),
        series: vec![Series {
            item_id: String::new(),
            times: (0..data[at].len() as i64).map(Timestamp).collect(),
            target: data[at].clone(),
            covariates: others().map(|(_, values)| values.clone()).collect(),
        }],
    };
    series::discover(&panel, options, options.target.as_ref(), vec![reason], progress)
}
