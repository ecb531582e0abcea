//! Whether today's aggregates take what was recorded, and give the same events for it.

use atsre_domain::Decider as _;
use atsre_domain::dataset;
use atsre_domain::event::{AnyEvent, WireEvent as _};
use atsre_domain::experiment::{Command, Event, Experiment};
use atsre_domain::plan::TrialRole;

use super::difference::Departure;
use super::payload;
use super::situation::Situation;

/// How many recorded events, from `index` on, the command behind them gives today.
pub(super) fn check(situation: &Situation<'_>, index: usize, event: &AnyEvent) -> Result<usize, Departure> {
    let now = situation.now();
    match event {
        AnyEvent::Experiment(event) => {
            let Some(command) = command(&now.experiment, event) else {
                return Err(Departure::told("a candidate is queued by the approval of its plan, and by nothing else"));
            };
            let today = now.experiment.decide(command).map_err(|error| refused(&error))?;
            let recorded = same_stream(situation, index);
            for (number, today) in today.iter().enumerate() {
                match recorded.get(number) {
                    Some(recorded) if recorded == today => {}
                    Some(recorded) if recorded.event_type() == today.event_type() => {
                        return Err(Departure::between(&payload(recorded), &payload(today)));
                    }
                    _ => return Err(Departure::told(format!("today {} follows here", today.event_type()))),
                }
            }
            if today.is_empty() { Err(nothing()) } else { Ok(today.len()) }
        }
        AnyEvent::Dataset(event) => {
            let today = now.dataset.decide(dataset_command(event)).map_err(|error| refused(&error))?;
            match today.as_slice() {
                [today] if today == event => Ok(1),
                [today] => Err(Departure::between(&event.encode().payload, &today.encode().payload)),
                _ => Err(nothing()),
            }
        }
        AnyEvent::Node(_) => Ok(1),
    }
}

fn refused(error: &dyn std::error::Error) -> Departure {
    Departure::told(format!("today it is refused: {error}"))
}

fn nothing() -> Departure {
    Departure::told("today it changes nothing here, so no event would be recorded")
}

/// The experiment's recorded events from `index` on, up to the next of another stream type: the events of one command
/// stand next to each other.
fn same_stream(situation: &Situation<'_>, index: usize) -> Vec<Event> {
    let rest = situation.evidence.events[index..].iter();
    rest.map_while(|stored| stored.recorded::<Event>().ok().map(|recorded| recorded.event)).collect()
}

fn dataset_command(event: &dataset::Event) -> dataset::Command {
    use dataset::{Command as C, Event as E};
    match event.clone() {
        E::DatasetRegistered(e) => C::Register(Box::new(e)),
        E::DatasetProfiled(e) => C::RecordProfile(Box::new(e)),
        E::AnomalyRulesDerived(e) => C::RecordRules(Box::new(e)),
        E::DatasetCleaned(e) => C::RecordCleaning(Box::new(e)),
        E::GraphDiscovered(e) => C::RecordGraph(Box::new(e)),
        E::DatasetErased(e) => C::Erase(Box::new(dataset::Erasure {
            why: e.why,
            key_ids: e.key_ids,
            artifacts: e.artifacts,
            unencrypted: e.unencrypted,
        })),
    }
}

/// The command that gives this event first; none for what only ever follows another event.
pub(super) fn command(experiment: &Experiment, event: &Event) -> Option<Command> {
    use Command as C;
    Some(match event.clone() {
        Event::ExperimentOpened(e) => C::Open(Box::new(e)),
        Event::ExperimentForked(e) => C::Fork(Box::new(e)),
        Event::DiagnosisRequested(_) => C::RequestDiagnosis,
        Event::CausalMapRequested(_) => C::RequestCausalMap,
        Event::PlanRequested(_) => C::RequestPlan,
        Event::PlanProposed(e) => C::ProposePlan(Box::new(e)),
        Event::PlanApproved(e) => C::ApprovePlan { by: e.by },
        Event::PlanRejected(e) => C::RejectPlan { by: e.by, reason: e.reason },
        Event::TrialQueued(e) if e.role == TrialRole::Candidate => return None,
        Event::TrialQueued(e) => {
            C::QueueTrial { role: e.role, spec: Box::new(e.spec), limits: e.limits, reason: e.reason }
        }
        Event::TrialLeased(e) => C::LeaseTrial { trial: e.trial, epoch: e.epoch, node: e.node },
        Event::TrialStarted(e) => C::StartTrial(Box::new(e)),
        Event::ResourceSampled(e) => C::SampleResources(Box::new(e)),
        Event::TrialCompleted(e) => C::CompleteTrial(Box::new(e)),
        Event::TrialFailed(e) => C::FailTrial(Box::new(e)),
        Event::TrialRetried(e) => C::RetryTrial(Box::new(e)),
        Event::TrialAbandoned(e) => {
            let attempt = experiment.trials.get(&e.trial).map(|trial| trial.attempt)?;
            C::AbandonTrial { trial: e.trial, attempt, reason: e.reason }
        }
        Event::EnsembleBuilt(e) => C::BuildEnsemble(Box::new(e)),
        Event::ReportPublished(e) => C::PublishReport(Box::new(e)),
        Event::ExperimentCompleted(e) => C::Complete { best: e.best },
        Event::ExperimentFailed(e) => C::Fail { reason: e.reason },
        Event::ExperimentCancelled(e) => C::Cancel { reason: e.reason },
        Event::CompletionRequested(e) => C::RequestCompletion(Box::new(e)),
        Event::CompletionReceived(e) => C::ReceiveCompletion(Box::new(e)),
        Event::CompletionFailed(e) => C::FailCompletion(Box::new(e)),
        Event::QuestionAsked(e) => C::AskQuestion { text: e.text },
        Event::QuestionAnswered(e) => C::AnswerQuestion { question: e.question, answer: e.answer },
        Event::StageFailed(e) => C::FailStage(Box::new(e)),
        Event::FallbackTaken(e) => C::TakeFallback(Box::new(e)),
        Event::InputErased(e) => C::EraseInput(Box::new(e)),
    })
}
