//! Which events wake which agent, and for what work.

use crate::decider::Recorded;
use crate::event::AnyEvent;
use crate::{dataset, experiment};

use super::{Agent, Work, WorkKind};

/// The work that an event means for an agent.
#[must_use]
pub fn react(agent: Agent, recorded: &Recorded<AnyEvent>) -> Vec<Work> {
    let work = |kind, trial| vec![Work { kind, stream: recorded.stream.clone(), trial }];
    use experiment::Event as E;
    match (agent, &recorded.event) {
        (Agent::Orchestrator, AnyEvent::Experiment(event)) if advances(event) => work(WorkKind::Advance, None),
        (
            Agent::Orchestrator,
            AnyEvent::Dataset(dataset::Event::DatasetCleaned(_) | dataset::Event::GraphDiscovered(_)),
        ) => work(WorkKind::Advance, None),
        // A fork may share a request whose answer it does not share; who finds that it does has nothing to do.
        (Agent::Curator, AnyEvent::Experiment(E::DiagnosisRequested(_) | E::ExperimentForked(_))) => {
            work(WorkKind::Diagnose, None)
        }
        (Agent::CausalAnalyst, AnyEvent::Experiment(E::CausalMapRequested(_) | E::ExperimentForked(_))) => {
            work(WorkKind::MapCauses, None)
        }
        (Agent::Planner, AnyEvent::Experiment(E::PlanRequested(_) | E::ExperimentForked(_))) => {
            work(WorkKind::Plan, None)
        }
        (Agent::Planner, AnyEvent::Experiment(E::TrialFailed(e))) => {
            work(WorkKind::Heal, Some((e.trial.0, e.attempt.0)))
        }
        (Agent::Forecaster, AnyEvent::Experiment(E::TrialQueued(e))) => work(WorkKind::RunTrial, Some((e.trial.0, 1))),
        (Agent::Forecaster, AnyEvent::Experiment(E::TrialRetried(e))) => {
            work(WorkKind::RunTrial, Some((e.trial.0, e.attempt.0)))
        }
        _ => Vec::new(),
    }
}

/// Whether an experiment may have a next step after this event. Telemetry, leases and starts change nothing
/// that the orchestrator decides on.
fn advances(event: &experiment::Event) -> bool {
    use experiment::Event as E;
    match event {
        E::ExperimentOpened(_)
        | E::ExperimentForked(_)
        | E::PlanProposed(_)
        | E::PlanApproved(_)
        | E::PlanRejected(_)
        | E::TrialCompleted(_)
        | E::TrialAbandoned(_)
        | E::EnsembleBuilt(_)
        | E::ReportPublished(_)
        | E::StageFailed(_)
        | E::QuestionAnswered(_) => true,
        E::DiagnosisRequested(_)
        | E::CausalMapRequested(_)
        | E::PlanRequested(_)
        | E::TrialQueued(_)
        | E::TrialLeased(_)
        | E::TrialStarted(_)
        | E::ResourceSampled(_)
        | E::TrialFailed(_)
        | E::TrialRetried(_)
        | E::ExperimentCompleted(_)
        | E::ExperimentFailed(_)
        | E::ExperimentCancelled(_)
        | E::CompletionRequested(_)
        | E::CompletionReceived(_)
        | E::CompletionFailed(_)
        | E::QuestionAsked(_)
        | E::FallbackTaken(_)
        | E::InputErased(_) => false,
    }
}
