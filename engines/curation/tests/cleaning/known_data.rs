//! Public data whose defects are known.

use std::path::Path;

use atsre_curation::cleaning::{clean, regularise};
use atsre_curation::rules::{derive, test_rule};
use atsre_domain::cleaning::ChangeKind;
use atsre_domain::frequency::FrequencyUnit;

use crate::support::{every, micros, table, target, times};

fn read(name: &str) -> (Vec<i64>, Vec<f64>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cleaning/data").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(time, value)| (micros(time), if value.is_empty() { f64::NAN } else { value.parse().unwrap() }))
        .unzip()
}

#[test]
fn the_fifty_nine_missing_weeks_of_mauna_loa_are_filled_and_nothing_else_changes() {
    let (moments, values) = read("co2_mauna_loa_weekly_missing.csv");
    let regular =
        regularise(&table(vec![times(&moments), target(&values)]), every(FrequencyUnit::Week), "y", &[]).unwrap();
    assert!(regular.changes.is_empty(), "{:?}", regular.changes);
    let rules: Vec<_> = derive(&regular.panel, &[52], &[]).iter().map(|r| test_rule(&regular.panel, r)).collect();
    let cleaned = clean(&regular.panel, &rules, 52);
    assert_eq!(cleaned.summary.changes.into_iter().collect::<Vec<_>>(), [(ChangeKind::ImputedMissing, 59)]);
    // The yearly swing is about 6 ppm and the growth about 1 ppm a year: a filled value lies near its neighbours.
    let series = &cleaned.panel.series[0].target;
    let largest_step = series.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
    assert!(largest_step < 3.0, "{largest_step}");
}

#[test]
fn the_thirteen_absent_months_of_milk_are_inserted_and_filled() {
    let (moments, values) = read("monthly_milk_incomplete.csv");
    let regular =
        regularise(&table(vec![times(&moments), target(&values)]), every(FrequencyUnit::Month), "y", &[]).unwrap();
    assert_eq!(regular.panel.series[0].target.len(), 168);
    assert_eq!(regular.changes.iter().filter(|c| c.kind == ChangeKind::InsertedGap).count(), 13);
    let cleaned = clean(&regular.panel, &[], 12);
    assert_eq!(cleaned.summary.changes.into_iter().collect::<Vec<_>>(), [(ChangeKind::ImputedMissing, 13)]);
}

#[test]
fn milk_that_is_hidden_is_filled_within_three_percent_and_better_than_by_a_line() {
    let (moments, values) = read("monthly_milk_incomplete.csv");
    let panel = regularise(&table(vec![times(&moments), target(&values)]), every(FrequencyUnit::Month), "y", &[]);
    let panel = panel.unwrap().panel;
    let truth = panel.series[0].target.clone();
    let errors = |period: u32| {
        let mut hidden = panel.clone();
        let rows: Vec<usize> =
            (12..150).step_by(9).flat_map(|row| row..row + 3).filter(|r| !truth[*r].is_nan()).collect();
        rows.iter().for_each(|row| hidden.series[0].target[*row] = f64::NAN);
        let filled = clean(&hidden, &[], period).panel.series[0].target.clone();
        rows.iter().map(|row| (filled[*row] - truth[*row]).abs() / truth[*row]).sum::<f64>() / rows.len() as f64
    };
    let (seasonal, line) = (errors(12), errors(1));
    assert!(seasonal < 0.03 && 2.0 * seasonal < line, "{seasonal} against {line}");
}
