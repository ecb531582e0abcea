//! What an experiment decides.

use crate::decider::Decider;
use crate::identity::{Attempt, Epoch, TrialNumber};
use crate::model::{Limits, ModelSpec};
use crate::plan::TrialRole;

use super::command::Command;
use super::error::Error;
use super::event::*;
use super::state::{Approval, Experiment, Phase, Trial, TrialState};

type Decision = Result<Vec<Event>, Error>;

const NOTHING: Decision = Ok(Vec::new());

impl Decider for Experiment {
    const TYPE: &'static str = "experiment";
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(&self, command: Command) -> Decision {
        if let Command::Open(opened) = command {
            return self.open(*opened);
        }
        if matches!(self.phase, Phase::Absent) {
            return Err(Error::NotOpened);
        }
        match command {
            Command::EraseInput(erased) => return self.erase_input(*erased),
            // What would rest on data that are gone: a fork of a prefix that tells so, and a report that comes late.
            Command::Fork(_) | Command::PublishReport(_) => self.ensure_input()?,
            _ => {}
        }
        match command {
            Command::Complete { best } => return self.complete(best),
            Command::Fail { reason } => {
                return self.end(matches!(self.phase, Phase::Failed { .. }), ExperimentFailed { reason });
            }
            Command::Cancel { reason } => {
                return self.end(matches!(self.phase, Phase::Cancelled { .. }), ExperimentCancelled { reason });
            }
            // The last telemetry of a worker and the report may arrive after the end.
            Command::SampleResources(sampled) => return self.sample(*sampled),
            Command::PublishReport(report) => return Ok(once(self.report.is_none(), *report)),
            _ => {}
        }
        if !self.is_open() {
            return Err(Error::Ended { status: self.status() });
        }
        self.decide_open(command)
    }

    fn evolve(&mut self, event: &Event) {
        self.apply(event);
    }
}

fn once(wanted: bool, event: impl Into<Event>) -> Vec<Event> {
    if wanted { vec![event.into()] } else { Vec::new() }
}

impl Experiment {
    fn decide_open(&self, command: Command) -> Decision {
        match command {
            Command::Fork(forked) => self.fork(*forked),
            Command::RequestDiagnosis => Ok(once(!self.diagnosis_requested, DiagnosisRequested {})),
            Command::RequestCausalMap => Ok(once(!self.causal_map_requested, CausalMapRequested {})),
            Command::RequestPlan => Ok(once(!self.plan_requested, PlanRequested {})),
            Command::ProposePlan(proposed) => self.propose(*proposed),
            Command::ApprovePlan { by } => self.approve(by),
            Command::RejectPlan { by, reason } => self.reject(by, reason),
            Command::QueueTrial { role, spec, limits, reason } => self.queue(role, *spec, limits, reason),
            Command::LeaseTrial { trial, epoch, node } => self.lease(trial, epoch, node),
            Command::StartTrial(started) => self.start(*started),
            Command::CompleteTrial(completed) => self.complete_trial(*completed),
            Command::FailTrial(failed) => self.fail_trial(*failed),
            Command::RetryTrial(retried) => self.retry(*retried),
            Command::AbandonTrial { trial, attempt, reason } => self.abandon(trial, attempt, reason),
            Command::BuildEnsemble(built) => self.build_ensemble(*built),
            Command::RequestCompletion(request) => Ok(once(!self.completions.contains_key(&request.request), *request)),
            Command::ReceiveCompletion(received) => {
                let answered = self.completion(received.request)?;
                Ok(once(!answered, *received))
            }
            Command::FailCompletion(failed) => {
                let answered = self.completion(failed.request)?;
                Ok(once(!answered, *failed))
            }
            Command::AskQuestion { text } => {
                let known = self.questions.values().any(|q| q.text == text);
                let question = self.questions.keys().next_back().map_or(1, |last| last + 1);
                Ok(once(!known, QuestionAsked { question, text }))
            }
            Command::AnswerQuestion { question, answer } => {
                let known =
                    self.questions.get(&question).ok_or(Error::Unknown { what: "question", number: question })?;
                Ok(once(known.answer.is_none(), QuestionAnswered { question, answer }))
            }
            Command::FailStage(failed) => Ok(once(!self.failed_stages.contains_key(&failed.stage), *failed)),
            Command::TakeFallback(taken) => {
                let known =
                    self.fallbacks.iter().any(|f| f.stage == taken.stage && f.from == taken.from && f.to == taken.to);
                Ok(once(!known, *taken))
            }
            Command::Open(_)
            | Command::Complete { .. }
            | Command::Fail { .. }
            | Command::Cancel { .. }
            | Command::SampleResources(_)
            | Command::PublishReport(_)
            | Command::EraseInput(_) => unreachable!("decided before the phase was checked"),
        }
    }

