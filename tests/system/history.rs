//! A history outlives its code and its place: decided again by today's rules, carried elsewhere, gone on with there.

use serde_json::Value;

use crate::support::{Home, seasonal_csv, succeeded};

/// An experiment that has ended; its id.
fn ended(home: &Home, csv: &str) -> String {
    let file = home.write("demand.csv", csv);
    let file = file.to_str().unwrap();
    let run = ["run", file, "--target", "demand", "--horizon", "7", "--budget", "90s", "--seed", "3"];
    let result = home.json(&[&run[..], &["--set", "nhits.steps=20"]].concat());
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    result["experiment_id"].to_string()
}

fn history(home: &Home, experiment: &str) -> Vec<Value> {
    home.json(&["history", experiment])["events"].as_array().unwrap().clone()
}

fn event<'a>(events: &'a [Value], event_type: &str) -> &'a Value {
    events.iter().find(|event| event["type"] == event_type).unwrap_or_else(|| panic!("no {event_type}"))
}

#[test]
fn a_history_is_decided_again_here_and_from_its_bundle_and_goes_on_elsewhere() {
    // Given an experiment that has ended, and its bundle
    let home = Home::new();
    let experiment = ended(&home, &seasonal_csv(300));
    let bundle = home.path().join("evidence.zip");
    let bundle = bundle.to_str().unwrap();
    succeeded(&home.run(&["export", &experiment, "-o", bundle]));

    // When today's code decides its history again
    let here = home.json(&["replay", &experiment]);
    let carried = home.json(&["replay", "--bundle", bundle]);

    // Then every decision comes out the same, the plan's and the orchestrator's among them, from either place
    assert_eq!((&here["ok"], &here["unchecked"]), (&Value::from(true), &Value::from(0)), "{here:#}");
    let decided = |replayed: &Value| -> Vec<String> {
        let verdicts = replayed["verdicts"].as_array().unwrap().iter();
        let decided = verdicts.filter(|verdict| verdict["standing"] == "decided");
        decided.map(|verdict| verdict["type"].as_str().unwrap().to_owned()).collect()
    };
    for expected in ["DiagnosisRequested", "PlanProposed", "PlanApproved", "TrialStarted", "ExperimentCompleted"] {
        assert!(decided(&here).iter().any(|found| found == expected), "{expected} in {here:#}");
    }
    assert_eq!(here["verdicts"], carried["verdicts"]);
    // The anchor that was taken after the run lies at the bundle's end, and both checkers bear it out.
    let checked = home.json(&["verify", "--bundle", bundle]);
    assert!(checked["anchors_compared"].as_u64().unwrap() >= 1, "{checked:#}");
    assert!(checked["anchors_signed"].as_u64().unwrap() >= 1, "{checked:#}");

    // When it is imported elsewhere
    let elsewhere = Home::new();
    let imported = elsewhere.json(&["import", bundle]);
    let id = imported["experiment_id"].to_string();
    assert_eq!(elsewhere.json(&["replay", &id])["ok"], true);
    assert_eq!(elsewhere.json(&["verify"])["ok"], true);

    // Then it stays as it came, and a fork of it goes on
    let refused = elsewhere.run(&["resume", &id]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    let before = history(&elsewhere, &id);
    let at = event(&before, "PlanProposed")["position"].as_u64().unwrap().to_string();
    let fork = elsewhere.json(&["fork", &id, "--at", &at, "--why", "Theta alone", "--set", "models=theta"]);
    assert_eq!(fork["status"], "COMPLETED", "{fork:#}");
    assert_eq!(history(&elsewhere, &id), before);
    assert_eq!(elsewhere.json(&["replay", &fork["experiment_id"].to_string()])["ok"], true);
    assert_eq!(elsewhere.json(&["verify"])["ok"], true);
}

#[test]
fn a_fork_cleans_the_data_by_other_rules() {
    // Given data in which a rule finds two values that cannot be
    let home = Home::new();
    let csv = seasonal_csv(300).replace("temperature", "humidity");
    let impossible = |(row, line): (usize, &str)| match (row, line.rsplit_once(',')) {
        (100 | 200, Some((rest, _))) => format!("{rest},250.0\n"),
        _ => format!("{line}\n"),
    };
    let csv: String = csv.lines().enumerate().map(impossible).collect();
    let parent = ended(&home, &csv);
    let events = history(&home, &parent);
    let panel = |events: &[Value]| event(events, "PlanProposed")["payload"]["panel"].clone();
    let cleaned = |id: &str| home.json(&["state", id])["cleaned"].clone();
    assert!(cleaned(&parent)["summary"]["changes"]["broke_rule"].as_u64().unwrap() >= 2, "{}", cleaned(&parent));

    // When a fork turns the rules off
    let at = event(&events, "DiagnosisRequested")["position"].to_string();
    let set = ["fork", &parent, "--at", &at, "--why", "are they errors?", "--set", "rules.off=all"];
    let fork = home.json(&set);

    // Then it works on data of its own, and the parent's are as they were
    assert_eq!(fork["status"], "COMPLETED", "{fork:#}");
    let child = fork["experiment_id"].to_string();
    assert_ne!(panel(&history(&home, &child)), panel(&events));
    assert_eq!(cleaned(&child)["settings"]["all_off"], true);
    assert!(cleaned(&child)["summary"]["changes"].get("broke_rule").is_none(), "{}", cleaned(&child));
    assert_eq!(panel(&history(&home, &parent)), panel(&events));
    assert_eq!(home.json(&["replay", &child])["ok"], true);
    assert_eq!(home.json(&["verify"])["ok"], true);

    // And later than the first work on the clean data it cannot be set
    let at = event(&events, "PlanProposed")["position"].to_string();
    let late = home.run(&["fork", &parent, "--at", &at, "--why", "too late", "--set", "rules.off=1"]);
    assert_eq!(late.status.code(), Some(2));
    let told = String::from_utf8_lossy(&late.stderr).into_owned();
    assert!(told.contains("settled by the first work on the clean data"), "{told}");
}
