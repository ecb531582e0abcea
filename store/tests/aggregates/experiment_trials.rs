//! Trials under leases, their failures and what becomes of them.

use atsre_domain::experiment::*;
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Attempt, Epoch, TrialNumber};

use crate::fixtures::experiment::{
    abandoned, completed, failed, leased, retried, sampled, started, with_candidates, with_results,
};
use crate::{and, brings, changes_nothing, refuses};

const TRIAL: TrialNumber = TrialNumber(1);

fn queued() -> Vec<Event> {
    with_candidates(&["nhits"])
}

fn under_lease() -> Vec<Event> {
    and(&queued(), [leased(1, 1, 1).into()])
}

fn running() -> Vec<Event> {
    and(&under_lease(), [started(1, 1, 1).into()])
}

fn having_failed() -> Vec<Event> {
    and(&running(), [failed(1, 1, 1, FailureKind::OutOfMemory).into()])
}

fn having_completed() -> Vec<Event> {
    and(&running(), [completed(1, 1, 1, 0.8).into()])
}

fn having_been_abandoned() -> Vec<Event> {
    and(&having_failed(), [abandoned(1).into()])
}

fn lease(trial: u32, epoch: u32) -> Command {
    let lease = leased(trial, 1, epoch);
    Command::LeaseTrial { trial: lease.trial, epoch: lease.epoch, node: lease.node }
}

fn start(attempt: u32, epoch: u32) -> Command {
    Command::StartTrial(Box::new(started(1, attempt, epoch)))
}

fn complete(attempt: u32, epoch: u32) -> Command {
    Command::CompleteTrial(Box::new(completed(1, attempt, epoch, 0.8)))
}

fn fail(attempt: u32, epoch: u32) -> Command {
    Command::FailTrial(Box::new(failed(1, attempt, epoch, FailureKind::OutOfMemory)))
}

fn retry(attempt: u32) -> Command {
    Command::RetryTrial(Box::new(retried(1, attempt)))
}

fn abandon(attempt: u32) -> Command {
    Command::AbandonTrial { trial: TRIAL, attempt: Attempt(attempt), reason: abandoned(1).reason }
}

fn sample(after_seconds: u64) -> Command {
    Command::SampleResources(Box::new(sampled(1, 1, after_seconds)))
}

fn stale(current: u32, given: u32) -> Error {
    Error::StaleEpoch { trial: TRIAL, current: Epoch(current), given: Epoch(given) }
}

fn wrong(state: &'static str, step: &'static str) -> Error {
    Error::WrongState { trial: TRIAL, state, step }
}

#[test]
fn a_queued_trial_is_leased_started_and_completed() {
    brings::<Experiment>(&queued(), lease(1, 1), [leased(1, 1, 1).into()]);
    brings::<Experiment>(&under_lease(), start(1, 1), [started(1, 1, 1).into()]);
    brings::<Experiment>(&running(), complete(1, 1), [completed(1, 1, 1, 0.8).into()]);
}

#[test]
fn a_trial_that_does_not_exist_is_refused_by_number() {
    let missing = TrialNumber(9);
    let abandon = Command::AbandonTrial { trial: missing, attempt: Attempt(1), reason: "unknown".to_owned() };
    let complete = Command::CompleteTrial(Box::new(completed(9, 1, 1, 0.8)));
    let sample = Command::SampleResources(Box::new(sampled(9, 1, 0)));
    let retry = Command::RetryTrial(Box::new(retried(9, 2)));
    for command in [lease(9, 1), complete, sample, retry, abandon] {
        refuses::<Experiment>(&queued(), command, Error::NoTrial(missing));
    }
}

#[test]
fn a_lapsed_lease_is_granted_again_under_a_higher_epoch() {
    for given in [under_lease(), running()] {
        brings::<Experiment>(&given, lease(1, 2), [leased(1, 1, 2).into()]);
        refuses::<Experiment>(&given, lease(1, 1), stale(1, 1));
        refuses::<Experiment>(&given, lease(1, 0), stale(1, 0));
    }
}

#[test]
fn an_outcome_of_a_zombie_is_refused_by_its_epoch() {
    let regranted = and(&running(), [leased(1, 1, 2).into()]);
    for command in [start(1, 1), complete(1, 1), fail(1, 1)] {
        refuses::<Experiment>(&regranted, command, stale(2, 1));
    }
    // The new holder is at work; the zombie still comes too late.
    let at_work = and(&regranted, [started(1, 1, 2).into()]);
    refuses::<Experiment>(&at_work, complete(1, 1), stale(2, 1));
    brings::<Experiment>(&at_work, complete(1, 2), [completed(1, 1, 2, 0.8).into()]);
}

#[test]
fn a_zombie_is_refused_even_after_the_new_holder_has_reported() {
    let done = and(&running(), [leased(1, 1, 2).into(), started(1, 1, 2).into(), completed(1, 1, 2, 0.8).into()]);
    refuses::<Experiment>(&done, complete(1, 1), stale(2, 1));
    refuses::<Experiment>(&done, fail(1, 1), stale(2, 1));
}

#[test]
fn an_epoch_that_was_never_granted_is_refused() {
    refuses::<Experiment>(&running(), complete(1, 2), stale(1, 2));
    refuses::<Experiment>(&queued(), start(1, 1), stale(0, 1));
}

