//! Forks: on what the two share.

use atsre_domain::experiment::*;
use atsre_domain::failure::FailureKind;
use atsre_domain::identity::{Epoch, TrialNumber};
use atsre_domain::plan::TrialRole;
use atsre_domain::{Decider as _, Seed};

use crate::fixtures::experiment::{
    completed, completion_requested, forked, leased, opened, proposed, queued, report, started, with_candidates,
};
use crate::{and, brings, changes_nothing, refuses};

fn with(overrides: &[(&str, &str)]) -> ExperimentForked {
    let overrides = overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    ExperimentForked { overrides, ..forked() }
}

fn fork(forked: &ExperimentForked) -> Command {
    Command::Fork(Box::new(forked.clone()))
}

fn state(events: &[Event]) -> Experiment {
    let mut experiment = Experiment::default();
    events.iter().for_each(|event| experiment.evolve(event));
    experiment
}

fn settled(key: &str, by: &'static str) -> Error {
    Error::Settled { key: key.to_owned(), by }
}

#[test]
fn a_fork_says_where_it_leaves_and_counts_its_budget_anew() {
    let given = vec![opened().into()];
    let forked = with(&[("seed", "11"), ("horizon", "48"), ("budget", "90s")]);
    brings::<Experiment>(&given, fork(&forked), [forked.clone().into()]);
    changes_nothing::<Experiment>(&and(&given, [forked.clone().into()]), fork(&forked));

    let child = state(&and(&given, [forked.clone().into()]));
    let now = child.opened.unwrap();
    assert_eq!((now.seed, now.horizon, now.budget.wall_ms), (Seed(11), 48, 90_000));
    assert_eq!(now.opened_at, forked.forked_at);
}

#[test]
fn what_had_not_ended_is_cancelled_and_queued_anew() {
    let given = and(
        &with_candidates(&["theta", "ridge", "nhits"]),
        [leased(1, 1, 1).into(), started(1, 1, 1).into(), completed(1, 1, 1, 0.9).into(), leased(2, 1, 1).into()],
    );
    let before = state(&given);
    let forked = with(&[]);
    let anew = |number: u32| {
        let trial = &before.trials[&TrialNumber(number)];
        let reason = "it had not ended when the experiment was forked".to_owned();
        TrialQueued {
            trial: TrialNumber(number),
            role: trial.role,
            spec: trial.spec.clone(),
            limits: trial.limits,
            reason,
        }
    };
    let child = state(&and(&given, before.decide(fork(&forked)).unwrap()));
    assert!(child.trials[&TrialNumber(1)].completed(), "what had ended is shared");
    let again = &child.trials[&TrialNumber(2)];
    assert_eq!((again.state.clone(), again.epoch, again.failures.len()), (TrialState::Queued, Epoch(0), 0));
    let events = before.decide(fork(&forked)).unwrap();
    let Event::TrialFailed(cancelled) = &events[1] else { panic!("{events:?}") };
    assert_eq!((cancelled.trial, cancelled.failure.kind), (TrialNumber(2), FailureKind::Interrupted));
    assert_eq!(events[2..], [anew(2).into(), anew(3).into()]);
}

#[test]
fn a_question_to_a_language_model_that_is_under_way_is_cancelled() {
    let given = and(&[opened().into()], [completion_requested(1).into()]);
    let forked = with(&[]);
    let events = state(&given).decide(fork(&forked)).unwrap();
    let [_, Event::CompletionFailed(cancelled)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((cancelled.request, cancelled.kind.as_str()), (1, "cancelled"));
}

#[test]
fn what_was_decided_before_the_fork_cannot_be_set() {
    let fork_with = |key: &str, value: &str| fork(&with(&[(key, value)]));
    let queried = and(&[opened().into()], [DiagnosisRequested {}.into()]);
    refuses::<Experiment>(&queried, fork_with("data", "2"), settled("data", "the request for a diagnosis of the data"));
    let baseline = and(&queried, [queued(1, TrialRole::Baseline, "seasonal-naive").into()]);
    refuses::<Experiment>(&baseline, fork_with("horizon", "9"), settled("horizon", "the first trial"));
    let planned = and(&baseline, [PlanRequested {}.into(), proposed(&["theta", "ridge"]).into()]);
    refuses::<Experiment>(&planned, fork_with("edge.forbid", "a->b"), settled("edge.forbid", "the plan"));
    let approved = and(&planned, [PlanApproved { by: "policy".to_owned() }.into()]);
    refuses::<Experiment>(&approved, fork_with("models", "theta"), settled("models", "the decision on the plan"));
    let ended = and(&approved, [report().into(), ExperimentCompleted { best: TrialNumber(1) }.into()]);
    refuses::<Experiment>(&ended, fork_with("seed", "1"), Error::Ended { status: "COMPLETED" });
}

#[test]
fn a_plan_that_nobody_has_decided_on_is_changed_by_the_fork() {
    let given = and(
        &[opened().into(), DiagnosisRequested {}.into(), PlanRequested {}.into()],
        [proposed(&["theta", "ridge"]).into()],
    );
    let forked = with(&[("models.forbid", "theta"), ("ridge.batch_size", "32"), ("covariates", "")]);
    let child = state(&and(&given, state(&given).decide(fork(&forked)).unwrap()));
    let plan = child.proposed.unwrap().plan;
    assert_eq!(plan.trials.len(), 1);
    assert_eq!(plan.trials[0].spec.model, "ridge");
    assert_eq!(plan.trials[0].spec.integer("batch_size", 0), 32);
    assert!(plan.trials[0].spec.covariates.is_empty());
    assert!(!child.constraints.allows_model("theta") && child.constraints.allows_model("nhits"));
    let nothing_left = state(&given).decide(fork(&with(&[("models", "nhits")])));
    assert!(matches!(nothing_left, Err(Error::Invalid(_))), "{nothing_left:?}");
}

#[test]
fn what_makes_no_sense_is_refused_with_what_was_expected() {
    let given = state(&[opened().into()]);
    for (key, value, expected) in [
        ("seed", "x", "whole number"),
        ("budget", "soon", "5m"),
        ("budget", "0s", "5m"),
        ("horizon", "0", "at least 1"),
        ("quantiles", "0.9,0.1", "ascend"),
        ("quantiles", "0.5,1.5", "between 0 and 1"),
        ("reasoner", "oracle", "rules or llm"),
        ("data", "newest", "version"),
        ("significance_level", "1", "between 0 and 1"),
        ("edge.require", "a", "cause->effect"),
        ("edge.require", "a->a", "cause->effect"),
        ("colour", "red", "it can set seed"),
    ] {
        let refused = given.decide(fork(&with(&[(key, value)]))).unwrap_err().to_string();
        assert!(refused.contains(expected), "{key}={value}: {refused}");
    }
    let without_reason = ExperimentForked { reason: " ".to_owned(), ..with(&[]) };
    assert!(matches!(given.decide(fork(&without_reason)), Err(Error::Invalid(_))));
}
