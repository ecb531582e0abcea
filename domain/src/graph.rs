//! Causal graphs as events hold them: nodes, edges with endpoint marks, and the target's drivers.

use serde::{Deserialize, Serialize};

use crate::cleaning::CleaningSettings;
use crate::finite::Finite;

/// The mark at one end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// `—`: this end is a cause, or unoriented where both ends are tails.
    Tail,
    /// `→`: this end is an effect.
    Arrow,
    /// `o`: not determined.
    Circle,
}

/// A variable, at a lag where time matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Variable {
    /// The column.
    pub name: String,
    /// Steps back in time; 0 is the same moment as the target.
    pub lag: u32,
}

impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.lag == 0 { write!(f, "{}", self.name) } else { write!(f, "{}[t-{}]", self.name, self.lag) }
    }
}

/// An edge between two variables (indices into [`CausalGraph::variables`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CausalEdge {
    /// One end.
    pub source: u32,
    /// The other end.
    pub target: u32,
    /// The mark at `source`.
    pub source_mark: Mark,
    /// The mark at `target`.
    pub target_mark: Mark,
    /// Statistic of the independence test that came nearest to removing the edge.
    pub statistic: Option<Finite>,
    /// Its p-value.
    pub p_value: Option<Finite>,
    /// How often the edge appears with these marks over bootstrap resamples, 0 to 1.
    pub confidence: Option<Finite>,
}

/// A causal graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CausalGraph {
    /// The nodes.
    pub variables: Vec<Variable>,
    /// The edges, ordered by (source, target).
    pub edges: Vec<CausalEdge>,
}

/// A cause of the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// The column.
    pub variable: String,
    /// At which lag it acts, in steps.
    pub lag: u32,
    /// p-value of its edge.
    pub p_value: Option<Finite>,
    /// Bootstrap confidence of its edge.
    pub confidence: Option<Finite>,
    /// Whether the edge is oriented into the target (`false`: a possible cause, the edge is undirected).
    pub directed: bool,
    /// By how much it moves the target, where that could be estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// The linear estimate of a cause's total effect on the target, if the graph is right: the change of the target for one unit of the
/// cause, from a regression on the cause and on the cause's own causes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The estimate.
    pub value: Finite,
    /// The lower end of its 95 % interval.
    pub low: Finite,
    /// The upper end.
    pub high: Finite,
    /// The cause's own causes that were held fixed.
    pub adjusted_for: Vec<Variable>,
    /// Whether both are measured in standard deviations of their series, because series of several sizes take part, rather
    /// than in their own units.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_deviations: bool,
}

/// What is known before any data: a hard invariant of every graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackgroundKnowledge {
    /// Tiers of columns, earliest first; a later tier never causes an earlier one.
    pub tiers: Vec<Vec<String>>,
    /// Tiers (by index) within which no edges are allowed.
    pub forbidden_within_tiers: Vec<u32>,
    /// Forbidden edges (cause, effect).
    pub forbidden: Vec<(String, String)>,
    /// Required edges (cause, effect).
    pub required: Vec<(String, String)>,
}

/// The algorithms of causal discovery that an experiment can ask for.
pub const ALGORITHMS: [&str; 7] = [AUTOMATIC, "pc", "var-lingam", "pcmci", "pcmci-plus", "lpcmci", "granger"];
/// The choice of an algorithm from the data.
pub const AUTOMATIC: &str = "auto";

/// How a causal graph is sought, beyond what the data themselves say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoverySettings {
    /// The significance level of the independence tests.
    pub significance_level: Finite,
    /// Edges (cause, effect) that the graph must have.
    pub required: Vec<(String, String)>,
    /// Edges (cause, effect) that the graph must not have.
    pub forbidden: Vec<(String, String)>,
    /// The algorithm, where it is not chosen from the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The cleaning of the data in which it is sought.
    #[serde(default, skip_serializing_if = "CleaningSettings::is_default")]
    pub cleaning: CleaningSettings,
}

/// The significance level where nobody asks for another.
const SIGNIFICANCE_LEVEL: f64 = 0.01;

impl Default for DiscoverySettings {
    fn default() -> Self {
        let significance_level =
            Finite::of(SIGNIFICANCE_LEVEL).unwrap_or_else(|| unreachable!("{SIGNIFICANCE_LEVEL} is finite"));
        Self {
            significance_level,
            required: Vec::new(),
            forbidden: Vec::new(),
            algorithm: None,
            cleaning: CleaningSettings::default(),
        }
    }
}
