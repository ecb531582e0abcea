//! What can have happened in an experiment. The payload structs are the wire form: fields are only ever added,
//! as options; anything else is a new version with an upcaster.

use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactRef, Digest};
use crate::event::wire_events;
use crate::failure::{Failure, FailureClass, Usage};
use crate::finite::Finite;
use crate::identity::{Attempt, Epoch, Position, Seed, StreamId, Timestamp, TrialNumber};
use crate::metric::Score;
use crate::model::{Limits, ModelSpec, Setting};
use crate::plan::{Plan, ReasonerKind, TrialRole};
use crate::telemetry::ResourceBatch;

use super::state::Stage;

/// What an experiment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Forecast the target over the horizon.
    Forecast,
    /// Label anomalies.
    AnomalyDetection,
    /// Fill gaps.
    Imputation,
}

impl Objective {
    /// The name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::AnomalyDetection => "anomaly_detection",
            Self::Imputation => "imputation",
        }
    }
}

/// The data that an experiment works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRef {
    /// The data set's stream.
    pub stream: StreamId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
}

/// What an experiment may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Wall time of the whole experiment, in milliseconds.
    pub wall_ms: u64,
    /// Processor cores.
    pub cpu_cores: u32,
    /// Trials that run at the same time.
    pub parallel_trials: u32,
    /// Memory of one trial's process, in bytes.
    pub trial_memory_bytes: u64,
    /// GPU memory, in bytes; zero without a GPU.
    pub gpu_memory_bytes: u64,
}

/// An experiment was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentOpened {
    /// Its name.
    pub name: String,
    /// The data.
    pub dataset: DatasetRef,
    /// What it is for.
    pub objective: Objective,
    /// The target column.
    pub target: String,
    /// Steps to forecast.
    pub horizon: u32,
    /// Whether the last horizon of the file is withheld from every model, as a test.
    pub holdout: bool,
    /// The quantile levels of every forecast, ascending.
    pub quantile_levels: Vec<Finite>,
    /// What it may use.
    pub budget: Budget,
    /// The root seed.
    pub seed: Seed,
    /// Which reasoner plans.
    pub reasoner: ReasonerKind,
    /// Settings of models that the user decided, as (`model.setting`, value): every plan keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, Setting)>,
    /// Whether a person must approve the plan.
    pub approval_required: bool,
    /// The clock when it was opened: the budget counts from here.
    pub opened_at: Timestamp,
}

/// The experiment shares its parent's past up to a sequence and differs from there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentForked {
    /// The parent's stream.
    pub parent: StreamId,
    /// The last shared event of the parent.
    pub at_sequence: u64,
    /// Its hash.
    pub parent_hash: Digest,
    /// Why.
    pub reason: String,
    /// The fork's own name; without one it bears its parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new seed.
    pub seed: Seed,
    /// What is set differently, as `key=value`.
    pub overrides: Vec<(String, String)>,
    /// The clock when it was forked: the budget counts from here.
    pub forked_at: Timestamp,
}

/// The Curator was asked for a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisRequested {}

/// The Causal Analyst was asked for a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CausalMapRequested {}

/// The Planner was asked for a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRequested {}

/// A plan was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanProposed {
    /// The plan, with its reasoning.
    pub plan: Plan,
    /// Who made it.
    pub reasoner: ReasonerKind,
    /// The digest of the profile it rests on.
    pub profile: Digest,
    /// The digest of the clean data it rests on.
    pub panel: Digest,
    /// The position of the graph it rests on, where there is one.
    pub graph: Option<Position>,
    /// What else was read before planning, as JSON: [`PlanningInputs`](crate::policy::planning::PlanningInputs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<ArtifactRef>,
}

/// The plan was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanApproved {
    /// Who approved: `policy` or a person's name.
    pub by: String,
}

/// The plan was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRejected {
    /// Who rejected.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A trial waits for a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialQueued {
    /// The trial.
    pub trial: TrialNumber,
    /// Why it is run.
    pub role: TrialRole,
    /// What it runs.
    pub spec: ModelSpec,
    /// What it may use.
    pub limits: Limits,
    /// Why, in words.
    pub reason: String,
}

/// A worker slot took the trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLeased {
    /// The trial.
    pub trial: TrialNumber,
    /// The attempt.
    pub attempt: Attempt,
    /// The lease's term.
    pub epoch: Epoch,
    /// The node that holds the lease.
    pub node: StreamId,
}

/// What decides whether a bitwise match may be expected of a repetition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The clean data.
    pub panel: Digest,
    /// The version of the engines.
    pub engine: String,
    /// The build: version and source revision.
    pub build: String,
    /// Threads.
    pub threads: u32,
    /// The processor's vector features.
    pub cpu_features: String,
    /// The device, in words.
    pub device: String,
}

/// The worker process runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialStarted {
    /// The trial.
    pub trial: TrialNumber,
    /// The attempt.
    pub attempt: Attempt,
    /// The lease's term.
    pub epoch: Epoch,
    /// The worker's process id.
    pub pid: u32,
    /// The attempt's seed.
    pub seed: Seed,
    /// What a repetition must match.
    pub fingerprint: Fingerprint,
}

/// Samples of the worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceSampled {
    /// The trial.
    pub trial: TrialNumber,
    /// The attempt.
    pub attempt: Attempt,
    /// The samples.
    pub batch: ResourceBatch,
}

