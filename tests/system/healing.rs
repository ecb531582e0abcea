//! Trials that really fail, in processes that really die, and what becomes of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Home, seasonal_csv};

/// A run whose first worker has a fault; the worker's process id is in [`marker`] when it happens.
fn with_fault(home: &Home, fault: &str, budget: &str) -> Command {
    let file = home.write("demand.csv", seasonal_csv(300));
    let fault = format!("once:{}:{fault}", marker(home).display());
    let file = file.to_str().unwrap();
    let arguments = ["run", file, "--target", "demand", "--horizon", "7", "--budget", budget, "--seed", "3"];
    let mut command = home.command(&[&arguments[..], &["--parallel", "1", "--json"]].concat());
    command.env("ATSRE_WORKER_FAULT", fault);
    command
}

fn marker(home: &Home) -> PathBuf {
    home.path().join("fault-happened")
}

fn run_with_fault(home: &Home, fault: &str) -> Value {
    let output = with_fault(home, fault, "90s").output().unwrap();
    crate::support::succeeded(&output);
    assert!(marker(home).exists(), "the fault did not happen");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The payloads of all events of a type.
fn events(home: &Home, event_type: &str) -> Vec<Value> {
    let events = home.json(&["events", "--type", event_type, "--limit", "1000"]);
    events.as_array().unwrap().iter().map(|event| event["payload"].clone()).collect()
}

fn healed_once(home: &Home, result: &Value, kind: &str) {
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let failures = events(home, "TrialFailed");
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert_eq!(failures[0]["failure"]["kind"], kind, "{failures:#?}");
    let retries = events(home, "TrialRetried");
    assert_eq!(retries.len(), 1);
    assert_eq!(retries[0]["trial"], failures[0]["trial"]);
    let healed =
        result["leaderboard"].as_array().unwrap().iter().find(|row| row["trial_no"] == failures[0]["trial"]).unwrap();
    assert_eq!(healed["status"], "completed");
    assert_eq!(healed["attempts"], 2);
}

#[test]
fn a_worker_that_ends_without_a_word_is_tried_again() {
    let home = Home::new();
    let result = run_with_fault(&home, "exit");
    healed_once(&home, &result, "crashed");
}

#[test]
fn a_worker_that_writes_rubbish_is_tried_again() {
    let home = Home::new();
    let result = run_with_fault(&home, "rubbish");
    healed_once(&home, &result, "protocol_violation");
}

#[test]
fn a_worker_that_hangs_is_killed_and_tried_again() {
    let home = Home::new();
    home.write("atsre.toml", "[agents]\nheartbeat_timeout_s = 2.0\n");
    let result = run_with_fault(&home, "hang");
    healed_once(&home, &result, "hung");
}

#[test]
fn a_worker_that_somebody_kills_is_tried_again() {
    let home = Home::new();
    let child = with_fault(&home, "wait", "90s").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = loop {
        match std::fs::read_to_string(marker(&home)) {
            Ok(pid) if !pid.is_empty() => break pid,
            _ => std::thread::yield_now(),
        }
    };

    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());

    let output = child.wait_with_output().unwrap();
    crate::support::succeeded(&output);
    healed_once(&home, &serde_json::from_slice(&output.stdout).unwrap(), "killed");
}

#[test]
fn a_worker_that_passes_its_deadline_costs_that_trial_only() {
    let home = Home::new();

    let output = with_fault(&home, "wait", "30s").output().unwrap();

    crate::support::succeeded(&output);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let failures = events(&home, "TrialFailed");
    assert_eq!(failures[0]["failure"]["kind"], "deadline_exceeded", "{failures:#?}");
    // A baseline has nothing that could be made smaller.
    assert_eq!(events(&home, "TrialAbandoned")[0]["trial"], failures[0]["trial"]);
    let best = result["leaderboard"].as_array().unwrap().iter().find(|row| row["trial_id"] == result["best"]).unwrap();
    assert_eq!(best["status"], "completed", "{result:#}");
    assert_ne!(best["trial_no"], failures[0]["trial"]);
}

#[test]
fn a_network_that_runs_out_of_memory_is_diagnosed_and_succeeds_smaller() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(3_000));
    let file = file.to_str().unwrap();
    let arguments = ["run", file, "--target", "demand", "--horizon", "14", "--budget", "170s", "--seed", "5"];

    let result = home.json(
        &[
            &arguments[..],
            &["--parallel", "1", "--trial-memory", TIGHT, "--set", "nhits.batch_size=32768", "--set", "nhits.steps=20"],
        ]
        .concat(),
    );

    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let failures = events(&home, "TrialFailed");
    assert!(!failures.is_empty(), "the limit was not tight enough to be met: {result:#}");
    for failure in &failures {
        assert_eq!(failure["failure"]["kind"], "out_of_memory", "{failures:#?}");
        assert!(failure["usage"]["peak_rss_bytes"].as_u64().unwrap() > 0);
    }
    let retries = events(&home, "TrialRetried");
    assert!(retries.iter().any(|retry| retry["diagnosis"].as_str().unwrap().contains("out of memory")), "{retries:#?}");
    let network = result["leaderboard"].as_array().unwrap().iter().find(|row| row["model"] == "nhits").unwrap();
    assert_eq!(network["status"], "completed", "{network:#}");
    assert!(network["attempts"].as_u64().unwrap() > 1);
}

/// The network's first batch does not fit into this, a smaller one does, and so does everything else.
const TIGHT: &str = "160MiB";
