//! The past as a tool: forks that run to their end beside their parent, past moments, causes, repetitions.

use serde_json::Value;

use crate::support::{Home, seasonal_csv, succeeded};

/// An experiment that has ended; its id.
fn ended(home: &Home) -> String {
    let file = home.write("demand.csv", seasonal_csv(300));
    let file = file.to_str().unwrap();
    let result = home.json(&[
        "run",
        file,
        "--target",
        "demand",
        "--horizon",
        "7",
        "--budget",
        "90s",
        "--seed",
        "3",
        "--set",
        "nhits.steps=20",
    ]);
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    result["experiment_id"].to_string()
}

fn history(home: &Home, experiment: &str) -> Vec<Value> {
    home.json(&["history", experiment])["events"].as_array().unwrap().clone()
}

fn position_of(events: &[Value], event_type: &str) -> u64 {
    let event = events.iter().find(|event| event["type"] == event_type);
    event.unwrap_or_else(|| panic!("no {event_type}"))["position"].as_u64().unwrap()
}

fn models(result: &Value) -> Vec<&str> {
    let mut models: Vec<&str> =
        result["leaderboard"].as_array().unwrap().iter().map(|row| row["model"].as_str().unwrap()).collect();
    models.sort_unstable();
    models.dedup();
    models
}

#[test]
fn two_forks_run_to_their_end_beside_their_parent_which_stays_as_it_was() {
    let home = Home::new();
    let parent = ended(&home);
    let before = history(&home, &parent);
    let planning = position_of(&before, "PlanProposed") - 1;
    let at = planning.to_string();

    let first = home.json(&[
        "fork",
        &parent,
        "--at",
        &at,
        "--why",
        "is Theta enough?",
        "--set",
        "models=theta",
        "--set",
        "seed=5",
    ]);
    let second = home.json(&[
        "fork",
        &parent,
        "--at",
        &at,
        "--why",
        "no causes",
        "--set",
        "covariates=",
        "--set",
        "models.forbid=nhits",
    ]);

    for result in [&first, &second] {
        assert_eq!(result["status"], "COMPLETED", "{result:#}");
        assert_ne!(result["experiment_id"].to_string(), parent);
    }
    assert_eq!(models(&first), ["greedy-ensemble", "seasonal-naive", "theta"]);
    assert!(!models(&second).contains(&"nhits"));
    let after = history(&home, &parent);
    assert_eq!(after, before, "the parent stays as it was");
    // The baseline had ended before the fork: it is shared, not repeated.
    let child = history(&home, &first["experiment_id"].to_string());
    let started = |events: &[Value], trial: u64| {
        events.iter().filter(|e| e["type"] == "TrialStarted" && e["payload"]["trial"] == trial).count()
    };
    let by_then = |what: &str| {
        let of_baseline = |e: &&Value| e["type"] == what && e["payload"]["trial"] == 1;
        before.iter().filter(of_baseline).any(|e| e["position"].as_u64().unwrap() <= planning)
    };
    let (baseline_started, baseline_ended) = (by_then("TrialStarted"), by_then("TrialCompleted"));
    // What was in flight at that point is cancelled in the child, and begins again there.
    assert_eq!(started(&child, 1), if baseline_started && !baseline_ended { 2 } else { 1 });
    if baseline_ended {
        let shared: Vec<u64> =
            child.iter().map(|e| e["position"].as_u64().unwrap()).filter(|p| *p <= planning).collect();
        assert!(shared.contains(&position_of(&before, "TrialCompleted")), "{shared:?}");
    }
    // Side by side: from where they part, with a paired test on the same windows.
    let ids = [parent.clone(), first["experiment_id"].to_string(), second["experiment_id"].to_string()];
    let comparison = home.json(&["compare", &ids[0], &ids[1], &ids[2]]);
    assert_eq!(comparison["branches"].as_array().unwrap().len(), 3, "{comparison:#}");
    assert_eq!(comparison["pairs"].as_array().unwrap().len(), 3);
    let page = std::fs::read_to_string(comparison["page"].as_str().unwrap()).unwrap();
    assert!(page.contains("<svg") && page.contains("is Theta enough?") && !page.contains("http://"), "the page");
    let tree = home.json(&["forks", &ids[1]]);
    assert_eq!(tree["root"]["children"].as_array().unwrap().len(), 2, "{tree:#}");
    let experiments = home.json(&["experiments"]);
    assert_eq!(experiments.as_array().unwrap().len(), 3);
    assert_eq!(home.json(&["verify"])["ok"], true);
}

#[test]
fn a_setting_that_is_settled_is_refused_with_the_last_position_for_it() {
    let home = Home::new();
    let parent = ended(&home);
    let events = history(&home, &parent);
    let at = position_of(&events, "PlanApproved").to_string();
    let output = home.run(&["fork", &parent, "--at", &at, "--why", "longer", "--set", "horizon=9"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let queued = position_of(&events, "TrialQueued");
    assert!(told.contains("settled by the first trial"), "{told}");
    assert!(told.contains(&format!("up to position {}", queued - 1)) || told.contains("up to position"), "{told}");
    let output = home.run(&["fork", &parent, "--at", &at, "--why", "odd", "--set", "theta.colour=red"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_result_of_an_experiment_is_reproduced_bit_for_bit() {
    let home = Home::new();
    let experiment = ended(&home);
    let reproductions = home.json(&["reproduce", &experiment])["reproductions"].as_array().unwrap().clone();
    assert!(reproductions.len() >= 5, "{reproductions:#?}");
    for reproduction in &reproductions {
        assert_eq!(reproduction["verdict"], "bitwise", "{reproduction:#}");
        assert_eq!(reproduction["different_inputs"], serde_json::json!([]));
    }
}

#[test]
fn a_past_moment_shows_what_was_known_then_and_causes_lead_back_to_the_data() {
    let home = Home::new();
    let experiment = ended(&home);
    let events = history(&home, &experiment);
    let planned = position_of(&events, "PlanProposed");

    let then = home.json(&["state", &experiment, "--at", &(planned - 1).to_string()]);
    assert_eq!((&then["stage"], &then["plan"]), (&Value::from("planning"), &Value::Null), "{then:#}");
    assert!(then["graph"].is_object() && then["profile"].is_object());
    let now = home.json(&["state", &experiment]);
    assert_eq!((&now["status"], &now["stage"]), (&Value::from("COMPLETED"), &Value::from("ended")));

    // A read model as of then; and as of now it is the live one.
    let rows = |arguments: &[&str]| home.json(arguments).as_array().unwrap().clone();
    let early = rows(&["state", &experiment, "--at", &planned.to_string(), "--table", "trials"]);
    let late = rows(&["state", &experiment, "--table", "trials"]);
    assert!(early.len() < late.len());
    assert_eq!(late.len(), rows(&["trials"]).len());

    let completed = events.iter().rfind(|event| event["type"] == "TrialCompleted").unwrap()["position"].to_string();
    let why = home.json(&["history", &experiment, "--why", &completed])["events"].as_array().unwrap().clone();
    assert_eq!(why.first().unwrap()["type"], "DatasetRegistered", "{why:#?}");
    assert_eq!(why.last().unwrap()["position"].to_string(), completed);
    assert!(why.iter().any(|event| event["type"] == "PlanApproved" || event["type"] == "TrialQueued"));

    let failed = home.json(&["history", &experiment, "--type", "TrialQueued", "--trial", "2"]);
    assert_eq!(failed["events"].as_array().unwrap().len(), 1);
    let told = home.run(&["history", &experiment]);
    succeeded(&told);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("── plan ──") && told.contains("hypothesis:"), "{told}");
}
