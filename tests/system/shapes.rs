//! The JSON and CSV that others build on, from files in both shapes.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Home, succeeded};

/// A committed sample.
fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples").join(name).to_str().unwrap().to_owned()
}

/// The engines need no home: nothing may appear in it.
fn untouched(home: &Home) {
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "an engine by itself stores nothing");
}

fn array<'v>(value: &'v Value, key: &str) -> &'v Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is no list in {value:#}"))
}

/// Each forecast has as many times, means and values of every quantile as the horizon, and quantiles that do not cross.
fn well_formed(result: &Value, horizon: usize, levels: &[&str]) {
    assert_eq!(result["horizon"], horizon);
    for forecast in array(result, "forecasts") {
        assert!(forecast["seconds"].as_f64().unwrap() >= 0.0);
        assert_eq!(array(forecast, "timestamps").len(), horizon);
        assert!(array(forecast, "timestamps").is_sorted_by(|a, b| a.as_str() != b.as_str()));
        assert!(array(forecast, "mean").iter().all(Value::is_f64) && array(forecast, "mean").len() == horizon);
        let quantiles = forecast["quantiles"].as_object().unwrap();
        assert_eq!(quantiles.keys().collect::<Vec<_>>(), levels);
        let step = |level: &str, step: usize| quantiles[level][step].as_f64().unwrap();
        for at in 0..horizon {
            assert!(levels.is_sorted_by(|low, high| step(low, at) <= step(high, at)), "{forecast:#}");
        }
        assert!(levels.iter().all(|level| array(&forecast["quantiles"], level).len() == horizon));
    }
}

#[test]
fn a_wide_file_is_forecast_as_one_series() {
    let home = Home::new();
    let result = home.json(&["forecast", &sample("airpassengers.csv"), "--horizon", "6", "--model", "theta"]);
    well_formed(&result, 6, &["0.1", "0.5", "0.9"]);
    let [forecast] = array(&result, "forecasts").as_slice() else { panic!("one series: {result:#}") };
    assert_eq!(forecast["model"], "theta");
    assert_eq!(forecast["timestamps"][0], "1961-01-01T00:00:00");
    assert_eq!(forecast["timestamps"][5], "1961-06-01T00:00:00");
    // The season of the last year with some growth: between 300 and 700 thousand passengers.
    assert!(
        array(forecast, "mean").iter().all(|mean| (300.0..700.0).contains(&mean.as_f64().unwrap())),
        "{forecast:#}"
    );
    untouched(&home);
}

#[test]
fn a_long_file_is_forecast_item_by_item() {
    let home = Home::new();
    let file = sample("nyc_airport_passengers_raw.csv");
    let arguments = ["forecast", &file, "--target", "Total Passengers", "--horizon", "3", "--quantiles", "0.05,0.95"];
    let result = home.json(&arguments);
    well_formed(&result, 3, &["0.05", "0.95"]);
    let items: Vec<&str> = array(&result, "forecasts").iter().map(|f| f["item_id"].as_str().unwrap()).collect();
    assert_eq!(items.len(), 5, "{items:?}");
    assert!(items.contains(&"JFK") && items.contains(&"LGA"), "{items:?}");

    let csv = printed(&home.run(&[&arguments[..], &["--csv"]].concat()));
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "item_id,timestamp,model,mean,q0.05,q0.95");
    assert_eq!(lines.len(), 1 + 5 * 3);
    let first = &result["forecasts"][0];
    let fields: Vec<&str> = lines[1].split(',').collect();
    assert_eq!(fields[0], first["item_id"].as_str().unwrap());
    assert_eq!(fields[1], first["timestamps"][0].as_str().unwrap());
    assert_eq!(fields[2], first["model"].as_str().unwrap());
    assert_eq!(fields[3].parse::<f64>().unwrap(), first["mean"][0].as_f64().unwrap());
    assert_eq!(fields[5].parse::<f64>().unwrap(), first["quantiles"]["0.95"][0].as_f64().unwrap());
    untouched(&home);
}

