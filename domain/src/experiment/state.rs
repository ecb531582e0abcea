//! What is known of an experiment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactRef;
use crate::failure::{Failure, Usage};
use crate::identity::{Attempt, Epoch, Timestamp, TrialNumber};
use crate::metric::Score;
use crate::model::{Limits, ModelSpec};
use crate::plan::TrialRole;

use super::error::Error;
use super::event::*;
use super::fork::Constraints;

/// A stage of the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Profile, rules and cleaning.
    Diagnosis,
    /// The causal graph.
    CausalMap,
    /// The plan.
    Planning,
    /// The trials.
    Trials,
    /// The ensemble.
    Ensemble,
    /// The report.
    Report,
}

impl Stage {
    /// The name in tables and text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Diagnosis => "diagnosis",
            Self::CausalMap => "causal map",
            Self::Planning => "planning",
            Self::Trials => "trials",
            Self::Ensemble => "ensemble",
            Self::Report => "report",
        }
    }
}

/// Where an experiment stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Nothing has happened in this stream.
    #[default]
    Absent,
    /// Opened and not ended.
    Open,
    /// Ended with a result.
    Completed {
        /// The best trial.
        best: TrialNumber,
    },
    /// Ended without a result.
    Failed {
        /// Why.
        reason: String,
    },
    /// Ended by a person or a policy.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// Where the plan stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// No plan, or none decided on.
    #[default]
    Pending,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected {
        /// Why.
        reason: String,
    },
}

/// An attempt that ended badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Which attempt.
    pub attempt: Attempt,
    /// What happened.
    pub failure: Failure,
    /// What it had used.
    pub usage: Usage,
    /// What healing said, once it has: the diagnosis and the changes.
    pub healed: Option<(String, Vec<String>)>,
}

/// Where a trial stands.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialState {
    /// Waits for a worker.
    Queued,
    /// A worker slot has it.
    Leased,
    /// A worker process runs it.
    Running,
    /// The last attempt failed; healing has not decided yet.
    Failed,
    /// It gave a result.
    Completed {
        /// Forecasts and windows.
        result: ArtifactRef,
        /// Accuracy.
        scores: Vec<Score>,
        /// What it used.
        usage: Usage,
    },
    /// Given up.
    Abandoned {
        /// Why.
        reason: String,
    },
}

/// A trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Why it is run.
    pub role: TrialRole,
    /// What it runs now.
    pub spec: ModelSpec,
    /// What it may use now.
    pub limits: Limits,
    /// The current attempt.
    pub attempt: Attempt,
    /// The newest lease's term; zero before the first.
    pub epoch: Epoch,
    /// Where it stands.
    pub state: TrialState,
    /// The attempts that failed.
    pub failures: Vec<Attempted>,
}

impl Trial {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn ended(&self) -> bool {
        matches!(self.state, TrialState::Completed { .. } | TrialState::Abandoned { .. })
    }

    /// Whether it gave a result.
    #[must_use]
    pub const fn completed(&self) -> bool {
        matches!(self.state, TrialState::Completed { .. })
    }
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What was asked.
    pub text: String,
    /// The answer, once there is one.
    pub answer: Option<String>,
}

/// An experiment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiment {
    /// Where it stands.
    pub phase: Phase,
    /// How it was opened; what a fork overrides is already applied.
    pub opened: Option<ExperimentOpened>,
    /// Where it left its parent, if it is a fork.
    pub forked: Option<ExperimentForked>,
    /// What its forks have ruled in or out.
    pub constraints: Constraints,
    /// Whether a diagnosis was requested.
    pub diagnosis_requested: bool,
    /// Whether a causal map was requested.
    pub causal_map_requested: bool,
    /// Whether a plan was requested.
    pub plan_requested: bool,
    /// The newest plan.
    pub proposed: Option<PlanProposed>,
    /// Where the plan stands.
    pub approval: Approval,
    /// The trials by number.
    pub trials: BTreeMap<TrialNumber, Trial>,
    /// The ensemble.
    pub ensemble: Option<EnsembleBuilt>,
    /// The report.
    pub report: Option<ReportPublished>,
    /// The stages that were set aside, with why.
    pub failed_stages: BTreeMap<Stage, String>,
    /// The fallbacks taken.
    pub fallbacks: Vec<FallbackTaken>,
    /// Requests to language models: `true` once answered or failed.
    pub completions: BTreeMap<u32, bool>,
    /// Questions to people.
    pub questions: BTreeMap<u32, Question>,
    /// The erasure of its data, if they were erased.
    pub input_erased: Option<InputErased>,
    /// Up to when each worker's samples are on record, by trial and process: what comes again is known by it.
    pub sampled_until: BTreeMap<(TrialNumber, u32), Timestamp>,
}

impl Experiment {
    /// Whether it is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Refuses what needs the data, where they were erased.
    ///
    /// # Errors
    /// [`Error::InputErased`] says where and why.
    pub fn ensure_input(&self) -> Result<(), Error> {
        self.input_erased.as_ref().map_or(Ok(()), |erased| {
            let (erased_at_position, why) = (erased.erased_at_position, erased.why.clone());
            Err(Error::InputErased { erased_at_position, why })
        })
    }

    /// Whether every trial has ended, and there is at least one.
    #[must_use]
    pub fn trials_ended(&self) -> bool {
        !self.trials.is_empty() && self.trials.values().all(Trial::ended)
    }