/// A trial gave its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialCompleted {
    /// The trial.
    pub trial: TrialNumber,
    /// The attempt.
    pub attempt: Attempt,
    /// The lease's term.
    pub epoch: Epoch,
    /// Forecasts and backtest windows, as JSON.
    pub result: ArtifactRef,
    /// Its accuracy.
    pub scores: Vec<Score>,
    /// What it used.
    pub usage: Usage,
    /// What the model has to say, in words.
    pub notes: Vec<String>,
}

/// An attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialFailed {
    /// The trial.
    pub trial: TrialNumber,
    /// The attempt.
    pub attempt: Attempt,
    /// The lease's term.
    pub epoch: Epoch,
    /// What happened.
    pub failure: Failure,
    /// Whether trying again can help.
    pub class: FailureClass,
    /// What it had used.
    pub usage: Usage,
}

/// A failed trial is tried again, differently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRetried {
    /// The trial.
    pub trial: TrialNumber,
    /// The new attempt.
    pub attempt: Attempt,
    /// The cause, from the evidence, in words.
    pub diagnosis: String,
    /// What is different now, a phrase each.
    pub changes: Vec<String>,
    /// What it runs now.
    pub spec: ModelSpec,
    /// What it may use now.
    pub limits: Limits,
}

/// A trial is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialAbandoned {
    /// The trial.
    pub trial: TrialNumber,
    /// Why.
    pub reason: String,
}

/// A trial's share in an ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The trial.
    pub trial: TrialNumber,
    /// Its weight; the weights sum to one.
    pub weight: Finite,
}

/// The finished trials were combined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleBuilt {
    /// The ensemble's own number: it stands among the trials.
    pub trial: TrialNumber,
    /// How: `weighted_avg`.
    pub strategy: String,
    /// The members with a weight above zero.
    pub members: Vec<Member>,
    /// Forecasts and backtest windows, as JSON.
    pub result: ArtifactRef,
    /// Its accuracy.
    pub scores: Vec<Score>,
}

/// The report was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPublished {
    /// One self-contained page.
    pub html: ArtifactRef,
    /// The same as Markdown.
    pub markdown: ArtifactRef,
    /// The same as JSON.
    pub json: ArtifactRef,
    /// The log's position when it was written.
    pub anchor_position: Position,
    /// The log's running hash at that position.
    pub anchor_log_hash: Digest,
}

/// The experiment ended with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentCompleted {
    /// The best trial, the ensemble included.
    pub best: TrialNumber,
}

/// The experiment ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentFailed {
    /// Why.
    pub reason: String,
}

/// The experiment was ended by a person or a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentCancelled {
    /// Why.
    pub reason: String,
}

/// A language model was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionRequested {
    /// The request's number inside the experiment, from 1.
    pub request: u32,
    /// What for, such as `plan`.
    pub purpose: String,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The prompt.
    pub prompt: ArtifactRef,
    /// Which attempt at a usable answer, from 1.
    pub attempt: u32,
}

/// A language model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionReceived {
    /// The request it answers.
    pub request: u32,
    /// The answer.
    pub answer: ArtifactRef,
    /// Tokens read, where the provider says.
    pub input_tokens: Option<u64>,
    /// Tokens written, where the provider says.
    pub output_tokens: Option<u64>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// What is wrong with the answer; empty when it is accepted.
    pub problems: Vec<String>,
}

/// A language model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionFailed {
    /// The request.
    pub request: u32,
    /// `timeout`, `unreachable`, `refused` or `rubbish`; `cancelled` in a fork.
    pub kind: String,
    /// What was seen.
    pub message: String,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// A person was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionAsked {
    /// The question's number inside the experiment, from 1.
    pub question: u32,
    /// The question.
    pub text: String,
}

/// A person answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionAnswered {
    /// The question.
    pub question: u32,
    /// The answer.
    pub answer: String,
}

/// A stage failed again and again and was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFailed {
    /// The stage.
    pub stage: Stage,
    /// What failed, in words.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// The experiment goes on with less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackTaken {
    /// The stage.
    pub stage: Stage,
    /// What was wanted.
    pub from: String,
    /// What is taken in its place.
    pub to: String,
    /// Why.
    pub reason: String,
}

/// The data that the experiment rests on were erased, and with them what it made of them: results, forecasts, reports.
/// Decisions, scores and costs stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputErased {
    /// The data set's stream.
    pub dataset: StreamId,
    /// Why.
    pub why: String,
    /// Where the log has the erasure of the data set.
    pub erased_at_position: Position,
    /// The artifacts of the experiment's own, and of what it shares, that cannot be read any more.
    pub artifacts: Vec<Digest>,
}

macro_rules! events {
    ($($name:ident),+ $(,)?) => {
        /// An event of an `experiment` stream.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event { $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name)),+ }
        $(impl From<$name> for Event {
            fn from(payload: $name) -> Self { Self::$name(payload) }
        })+
        wire_events!(Event in "experiment" { $($name = 1),+ });
    };
}

events!(
    ExperimentOpened,
    ExperimentForked,
    DiagnosisRequested,
    CausalMapRequested,
    PlanRequested,
    PlanProposed,
    PlanApproved,
    PlanRejected,
    TrialQueued,
    TrialLeased,
    TrialStarted,
    ResourceSampled,
    TrialCompleted,
    TrialFailed,
    TrialRetried,
    TrialAbandoned,
    EnsembleBuilt,
    ReportPublished,
    ExperimentCompleted,
    ExperimentFailed,
    ExperimentCancelled,
    CompletionRequested,
    CompletionReceived,
    CompletionFailed,
    QuestionAsked,
    QuestionAnswered,
    StageFailed,
    FallbackTaken,
    InputErased,
);
