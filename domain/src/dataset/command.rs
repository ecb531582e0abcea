//! What a data set can be asked.

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
}
