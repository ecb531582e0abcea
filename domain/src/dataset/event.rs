//! What can have happened to a data set. The payload structs are the wire form: fields are only ever added,
//! as options; anything else is a new version with an upcaster.

use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactRef, Digest};
use crate::cleaning::{CleaningSettings, CleaningSummary};
use crate::event::wire_events;
use crate::finite::Finite;
use crate::frequency::Frequency;
use crate::graph::{BackgroundKnowledge, CausalGraph, DiscoverySettings, Driver};
use crate::profile::SeasonalPeriod;
use crate::rule::TestedRule;
use crate::table::{ColumnRole, Inference};

/// The file that a data set was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The file's name, without its folders.
    pub file_name: String,
    /// SHA-256 of the file's bytes.
    pub digest: Digest,
    /// The file's length.
    pub length_bytes: u64,
    /// The text encoding it was read with.
    pub encoding: String,
    /// The column delimiter.
    pub delimiter: String,
}

/// A column of a registered data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredColumn {
    /// The header.
    pub name: String,
    /// What it is used for.
    pub role: ColumnRole,
    /// `time`, `number` or `category`.
    pub kind: String,
    /// Missing cells.
    pub missing: u64,
}

/// A file was read and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRegistered {
    /// The data set's name.
    pub name: String,
    /// Which upload under this name, from 1.
    pub version: u32,
    /// The file.
    pub source: SourceFile,
    /// The raw table in the database.
    pub raw_table: String,
    /// Rows.
    pub rows: u64,
    /// Columns, in file order.
    pub columns: Vec<RegisteredColumn>,
    /// The distance between observations.
    pub frequency: Frequency,
    /// What was inferred rather than told.
    pub inferences: Vec<Inference>,
    /// What looked odd while reading, in words.
    pub warnings: Vec<String>,
    /// Covariates that are known over the horizon: told by the user, or inferred from the calendar.
    pub known: Vec<String>,
    /// Numbers that stand for a missing value, by column.
    pub sentinels: Vec<Sentinel>,
}

/// A number that stands for a missing value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sentinel {
    /// The column.
    pub column: String,
    /// The number.
    pub value: Finite,
}

/// Profile *Q* was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetProfiled {
    /// The data set's version.
    pub version: u32,
    /// The whole profile, as JSON.
    pub profile: ArtifactRef,
    /// Series in the panel.
    pub series_count: u64,
    /// Observations over all series.
    pub observations: u64,
    /// Shortest series.
    pub length_min: u64,
    /// Longest series.
    pub length_max: u64,
    /// Seasonal periods, strongest first.
    pub seasonal_periods: Vec<SeasonalPeriod>,
    /// Trend strength.
    pub trend_strength: Option<Finite>,
    /// Share of missing target values.
    pub missing_share: Finite,
    /// Whether every target value is at least zero, so that forecasts are kept from falling below.
    #[serde(default)]
    pub non_negative: bool,
    /// Findings in words.
    pub findings: Vec<String>,
}

/// Anomaly rules were derived and tested on the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRulesDerived {
    /// The data set's version.
    pub version: u32,
    /// The rules, those left unused included.
    pub rules: Vec<TestedRule>,
}

/// A clean table was made; the raw table is as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetCleaned {
    /// The data set's version.
    pub version: u32,
    /// The clean table in the database.
    pub clean_table: String,
    /// SHA-256 of the clean panel's bytes: the data version that a trial names.
    pub panel_digest: Digest,
    /// Every changed cell, as JSON.
    pub changes: ArtifactRef,
    /// The changes counted.
    pub summary: CleaningSummary,
    /// Which rules it kept to, where an experiment asked for something of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<CleaningSettings>,
}

impl DatasetCleaned {
    /// Whether the data were cleaned in this way.
    #[must_use]
    pub fn answers(&self, settings: &CleaningSettings) -> bool {
        self.settings.as_ref().map_or_else(|| settings.is_default(), |asked| asked == settings)
    }
}

/// A causal graph was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphDiscovered {
    /// The data set's version.
    pub version: u32,
    /// The target whose drivers were sought.
    pub target: String,
    /// The algorithm, such as `PC`.
    pub algorithm: String,
    /// Why this algorithm and these settings, a sentence each.
    pub reasons: Vec<String>,
    /// The significance level.
    pub significance_level: Finite,
    /// The background knowledge that the graph keeps.
    pub knowledge: BackgroundKnowledge,
    /// The graph.
    pub graph: CausalGraph,
    /// The graph as NetworkX node-link JSON.
    pub node_link: ArtifactRef,
    /// The target's causes.
    pub drivers: Vec<Driver>,
    /// What the graph says, in words.
    pub interpretation: String,
    /// How it was sought, where an experiment asked for something of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<DiscoverySettings>,
}

/// The keys of a data set's artifacts are destroyed: what they sealed cannot be read any more, here or in any copy of
/// the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetErased {
    /// Why.
    pub why: String,
    /// The versions that are erased.
    pub versions: Vec<u32>,
    /// The keys that are destroyed.
    pub key_ids: Vec<String>,
    /// The artifacts of the data set's own that they sealed. Those of its experiments are named by each experiment.
    pub artifacts: Vec<Digest>,
    /// Artifacts of the data set and its experiments that an older build stored in the clear: they cannot be erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unencrypted: Vec<Digest>,
}

impl GraphDiscovered {
    /// Whether the graph was sought in this way.
    #[must_use]
    pub fn answers(&self, settings: &DiscoverySettings) -> bool {
        self.settings.as_ref().map_or_else(|| *settings == DiscoverySettings::default(), |asked| asked == settings)
    }
}

/// An event of a `dataset` stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A file was read and stored.
    DatasetRegistered(DatasetRegistered),
    /// Profile *Q* was made.
    DatasetProfiled(DatasetProfiled),
    /// Anomaly rules were derived.
    AnomalyRulesDerived(AnomalyRulesDerived),
    /// A clean table was made.
    DatasetCleaned(DatasetCleaned),
    /// A causal graph was found.
    GraphDiscovered(GraphDiscovered),
    /// The data were erased.
    DatasetErased(DatasetErased),
}

wire_events!(Event in "dataset" {
    DatasetRegistered = 1,
    DatasetProfiled = 1,
    AnomalyRulesDerived = 1,
    DatasetCleaned = 1,
    GraphDiscovered = 1,
    DatasetErased = 1,
});
