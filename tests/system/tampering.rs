//! Somebody with the owner's rights alters history or a read model: `verify` exits 3 and names the place.

use crate::support::{Home, seasonal_csv};

const DIFFERS: Option<i32> = Some(3);

fn finds(home: &Home, kind: &str, position: u64) {
    let output = home.run(&["verify", "--json"]);
    assert_eq!(output.status.code(), DIFFERS, "{}", String::from_utf8_lossy(&output.stdout));
    let verification: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verification["ok"], false);
    let named =
        verification["differences"].as_array().unwrap().iter().any(|d| d["kind"] == kind && d["position"] == position);
    assert!(named, "{kind} at {position} is not named in {verification:#}");
}

/// The triggers stand down, as they would for a superuser who means harm.
fn alter(home: &Home, statement: &str) {
    home.sql(&format!("SET session_replication_role = replica; {statement}"));
}

#[test]
fn what_was_altered_is_found_and_named() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(150));
    let arguments =
        ["run", file.to_str().unwrap(), "--target", "demand", "--horizon", "7", "--budget", "60s", "--seed", "1"];
    assert_eq!(home.json(&arguments)["status"], "COMPLETED");
    assert_eq!(home.json(&["verify"])["ok"], true);
    let last: u64 = home.sql("SELECT position FROM log_head").parse().unwrap();

    // The database itself refuses, for the owner too, as long as its triggers stand.
    let refused = home.run(&["db", "psql", "--", "-c", "DELETE FROM events WHERE position = 3"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("append-only"));

    // A read model by hand.
    home.sql("UPDATE experiments_v4.model_metrics SET value = regexp_replace(value, '^[{]', '{9') WHERE trial_no = 1");
    let output = home.run(&["verify", "--json"]);
    assert_eq!(output.status.code(), DIFFERS);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("model_metrics") && told.contains("\\\"trial_no\\\": 1"), "{told}");
    let checked = home.run(&["rebuild", "--check", "--json"]);
    assert_eq!(checked.status.code(), DIFFERS);
    home.json(&["rebuild"]);
    assert_eq!(home.json(&["verify"])["ok"], true, "a rebuild mends a read model");

    // A whole table of one.
    home.sql("DROP TABLE experiments_v4.model_metrics CASCADE");
    let output = home.run(&["verify", "--json"]);
    assert_eq!(output.status.code(), DIFFERS);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("model_metrics"), "{told}");
    home.json(&["rebuild"]);
    assert_eq!(home.json(&["verify"])["ok"], true, "a rebuild mends that as well");

    // One byte of one event.
    let place = last / 2;
    alter(&home, &format!("UPDATE events SET payload = (payload::text || ' ')::json WHERE position = {place}"));
    finds(&home, "hash", place);
    alter(&home, &format!("UPDATE events SET payload = rtrim(payload::text)::json WHERE position = {place}"));
    assert_eq!(home.json(&["verify"])["ok"], true);

    // One event deleted: the gap shows at the event after it.
    alter(&home, &format!("DELETE FROM events WHERE position = {place}"));
    finds(&home, "gap", place + 1);
}

#[test]
fn a_cut_tail_and_a_wrong_anchor_are_found() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(150));
    let arguments =
        ["run", file.to_str().unwrap(), "--target", "demand", "--horizon", "7", "--budget", "60s", "--seed", "1"];
    assert_eq!(home.json(&arguments)["status"], "COMPLETED");
    let head = home.json(&["verify"])["head"].clone();
    let anchors = home.write("anchors.jsonl", head.to_string());
    let with_anchor = ["verify", "--anchor", anchors.to_str().unwrap()];
    assert_eq!(home.json(&with_anchor)["ok"], true);

    let last = head["position"].as_u64().unwrap();
    alter(&home, &format!("DELETE FROM events WHERE position = {last}"));
    finds(&home, "incomplete", last - 1);

    // Who also winds the head back leaves no trace inside the database; the anchor outside it tells.
    alter(
        &home,
        "UPDATE log_head SET (position, log_hash) = (SELECT position, log_hash FROM events ORDER BY position DESC LIMIT 1)",
    );
    let output = home.run(&with_anchor);
    assert_eq!(output.status.code(), DIFFERS);
    assert!(String::from_utf8_lossy(&output.stdout).contains("its tail was cut"));
}

