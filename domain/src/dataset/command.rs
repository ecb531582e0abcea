//! What a data set can be asked.

use crate::artifact::Digest;

use super::event::{AnomalyRulesDerived, DatasetCleaned, DatasetProfiled, DatasetRegistered, GraphDiscovered};

/// A command to a data set. Each carries the finished result: the work itself is an engine's.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Take note of a file that was read and stored.
    Register(Box<DatasetRegistered>),
    /// Take note of the profile.
    RecordProfile(Box<DatasetProfiled>),
    /// Take note of the anomaly rules.
    RecordRules(Box<AnomalyRulesDerived>),
    /// Take note of the clean table.
    RecordCleaning(Box<DatasetCleaned>),
    /// Take note of a causal graph.
    RecordGraph(Box<GraphDiscovered>),
    /// Erase every version that is not erased yet.
    Erase(Box<Erasure>),
}

/// What an erasure takes, as it was found when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Why.
    pub why: String,
    /// The keys that will be destroyed.
    pub key_ids: Vec<String>,
    /// The artifacts of the data set's own that are sealed with them.
    pub artifacts: Vec<Digest>,
    /// The artifacts of the data set and its experiments that are stored in the clear and stay readable.
    pub unencrypted: Vec<Digest>,
}
