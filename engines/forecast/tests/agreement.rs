//! The models agree with the reference forecasts in `tests/reference`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_forecast::agreement::{Group, Verdict, judge};

fn agrees(text: &str) {
    // Given the reference forecasts of a group of series
    let group: Group = serde_json::from_str(text).unwrap();
    // When every model is compared with its counterpart
    let lines = judge(&group).unwrap();
    // Then none differs; what this crate does not have is named as missing
    let differing: Vec<String> =
        lines.iter().filter(|l| matches!(l.verdict, Verdict::Differs(_))).map(ToString::to_string).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    let known = ["AutoETS", "AutoTheta", "Naive2_M4", "CrostonClassic"];
    let mut present = lines.iter().filter(|l| known.contains(&l.model.as_str()));
    assert!(present.all(|l| l.verdict == Verdict::Agrees && l.series > 0));
    assert!(lines.iter().any(|l| l.verdict == Verdict::Agrees));
}

macro_rules! groups {
    ($($name:ident: $file:literal),+) => {
        $(#[test]
        fn $name() {
            agrees(include_str!(concat!("reference/", $file, ".json")));
        })+
    };
}

groups!(
    yearly_series_of_m3: "m3_yearly",
    quarterly_series_of_m3: "m3_quarterly",
    monthly_series_of_m3: "m3_monthly",
    weekly_series_of_m4: "m4_weekly",
    hourly_series_of_m4: "m4_hourly",
    daily_series_of_nn5: "nn5_daily",
    intermittent_series_of_car_parts: "carparts"
);

#[test]
fn a_wrong_reference_is_seen() {
    // Given reference forecasts, one of which is two per mille too high
    let mut group: Group = serde_json::from_str(include_str!("reference/m3_yearly.json")).unwrap();
    let case = group.models.get_mut("RandomWalkWithDrift").unwrap().values_mut().next().unwrap();
    case.mean.as_mut().unwrap()[0] *= 1.002;
    // When the group is judged
    let lines = judge(&group).unwrap();
    // Then that model differs, and only that one
    let differing: Vec<&str> =
        lines.iter().filter(|l| matches!(l.verdict, Verdict::Differs(_))).map(|l| l.model.as_str()).collect();
    assert_eq!(differing, ["RandomWalkWithDrift"]);
}
