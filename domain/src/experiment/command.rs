//! What an experiment can be asked.

use crate::identity::{Attempt, Epoch, StreamId, TrialNumber};
use crate::model::{Limits, ModelSpec};
use crate::plan::TrialRole;

use super::event::*;

/// A command to an experiment. Clock readings, seeds, measurements and answers arrive as fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Open it.
    Open(Box<ExperimentOpened>),
    /// Go another way from here. Meant for the stream of a fork, whose state is the prefix that it shares.
    Fork(Box<ExperimentForked>),
    /// Ask the Curator.
    RequestDiagnosis,
    /// Ask the Causal Analyst.
    RequestCausalMap,
    /// Ask the Planner.
    RequestPlan,
    /// Propose a plan.
    ProposePlan(Box<PlanProposed>),
    /// Approve the plan; its trials are queued at once.
    ApprovePlan {
        /// Who.
        by: String,
    },
    /// Reject the plan.
    RejectPlan {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Queue one trial outside the plan: the baseline, or the fallback. There is one of each.
    QueueTrial {
        /// Why it is run.
        role: TrialRole,
        /// What it runs.
        spec: Box<ModelSpec>,
        /// What it may use.
        limits: Limits,
        /// Why, in words.
        reason: String,
    },
    /// Take a queued or orphaned trial.
    LeaseTrial {
        /// The trial.
        trial: TrialNumber,
        /// The lease's term.
        epoch: Epoch,
        /// The node that holds the lease.
        node: StreamId,
    },
    /// The worker process runs.
    StartTrial(Box<TrialStarted>),
    /// Keep samples.
    SampleResources(Box<ResourceSampled>),
    /// The trial gave its result.
    CompleteTrial(Box<TrialCompleted>),
    /// The attempt failed.
    FailTrial(Box<TrialFailed>),
    /// Try again, differently.
    RetryTrial(Box<TrialRetried>),
    /// Give a trial up.
    AbandonTrial {
        /// The trial.
        trial: TrialNumber,
        /// The attempt after which it is given up.
        attempt: Attempt,
        /// Why.
        reason: String,
    },
    /// Combine the finished trials.
    BuildEnsemble(Box<EnsembleBuilt>),
    /// Take note of the report.
    PublishReport(Box<ReportPublished>),
    /// End with a result.
    Complete {
        /// The best trial, the ensemble included.
        best: TrialNumber,
    },
    /// End without a result.
    Fail {
        /// Why.
        reason: String,
    },
    /// End by a person or a policy.
    Cancel {
        /// Why.
        reason: String,
    },
    /// A language model is about to be asked.
    RequestCompletion(Box<CompletionRequested>),
    /// It answered.
    ReceiveCompletion(Box<CompletionReceived>),
    /// It did not answer.
    FailCompletion(Box<CompletionFailed>),
    /// Ask a person.
    AskQuestion {
        /// The question.
        text: String,
    },
    /// A person answers.
    AnswerQuestion {
        /// The question's number.
        question: u32,
        /// The answer.
        answer: String,
    },
    /// Set a stage aside.
    FailStage(Box<StageFailed>),
    /// Take note that the data were erased.
    EraseInput(Box<InputErased>),
    /// Go on with less.
    TakeFallback(Box<FallbackTaken>),
}
