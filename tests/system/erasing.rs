//! Erasing a data set: the keys go, the history stays and says so, and nothing pretends to have the data still.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::{Home, seasonal_csv, succeeded};

const WHY: &str = "the customer has asked for it";

/// Runs an experiment on the data set `demand` to its end, with the arguments besides.
fn run(home: &Home, more: &[&str]) -> Value {
    let file = home.write("demand.csv", seasonal_csv(300));
    let usual = ["run", file.to_str().unwrap(), "--target", "demand", "--horizon", "7", "--budget", "90s"];
    home.json(&[&usual[..], more].concat())
}

/// The program refuses: what it says, with the exit code of wrong usage.
fn refused(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    told
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn what_was_observed_goes_and_what_was_decided_stays() {
    let home = Home::new();
    let settings = ["--seed", "3", "--set", "nhits.steps=20"];
    let result = run(&home, &settings);
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let experiment = result["experiment_id"].to_string();
    let events = home.json(&["history", &experiment])["events"].as_array().unwrap().clone();
    let planned = events.iter().find(|event| event["type"] == "PlanProposed").unwrap()["position"].to_string();

    // Its key is a file for nobody else, and the database holds no observation in the clear.
    let keys = files(&home.path().join("keys").join("datasets"), ".key");
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(std::fs::metadata(&keys[0]).unwrap().permissions().mode() & 0o7777, 0o600);
    let plain = home.sql(
        "SELECT count(*) FROM atsre.artifacts WHERE position('\"forecasts\"'::bytea IN bytes) > 0 \
                          OR position('demand,temperature'::bytea IN bytes) > 0",
    );
    assert_eq!(plain, "0");
    assert!(home.sql("SELECT count(*) FROM atsre.sealed_artifacts").parse::<u32>().unwrap() > 8);
    assert_eq!(files(&home.path().join("reports"), ".html").len(), 1);

    // Not while something runs on it; not what there is none of.
    let forked = home.json(&["fork", &experiment, "--at", &planned, "--why", "is Theta enough?", "--later"]);
    let fork = forked["experiment_id"].to_string();
    let told = refused(&home.run(&["erase", "demand", "--why", WHY]));
    assert!(told.contains(&fork) && told.contains("cancel"), "{told}");
    assert!(refused(&home.run(&["erase", "demnd", "--why", WHY])).contains("demand"), "the known names");
    home.json(&["cancel", &fork, "--why", "not needed"]);
    let before = home.json(&["experiments"]);

    let erased = home.json(&["erase", "demand", "--why", WHY]);
    assert_eq!((erased["before"].as_bool(), &erased["dataset"]), (Some(false), &Value::from("demand")), "{erased:#}");
    assert_eq!(erased["experiments"].as_array().unwrap().len(), 2);
    assert!(erased["artifacts"].as_u64().unwrap() > 8);
    assert!(files(&home.path().join("keys").join("datasets"), ".key").is_empty());
    assert!(files(&home.path().join("reports"), "").is_empty());
    assert_eq!(home.sql("SELECT count(*) FROM pg_tables WHERE schemaname IN ('raw', 'clean')"), "0");

    // The history verifies and says what was erased, when, by whom and why.
    let verification = home.json(&["verify"]);
    let [told] = verification["erasures"].as_array().unwrap().as_slice() else { panic!("{verification:#}") };
    assert_eq!((&told["dataset"], &told["why"]), (&Value::from("demand"), &Value::from(WHY)));
    assert!(!told["by"].as_str().unwrap().is_empty() && told["erased_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&told["position"], &told["artifacts"]), (&erased["position"], &erased["artifacts"]));
    let output = home.run(&["verify"]);
    succeeded(&output);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(WHY) && text.contains("whole and unaltered"), "{text}");

    // So does everything that was made of it; scores and decisions stay.
    let state = home.json(&["state", &experiment]);
    assert_eq!((&state["input_erased"]["why"], &state["status"]), (&Value::from(WHY), &Value::from("COMPLETED")));
    for told in
        [home.run(&["state", &experiment]), home.run(&["history", &experiment]), home.run(&["forks", &experiment])]
    {
        succeeded(&told);
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("erased"), "{told}");
    }
    let after = home.json(&["experiments"]);
    for (then, now) in before.as_array().unwrap().iter().zip(after.as_array().unwrap()) {
        assert!(then["input_erased_at"].is_null() && now["input_erased_at"].is_string());
        assert_eq!((&then["best_trial_id"], &then["status"]), (&now["best_trial_id"], &now["status"]));
    }
    assert!(home.json(&["datasets"])[0]["erased_at"].is_string());
    assert_eq!(home.sql("SELECT count(*) FROM read.forecasts"), "0");
    assert_ne!(home.sql("SELECT count(*) FROM read.model_metrics"), "0");

    // What needs the data refuses, and says why.
    for arguments in [
        &["reproduce", &experiment][..],
        &["resume", &experiment],
        &["fork", &experiment, "--at", &planned, "--why", "again"],
    ] {
        let told = refused(&home.run(arguments));
        assert!(told.contains("erased") && told.contains(WHY), "{arguments:?}: {told}");
    }

    // A bundle tells it, and lacks nothing else.
    let bundle = home.path().join("bundle.zip");
    let exported = home.json(&["export", &experiment, "-o", bundle.to_str().unwrap()]);
    assert!(exported["erased"].as_u64().unwrap() > 5, "{exported:#}");
    let checked = home.json(&["verify", "--bundle", bundle.to_str().unwrap()]);
    assert_eq!(checked["erased"].as_array().unwrap().len() as u64, exported["erased"].as_u64().unwrap());

    // Again changes nothing.
    let again = home.json(&["erase", "demand", "--why", "again"]);
    assert_eq!((again["before"].as_bool(), &again["position"]), (Some(true), &erased["position"]), "{again:#}");

    // The same file again is a new version under a new key, and runs.
    let result = run(&home, &settings);
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let datasets = home.json(&["datasets"]);
    let versions: Vec<&Value> = datasets.as_array().unwrap().iter().map(|row| &row["version"]).collect();
    assert_eq!(versions, [&Value::from(2), &Value::from(1)]);
    assert_eq!(files(&home.path().join("keys").join("datasets"), ".key").len(), 1);
    assert_eq!(home.json(&["verify"])["erasures"].as_array().unwrap().len(), 1);
}
