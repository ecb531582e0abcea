//! What every report must be: complete, inert, self-contained and the same each time.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use atsre_domain::Finite;
use atsre_domain::experiment::TrialState;
use atsre_domain::identity::TrialNumber;

use super::sample::{self, Shape};
use super::{RenderError, Rendered, render};

const HOSTILE: &str = "\"><script>alert('x')</script>|`<img src=x onerror=y>&[a](b)\n# h";

fn rendered(shape: Shape) -> Rendered {
    render(&sample::data(shape)).expect("the sample renders")
}

fn shapes() -> Vec<Shape> {
    let hostile = Shape { series: 3, length: 12_000, hostile: Some(HOSTILE), ..Shape::HOURS };
    let short = Shape { series: 2, length: 9, horizon: 1, ..Shape::MANY };
    let few = Shape { series: 4, horizon: 3, holdout: true, ..Shape::MANY };
    vec![Shape::HOURS, Shape::MANY, hostile, short, few]
}

/// Every drawing in a page.
fn drawings(html: &str) -> Vec<&str> {
    html.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().unwrap()).collect()
}

#[test]
fn a_report_has_every_section() {
    let page = rendered(Shape::HOURS).html;
    for heading in [
        "Forecast",
        "Leaderboard",
        "Accuracy and energy",
        "Data",
        "Profile",
        "Causes",
        "Plan",
        "Failures and healing",
        "Reproducibility",
    ] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert!(page.contains("MASE 0.52, 41 % below seasonal naive"));
    // The forecast, the front, two correlograms and the graph.
    assert_eq!(drawings(&page).len(), 5);
    for text in
        ["Out of memory", "batch_size 1024 → 256", "healed: attempt 2 succeeded", "given up", &"c4".repeat(32), "1284"]
    {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let report = rendered(Shape { series: 3, length: 12_000, hostile: Some(HOSTILE), ..Shape::HOURS });
    for forbidden in ["<script", "<img", "onerror=y>"] {
        assert!(!report.html.contains(forbidden), "{forbidden}");
    }
    assert!(report.html.contains("&lt;script&gt;"));
    assert!(!report.markdown.contains("<script") && !report.markdown.contains("\n# h"));
    let json: serde_json::Value = serde_json::from_str(&report.json).unwrap();
    assert_eq!(json["experiment"]["target"], HOSTILE);
}

#[test]
fn pages_reach_for_nothing_outside() {
    for shape in shapes() {
        let page = rendered(shape).html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for reach in ["http://", "https://", "url(", "@import", "<link", "<script", "<iframe", " src="] {
            let page = page.replace(" src=x", "");
            assert!(!page.contains(reach), "{reach} in {shape:?}");
        }
    }
}

#[test]
fn drawings_hold_finite_numbers_only() {
    for shape in shapes() {
        for drawing in drawings(&rendered(shape).html) {
            for part in drawing.split(['"', ' ', 'M', 'L', 'H', 'V', 'C', 'Z']) {
                assert!(!matches!(part, "NaN" | "inf" | "-inf"), "{shape:?}: {drawing}");
            }
        }
    }
}

#[test]
fn a_forecast_with_holes_is_drawn() {
    let mut data = sample::data(Shape { series: 1, ..Shape::MANY });
    let best = data.trials.iter_mut().find(|t| t.number == data.best).unwrap();
    let forecast = &mut best.result.as_mut().unwrap().forecasts[0];
    forecast.mean[2] = f64::NAN;
    forecast.quantiles[0][3] = f64::INFINITY;
    forecast.quantiles[4].iter_mut().for_each(|v| *v = f64::NAN);
    data.panel.series[0].target.iter_mut().for_each(|v| *v = f64::NAN);
    let report = render(&data).unwrap();
    assert!(drawings(&report.html).iter().all(|d| !d.contains("NaN") && !d.contains("inf")));
    let json: serde_json::Value = serde_json::from_str(&report.json).unwrap();
    assert!(json["forecasts"][0]["mean"][2].is_null());
}

#[test]
fn the_same_data_give_the_same_bytes() {
    for shape in shapes() {
        assert_eq!(rendered(shape), rendered(shape));
    }
}

#[test]
fn markdown_has_a_leaderboard_whose_lines_fit() {
    let text = rendered(Shape::HOURS).markdown;
    let table: Vec<&str> =
        text.lines().skip_while(|l| !l.starts_with("| # |")).take_while(|l| l.starts_with('|')).collect();
    assert_eq!(table.len(), 2 + 7, "{text}");
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(table.iter().all(|line| cells(line) == cells(table[0])));
    assert!(table[2].starts_with("| 1 | ensemble | ensemble | 0.522 ± 0.031 |"), "{}", table[2]);
    assert!(table[8].starts_with("| – | n-hits \\#6 |"), "{}", table[8]);
}

#[test]
fn json_has_what_a_machine_asks_for() {
    let data = sample::data(Shape::HOURS);
    let json: serde_json::Value = serde_json::from_str(&render(&data).unwrap().json).unwrap();
    assert_eq!(json["form"], "atsre-report/1");
    assert_eq!(json["best"]["label"], "ensemble");
    assert_eq!(json["best"]["backtest"]["mase"]["value"], 0.522);
    assert_eq!(json["baseline"]["model"], "seasonal-naive");
    assert_eq!(json["leaderboard"].as_array().unwrap().len(), 7);
    assert_eq!(json["graph"]["drivers"][0]["variable"], "temperature");
    assert_eq!(json["forecasts"][0]["times"].as_array().unwrap().len(), 24);
    assert_eq!(
        json["forecasts"][0]["quantiles"].as_array().unwrap().len(),
        json["quantile_levels"].as_array().unwrap().len()
    );
    assert_eq!(json["anchor"]["log_hash"], "c4".repeat(32));
    assert_eq!(json["anchor"]["signature"], "a7".repeat(64));
    assert_eq!(json["failures"][0]["kind"], "out_of_memory");
}

#[test]
fn the_verdict_is_honest_when_the_baseline_wins() {
    let mut data = sample::data(Shape::MANY);
    data.best = TrialNumber(1);
    assert!(render(&data).unwrap().html.contains("no model was better than the baseline, seasonal naive"));
    data.best = TrialNumber(2);
    assert!(render(&data).unwrap().html.contains("above seasonal naive"));
    data.best = TrialNumber(99);
    assert!(matches!(render(&data), Err(RenderError::NoBest(TrialNumber(99)))));
}

#[test]
fn a_trial_without_scores_is_still_reported() {
    let mut data = sample::data(Shape::MANY);
    for entry in &mut data.trials {
        if let TrialState::Completed { scores, .. } = &mut entry.trial.state {
            scores.clear();
        }
    }
    data.plan = None;
    data.profile.series.clear();
    data.profile.missing_share = Finite::ZERO;
    let report = render(&data).unwrap();
    assert!(report.html.contains("too short for a backtest"));
    assert!(report.html.contains("No finished model has both"));
}

/// With `ATSRE_REPORT_SAMPLES` set to a folder, writes the samples there for a person to look at.
#[test]
fn samples_can_be_looked_at() {
    let Some(folder) = std::env::var_os("ATSRE_REPORT_SAMPLES") else { return };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, shape) in ["hours", "many", "hostile", "short", "few"].iter().zip(shapes()) {
        let report = rendered(shape);
        for (extension, text) in [("html", &report.html), ("md", &report.markdown), ("json", &report.json)] {
            std::fs::write(folder.join(name).with_extension(extension), text).unwrap();
        }
    }
}
