//! A repeated command changes nothing: this is what makes at-least-once delivery safe.

use atsre_domain::Decider;
use atsre_domain::experiment::*;
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Attempt, TrialNumber};
use atsre_domain::plan::TrialRole;

use crate::fixtures::experiment::*;

fn lease(trial: u32, epoch: u32) -> Command {
    let lease = leased(trial, 1, epoch);
    Command::LeaseTrial { trial: lease.trial, epoch: lease.epoch, node: lease.node }
}

fn queue(role: TrialRole) -> Command {
    let trial = queued(1, role, "seasonal-naive");
    Command::QueueTrial { role, spec: Box::new(trial.spec), limits: trial.limits, reason: trial.reason }
}

/// A whole life: every kind of command but the two other ends.
fn life() -> Vec<Command> {
    use Command as C;
    let abandon = C::AbandonTrial { trial: TrialNumber(3), attempt: Attempt(2), reason: abandoned(3).reason };
    vec![
        C::Open(Box::new(opened())),
        C::RequestDiagnosis,
        C::FailStage(Box::new(stage_failed(Stage::CausalMap))),
        C::TakeFallback(Box::new(fallback_taken())),
        queue(TrialRole::Baseline),
        C::RequestCausalMap,
        C::RequestPlan,
        C::RequestCompletion(Box::new(completion_requested(1))),
        C::FailCompletion(Box::new(completion_failed(1))),
        C::RequestCompletion(Box::new(completion_requested(2))),
        C::ReceiveCompletion(Box::new(completion_received(2))),
        C::AskQuestion { text: question().text },
        C::AnswerQuestion { question: 1, answer: answer().answer },
        C::ProposePlan(Box::new(proposed(&["prophet"]))),
        C::RejectPlan { by: "ada".to_owned(), reason: "not in the catalogue".to_owned() },
        C::ProposePlan(Box::new(proposed(&["theta", "nhits"]))),
        C::ApprovePlan { by: "ada".to_owned() },
        lease(1, 1),
        C::StartTrial(Box::new(started(1, 1, 1))),
        C::SampleResources(Box::new(sampled(1, 1, 0))),
        C::SampleResources(Box::new(sampled(1, 1, 30))),
        C::CompleteTrial(Box::new(completed(1, 1, 1, 1.0))),
        lease(2, 1),
        lease(2, 2),
        C::StartTrial(Box::new(started(2, 1, 2))),
        C::CompleteTrial(Box::new(completed(2, 1, 2, 0.7))),
        lease(3, 1),
        C::StartTrial(Box::new(started(3, 1, 1))),
        C::FailTrial(Box::new(failed(3, 1, 1, FailureKind::OutOfMemory))),
        C::RetryTrial(Box::new(retried(3, 2))),
        abandon,
        queue(TrialRole::Fallback),
        lease(4, 1),
        C::FailTrial(Box::new(failed(4, 1, 1, FailureKind::StartFailed))),
        C::AbandonTrial { trial: TrialNumber(4), attempt: Attempt(1), reason: abandoned(4).reason },
        C::BuildEnsemble(Box::new(ensemble(5, &[(1, 0.25), (2, 0.75)]))),
        C::PublishReport(Box::new(report())),
        C::Complete { best: TrialNumber(5) },
        C::EraseInput(Box::new(input_erased())),
    ]
}

/// Obeys a command and gives how many events that took.
fn obey(experiment: &mut Experiment, command: &Command) -> usize {
    let events = experiment.decide(command.clone()).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    for event in &events {
        experiment.evolve(event);
    }
    events.len()
}

/// What the same command brings when it comes again: no event, be it obeyed or refused.
fn assert_no_event(experiment: &Experiment, command: &Command) {
    if let Ok(events) = experiment.decide(command.clone()) {
        assert!(events.is_empty(), "{command:?} came again and brought {events:?}");
    }
}

#[test]
fn a_repeated_command_changes_nothing_whatever_it_is() {
    let mut experiment = Experiment::default();
    let life = life();
    for command in &life {
        assert!(obey(&mut experiment, command) > 0, "{command:?} is without effect in this life");
        assert_no_event(&experiment, command);
    }
    assert_eq!(experiment.phase, Phase::Completed { best: TrialNumber(5) });
}

/// A second plan is another fact than the first, though only a rejected one makes room for it.
fn needs_its_moment(command: &Command) -> bool {
    matches!(command, Command::ProposePlan(_) | Command::RejectPlan { .. })
}

#[test]
fn a_command_that_comes_again_much_later_changes_nothing_either() {
    let mut experiment = Experiment::default();
    let life = life();
    for (done, command) in life.iter().enumerate() {
        obey(&mut experiment, command);
        for earlier in life[..done].iter().filter(|c| !needs_its_moment(c)) {
            assert_no_event(&experiment, earlier);
        }
    }
    for command in &life {
        assert_no_event(&experiment, command);
    }
}

#[test]
fn a_repeated_failure_or_cancellation_changes_nothing() {
    let reason = || "enough".to_owned();
    for end in [Command::Fail { reason: reason() }, Command::Cancel { reason: reason() }] {
        let mut experiment = Experiment::default();
        obey(&mut experiment, &life()[0]);
        assert_eq!(obey(&mut experiment, &end), 1);
        assert_no_event(&experiment, &end);
    }
}

/// Each command's place in the list of all: a new one does not compile until it has its place, and its turn in `life`.
const fn place(command: &Command) -> usize {
    use Command as C;
    match command {
        C::Open(_) => 0,
        C::RequestDiagnosis => 1,
        C::RequestCausalMap => 2,
        C::RequestPlan => 3,
        C::ProposePlan(_) => 4,
        C::ApprovePlan { .. } => 5,
        C::RejectPlan { .. } => 6,
        C::QueueTrial { .. } => 7,
        C::LeaseTrial { .. } => 8,
        C::StartTrial(_) => 9,
        C::SampleResources(_) => 10,
        C::CompleteTrial(_) => 11,
        C::FailTrial(_) => 12,
        C::RetryTrial(_) => 13,
        C::AbandonTrial { .. } => 14,
        C::BuildEnsemble(_) => 15,
        C::PublishReport(_) => 16,
        C::Complete { .. } => 17,
        C::RequestCompletion(_) => 18,
        C::ReceiveCompletion(_) => 19,
        C::FailCompletion(_) => 20,
        C::AskQuestion { .. } => 21,
        C::AnswerQuestion { .. } => 22,
        C::FailStage(_) => 23,
        C::TakeFallback(_) => 24,
        C::EraseInput(_) => 25,
        // These have tests of their own.
        C::Fail { .. } => 26,
        C::Cancel { .. } => 27,
        C::Fork(_) => 28,
    }
}

#[test]
fn this_life_knows_every_command() {
    let mut seen = [false; 29];
    for command in life() {
        seen[place(&command)] = true;
    }
    let missing: Vec<usize> = (0..26).filter(|place| !seen[*place]).collect();
    assert_eq!(missing, [] as [usize; 0]);
}
