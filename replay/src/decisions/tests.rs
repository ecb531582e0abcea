#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use atsre_store::StoredEvent;
use serde_json::{Value, json};

use super::{Evidence, Standing, Verdict, redecide};

/// Every recorded bundle, of every released version.
fn recorded() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories");
    let versions = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = versions.flat_map(|version| std::fs::read_dir(version).unwrap().map(|entry| entry.unwrap().path()));
    let mut bundles: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "zip")).collect();
    bundles.sort();
    bundles
}

fn evidence(path: &Path) -> Evidence {
    Evidence::from_bundle(BufReader::new(File::open(path).unwrap())).unwrap()
}

fn seasonal() -> Evidence {
    evidence(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories/0.1.0/seasonal.zip"))
}

/// The history with one event's payload altered, as if the code of then had decided otherwise.
fn altered(event_type: &str, alter: impl Fn(&mut Value) -> bool) -> (Evidence, StoredEvent) {
    let mut evidence = seasonal();
    let of_type = evidence.events.iter_mut().filter(|stored| stored.event_type == event_type);
    for stored in of_type {
        let mut payload = stored.json().unwrap();
        if alter(&mut payload) {
            stored.payload = payload.to_string();
            let stored = stored.clone();
            return (evidence, stored);
        }
    }
    panic!("no {event_type} to alter");
}

fn first_difference(evidence: &Evidence) -> Verdict {
    redecide(evidence).first_difference().cloned().expect("a difference")
}

#[test]
fn every_recorded_history_is_decided_the_same_by_todays_code() {
    let bundles = recorded();
    assert!(!bundles.is_empty());
    for bundle in bundles {
        let redecided = redecide(&evidence(&bundle));
        assert_eq!(redecided.first_difference(), None, "{}", bundle.display());
        assert_eq!(redecided.count(Standing::Unchecked), 0, "{}", bundle.display());
        let decided = |event_type: &str| {
            let verdicts = redecided.verdicts.iter();
            verdicts.filter(|v| v.event_type == event_type && v.standing == Standing::Decided).count()
        };
        for event_type in ["DiagnosisRequested", "PlanProposed", "PlanApproved", "TrialStarted", "TrialRetried"] {
            assert!(decided(event_type) > 0, "{event_type} in {}", bundle.display());
        }
    }
}

#[test]
fn a_plan_that_todays_rules_do_not_make_is_named_with_its_field_and_its_rule() {
    let (evidence, plan) = altered("PlanProposed", |payload| {
        payload["plan"]["reasoning"][0]["decision"] = json!("as the stars stand");
        true
    });
    let verdict = first_difference(&evidence);
    assert_eq!((verdict.position, verdict.rule), (plan.position, "the rule-based plan (policy::reasoner::plan)"));
    let departure = verdict.departure.unwrap();
    assert_eq!(departure.path, "plan.reasoning[0].decision");
    assert_eq!(departure.recorded.as_deref(), Some("\"as the stars stand\""));
    assert!(departure.today.unwrap().contains("rolling-origin"));
}

#[test]
fn a_retry_that_todays_healing_would_make_otherwise_is_named() {
    let (evidence, retried) = altered("TrialRetried", |payload| {
        payload["changes"] = json!(["nothing"]);
        true
    });
    let verdict = first_difference(&evidence);
    assert_eq!(verdict.position, retried.position);
    assert_eq!(verdict.rule, "healing of a failed attempt (policy::healing::heal)");
    assert_eq!(verdict.departure.unwrap().path, "changes[0]");
}

#[test]
fn a_seed_from_elsewhere_is_named() {
    let (evidence, started) = altered("TrialStarted", |payload| {
        payload["seed"] = json!(5);
        true
    });
    let verdict = first_difference(&evidence);
    assert_eq!((verdict.position, verdict.departure.unwrap().path.as_str()), (started.position, "seed"));
}

#[test]
fn a_step_that_the_orchestrator_would_not_take_is_named_with_what_it_would() {
    let (evidence, queued) = altered("TrialQueued", |payload| {
        let baseline = payload["role"] == "baseline";
        payload["reason"] = json!("because");
        baseline
    });
    let verdict = first_difference(&evidence);
    assert_eq!(verdict.position, queued.position);
    assert!(verdict.rule.starts_with("the orchestrator's next step"), "{}", verdict.rule);
    assert_eq!(verdict.departure.unwrap().path, "reason");
}

#[test]
fn an_event_that_todays_aggregate_refuses_is_named_with_the_reason() {
    let (evidence, leased) = altered("TrialLeased", |payload| {
        payload["epoch"] = json!(0);
        true
    });
    let verdict = first_difference(&evidence);
    assert_eq!((verdict.position, verdict.rule), (leased.position, "the aggregate's own rules"));
    assert!(verdict.departure.unwrap().detail.contains("refused"));
}

#[test]
fn a_plan_whose_ground_is_gone_is_unchecked_and_says_what_is_missing() {
    let mut evidence = seasonal();
    evidence.artifacts.clear();
    let redecided = redecide(&evidence);
    let plan = redecided.verdicts.iter().find(|verdict| verdict.event_type == "PlanProposed").unwrap();
    assert_eq!(plan.standing, Standing::Unchecked);
    assert!(plan.departure.as_ref().unwrap().detail.contains("is gone"));
    assert!(redecided.agrees(), "what cannot be checked is not a difference");
}

#[test]
fn a_plan_from_before_readings_were_recorded_is_unchecked() {
    let (evidence, _) = altered("PlanProposed", |payload| payload.as_object_mut().unwrap().remove("inputs").is_some());
    let redecided = redecide(&evidence);
    let plan = redecided.verdicts.iter().find(|verdict| verdict.event_type == "PlanProposed").unwrap();
    assert_eq!(plan.standing, Standing::Unchecked);
}

#[test]
fn an_event_that_this_build_cannot_read_is_a_difference() {
    let mut evidence = seasonal();
    evidence.events[3].event_version = "9".to_owned();
    let verdict = first_difference(&evidence);
    assert_eq!(verdict.rule, "the wire form of events");
}