#[test]
fn forecasts_of_a_hierarchy_add_up() {
    let home = Home::new();
    let mut text = "day,shop,sales\n".to_owned();
    for (shop, level) in [("north/a", 40.0), ("north/b", 90.0), ("south/c", 20.0)] {
        for day in 0..120_u32 {
            let date = chrono::NaiveDate::from_ymd_opt(2025, 1, 1).unwrap() + chrono::Days::new(u64::from(day));
            let season = [1.0, 0.9, 0.8, 0.9, 1.1, 1.5, 1.3][day as usize % 7];
            let noise = f64::from((day * 7_919 + shop.len() as u32 * 104_729 + level as u32 * 31) % 11);
            text.push_str(&format!("{date},{shop},{:.1}\n", level * season + noise));
        }
    }
    let file = home.write("shops.csv", text);
    let arguments = ["forecast", file.to_str().unwrap(), "--target", "sales", "--horizon", "7", "--model", "theta"];
    for method in [&["--hierarchy", "/"][..], &["--hierarchy", "/", "--reconcile", "bottom-up"][..]] {
        let result = home.json(&[&arguments[..], method].concat());
        well_formed(&result, 7, &["0.1", "0.5", "0.9"]);
        let mean = |item: &str| -> Vec<f64> {
            let forecast = array(&result, "forecasts").iter().find(|forecast| forecast["item_id"] == item);
            array(forecast.unwrap(), "mean").iter().map(|mean| mean.as_f64().unwrap()).collect()
        };
        let [total, north, a, b, c] = ["total", "north", "north/a", "north/b", "south/c"].map(mean);
        for step in 0..7 {
            assert!((north[step] - a[step] - b[step]).abs() < 1e-6, "{result:#}");
            assert!((total[step] - north[step] - c[step]).abs() < 1e-6, "{result:#}");
        }
        assert!((100.0..400.0).contains(&total[0]), "{total:?}");
    }
    // Without the flag nothing is summed.
    assert_eq!(array(&home.json(&arguments), "forecasts").len(), 3);
}

#[test]
fn a_step_number_stands_for_the_time() {
    let home = Home::new();
    let result = home.json(&[
        "forecast",
        &sample("gas_furnace.csv"),
        "--target",
        "co2_pct",
        "--horizon",
        "2",
        "--model",
        "ridge",
    ]);
    well_formed(&result, 2, &["0.1", "0.5", "0.9"]);
    assert_eq!(result["forecasts"][0]["timestamps"], serde_json::json!(["297", "298"]));
    untouched(&home);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let home = Home::new();
    let file = sample("nyc_airport_passengers_raw.csv");
    let arguments = ["forecast", &file, "--target", "Total Passengers", "--model", "ridge", "--seed", "9", "--csv"];
    assert_eq!(printed(&home.run(&arguments)), printed(&home.run(&arguments)));
}

#[test]
fn a_profile_tells_of_the_data_and_of_each_series() {
    let home = Home::new();
    let wide = home.json(&["profile", &sample("airpassengers.csv")]);
    assert_eq!((&wide["series_count"], &wide["observations"]), (&1.into(), &144.into()));
    assert_eq!(array(&wide, "seasonal_periods")[0]["period"], 12, "{wide:#}");
    assert!(wide["trend_strength"].as_f64().unwrap() > 0.9);
    assert_eq!(array(&wide, "series").len(), 1);

    let target = ["--target", "Rachel1"];
    let latin = home.json(&[&["profile", &sample("montreal_bikes_latin1_raw.csv")], &target[..]].concat());
    assert_eq!(latin["observations"], 310);
    let names: Vec<&str> = array(&latin, "covariates").iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"Côte-Sainte-Catherine"), "{names:?}");

    let long = home.json(&["profile", &sample("nyc_airport_passengers_raw.csv"), "--target", "Total Passengers"]);
    assert_eq!(long["series_count"], 5);
    let lengths: u64 = array(&long, "series").iter().map(|series| series["length"].as_u64().unwrap()).sum();
    assert_eq!(long["observations"].as_u64().unwrap(), lengths);
    for key in ["missing_share", "outliers", "stationarity", "demand_pattern", "findings", "frequency"] {
        assert!(!long[key].is_null(), "{key}");
    }
    untouched(&home);
}

