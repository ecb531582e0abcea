use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::{self, Stage};
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Position, Sequence};
use atsre_domain::plan::TrialRole;
use atsre_domain::process::{Agent, Work, WorkKind, subscription::react};
use atsre_domain::{Recorded, dataset};

use crate::fixtures::{MORNING, dataset as d, experiment as x, node as n, stream};

fn recorded(event: AnyEvent) -> Recorded<AnyEvent> {
    let (position, sequence) = (Position(12), Sequence(3));
    Recorded { position, stream: stream("its-stream"), sequence, recorded_at: MORNING, event }
}

/// Who is woken by the event, for what.
fn woken(event: AnyEvent) -> Vec<(WorkKind, Option<(u32, u32)>)> {
    let recorded = recorded(event);
    let mut all = Vec::new();
    for agent in Agent::ALL {
        for Work { kind, stream, trial } in react(agent, &recorded) {
            assert_eq!(kind.agent(), agent, "{kind:?} is not the work of {agent:?}");
            assert_eq!(stream, recorded.stream);
            all.push((kind, trial));
        }
    }
    all
}

#[track_caller]
fn check(event: impl Into<experiment::Event>, expect: &[(WorkKind, Option<(u32, u32)>)]) {
    assert_eq!(woken(AnyEvent::Experiment(event.into())), expect);
}

#[test]
fn a_request_wakes_the_agent_it_is_for() {
    check(experiment::DiagnosisRequested {}, &[(WorkKind::Diagnose, None)]);
    check(experiment::CausalMapRequested {}, &[(WorkKind::MapCauses, None)]);
    check(experiment::PlanRequested {}, &[(WorkKind::Plan, None)]);
}

#[test]
fn a_queued_trial_is_run_as_its_first_attempt() {
    check(x::queued(7, TrialRole::Candidate, "theta"), &[(WorkKind::RunTrial, Some((7, 1)))]);
}

#[test]
fn a_retried_trial_is_run_as_its_next_attempt() {
    check(x::retried(7, 3), &[(WorkKind::RunTrial, Some((7, 3)))]);
}

#[test]
fn a_failed_attempt_is_for_the_planner_to_heal() {
    check(x::failed(7, 2, 5, FailureKind::OutOfMemory), &[(WorkKind::Heal, Some((7, 2)))]);
}

#[test]
fn what_can_change_the_next_step_wakes_the_orchestrator() {
    let advance = [(WorkKind::Advance, None)];
    check(x::opened(), &advance);
    check(x::proposed(&["theta"]), &advance);
    check(experiment::PlanApproved { by: "ada".to_owned() }, &advance);
    check(experiment::PlanRejected { by: "ada".to_owned(), reason: "too slow".to_owned() }, &advance);
    check(x::completed(1, 1, 1, 0.8), &advance);
    check(x::abandoned(1), &advance);
    check(x::ensemble(2, &[(1, 1.0)]), &advance);
    check(x::report(), &advance);
    check(x::stage_failed(Stage::Ensemble), &advance);
}

#[test]
fn a_fork_wakes_whomever_its_parent_may_have_asked_in_vain() {
    let kinds = [WorkKind::Advance, WorkKind::Diagnose, WorkKind::MapCauses, WorkKind::Plan];
    check(x::forked(), &kinds.map(|kind| (kind, None)));
}

#[test]
fn results_on_the_data_wake_the_orchestrator() {
    let advance = [(WorkKind::Advance, None)];
    assert_eq!(woken(AnyEvent::Dataset(dataset::Event::DatasetCleaned(d::cleaned(1)))), advance);
    assert_eq!(woken(AnyEvent::Dataset(dataset::Event::GraphDiscovered(d::graph(1, d::TARGET)))), advance);
}

#[test]
fn telemetry_leases_and_ends_wake_nobody() {
    check(x::sampled(1, 1, 0), &[]);
    check(x::leased(1, 1, 1), &[]);
    check(x::started(1, 1, 1), &[]);
    check(x::fallback_taken(), &[]);
    check(experiment::ExperimentFailed { reason: "every trial failed".to_owned() }, &[]);
    assert_eq!(woken(AnyEvent::Dataset(dataset::Event::DatasetRegistered(d::registered(1)))), []);
    assert_eq!(woken(AnyEvent::Node(n::crashed())), []);
}

#[test]
fn every_kind_of_work_has_a_name_that_leads_back_to_it() {
    for kind in WorkKind::ALL {
        assert_eq!(WorkKind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(WorkKind::from_name("idle"), None);
}
