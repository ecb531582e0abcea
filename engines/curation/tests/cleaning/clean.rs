use atsre_curation::cleaning::{clean, combine, regularise};
use atsre_curation::rules::test_rule;
use atsre_domain::Finite;
use atsre_domain::cleaning::ChangeKind;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::rule::{AnomalyRule, RuleAction, RuleForm, TestedRule};

use crate::support::{HOUR, every, hourly, same, table, target, times, wave};

fn accepted(column: &str, form: RuleForm, action: RuleAction) -> TestedRule {
    let rule = AnomalyRule { column: column.to_owned(), form, action, reason: "a test".to_owned() };
    TestedRule { rule, tested: 1, violations: 1, accepted: true, verdict: String::new() }
}

fn at_most(maximum: f64) -> RuleForm {
    RuleForm::Bounds { minimum: None, maximum: Finite::of(maximum) }
}

#[test]
fn a_day_that_is_missing_gets_its_shape_back() {
    let truth = wave(24 * 20);
    let mut values = truth.clone();
    values[240..264].fill(f64::NAN);
    let cleaned = clean(&hourly(values, vec![]), &[], 24);
    let worst = (240..264).map(|i| (cleaned.panel.series[0].target[i] - truth[i]).abs()).fold(0.0, f64::max);
    assert!(worst < 2.5, "the noise alone is 2: {worst}");
    assert_eq!(cleaned.summary.changes[&ChangeKind::ImputedMissing], 24);
    assert_eq!(cleaned.summary.rows, 480);
}

#[test]
fn a_spike_is_replaced_and_listed_with_both_values() {
    let mut values = wave(480);
    let before = values[300];
    values[300] = 500.0;
    let cleaned = clean(&hourly(values, vec![]), &[], 24);
    assert_eq!(cleaned.changes.len(), 1);
    let change = &cleaned.changes[0];
    assert_eq!(change.kind, ChangeKind::ReplacedOutlier);
    assert_eq!(change.before.unwrap().get(), 500.0);
    assert!((change.after.unwrap().get() - before).abs() < 3.0);
}

#[test]
fn ordinary_data_are_not_touched() {
    let panel = hourly(wave(1_000), vec![]);
    let cleaned = clean(&panel, &[], 24);
    assert_eq!(cleaned.panel, panel);
    assert!(cleaned.changes.is_empty() && cleaned.summary.changes.is_empty());
}

#[test]
fn rules_act_as_they_say() {
    let mut humidity: Vec<f64> = wave(480);
    humidity[100] = 170.0;
    let panel = hourly(wave(480), vec![("humidity", humidity)]);
    let value = |action| {
        let cleaned = clean(&panel, &[accepted("humidity", at_most(100.0), action)], 24);
        (cleaned.panel.series[0].covariates[0][100], cleaned.changes.len(), cleaned.summary.notes)
    };
    let (flagged, changes, notes) = value(RuleAction::Flag);
    assert_eq!((flagged, changes), (170.0, 0));
    assert!(notes.iter().any(|n| n.contains("only flags")), "{notes:?}");
    assert_eq!(value(RuleAction::Clip).0, 100.0);
    let (imputed, changes, _) = value(RuleAction::Impute);
    assert!((imputed - wave(480)[100]).abs() < 3.0 && changes == 1, "{imputed}");
}

#[test]
fn a_rule_that_was_not_accepted_does_nothing() {
    let panel = hourly(wave(480), vec![]);
    let mut rule = accepted("y", at_most(45.0), RuleAction::Clip);
    rule = test_rule(&panel, &rule.rule);
    assert!(!rule.accepted);
    assert_eq!(clean(&panel, &[rule], 24).panel, panel);
}

#[test]
fn rules_that_contradict_each_other_are_left_out_and_the_gaps_still_filled() {
    let mut values = wave(100);
    values[50] = f64::NAN;
    let low = accepted("y", at_most(10.0), RuleAction::Clip);
    let high = accepted("y", RuleForm::Bounds { minimum: Finite::of(90.0), maximum: None }, RuleAction::Clip);
    let cleaned = clean(&hourly(values.clone(), vec![]), &[low, high], 1);
    let settled = &cleaned.panel.series[0].target;
    assert!(settled.iter().all(|v| v.is_finite()));
    let again = clean(&cleaned.panel, &[], 1);
    assert!(same(&again.panel.series[0].target, settled));
}

#[test]
fn categories_and_flags_take_values_that_occur() {
    let flag: Vec<f64> = (0..200).map(|i| if i == 77 { f64::NAN } else { f64::from(i / 100 % 2) }).collect();
    let cleaned = clean(&hourly(wave(200), vec![("holiday", flag)]), &[], 24);
    assert_eq!(cleaned.panel.series[0].covariates[0][77], 0.0);
}

#[test]
fn a_column_without_any_value_stays_missing_and_is_noted() {
    let cleaned = clean(&hourly(wave(50), vec![("x", vec![f64::NAN; 50])]), &[], 1);
    assert!(cleaned.panel.series[0].covariates[0].iter().all(|v| v.is_nan()));
    assert!(cleaned.summary.notes.iter().any(|n| n.contains("stay missing")), "{:?}", cleaned.summary.notes);
}

#[test]
fn both_lists_join_into_one_from_the_raw_table_to_the_clean_panel() {
    let input = table(vec![times(&[0, HOUR, 3 * HOUR]), target(&[1.5, f64::NAN, 4.5])]);
    let regular = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    let cleaned = clean(&regular.panel, &[], 1);
    let all = combine(&regular.changes, &cleaned.changes);
    let found: Vec<_> = all.iter().map(|c| (c.time.0 / HOUR, c.kind, c.before, c.after.map(Finite::get))).collect();
    let expected = [(2, ChangeKind::InsertedGap, None, Some(3.5)), (1, ChangeKind::ImputedMissing, None, Some(2.5))];
    assert_eq!(found, expected);
}
