use atsre_curation::cleaning::{CleaningError, regularise};
use atsre_domain::cleaning::ChangeKind;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::panel::CovariateKind;
use atsre_domain::table::{Cells, ColumnRole};

use crate::support::{HOUR, categories, column, every, micros, numbers, same, table, target, times};

const NAN: f64 = f64::NAN;

fn count(changes: &[atsre_domain::cleaning::CellChange], kind: ChangeKind) -> usize {
    changes.iter().filter(|c| c.kind == kind).count()
}

#[test]
fn rows_out_of_order_are_sorted_and_listed() {
    let input = table(vec![times(&[0, 2 * HOUR, HOUR, 3 * HOUR]), target(&[1.0, 3.0, 2.0, 4.0])]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    assert_eq!(output.panel.series[0].target, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(count(&output.changes, ChangeKind::Reordered), 1);
    assert!(output.changes[0].method.contains("data row 3"), "{}", output.changes[0].method);
}

#[test]
fn a_file_that_stands_newest_first_is_turned_round_without_a_list() {
    let input = table(vec![times(&[2 * HOUR, HOUR, 0]), target(&[3.0, 2.0, 1.0])]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    assert_eq!(output.panel.series[0].target, [1.0, 2.0, 3.0]);
    assert!(output.changes.is_empty());
    assert!(output.notes[0].contains("newest first"), "{:?}", output.notes);
}

#[test]
fn duplicates_are_merged_and_each_is_listed() {
    let input = table(vec![
        times(&[0, 0, HOUR, HOUR, 2 * HOUR]),
        target(&[1.0, 1.0, 2.0, 5.0, 3.0]),
        categories("weather", ColumnRole::Covariate, &["rain", "rain", "sun", "rain", "sun"]),
    ]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    let series = &output.panel.series[0];
    assert_eq!(series.target, [1.0, 3.5, 3.0]);
    assert_eq!(output.panel.covariates[0].levels.as_deref(), Some(["rain".to_owned(), "sun".to_owned()].as_slice()));
    assert_eq!(series.covariates[0], [0.0, 0.0, 1.0]);
    assert_eq!(count(&output.changes, ChangeKind::MergedDuplicate), 3, "{:?}", output.changes);
    let mean = output.changes.iter().find(|c| c.time.0 == HOUR && c.column == "y").unwrap();
    assert_eq!(mean.after.unwrap().get(), 3.5);
}

#[test]
fn absent_rows_are_inserted_as_missing() {
    let input = table(vec![times(&[0, HOUR, 4 * HOUR]), target(&[1.0, 2.0, 5.0]), numbers("x", &[1.0, NAN, 5.0])]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    assert!(same(&output.panel.series[0].target, &[1.0, 2.0, NAN, NAN, 5.0]));
    assert!(same(&output.panel.series[0].covariates[0], &[1.0, NAN, NAN, NAN, 5.0]));
    assert_eq!(count(&output.changes, ChangeKind::InsertedGap), 4, "two rows of two columns");
}

#[test]
fn an_axis_that_is_mostly_empty_is_noted() {
    let input = table(vec![times(&[0, 4 * HOUR, 8 * HOUR]), target(&[1.0, 2.0, 5.0])]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    assert!(output.notes.iter().any(|n| n.contains("check the frequency")), "{:?}", output.notes);
}

#[test]
fn months_quarters_and_business_days_follow_the_calendar() {
    let check = |frequency: Frequency, rows: &[&str], expected: &[&str]| {
        let moments: Vec<i64> = rows.iter().map(|t| micros(t)).collect();
        let input = table(vec![times(&moments), target(&vec![1.0; rows.len()])]);
        let output = regularise(&input, frequency, "y", &[]).unwrap();
        let found: Vec<i64> = output.panel.series[0].times.iter().map(|t| t.0).collect();
        assert_eq!(found, expected.iter().map(|t| micros(t)).collect::<Vec<_>>(), "{frequency}");
    };
    check(every(FrequencyUnit::Month), &["2024-01-31", "2024-03-31"], &["2024-01-31", "2024-02-29", "2024-03-31"]);
    check(every(FrequencyUnit::Quarter), &["2023-11-15", "2024-05-15"], &["2023-11-15", "2024-02-15", "2024-05-15"]);
    check(
        every(FrequencyUnit::BusinessDay),
        &["2024-02-29", "2024-03-04"],
        &["2024-02-29", "2024-03-01", "2024-03-04"],
    );
    check(every(FrequencyUnit::Year), &["1900-01-01", "1902-01-01"], &["1900-01-01", "1901-01-01", "1902-01-01"]);
    let two_months = Frequency { multiple: 2, unit: FrequencyUnit::Month };
    check(two_months, &["2024-02-01", "2024-06-01"], &["2024-02-01", "2024-04-01", "2024-06-01"]);
}

#[test]
fn local_midnights_on_both_sides_of_summer_time_are_one_row_a_day() {
    // Berlin: midnight is 23:00 UTC in winter and 22:00 UTC from 2024-03-31 on.
    let rows = ["2024-03-27 23:00", "2024-03-28 23:00", "2024-03-29 23:00", "2024-03-30 23:00", "2024-03-31 22:00"];
    let input = table(vec![times(&rows.map(micros)), target(&[1.0, 2.0, 3.0, 4.0, 5.0])]);
    let output = regularise(&input, every(FrequencyUnit::Day), "y", &[]).unwrap();
    assert_eq!(output.panel.series[0].target, [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(count(&output.changes, ChangeKind::Reordered), 1, "the shifted row is listed");
}

#[test]
fn rows_of_known_covariates_after_the_target_are_the_horizon() {
    let input = table(vec![
        times(&[0, HOUR, 2 * HOUR, 3 * HOUR, 5 * HOUR]),
        target(&[NAN, 2.0, 3.0, NAN, NAN]),
        numbers("price", &[1.0, 2.0, 3.0, 4.0, 6.0]),
        numbers("measured", &[1.0, 2.0, 3.0, 9.0, 9.0]),
    ]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &["price".to_owned()]).unwrap();
    let series = &output.panel.series[0];
    assert_eq!(series.target, [2.0, 3.0]);
    assert_eq!(series.times.len(), 5);
    assert!(same(&series.covariates[0], &[2.0, 3.0, 4.0, NAN, 6.0]));
    assert_eq!(series.covariates[1], [2.0, 3.0], "what is known only up to the origin ends there");
    assert_eq!(output.panel.covariates[0].kind, CovariateKind::Known);
    assert_eq!(output.panel.covariates[1].kind, CovariateKind::Past);

    let without = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    assert_eq!(without.panel.series[0].times.len(), 2);
    assert!(without.notes.iter().any(|n| n.contains("after the last observed target")), "{:?}", without.notes);
}

#[test]
fn a_long_table_falls_into_items_with_static_covariates() {
    let input = table(vec![
        times(&[0, HOUR, 0, HOUR, HOUR]),
        categories("shop", ColumnRole::Item, &["b", "b", "a", "a", ""]),
        target(&[1.0, 2.0, 10.0, 20.0, 99.0]),
        categories("town", ColumnRole::Covariate, &["York", "York", "Bath", "Bath", "Bath"]),
        numbers("x", &[1.0, 2.0, 3.0, 4.0, 5.0]),
    ]);
    let output = regularise(&input, every(FrequencyUnit::Hour), "y", &[]).unwrap();
    let panel = &output.panel;
    assert_eq!(panel.series.iter().map(|s| s.item_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(panel.series[0].target, [10.0, 20.0]);
    assert_eq!(
        panel.covariates.iter().map(|c| c.kind).collect::<Vec<_>>(),
        [CovariateKind::Static, CovariateKind::Past]
    );
    assert_eq!(panel.series[0].covariates[0], [0.0, 0.0]);
    assert_eq!(panel.series[1].covariates[0], [1.0, 1.0]);
    assert!(output.notes.iter().any(|n| n.contains("without an item")), "{:?}", output.notes);
}

#[test]
fn steps_need_no_clock() {
    let input = table(vec![target(&[1.0, 2.0, 3.0])]);
    let output = regularise(&input, every(FrequencyUnit::Step), "y", &[]).unwrap();
    assert_eq!(output.panel.series[0].times.iter().map(|t| t.0).collect::<Vec<_>>(), [0, 1, 2]);
    let step = column("step", ColumnRole::Time, Cells::Numbers(vec![5.0, 7.0]));
    let output = regularise(&table(vec![step, target(&[1.0, 3.0])]), every(FrequencyUnit::Step), "y", &[]).unwrap();
    assert!(same(&output.panel.series[0].target, &[1.0, NAN, 3.0]));
}

#[test]
fn what_cannot_be_regularised_is_refused_by_name() {
    let hourly = every(FrequencyUnit::Hour);
    let refuse =
        |columns, target: &str, known: &[String]| regularise(&table(columns), hourly, target, known).unwrap_err();
    assert_eq!(refuse(vec![target(&[1.0])], "y", &[]), CleaningError::NoTimeColumn);
    assert_eq!(refuse(vec![times(&[0]), target(&[1.0])], "z", &[]), CleaningError::UnknownTarget("z".into()));
    assert_eq!(refuse(vec![times(&[0]), target(&[NAN])], "y", &[]), CleaningError::NothingObserved("y".into()));
    let known = ["p".to_owned()];
    assert_eq!(refuse(vec![times(&[0]), target(&[1.0])], "y", &known), CleaningError::UnknownCovariate("p".into()));
    let words = categories("y", ColumnRole::Target, &["a"]);
    assert_eq!(refuse(vec![times(&[0]), words], "y", &[]), CleaningError::TargetNotNumeric("y".into()));
    let years_apart = refuse(vec![times(&[0, 1_000_000 * HOUR]), target(&[1.0, 2.0])], "y", &[]);
    assert!(matches!(years_apart, CleaningError::SparseAxis { rows: 2, slots: 1_000_001, .. }), "{years_apart}");
}
