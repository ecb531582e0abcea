//! What is understood without being told, and that being told goes first.

use atsre_curation::ingest::{DecimalMark, IngestOptions, TargetPolicy, read};
use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::CovariateKind;
use atsre_domain::table::{Cells, ColumnRole};

use super::{column, inferred, load, numbers, of_role, options, times};

#[test]
fn every_delimiter_and_both_decimal_marks() {
    let expected = [1.5, -2.25];
    for text in [
        "date,y\n2024-01-01,1.5\n2024-01-02,-2.25\n",
        "date;y\n2024-01-01;1,5\n2024-01-02;-2,25\n",
        "date\ty\n2024-01-01\t1,5\n2024-01-02\t-2,25\n",
        "date|y\r\n2024-01-01|1.5\r\n2024-01-02|-2.25\r\n",
        "date,y\r2024-01-01,1.5\r2024-01-02,-2.25\r",
        "\"date\", \"y\"\n\"2024-01-01\", \"1,5\"\n\"2024-01-02\", \"-2,25\"",
    ] {
        let loaded = load(text);
        assert_eq!(numbers(&loaded, "y"), expected, "{text:?}");
        assert_eq!(times(&loaded), ["2024-01-01T00:00:00", "2024-01-02T00:00:00"], "{text:?}");
    }
}

#[test]
fn groups_of_thousands() {
    let loaded = load("date,y\n2024-01-01,\"1,234\"\n2024-01-02,987\n2024-01-03,\"12,345,678\"\n");
    assert_eq!(numbers(&loaded, "y"), [1234.0, 987.0, 12_345_678.0]);
    let loaded = load("date;a;target\n2024-01-01;0,5;1.234\n2024-01-02;0,7;12.987\n");
    assert_eq!(numbers(&loaded, "target"), [1234.0, 12_987.0]);
    assert_eq!(loaded.format.decimal, DecimalMark::Comma);
}

#[test]
fn a_decimal_comma_that_first_appears_below_the_sample() {
    let mut text = "step;target\n".to_owned();
    for row in 0..3_000 {
        text.push_str(&format!("{row};{row}\n"));
    }
    text.push_str("3000;1,5\n");
    assert_eq!(numbers(&load(&text), "target")[3_000], 1.5);
}

#[test]
fn stray_delimiters_empty_rows_empty_columns_and_lines_around_the_table() {
    let text = "My export\n\nDate;Time;CO;AH;;\n10/03/2004;18.00.00;2,6;0,7;;\n10/03/2004;19.00.00;-200;0,8;;,,\n\
                13/03/2004;20.00.00;-200;0,6;;\n;;;;;\n;;;;;,,,\nSource: somewhere\n";
    let loaded = read(text.as_bytes(), &options().with_target("AH")).unwrap();
    assert_eq!(times(&loaded)[..2], ["2004-03-10T18:00:00", "2004-03-10T19:00:00"]);
    assert_eq!(of_role(&loaded, ColumnRole::Time), ["Date Time"]);
    assert_eq!(loaded.table.columns.len(), 3);
    let format = &loaded.format;
    assert_eq!((format.preamble_lines, format.footer_lines, format.blank_rows), (1, 1, 2));
}

#[test]
fn sentinels_are_found_and_left_in_place() {
    let mut text = "date,target,x\n".to_owned();
    for day in 1..=28 {
        let value = if day % 5 == 0 { -200.0 } else { 10.0 + f64::from(day) };
        text.push_str(&format!("2024-02-{day:02},{value},{}\n", if day == 3 { 999.0 } else { f64::from(day) * 1.5 }));
    }
    let loaded = load(&text);
    assert_eq!(loaded.sentinels.len(), 1);
    let sentinel = &loaded.sentinels[0];
    assert_eq!((sentinel.column.as_str(), sentinel.value, sentinel.count), ("target", -200.0, 5));
    assert_eq!(numbers(&loaded, "target")[4], -200.0);
    let (table, changes) = loaded.without_sentinels();
    let Cells::Numbers(values) = &table.columns[1].cells else { panic!("the target holds numbers") };
    assert!(values[4].is_nan() && values.iter().filter(|v| v.is_nan()).count() == 5);
    assert_eq!(changes.len(), 5);
    assert_eq!((changes[0].before.map(atsre_domain::Finite::get), changes[0].after), (Some(-200.0), None));
    assert_eq!(changes[0].time.0, 1_707_091_200_000_000);
    assert!(!loaded.warnings.is_empty());
}

