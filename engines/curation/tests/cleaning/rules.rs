use atsre_curation::rules::{DomainHint, derive, hints_from_names, test_rule, violations};
use atsre_domain::Finite;
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm};

use crate::support::{HOUR, hourly, micros, wave};

fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

fn rule(column: &str, form: RuleForm, action: RuleAction) -> AnomalyRule {
    AnomalyRule { column: column.to_owned(), form, action, reason: "a test".to_owned() }
}

fn rows(panel: &atsre_domain::panel::Panel, form: RuleForm) -> Vec<i64> {
    let start = micros("2024-01-01");
    violations(panel, &rule("y", form, RuleAction::Flag)).iter().map(|v| (v.time.0 - start) / HOUR).collect()
}

#[test]
fn each_form_finds_the_rows_that_break_it_and_no_others() {
    let values = vec![1.0, 2.0, 9.0, 3.0, f64::NAN, 3.0, 3.0, 3.0, 4.0];
    let double: Vec<f64> = values.iter().map(|v| if *v == 4.0 { 40.0 } else { 2.0 * v }).collect();
    let panel = hourly(values, vec![("double", double)]);
    let bounds = |low, high| RuleForm::Bounds { minimum: low, maximum: high };
    assert_eq!(rows(&panel, bounds(Some(finite(2.0)), Some(finite(4.0)))), [0, 2]);
    assert_eq!(rows(&panel, bounds(None, Some(finite(3.0)))), [2, 8]);
    assert_eq!(rows(&panel, RuleForm::RateOfChange { maximum_per_step: finite(1.0) }), [2], "a spike counts once");
    assert_eq!(rows(&panel, RuleForm::FlatLine { longest_run: 2 }), [7], "a missing value ends a run");
    let slope = |band| RuleForm::CrossSeries {
        other: "double".to_owned(),
        slope: finite(0.5),
        intercept: finite(0.0),
        band: finite(band),
    };
    assert_eq!(rows(&panel, slope(1.0)), [8]);
    assert!(rows(&panel, slope(16.0)).is_empty());
}

#[test]
fn the_phase_of_a_calendar_context_is_the_calendars_not_the_files() {
    let mut panel = hourly(vec![5.0; 24], vec![]);
    let mut maximum = vec![finite(10.0); 24];
    maximum[13] = finite(4.0);
    let form = RuleForm::CalendarContext { period: 24, minimum: vec![finite(0.0); 24], maximum };
    assert_eq!(rows(&panel, form.clone()), [13]);
    panel.series[0].times.iter_mut().for_each(|t| t.0 += 3 * HOUR);
    assert_eq!(rows(&panel, form), [13], "13:00 stays 13:00 when the series starts at 03:00");
}

#[test]
fn names_say_what_values_are_possible() {
    let rows = |value: f64| vec![value; 4];
    let covariates = vec![
        ("relative_humidity", rows(55.0)),
        ("cpuLoad", rows(0.4)),
        ("rentalCount", rows(7.0)),
        ("temp", rows(1.0)),
    ];
    let hints = hints_from_names(&hourly(rows(1.0), covariates));
    let found: Vec<_> = hints.iter().map(|h| (h.column.as_str(), h.minimum, h.maximum)).collect();
    let expected = [
        ("relative_humidity", Some(0.0), Some(100.0)),
        ("cpuLoad", Some(0.0), Some(1.0)),
        ("rentalCount", Some(0.0), None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_hint_that_the_data_break_too_often_is_kept_but_not_used() {
    let mut humidity: Vec<f64> = (0..500).map(|i| 40.0 + f64::from(i % 40)).collect();
    humidity[100] = 170.0;
    let rare = hourly(wave(500), vec![("humidity", humidity.clone())]);
    let derived = derive(&rare, &[24], &[]);
    let hinted = derived.iter().find(|r| r.column == "humidity" && r.action == RuleAction::Impute).unwrap();
    let tested = test_rule(&rare, hinted);
    assert!(tested.accepted && tested.violations == 1 && tested.tested == 500, "{tested:?}");

    humidity.iter_mut().step_by(10).for_each(|v| *v = 170.0);
    let often = hourly(wave(500), vec![("humidity", humidity)]);
    let tested = test_rule(&often, hinted);
    assert!(!tested.accepted && tested.violations >= 50, "{tested:?}");
    assert!(tested.verdict.contains("left unused"), "{}", tested.verdict);
}

#[test]
fn derived_rules_fit_ordinary_data_and_catch_what_is_planted() {
    let mut values = wave(1_000);
    let related: Vec<f64> = values.iter().map(|v| 3.0 * v + 1.0).collect();
    let ordinary = hourly(values.clone(), vec![("related", related.clone())]);
    let derived = derive(&ordinary, &[24], &[]);
    assert_eq!(derived, derive(&ordinary, &[24], &[]), "same panel, same rules");
    for rule in &derived {
        let tested = test_rule(&ordinary, rule);
        assert!(tested.accepted && tested.violations == 0, "{tested:?}");
    }
    let has = |wanted: fn(&RuleForm) -> bool| derived.iter().any(|r| r.column == "y" && wanted(&r.form));
    assert!(has(|f| matches!(f, RuleForm::Bounds { .. })));
    assert!(has(|f| matches!(f, RuleForm::RateOfChange { .. })));
    assert!(has(|f| matches!(f, RuleForm::FlatLine { .. })));
    assert!(has(|f| matches!(f, RuleForm::CalendarContext { .. })));
    assert!(has(|f| matches!(f, RuleForm::CrossSeries { .. })));

    values[500] = 500.0;
    values[700..720].fill(55.5);
    let odd = hourly(values, vec![("related", related)]);
    for rule in derived.iter().filter(|r| r.column == "y") {
        let found = violations(&odd, rule);
        assert!(!found.is_empty(), "{rule:?} misses what is planted");
    }
}

#[test]
fn rules_that_make_no_sense_are_refused_with_their_defect() {
    let panel = hourly(wave(50), vec![]);
    let refuse = |column: &str, form: RuleForm| {
        let tested = test_rule(&panel, &rule(column, form, RuleAction::Clip));
        assert!(!tested.accepted && tested.tested == 0, "{tested:?}");
        assert!(tested.verdict.starts_with("left unused: "), "{}", tested.verdict);
    };
    refuse("y", RuleForm::Bounds { minimum: None, maximum: None });
    refuse("y", RuleForm::Bounds { minimum: Some(finite(2.0)), maximum: Some(finite(1.0)) });
    refuse("y", RuleForm::CalendarContext { period: 0, minimum: vec![], maximum: vec![] });
    refuse("y", RuleForm::CalendarContext { period: 3, minimum: vec![finite(0.0)], maximum: vec![finite(1.0)] });
    refuse("y", RuleForm::FlatLine { longest_run: 0 });
    refuse("nowhere", RuleForm::FlatLine { longest_run: 5 });
}

#[test]
fn a_hint_of_the_caller_comes_before_the_names() {
    let panel = hourly(wave(100), vec![("humidity", vec![0.0; 100])]);
    let own = DomainHint {
        column: "humidity".to_owned(),
        minimum: Some(-1.0),
        maximum: None,
        reason: "an offset of the sensor".to_owned(),
    };
    let derived = derive(&panel, &[], &[own]);
    let bounds: Vec<_> = derived.iter().filter(|r| r.column == "humidity").collect();
    assert_eq!(bounds.len(), 1);
    assert_eq!(bounds[0].reason, "an offset of the sensor");
}