    /// The number that the next trial gets.
    #[must_use]
    pub fn next_trial(&self) -> TrialNumber {
        let ensemble = self.ensemble.as_ref().map_or(0, |e| e.trial.0);
        let trials = self.trials.keys().next_back().map_or(0, |t| t.0);
        TrialNumber(ensemble.max(trials) + 1)
    }

    /// The status as the tables name it.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match &self.phase {
            Phase::Absent => "PLANNED",
            Phase::Open if self.awaits_approval() => "AWAITING_APPROVAL",
            Phase::Open if self.diagnosis_requested => "RUNNING",
            Phase::Open => "PLANNED",
            Phase::Completed { .. } => "COMPLETED",
            Phase::Failed { .. } => "FAILED",
            Phase::Cancelled { .. } => "CANCELLED",
        }
    }

    /// Whether a plan waits for a person.
    #[must_use]
    pub fn awaits_approval(&self) -> bool {
        self.proposed.is_some()
            && self.approval == Approval::Pending
            && self.opened.as_ref().is_some_and(|o| o.approval_required)
    }

    /// Applies a fact.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::ExperimentOpened(e) => {
                self.phase = Phase::Open;
                self.opened = Some(e.clone());
            }
            Event::ExperimentForked(e) => self.apply_fork(e),
            Event::DiagnosisRequested(_) => self.diagnosis_requested = true,
            Event::CausalMapRequested(_) => self.causal_map_requested = true,
            Event::PlanRequested(_) => self.plan_requested = true,
            Event::PlanProposed(e) => {
                self.proposed = Some(e.clone());
                self.approval = Approval::Pending;
            }
            Event::PlanApproved(_) => self.approval = Approval::Approved,
            Event::PlanRejected(e) => self.approval = Approval::Rejected { reason: e.reason.clone() },
            Event::EnsembleBuilt(e) => self.ensemble = Some(e.clone()),
            Event::ReportPublished(e) => self.report = Some(e.clone()),
            Event::ExperimentCompleted(e) => self.phase = Phase::Completed { best: e.best },
            Event::ExperimentFailed(e) => self.phase = Phase::Failed { reason: e.reason.clone() },
            Event::ExperimentCancelled(e) => self.phase = Phase::Cancelled { reason: e.reason.clone() },
            Event::CompletionRequested(e) => {
                self.completions.insert(e.request, false);
            }
            Event::CompletionReceived(e) => {
                self.completions.insert(e.request, true);
            }
            Event::CompletionFailed(e) => {
                self.completions.insert(e.request, true);
            }
            Event::QuestionAsked(e) => {
                self.questions.insert(e.question, Question { text: e.text.clone(), answer: None });
            }
            Event::QuestionAnswered(e) => {
                if let Some(question) = self.questions.get_mut(&e.question) {
                    question.answer = Some(e.answer.clone());
                }
            }
            Event::StageFailed(e) => {
                self.failed_stages.insert(e.stage, e.message.clone());
            }
            Event::FallbackTaken(e) => self.fallbacks.push(e.clone()),
            Event::InputErased(e) => self.input_erased = Some(e.clone()),
            Event::TrialQueued(_)
            | Event::TrialLeased(_)
            | Event::TrialStarted(_)
            | Event::ResourceSampled(_)
            | Event::TrialCompleted(_)
            | Event::TrialFailed(_)
            | Event::TrialRetried(_)
            | Event::TrialAbandoned(_) => self.apply_to_trial(event),
        }
    }

    fn apply_to_trial(&mut self, event: &Event) {
        match event {
            Event::TrialQueued(e) => {
                let trial = Trial {
                    role: e.role,
                    spec: e.spec.clone(),
                    limits: e.limits,
                    attempt: Attempt(1),
                    epoch: Epoch(0),
                    state: TrialState::Queued,
                    failures: Vec::new(),
                };
                self.trials.insert(e.trial, trial);
            }
            Event::TrialLeased(e) => self.change(e.trial, |t| {
                t.epoch = e.epoch;
                t.state = TrialState::Leased;
            }),
            Event::TrialStarted(e) => self.change(e.trial, |t| t.state = TrialState::Running),
            Event::TrialCompleted(e) => self.change(e.trial, |t| {
                t.state = TrialState::Completed { result: e.result.clone(), scores: e.scores.clone(), usage: e.usage };
            }),
            Event::TrialFailed(e) => self.change(e.trial, |t| {
                t.state = TrialState::Failed;
                let (failure, usage) = (e.failure.clone(), e.usage);
                t.failures.push(Attempted { attempt: e.attempt, failure, usage, healed: None });
            }),
            Event::TrialRetried(e) => self.change(e.trial, |t| {
                if let Some(last) = t.failures.last_mut() {
                    last.healed = Some((e.diagnosis.clone(), e.changes.clone()));
                }
                t.attempt = e.attempt;
                t.spec = e.spec.clone();
                t.limits = e.limits;
                t.state = TrialState::Queued;
            }),
            Event::TrialAbandoned(e) => {
                self.change(e.trial, |t| t.state = TrialState::Abandoned { reason: e.reason.clone() });
            }
            Event::ResourceSampled(e) => {
                let until = self.sampled_until.entry((e.trial, e.batch.pid)).or_default();
                *until = (*until).max(e.batch.window_end);
            }
            // Every other event is applied by `apply`.
            _ => {}
        }
    }

    fn change(&mut self, number: TrialNumber, change: impl FnOnce(&mut Trial)) {
        if let Some(trial) = self.trials.get_mut(&number) {
            change(trial);
        }
    }
}