#[test]
fn words_for_missing_values() {
    let loaded = load(
        "date,y\n2024-01-01,1\n2024-01-02,NA\n2024-01-03,\n2024-01-04,-\n2024-01-05,nan\n2024-01-06,?\n2024-01-07,2\n",
    );
    assert_eq!(numbers(&loaded, "y").iter().filter(|v| v.is_nan()).count(), 5);
    assert!(inferred(&loaded, "words for missing values").choice.contains("`NA` (1)"));
    let given = IngestOptions { missing: vec!["kaputt".into()], ..options() };
    let loaded = read(b"date,y\n2024-01-01,1\n2024-01-02,kaputt\n2024-01-03,3\n", &given).unwrap();
    assert!(numbers(&loaded, "y")[1].is_nan());
}

#[test]
fn times_in_many_forms() {
    for (cells, first, frequency) in [
        (
            ["2024-01-01T00:00:00+02:00", "2024-01-01T01:00:00+02:00", "2024-01-01T02:00:00+02:00"],
            "2023-12-31T22:00:00",
            "every hour",
        ),
        (["2024-01-31", "2024-02-29", "2024-03-31"], "2024-01-31T00:00:00", "every month"),
        (["2024Q1", "2024Q2", "2024Q3"], "2024-01-01T00:00:00", "every quarter"),
        (["1999", "2000", "2001"], "1999-01-01T00:00:00", "every year"),
        (["1704067200", "1704067500", "1704067800"], "2024-01-01T00:00:00", "every 5 minutes"),
        (["20240101", "20240102", "20240103"], "2024-01-01T00:00:00", "every day"),
        (["Jan 2024", "Feb 2024", "Mar 2024"], "2024-01-01T00:00:00", "every month"),
        (["1/30/2024 1:00 PM", "1/30/2024 2:00 PM", "1/30/2024 3:00 PM"], "2024-01-30T13:00:00", "every hour"),
        (["03.04.2024", "04.04.2024", "05.04.2024"], "2024-04-03T00:00:00", "every day"),
        (["7", "9", "11"], "7", "every 2 steps"),
    ] {
        let text = format!("date,y\n{},1\n{},2\n{},3\n", cells[0], cells[1], cells[2]);
        let loaded = load(&text);
        assert_eq!(times(&loaded)[0], first, "{cells:?}");
        assert_eq!(loaded.frequency.to_string(), frequency, "{cells:?}");
    }
}

#[test]
fn a_date_in_parts() {
    let loaded = load("No,year,month,day,hour,pm\n1,2010,1,1,0,12\n2,2010,1,1,1,13\n3,2010,1,1,2,11\n");
    assert_eq!(times(&loaded)[1], "2010-01-01T01:00:00");
    assert_eq!((of_role(&loaded, ColumnRole::Target), of_role(&loaded, ColumnRole::Ignored)), (vec!["pm"], vec!["No"]));
}

#[test]
fn without_times_rows_are_steps() {
    let loaded = load("a\n1\n5\n\"\"\n2\n");
    assert_eq!(times(&loaded), ["0", "1", "2", "3"]);
    assert!(numbers(&loaded, "a")[2].is_nan());
    assert_eq!(inferred(&loaded, "time column").choice, "row number");
    let loaded = load("pair_id,y\np1,1\np1,2\np2,3\np2,5\n");
    assert_eq!(times(&loaded), ["0", "1", "0", "1"]);
    assert_eq!(of_role(&loaded, ColumnRole::Item), ["pair_id"]);
}

#[test]
fn steps_stand_in_for_times_with_gaps() {
    let loaded = load("item_id,step,timestamp,target\na,1,2024-01-01,1\na,2,2024-01-02,2\nb,1,,3\nb,2,,4\n");
    assert_eq!(of_role(&loaded, ColumnRole::Time), ["step"]);
    assert_eq!(of_role(&loaded, ColumnRole::Ignored), ["timestamp"]);
}

#[test]
fn long_files_by_text_number_or_two_columns() {
    let mut by_number = "date,store,promo,sales\n".to_owned();
    let mut by_two = "date,region,product,size,sales\n".to_owned();
    for day in 1..=9 {
        for store in 1..=3 {
            by_number.push_str(&format!("2024-01-0{day},00{store},{},{}\n", day % 2, day * store));
        }
        for (k, (region, product)) in [("n", "p"), ("n", "q"), ("s", "p"), ("s", "q")].iter().enumerate() {
            by_two.push_str(&format!("2024-01-0{day},{region},{product},{},{}\n", k + 1, day + k));
        }
    }
    let loaded = load(&by_number);
    let Cells::Categories { levels, .. } = &column(&loaded, "store").cells else { panic!("an item is a category") };
    assert_eq!(levels, &["001", "002", "003"]);
    assert_eq!((loaded.axis.series, loaded.axis.out_of_order, loaded.axis.duplicates), (3, 0, 0));

    let given = IngestOptions { item: Some("region+product".into()), ..options() };
    let loaded = read(by_two.as_bytes(), &given).unwrap();
    assert_eq!(of_role(&loaded, ColumnRole::Item), ["region+product"]);
    assert_eq!(loaded.axis.series, 4);
    assert_eq!(loaded.covariates["region"], CovariateKind::Static);
    assert_eq!(loaded.covariates["size"], CovariateKind::Static);
    assert!(inferred(&loaded, "item column").overridden);
}

