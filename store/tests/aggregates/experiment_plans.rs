//! From opening to the approval of a plan.

use atsre_domain::TrialNumber;
use atsre_domain::experiment::*;
use atsre_domain::plan::TrialRole;

use crate::fixtures::experiment::{opened, proposed, queued, stage_failed, with_candidates};
use crate::fixtures::numbers;
use crate::{and, brings, changes_nothing, refuses};

fn open(change: impl FnOnce(&mut ExperimentOpened)) -> Command {
    let mut opening = opened();
    change(&mut opening);
    Command::Open(Box::new(opening))
}

fn just_opened() -> Vec<Event> {
    vec![opened().into()]
}

fn plan_requested() -> Vec<Event> {
    and(&just_opened(), [PlanRequested {}.into()])
}

fn plan_proposed() -> Vec<Event> {
    and(&plan_requested(), [proposed(&["theta", "ridge"]).into()])
}

fn propose(models: &[&str]) -> Command {
    Command::ProposePlan(Box::new(proposed(models)))
}

fn approve() -> Command {
    Command::ApprovePlan { by: "ada".to_owned() }
}

fn approved() -> Event {
    PlanApproved { by: "ada".to_owned() }.into()
}

fn reject() -> Command {
    Command::RejectPlan { by: "ada".to_owned(), reason: "too slow".to_owned() }
}

fn rejected() -> Event {
    PlanRejected { by: "ada".to_owned(), reason: "too slow".to_owned() }.into()
}

#[test]
fn an_experiment_opens_once() {
    brings::<Experiment>(&[], open(|_| ()), just_opened());
    changes_nothing::<Experiment>(&just_opened(), open(|_| ()));
    refuses::<Experiment>(&just_opened(), open(|o| o.horizon = 48), Error::AlreadyOpen);
}

#[test]
fn an_objective_that_is_not_built_is_refused_by_name() {
    for objective in [Objective::AnomalyDetection, Objective::Imputation] {
        let error = Error::ObjectiveUnavailable(objective.name());
        assert!(error.to_string().contains(objective.name()), "{error}");
        refuses::<Experiment>(&[], open(|o| o.objective = objective), error);
    }
}

#[test]
fn quantile_levels_that_do_not_ascend_between_zero_and_one_are_refused() {
    for levels in [&[][..], &[0.5, 0.1], &[0.5, 0.5], &[0.0, 0.5], &[0.5, 1.0], &[-0.1]] {
        let error = Error::Invalid("the quantile levels must ascend between 0 and 1".to_owned());
        refuses::<Experiment>(&[], open(|o| o.quantile_levels = numbers(levels)), error);
    }
}

#[test]
fn a_horizon_of_no_steps_is_refused() {
    refuses::<Experiment>(
        &[],
        open(|o| o.horizon = 0),
        Error::Invalid("the horizon must be at least 1 step".to_owned()),
    );
}

#[test]
fn a_budget_of_nothing_is_refused() {
    let changes: [fn(&mut Budget); 3] = [|b| b.wall_ms = 0, |b| b.parallel_trials = 0, |b| b.cpu_cores = 0];
    for change in changes {
        let error = Error::Invalid("the budget must allow some time, one core and one trial".to_owned());
        refuses::<Experiment>(&[], open(|o| change(&mut o.budget)), error);
    }
}

#[test]
fn nothing_is_decided_in_a_stream_without_an_experiment() {
    let cancel = Command::Cancel { reason: "no longer wanted".to_owned() };
    for command in [Command::RequestDiagnosis, propose(&["theta"]), approve(), cancel] {
        refuses::<Experiment>(&[], command, Error::NotOpened);
    }
}

#[test]
fn each_agent_is_asked_once() {
    let requests: [(Command, Event); 3] = [
        (Command::RequestDiagnosis, DiagnosisRequested {}.into()),
        (Command::RequestCausalMap, CausalMapRequested {}.into()),
        (Command::RequestPlan, PlanRequested {}.into()),
    ];
    for (command, event) in requests {
        brings::<Experiment>(&just_opened(), command.clone(), [event.clone()]);
        changes_nothing::<Experiment>(&and(&just_opened(), [event]), command);
    }
}