    fn open(&self, opened: ExperimentOpened) -> Decision {
        if let Some(known) = &self.opened {
            return if *known == opened { NOTHING } else { Err(Error::AlreadyOpen) };
        }
        if opened.objective != Objective::Forecast {
            return Err(Error::ObjectiveUnavailable(opened.objective.name()));
        }
        let levels: Vec<f64> = opened.quantile_levels.iter().map(|q| q.get()).collect();
        if levels.is_empty() || levels.iter().any(|q| *q <= 0.0 || *q >= 1.0) || levels.windows(2).any(|w| w[0] >= w[1])
        {
            return Err(Error::Invalid("the quantile levels must ascend between 0 and 1".to_owned()));
        }
        if opened.horizon == 0 {
            return Err(Error::Invalid("the horizon must be at least 1 step".to_owned()));
        }
        if opened.budget.wall_ms == 0 || opened.budget.parallel_trials == 0 || opened.budget.cpu_cores == 0 {
            return Err(Error::Invalid("the budget must allow some time, one core and one trial".to_owned()));
        }
        Ok(vec![opened.into()])
    }

    /// What still runs could still read the data, so it has to end first.
    fn erase_input(&self, erased: InputErased) -> Decision {
        if self.is_open() {
            return Err(Error::NotEnded);
        }
        Ok(once(self.input_erased.is_none(), erased))
    }

    fn propose(&self, proposed: PlanProposed) -> Decision {
        if !self.plan_requested {
            return Err(Error::OutOfOrder { step: "a plan", missing: "the request for one" });
        }
        if self.proposed.is_some() && !matches!(self.approval, Approval::Rejected { .. }) {
            return NOTHING;
        }
        if proposed.plan.trials.is_empty() {
            return Err(Error::Invalid("a plan needs at least one trial".to_owned()));
        }
        Ok(vec![proposed.into()])
    }

    fn approve(&self, by: String) -> Decision {
        let proposed = self.proposed.as_ref().ok_or(Error::NoPlan)?;
        match self.approval {
            Approval::Approved => return NOTHING,
            Approval::Rejected { .. } => return Err(Error::PlanDecided("rejected")),
            Approval::Pending => {}
        }
        let mut events = vec![PlanApproved { by }.into()];
        let first = self.next_trial().0;
        for (number, planned) in (first..).zip(&proposed.plan.trials) {
            events.push(
                TrialQueued {
                    trial: TrialNumber(number),
                    role: TrialRole::Candidate,
                    spec: planned.spec.clone(),
                    limits: planned.limits,
                    reason: planned.reason.clone(),
                }
                .into(),
            );
        }
        Ok(events)
    }

    fn reject(&self, by: String, reason: String) -> Decision {
        self.proposed.as_ref().ok_or(Error::NoPlan)?;
        match self.approval {
            Approval::Rejected { .. } => NOTHING,
            Approval::Approved => Err(Error::PlanDecided("approved")),
            Approval::Pending => Ok(vec![PlanRejected { by, reason }.into()]),
        }
    }

    fn queue(&self, role: TrialRole, spec: ModelSpec, limits: Limits, reason: String) -> Decision {
        if role == TrialRole::Candidate {
            return Err(Error::Invalid("candidates are queued by the approval of their plan".to_owned()));
        }
        if self.trials.values().any(|t| t.role == role) {
            return NOTHING;
        }
        Ok(vec![TrialQueued { trial: self.next_trial(), role, spec, limits, reason }.into()])
    }

    fn trial(&self, number: TrialNumber) -> Result<&Trial, Error> {
        self.trials.get(&number).ok_or(Error::NoTrial(number))
    }

    fn lease(&self, number: TrialNumber, epoch: Epoch, node: crate::identity::StreamId) -> Decision {
        let trial = self.trial(number)?;
        let wrong = |state| Error::WrongState { trial: number, state, step: "a lease" };
        match trial.state {
            TrialState::Completed { .. } => return Err(wrong("completed")),
            TrialState::Abandoned { .. } => return Err(wrong("abandoned")),
            TrialState::Failed => return Err(wrong("failed and not yet healed")),
            TrialState::Queued | TrialState::Leased | TrialState::Running => {}
        }
        if epoch <= trial.epoch {
            return Err(Error::StaleEpoch { trial: number, current: trial.epoch, given: epoch });
        }
        Ok(vec![TrialLeased { trial: number, attempt: trial.attempt, epoch, node }.into()])
    }

    /// The trial, if this term of its lease is the newest and this attempt the current one.
    fn held(&self, number: TrialNumber, attempt: Attempt, epoch: Epoch, step: &'static str) -> Result<&Trial, Error> {
        let trial = self.trial(number)?;
        if epoch != trial.epoch {
            return Err(Error::StaleEpoch { trial: number, current: trial.epoch, given: epoch });
        }
        if attempt != trial.attempt {
            return Err(Error::WrongState { trial: number, state: "at another attempt", step });
        }
        Ok(trial)
    }