#[test]
fn a_result_needs_a_start() {
    refuses::<Experiment>(&under_lease(), complete(1, 1), wrong("not running", "a result"));
    refuses::<Experiment>(&queued(), start(1, 0), wrong("not leased", "a start"));
}

#[test]
fn a_worker_may_fail_before_it_started() {
    let then = failed(1, 1, 1, FailureKind::OutOfMemory).into();
    brings::<Experiment>(&under_lease(), fail(1, 1), [then]);
}

#[test]
fn an_outcome_is_recorded_once() {
    changes_nothing::<Experiment>(&running(), start(1, 1));
    changes_nothing::<Experiment>(&having_completed(), complete(1, 1));
    changes_nothing::<Experiment>(&having_failed(), fail(1, 1));
    refuses::<Experiment>(&having_completed(), fail(1, 1), wrong("not running", "a failure"));
    refuses::<Experiment>(&having_failed(), complete(1, 1), wrong("not running", "a result"));
}

#[test]
fn an_ended_trial_is_not_leased_again() {
    refuses::<Experiment>(&having_completed(), lease(1, 2), wrong("completed", "a lease"));
    refuses::<Experiment>(&having_been_abandoned(), lease(1, 2), wrong("abandoned", "a lease"));
    refuses::<Experiment>(&having_failed(), lease(1, 2), wrong("failed and not yet healed", "a lease"));
}

#[test]
fn a_failed_trial_is_tried_again_as_the_next_attempt() {
    brings::<Experiment>(&having_failed(), retry(2), [retried(1, 2).into()]);
    refuses::<Experiment>(&having_failed(), retry(3), wrong("not failed", "a retry"));
    changes_nothing::<Experiment>(&having_failed(), retry(1));
}

#[test]
fn only_a_failed_trial_is_tried_again() {
    for given in [queued(), under_lease(), running(), having_completed(), having_been_abandoned()] {
        refuses::<Experiment>(&given, retry(2), wrong("not failed", "a retry"));
    }
}

#[test]
fn the_new_attempt_runs_what_healing_changed() {
    let given = and(&having_failed(), [retried(1, 2).into()]);
    let experiment = <Experiment as atsre_domain::Decider>::fold(&given);
    let trial = &experiment.trials[&TRIAL];
    assert_eq!((trial.attempt, &trial.state), (Attempt(2), &TrialState::Queued));
    assert_eq!(trial.spec.integer("batch_size", 0), 128);
    let (diagnosis, changes) = trial.failures[0].healed.clone().unwrap();
    assert_eq!((diagnosis, changes), (retried(1, 2).diagnosis, retried(1, 2).changes));
}

#[test]
fn the_lease_of_the_new_attempt_needs_a_higher_epoch_too() {
    let given = and(&having_failed(), [retried(1, 2).into()]);
    refuses::<Experiment>(&given, lease(1, 1), stale(1, 1));
    brings::<Experiment>(&given, lease(1, 2), [leased(1, 2, 2).into()]);
}

#[test]
fn the_old_attempt_has_nothing_more_to_say_after_a_retry() {
    let given = and(&having_failed(), [retried(1, 2).into()]);
    refuses::<Experiment>(&given, complete(1, 1), wrong("at another attempt", "a result"));
    refuses::<Experiment>(&given, fail(1, 1), wrong("at another attempt", "a failure"));
    changes_nothing::<Experiment>(&given, abandon(1));
    changes_nothing::<Experiment>(&given, retry(2));
}

#[test]
fn a_trial_that_has_not_ended_can_be_given_up() {
    for given in [queued(), under_lease(), running(), having_failed()] {
        brings::<Experiment>(&given, abandon(1), [abandoned(1).into()]);
    }
    for given in [having_completed(), having_been_abandoned()] {
        changes_nothing::<Experiment>(&given, abandon(1));
    }
}

#[test]
fn a_worker_that_was_given_up_reports_in_vain() {
    let given = and(&running(), [abandoned(1).into()]);
    refuses::<Experiment>(&given, complete(1, 1), wrong("not running", "a result"));
    refuses::<Experiment>(&given, fail(1, 1), wrong("not running", "a failure"));
}

#[test]
fn samples_are_kept_once() {
    brings::<Experiment>(&running(), sample(0), [sampled(1, 1, 0).into()]);
    let given = and(&running(), [sampled(1, 1, 0).into(), sampled(1, 1, 30).into()]);
    for again in [0, 30] {
        changes_nothing::<Experiment>(&given, sample(again));
    }
    brings::<Experiment>(&given, sample(60), [sampled(1, 1, 60).into()]);
}

#[test]
fn an_empty_batch_of_samples_is_no_event() {
    let mut empty = sampled(1, 1, 0);
    empty.batch.offset_ms.clear();
    changes_nothing::<Experiment>(&running(), Command::SampleResources(Box::new(empty)));
}

#[test]
fn the_last_samples_may_come_after_the_end() {
    let ended = and(&running(), [ExperimentCancelled { reason: "no longer wanted".to_owned() }.into()]);
    brings::<Experiment>(&ended, sample(0), [sampled(1, 1, 0).into()]);
}

#[test]
fn trials_do_not_disturb_each_other() {
    let given = with_results();
    refuses::<Experiment>(&given, lease(1, 2), wrong("completed", "a lease"));
    let given = and(&with_candidates(&["theta", "ridge"]), [leased(1, 1, 1).into()]);
    brings::<Experiment>(&given, lease(2, 1), [leased(2, 1, 1).into()]);
}