#[test]
fn a_file_with_lines_before_its_header_is_profiled() {
    let home = Home::new();
    let brent = home.json(&["profile", &sample("eia_brent_spot_raw.csv")]);
    assert_eq!(brent["series_count"], 1);
    assert!(brent["missing_share"].as_f64().unwrap() > 0.02, "holidays are gaps of business days");
    untouched(&home);
}

#[test]
fn a_causal_graph_is_a_node_link_document_with_its_matrix_and_drivers() {
    let home = Home::new();
    let found = home.json(&["causal", &sample("gas_furnace.csv"), "--target", "co2_pct", "--bootstrap", "5"]);
    assert!(found["algorithm"].is_string() && !array(&found, "reasons").is_empty());
    let graph = &found["graph"];
    assert!(graph["directed"].is_boolean() && graph["multigraph"].is_boolean());
    let ids: Vec<&str> = array(graph, "nodes").iter().map(|node| node["id"].as_str().unwrap()).collect();
    assert!(!array(graph, "links").is_empty());
    for link in array(graph, "links") {
        assert!(ids.contains(&link["source"].as_str().unwrap()) && ids.contains(&link["target"].as_str().unwrap()));
    }
    let matrix = &found["adjacency_matrix"];
    let variables = array(matrix, "variables").len();
    assert_eq!(variables, ids.len());
    assert!(array(matrix, "marks").iter().all(|row| row.as_array().unwrap().len() == variables));
    let drivers = array(&found, "drivers");
    let gas = drivers.iter().find(|driver| driver["variable"] == "gas_rate").unwrap_or_else(|| panic!("{found:#}"));
    for key in ["lag", "p_value", "confidence"] {
        assert!(gas[key].is_number(), "{key} in {gas:#}");
    }
    assert!(gas["lag"].as_u64().unwrap() > 0, "the furnace answers after a while");
    // Without a target the graph is of all columns alike.
    let found = home.json(&["causal", &sample("gas_furnace.csv"), "--bootstrap", "5"]);
    assert!(!array(&found["graph"], "links").is_empty() && array(&found, "drivers").is_empty());
    untouched(&home);
}

#[test]
fn an_experiment_on_a_long_file_forecasts_every_item() {
    let home = Home::new();
    let rows = (0..60_u64).flat_map(|index| {
        let date = chrono::NaiveDate::from_ymd_opt(2021, 1, 1).unwrap() + chrono::Days::new(index);
        let season = [0.0, 2.0, 5.0, 3.0, -1.0, -4.0, -5.0][index as usize % 7];
        (0..5_u64).map(move |item| {
            let noise = ((index * 7919 + item * 104_729) % 23) as f64 / 23.0;
            format!("shop {item},{date},{:.3}\n", 50.0 * (item + 1) as f64 + season + 0.1 * index as f64 + noise)
        })
    });
    home.write("shops.csv", format!("item_id,timestamp,target\n{}", rows.collect::<String>()));

    let result = home.json(&["run", "shops.csv", "--horizon", "7", "--budget", "30s", "--seed", "5"]);

    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    for key in ["experiment_id", "dataset", "objective", "report", "best"] {
        assert!(!result[key].is_null(), "{key} in {result:#}");
    }
    assert!(result["fallbacks"].is_array());
    for row in array(&result, "leaderboard") {
        for key in
            ["trial_id", "trial_no", "framework", "model", "status", "metrics", "seconds", "energy_j", "attempts"]
        {
            assert!(row.get(key).is_some(), "{key} in {row:#}");
        }
    }
    assert_eq!(home.sql("select count(distinct item_id) from forecasts"), "5");
}

fn printed(output: &Output) -> String {
    succeeded(output);
    String::from_utf8(output.stdout.clone()).unwrap()
}