#[test]
fn a_plan_answers_a_request() {
    brings::<Experiment>(&plan_requested(), propose(&["theta"]), [proposed(&["theta"]).into()]);
    let error = Error::OutOfOrder { step: "a plan", missing: "the request for one" };
    refuses::<Experiment>(&just_opened(), propose(&["theta"]), error);
}

#[test]
fn a_plan_without_trials_is_refused() {
    let error = Error::Invalid("a plan needs at least one trial".to_owned());
    refuses::<Experiment>(&plan_requested(), propose(&[]), error);
}

#[test]
fn a_second_plan_does_not_replace_the_first() {
    changes_nothing::<Experiment>(&plan_proposed(), propose(&["nhits"]));
    changes_nothing::<Experiment>(&and(&plan_proposed(), [approved()]), propose(&["nhits"]));
}

#[test]
fn after_a_rejection_there_may_be_another_plan() {
    let given = and(&plan_proposed(), [rejected()]);
    brings::<Experiment>(&given, propose(&["nhits"]), [proposed(&["nhits"]).into()]);
    let given = and(&given, [proposed(&["nhits"]).into()]);
    let queued = queued(1, TrialRole::Candidate, "nhits").into();
    brings::<Experiment>(&given, approve(), [approved(), queued]);
}

#[test]
fn approval_queues_the_planned_trials_under_consecutive_numbers() {
    let then =
        [approved(), queued(1, TrialRole::Candidate, "theta").into(), queued(2, TrialRole::Candidate, "ridge").into()];
    brings::<Experiment>(&plan_proposed(), approve(), then);
}

#[test]
fn the_numbers_go_on_after_the_baseline() {
    let given = and(&plan_proposed(), [queued(1, TrialRole::Baseline, "naive").into()]);
    let then =
        [approved(), queued(2, TrialRole::Candidate, "theta").into(), queued(3, TrialRole::Candidate, "ridge").into()];
    brings::<Experiment>(&given, approve(), then);
}

#[test]
fn a_plan_is_decided_on_once() {
    let approved = with_candidates(&["theta", "ridge"]);
    changes_nothing::<Experiment>(&approved, approve());
    refuses::<Experiment>(&approved, reject(), Error::PlanDecided("approved"));
    brings::<Experiment>(&plan_proposed(), reject(), [rejected()]);
    let rejected = and(&plan_proposed(), [rejected()]);
    changes_nothing::<Experiment>(&rejected, reject());
    refuses::<Experiment>(&rejected, approve(), Error::PlanDecided("rejected"));
}

#[test]
fn without_a_plan_there_is_nothing_to_decide_on() {
    refuses::<Experiment>(&plan_requested(), approve(), Error::NoPlan);
    refuses::<Experiment>(&plan_requested(), reject(), Error::NoPlan);
}

#[test]
fn a_plan_still_counts_when_the_stage_was_set_aside_meanwhile() {
    let given = and(&plan_requested(), [stage_failed(Stage::Planning).into()]);
    brings::<Experiment>(&given, propose(&["theta"]), [proposed(&["theta"]).into()]);
}

fn queue(role: TrialRole) -> Command {
    let trial = queued(1, role, "seasonal-naive");
    Command::QueueTrial { role, spec: Box::new(trial.spec), limits: trial.limits, reason: trial.reason }
}

#[test]
fn there_is_one_baseline_and_one_fallback() {
    for role in [TrialRole::Baseline, TrialRole::Fallback] {
        let trial = Event::from(queued(1, role, "seasonal-naive"));
        brings::<Experiment>(&just_opened(), queue(role), [trial.clone()]);
        changes_nothing::<Experiment>(&and(&just_opened(), [trial]), queue(role));
    }
}

#[test]
fn a_candidate_comes_with_its_plan_only() {
    let error = Error::Invalid("candidates are queued by the approval of their plan".to_owned());
    refuses::<Experiment>(&just_opened(), queue(TrialRole::Candidate), error);
}

#[test]
fn a_fork_goes_on_from_its_parents_past() {
    let given = and(&with_candidates(&["theta"]), [crate::fixtures::experiment::forked().into()]);
    let folded = <Experiment as atsre_domain::Decider>::fold(&given);
    assert_eq!(folded.opened.unwrap().seed, crate::fixtures::experiment::forked().seed);
    assert!(folded.trials.contains_key(&TrialNumber(1)));
    changes_nothing::<Experiment>(&given, approve());
}
