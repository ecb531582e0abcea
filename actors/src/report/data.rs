//! Everything that a report says.

use atsre_domain::artifact::Digest;
use atsre_domain::cleaning::CellChange;
use atsre_domain::cleaning::CleaningSummary;
use atsre_domain::dataset::{DatasetRegistered, GraphDiscovered};
use atsre_domain::experiment::{EnsembleBuilt, ExperimentOpened, FallbackTaken, PlanProposed, Trial};
use atsre_domain::identity::{Position, StreamId, Timestamp, TrialNumber};
use atsre_domain::panel::Panel;
use atsre_domain::profile::Profile;
use atsre_domain::rule::TestedRule;
use atsre_forecast::job::TrialResult;

use crate::signer::AnchorSignature;

/// The log's state when the report was written: what an auditor checks it against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The position of the last event.
    pub position: Position,
    /// The log's running hash there.
    pub log_hash: Digest,
    /// Who says so, or why nobody does.
    pub signature: Result<AnchorSignature, String>,
}

/// A trial in the report.
#[derive(Clone, Debug)]
pub struct TrialEntry {
    /// Its number inside the experiment.
    pub number: TrialNumber,
    /// Its public id: the position of the event that queued it.
    pub trial_id: Position,
    /// Everything that happened to it.
    pub trial: Trial,
    /// What it gave, where it gave anything.
    pub result: Option<TrialResult>,
}

/// Everything that a report says.
#[derive(Clone, Debug)]
pub struct ReportData {
    /// The experiment's public id.
    pub experiment_id: Position,
    /// The experiment's stream.
    pub stream: StreamId,
    /// How it was opened.
    pub opened: ExperimentOpened,
    /// The data.
    pub registered: DatasetRegistered,
    /// Profile *Q*.
    pub profile: Profile,
    /// The anomaly rules.
    pub rules: Vec<TestedRule>,
    /// What cleaning changed, counted.
    pub cleaned: CleaningSummary,
    /// What cleaning changed, cell by cell.
    pub changes: Vec<CellChange>,
    /// The clean panel.
    pub panel: Panel,
    /// The causal graph with its public id.
    pub graph: Option<(Position, GraphDiscovered)>,
    /// The plan.
    pub plan: Option<PlanProposed>,
    /// The trials, by number.
    pub trials: Vec<TrialEntry>,
    /// The ensemble with its public id and its forecasts.
    pub ensemble: Option<(Position, EnsembleBuilt, TrialResult)>,
    /// The best trial, the ensemble included.
    pub best: TrialNumber,
    /// The fallbacks taken.
    pub fallbacks: Vec<FallbackTaken>,
    /// What the log says of itself.
    pub anchor: Anchor,
    /// When it was written.
    pub written_at: Timestamp,
    /// The build that wrote it.
    pub build: String,
}