#[test]
fn what_the_calendar_gives_is_known() {
    let mut text = "timestamp,hour,dow,holiday,temp,y\n".to_owned();
    for hour in 0..72_i64 {
        let day = hour / 24;
        text.push_str(&format!(
            "2024-01-0{} {:02}:00,{},{day},{},{},{}\n",
            day + 1,
            hour % 24,
            hour % 24,
            i64::from(day == 0),
            hour * 7 % 11,
            hour * 5 % 13
        ));
    }
    let loaded = load(&text);
    let kind = |name: &str| loaded.covariates[name];
    assert_eq!(
        (kind("hour"), kind("dow"), kind("holiday")),
        (CovariateKind::Known, CovariateKind::Known, CovariateKind::Known)
    );
    assert_eq!(kind("temp"), CovariateKind::Past);
    let given = IngestOptions { known: vec!["temp".into()], ..options() };
    let loaded = read(text.as_bytes(), &given).unwrap();
    assert_eq!(loaded.known(), ["dow", "holiday", "hour", "temp"]);
    assert_eq!(loaded.target(), Some("y"));
}

#[test]
fn columns_that_say_nothing_are_ignored_with_a_reason() {
    let mut text = "id,date,empty,constant,words,y\n".to_owned();
    for row in 0..40 {
        text.push_str(&format!("{row},{},,5,note number {row},{}\n", 2000 + row, row * row));
    }
    let loaded = load(&text);
    assert_eq!(of_role(&loaded, ColumnRole::Ignored), ["id", "empty", "constant", "words"]);
    let reason = &inferred(&loaded, "ignored columns").reason;
    for word in ["counts the rows", "every cell is empty", "always 5", "free text"] {
        assert!(reason.contains(word), "{reason}");
    }
}

#[test]
fn a_spoilt_covariate_is_left_out_with_a_warning_that_names_the_cell() {
    let loaded = load("date,x,y\n2024-01-01,1,1\n2024-01-02,2,4\n2024-01-03,ca. 3,2\n2024-01-04,4,5\n");
    assert_eq!(of_role(&loaded, ColumnRole::Ignored), ["x"]);
    assert!(loaded.warnings[0].contains("`ca. 3` in row 4"), "{:?}", loaded.warnings);
}

#[test]
fn no_target_is_needed_where_nothing_is_forecast() {
    let given = IngestOptions { target_policy: TargetPolicy::Optional, ..options() };
    let loaded = read(b"asia,smoke\nyes,no\nno,no\nno,yes\n", &given).unwrap();
    assert_eq!(of_role(&loaded, ColumnRole::Covariate), ["asia", "smoke"]);
    assert!(loaded.table.with_role(ColumnRole::Target).is_none());
}

#[test]
fn flags_go_first() {
    let given = IngestOptions {
        time: Some("b".into()),
        target: Some("a".into()),
        frequency: Some(Frequency { multiple: 7, unit: FrequencyUnit::Day }),
        ..options()
    };
    let loaded =
        read(b"date,a,b,y\n2024-01-01,1,2025-01-01,5\n2024-01-02,2,2025-01-08,6\n2024-01-03,3,2025-01-15,7\n", &given)
            .unwrap();
    assert_eq!((of_role(&loaded, ColumnRole::Time), of_role(&loaded, ColumnRole::Target)), (vec!["b"], vec!["a"]));
    for subject in ["time column", "target column", "frequency"] {
        assert!(inferred(&loaded, subject).overridden, "{subject}");
    }
    assert_eq!((loaded.axis.absent, loaded.axis.off_grid), (0, 0));
}

#[test]
fn utf_16_and_a_given_encoding() {
    let text = "date,y\n2024-01-01,1\n2024-01-02,2\n";
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let loaded = read(&utf16, &options()).unwrap();
    assert_eq!((loaded.format.encoding.as_str(), numbers(&loaded, "y")), ("UTF-16BE", &[1.0, 2.0][..]));
    let given = IngestOptions { encoding: Some("shift_jis".into()), ..options() };
    let loaded = read(b"\x93\xfa\x95t,y\n2024-01-01,1\n2024-01-02,2\n", &given).unwrap();
    assert_eq!(of_role(&loaded, ColumnRole::Time), ["日付"]);
}
