//! The main job through the program.

use crate::support::{Home, seasonal_csv, succeeded};

#[test]
fn a_csv_becomes_a_report_and_the_history_verifies() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(400));
    let file = file.to_str().unwrap();

    let result = home.json(&["run", file, "--target", "demand", "--horizon", "14", "--budget", "60s", "--seed", "7"]);

    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    assert!(result["leaderboard"].as_array().unwrap().len() >= 3);
    let report = std::fs::read_to_string(result["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("<svg"));
    let verification = home.json(&["verify"]);
    assert_eq!(verification["ok"], true, "{verification:#}");
    assert_eq!(home.json(&["rebuild", "--check"])["ok"], true);
    let history = home.json(&["history", &result["experiment_id"].to_string()]);
    let types: Vec<&str> = history["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    for expected in ["DatasetProfiled", "GraphDiscovered", "PlanProposed", "ResourceSampled", "ReportPublished"] {
        assert!(types.contains(&expected), "{expected} is missing in {types:?}");
    }
    succeeded(&home.run(&["history", &result["experiment_id"].to_string()]));
}