    fn start(&self, started: TrialStarted) -> Decision {
        let trial = self.held(started.trial, started.attempt, started.epoch, "a start")?;
        match trial.state {
            TrialState::Leased => Ok(vec![started.into()]),
            TrialState::Running => NOTHING,
            _ => Err(Error::WrongState { trial: started.trial, state: "not leased", step: "a start" }),
        }
    }

    fn sample(&self, sampled: ResourceSampled) -> Decision {
        self.trial(sampled.trial)?;
        let batch = &sampled.batch;
        let known = self.sampled_until.get(&(sampled.trial, batch.pid)).is_some_and(|until| batch.window_end <= *until);
        Ok(once(!batch.offset_ms.is_empty() && !known, sampled))
    }

    fn complete_trial(&self, completed: TrialCompleted) -> Decision {
        let trial = self.held(completed.trial, completed.attempt, completed.epoch, "a result")?;
        match trial.state {
            TrialState::Running => Ok(vec![completed.into()]),
            TrialState::Completed { .. } => NOTHING,
            _ => Err(Error::WrongState { trial: completed.trial, state: "not running", step: "a result" }),
        }
    }

    fn fail_trial(&self, failed: TrialFailed) -> Decision {
        let trial = self.held(failed.trial, failed.attempt, failed.epoch, "a failure")?;
        match trial.state {
            TrialState::Leased | TrialState::Running => Ok(vec![failed.into()]),
            TrialState::Failed => NOTHING,
            _ => Err(Error::WrongState { trial: failed.trial, state: "not running", step: "a failure" }),
        }
    }

    fn retry(&self, retried: TrialRetried) -> Decision {
        let trial = self.trial(retried.trial)?;
        if retried.attempt.0 <= trial.attempt.0 {
            return NOTHING;
        }
        match trial.state {
            TrialState::Failed if retried.attempt.0 == trial.attempt.0 + 1 => Ok(vec![retried.into()]),
            _ => Err(Error::WrongState { trial: retried.trial, state: "not failed", step: "a retry" }),
        }
    }

    fn abandon(&self, number: TrialNumber, attempt: Attempt, reason: String) -> Decision {
        let trial = self.trial(number)?;
        if trial.ended() || trial.attempt != attempt {
            return NOTHING;
        }
        Ok(vec![TrialAbandoned { trial: number, reason }.into()])
    }

    fn build_ensemble(&self, built: EnsembleBuilt) -> Decision {
        if self.ensemble.is_some() {
            return NOTHING;
        }
        if !self.trials_ended() {
            return Err(Error::OutOfOrder { step: "an ensemble", missing: "the end of every trial" });
        }
        let total = built.members.iter().fold(0.0, |total, member| total + member.weight.get());
        if (total - 1.0).abs() > 1e-9 {
            return Err(Error::InvalidEnsemble(format!("the weights sum to {total}")));
        }
        let mut known = std::collections::BTreeSet::new();
        for member in &built.members {
            if !self.trial(member.trial)?.completed() {
                return Err(Error::InvalidEnsemble(format!("trial {} has no result", member.trial)));
            }
            if member.weight.get() <= 0.0 {
                return Err(Error::InvalidEnsemble(format!(
                    "the weight of trial {} is {}",
                    member.trial, member.weight
                )));
            }
            if !known.insert(member.trial) {
                return Err(Error::InvalidEnsemble(format!("trial {} is a member twice", member.trial)));
            }
        }
        if built.trial != self.next_trial() {
            return Err(Error::InvalidEnsemble(format!("its number must be {}", self.next_trial())));
        }
        Ok(vec![built.into()])
    }

    fn complete(&self, best: TrialNumber) -> Decision {
        match self.phase {
            Phase::Completed { best: known } if known == best => return NOTHING,
            Phase::Open => {}
            _ => return Err(Error::Ended { status: self.status() }),
        }
        let ensemble = self.ensemble.as_ref().is_some_and(|e| e.trial == best);
        if !ensemble && !self.trial(best)?.completed() {
            return Err(Error::WrongState { trial: best, state: "without a result", step: "being the best" });
        }
        if self.report.is_none() && !self.failed_stages.contains_key(&super::state::Stage::Report) {
            return Err(Error::OutOfOrder { step: "completion", missing: "the report" });
        }
        Ok(vec![ExperimentCompleted { best }.into()])
    }

    fn end(&self, repeated: bool, event: impl Into<Event>) -> Decision {
        if repeated {
            return NOTHING;
        }
        if !self.is_open() {
            return Err(Error::Ended { status: self.status() });
        }
        Ok(vec![event.into()])
    }

    fn completion(&self, request: u32) -> Result<bool, Error> {
        self.completions.get(&request).copied().ok_or(Error::Unknown { what: "request", number: request })
    }
}
