//! A kill in the middle, then `resume`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Home, seasonal_csv};

/// Starts a run, sends it a signal when it has said `word`, and gives the events after its end.
fn stopped_after(home: &Home, word: &str, signal: &str) -> Vec<Value> {
    let file = home.write("demand.csv", seasonal_csv(400));
    let mut child = home
        .command(&[
            "run",
            file.to_str().unwrap(),
            "--target",
            "demand",
            "--horizon",
            "7",
            "--budget",
            "120s",
            "--seed",
            "11",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.any(|line| line.contains(word));
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    let status = child.wait().unwrap();
    assert!(!status.success(), "a run that was stopped has not done what it was asked for");
    assert!(told, "the run never said {word:?}");
    all_events(home)
}

fn all_events(home: &Home) -> Vec<Value> {
    home.json(&["events", "--limit", "100000"]).as_array().unwrap().clone()
}

fn of_type<'a>(events: &'a [Value], event_type: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == event_type).collect()
}

fn goes_on_and_ends(word: &str, signal: &str) {
    let home = Home::new();
    let before = stopped_after(&home, word, signal);
    assert!(of_type(&before, "ExperimentCompleted").is_empty(), "it had ended already");

    let result = home.json(&["resume"]);

    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let after = all_events(&home);
    // No event is lost or doubled: the past is byte for byte what it was, and positions have no gap.
    assert_eq!(after[..before.len()], before[..]);
    for (index, event) in after.iter().enumerate() {
        assert_eq!(event["position"], index + 1);
    }
    // No finished trial is run again.
    for completed in of_type(&before, "TrialCompleted") {
        let again = of_type(&after[before.len()..], "TrialStarted");
        assert!(again.iter().all(|started| started["payload"]["trial"] != completed["payload"]["trial"]));
    }
    for once in
        ["DatasetProfiled", "DatasetCleaned", "GraphDiscovered", "PlanProposed", "EnsembleBuilt", "ReportPublished"]
    {
        assert_eq!(of_type(&after, once).len(), 1, "{once}");
    }
    assert_eq!(home.json(&["verify"])["ok"], true);
    assert_eq!(home.json(&["resume"]), serde_json::json!([]), "nothing is left to do");
}

#[test]
fn a_kill_before_the_plan_loses_nothing() {
    goes_on_and_ends("diagnosis", "-KILL");
}

#[test]
fn a_kill_between_two_trials_loses_nothing_and_repeats_nothing() {
    goes_on_and_ends("plan approved", "-KILL");
}

#[test]
fn control_c_in_the_middle_loses_nothing() {
    goes_on_and_ends("plan approved", "-INT");
}

#[test]
fn a_rejected_plan_ends_the_experiment_and_an_approved_one_runs() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(200));
    let arguments =
        ["run", file.to_str().unwrap(), "--target", "demand", "--horizon", "7", "--budget", "90s", "--approve"];

    let waiting = home.json(&arguments);
    assert_eq!(waiting["status"], "AWAITING_APPROVAL", "{waiting:#}");
    let id = waiting["experiment_id"].to_string();
    assert_eq!(home.json(&["approve", &id])["status"], "RUNNING");
    assert_eq!(home.json(&["resume", &id])["status"], "COMPLETED");

    let id = home.json(&arguments)["experiment_id"].to_string();
    home.json(&["reject", &id, "--why", "too dear"]);
    let output = home.run(&["resume", &id, "--json"]);
    let ended: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ended["status"], "CANCELLED", "{ended:#}");
}