#[test]
fn a_bundle_is_checked_without_a_database_by_two_checkers_and_restored_elsewhere() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(150));
    let arguments =
        ["run", file.to_str().unwrap(), "--target", "demand", "--horizon", "7", "--budget", "60s", "--seed", "1"];
    let id = home.json(&arguments)["experiment_id"].to_string();
    let path = home.path().join("evidence.zip");
    let bundle = path.to_str().unwrap();

    let exported = home.json(&["export", &id, "-o", bundle]);

    let elsewhere = Home::new();
    let checked = elsewhere.json(&["verify", "--bundle", bundle]);
    assert_eq!((&checked["ok"], &checked["manifest"]), (&true.into(), &exported["manifest"]), "{checked:#}");
    let anchors = ["anchors_compared", "anchors_elsewhere"].map(|kind| checked[kind].as_u64().unwrap());
    assert!(anchors.iter().sum::<u64>() >= 1, "{checked:#}");
    assert!(!elsewhere.path().join("cluster").exists(), "a bundle needs no database");
    let imported = elsewhere.json(&["import", bundle]);
    assert_eq!(imported["unfinished"], serde_json::json!([]));
    assert_eq!(elsewhere.json(&["verify"])["ok"], true);
    assert_eq!(elsewhere.json(&["experiments"])[0]["status"], "COMPLETED");
    assert_eq!(elsewhere.json(&["import", bundle])["appended"], 0, "importing again changes nothing");

    // One byte of it.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(elsewhere.run(&["verify", "--bundle", bundle, "--json"]).status.code(), DIFFERS);
}

#[test]
fn anchors_are_signed_after_each_run_and_a_check_can_begin_at_one() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(150));
    let arguments =
        ["run", file.to_str().unwrap(), "--target", "demand", "--horizon", "7", "--budget", "60s", "--seed", "1"];
    home.json(&arguments);
    let text = std::fs::read_to_string(home.path().join("anchors.jsonl")).unwrap();
    let anchor: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(anchor["signature"].is_string(), "{anchor:#}");
    let position = anchor["position"].to_string();
    // The report carries one of them, which is checked by itself.
    let reports = std::fs::read_dir(home.path().join("reports")).unwrap().map(|entry| entry.unwrap().path());
    let report =
        reports.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert!(text.lines().any(|line| serde_json::from_str::<serde_json::Value>(line).unwrap() == report["anchor"]));
    let carried = home.write("carried.jsonl", format!("{}\n", report["anchor"]));
    assert_eq!(home.json(&["verify", "--anchor", carried.to_str().unwrap()])["ok"], true);
    home.json(&arguments);

    let whole = home.json(&["verify"]);
    let since = home.json(&["verify", "--since", &position]);

    assert_eq!((&whole["ok"], &since["ok"]), (&true.into(), &true.into()), "{whole:#} {since:#}");
    // After each run the last event of work and the log's end.
    let taken = std::fs::read_to_string(home.path().join("anchors.jsonl")).unwrap().lines().count();
    assert!(taken >= 4, "{taken}");
    assert_eq!(whole["anchors_checked"], taken, "{whole:#}");
    assert!(since["events"].as_u64().unwrap() < whole["events"].as_u64().unwrap());
    // An anchor that somebody has edited.
    home.write("anchors.jsonl", text.replacen(&format!("\"position\":{position}"), "\"position\":1", 1));
    assert_eq!(home.run(&["verify"]).status.code(), DIFFERS);
}
