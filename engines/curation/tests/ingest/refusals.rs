//! Every refusal, with the row and the column that it names.

use atsre_curation::ingest::{IngestError, IngestOptions, Problem, read};

use super::{options, refuse};

/// Row, column, and whether the problem is the one meant.
fn check(
    text: impl AsRef<[u8]>,
    row: Option<u64>,
    column: Option<&str>,
    expected: fn(&Problem) -> bool,
) -> IngestError {
    let error = refuse(text);
    assert!(expected(&error.problem), "{error:?}");
    assert_eq!((error.row, error.column.as_deref()), (row, column), "{error}");
    let shown = error.to_string();
    assert!(shown.starts_with("a.csv"), "{shown}");
    assert!(shown.ends_with(&error.advice()) && !error.advice().is_empty(), "{shown}");
    error
}

#[test]
fn nothing_to_read() {
    check("", None, None, |p| matches!(p, Problem::Empty));
    check(" \r\n\n", None, None, |p| matches!(p, Problem::Empty));
    check("\u{feff}", None, None, |p| matches!(p, Problem::Empty));
    check("date,y\n", None, None, |p| matches!(p, Problem::HeaderOnly));
    check("date,y\r\n,\r\n , \r\n", None, None, |p| matches!(p, Problem::HeaderOnly));
}

#[test]
fn not_a_csv_file() {
    check("date,y\n2024-01-01,1\n2024-01-02,\0\n", Some(3), None, |p| matches!(p, Problem::NotCsv { .. }));
    check(b"PK\x03\x04abc", None, None, |p| matches!(p, Problem::NotCsv { .. }));
    check("{\"date\": 1}", None, None, |p| matches!(p, Problem::NotCsv { .. }));
    check("Dear reader\nthis is a letter\nand no table\n", None, None, |p| {
        matches!(p, Problem::NoNumericColumn { .. })
    });
}

#[test]
fn encodings_that_do_not_fit() {
    // Good UTF-8 in rows 1 and 2, a broken sequence in row 3.
    let broken = b"date,y,\xc3\xa9t\xc3\xa9\n2024-01-01,1,\xc3\xa9\n2024-01-02,2,\xc3(\n";
    check(broken, Some(3), None, |p| matches!(p, Problem::WrongEncoding { .. }));
    // 0x81 has no character in Windows-1252.
    check(b"date,y\n2024-01-01,\x81\n", Some(2), None, |p| matches!(p, Problem::WrongEncoding { .. }));
    let given = IngestOptions { encoding: Some("klingon".into()), ..options() };
    let error = read(b"date,y\n1,2\n", &given).unwrap_err();
    assert!(error.to_string().contains("klingon"), "{error}");
}

#[test]
fn headers_that_cannot_be_used() {
    let duplicate = check("date,y,x,y\n2024-01-01,1,2,3\n", Some(1), Some("y"), |p| {
        matches!(p, Problem::DuplicateHeader { first: 2, second: 4 })
    });
    assert!(duplicate.to_string().contains("columns 2 and 4"), "{duplicate}");
    check("2024-01-01,1\n2024-01-02,2\n", Some(1), None, |p| matches!(p, Problem::NoHeader { .. }));
    check("1,2\n3,4\n", Some(1), None, |p| matches!(p, Problem::NoHeader { .. }));
    check(
        "date,y\u{1b}[31m\n2024-01-01,1\n",
        Some(1),
        Some("column_2"),
        |p| matches!(p, Problem::ControlCharacter { code } if code == "U+001B"),
    );
    check(format!("date,{}\n2024-01-01,1\n", "y".repeat(2_000)), Some(1), Some("column_2"), |p| {
        matches!(p, Problem::FieldTooLong { bytes: 2_000, limit: 1_024 })
    });
}

#[test]
fn ten_thousand_columns() {
    let names: Vec<String> = (0..10_000).map(|i| format!("c{i}")).collect();
    let row = vec!["1"; 10_000].join(",");
    check(format!("{}\n{row}\n{row}\n", names.join(",")), Some(1), None, |p| {
        matches!(p, Problem::TooManyColumns { columns: 10_000, limit: 2_000 })
    });
}

#[test]
fn more_than_the_limits() {
    let mut small = options();
    small.limits.rows = 2;
    let text = b"step,y\n1,1\n2,2\n3,3\n";
    let error = read(text, &small).unwrap_err();
    assert!(matches!(*error.problem, Problem::TooManyRows { limit: 2 }), "{error}");
    small.limits.bytes = 10;
    let error = read(text, &small).unwrap_err();
    assert!(matches!(*error.problem, Problem::TooLarge { bytes: 19, limit: 10 }), "{error}");
    let long = format!("step,y,note\n1,1,a\n2,2,{}\n", "x".repeat(70_000));
    check(long, Some(3), Some("note"), |p| matches!(p, Problem::FieldTooLong { bytes: 70_000, .. }));
}

#[test]
fn ragged_rows() {
    check("date,x,y\n2024-01-01,1,2\n2024-01-02,1\n", Some(3), None, |p| {
        matches!(p, Problem::RaggedRow { expected: 3, found: 2 })
    });
    check("date,x,y\n2024-01-01,1,2\n\n2024-01-02,1,2,3\n", Some(4), None, |p| {
        matches!(p, Problem::RaggedRow { expected: 3, found: 4 })
    });
    check("x,y\n1,2\n3\n", Some(3), None, |p| matches!(p, Problem::RaggedRow { expected: 2, found: 1 }));
}

#[test]
fn broken_quotes() {
    check("date,y,n\n2024-01-01,1,a\n2024-01-02,2,\"b\n2024-01-03,3,c\n", Some(3), None, |p| {
        matches!(p, Problem::UnclosedQuote)
    });
    check("date,y,n\n2024-01-01,1,\"a\"b\n", Some(2), None, |p| matches!(p, Problem::StrayQuote));
}

#[test]
fn no_numbers() {
    let error = check("date,colour\n2024-01-01,red\n2024-01-02,blue\n", None, None, |p| {
        matches!(p, Problem::NoNumericColumn { .. })
    });
    assert!(error.to_string().contains("`colour`: 2 categories"), "{error}");
    assert!(!error.is_usage());
}

#[test]
fn infinite_numbers_are_refused_and_nan_is_missing() {
    for cell in ["inf", "-Infinity", "1e999", "∞"] {
        let text = format!("date,x,y\n2024-01-01,1,2\n2024-01-02,NaN,2\n2024-01-03,3,{cell}\n2024-01-04,3,1\n");
        check(text, Some(4), Some("y"), |p| matches!(p, Problem::NotFinite { .. }));
    }
}

#[test]
fn words_among_the_targets_numbers() {
    let text = "date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,broken\n2024-01-04,3\n";
    check(text, Some(4), Some("y"), |p| matches!(p, Problem::NotANumber { value } if value == "broken"));
}

#[test]
fn targets_that_cannot_be_forecast() {
    let with_target = |text: &str, target: &str| read(text.as_bytes(), &options().with_target(target)).unwrap_err();
    let text = "date,temp,users,kind\n2024-01-01,1,5,a\n2024-01-02,2,5,b\n2024-01-03,3,5,a\n";
    let error = with_target(text, "user");
    assert!(error.is_usage());
    assert_eq!(error.to_string(), "a.csv: --target names `user`, and there is no such column; did you mean `users`?");
    let error = with_target(text, "quite different");
    assert!(error.advice().starts_with("the columns are `date`, `temp`"), "{error}");
    let error = with_target(text, "users");
    assert!(matches!(*error.problem, Problem::TargetConstant { value: 5.0 }), "{error}");
    assert_eq!((error.column.as_deref(), error.is_usage()), (Some("users"), false));
    let error = with_target(text, "kind");
    assert!(matches!(*error.problem, Problem::TargetNotNumeric { .. }), "{error}");
    let error = with_target(text, "date");
    assert!(matches!(*error.problem, Problem::UnknownTimeFormat { .. } | Problem::TargetNotNumeric { .. }), "{error}");
    let error = with_target("date,y\n2024-01-01,\n2024-01-02,NA\n", "y");
    assert!(matches!(*error.problem, Problem::TargetNotNumeric { .. }), "{error}");
    let error = refuse("date,a,b\n2024-01-01,1,4\n2024-01-02,2,3\n");
    assert!(matches!(&*error.problem, Problem::TargetNeeded { candidates } if candidates == &["a", "b"]), "{error}");
    assert!(error.is_usage());
    check("date,y\n2024-01-01,7\n2024-01-02,7\n", None, Some("y"), |p| matches!(p, Problem::TargetConstant { .. }));
}

#[test]
fn one_column_has_one_role() {
    let given = IngestOptions { known: vec!["y".into()], ..options().with_target("y") };
    let error = read(b"date,y\n2024-01-01,7\n2024-01-02,8\n", &given).unwrap_err();
    assert!(matches!(*error.problem, Problem::TwoRoles { first: "--target", second: "--known" }), "{error}");
    let given = IngestOptions { known: vec!["z".into()], ..options() };
    let error = read(b"date,y\n2024-01-01,7\n2024-01-02,8\n", &given).unwrap_err();
    assert!(matches!(*error.problem, Problem::UnknownColumn { flag: "--known", .. }), "{error}");
}

#[test]
fn ambiguous_dates_say_how_to_settle_them() {
    let error = check("date,y\n03/04/2024,1\n04/04/2024,2\n", Some(2), Some("date"), |p| {
        matches!(p, Problem::AmbiguousDates { .. })
    });
    assert!(error.is_usage());
    assert_eq!(error.advice(), "say which with --time-format '%d/%m/%Y' or --time-format '%m/%d/%Y'");
    let given = IngestOptions { time_format: Some("%m/%d/%Y".into()), ..options() };
    let loaded = read(b"date,y\n03/04/2024,1\n04/04/2024,2\n05/04/2024,3\n", &given).unwrap();
    assert_eq!(loaded.frequency.to_string(), "every month");
}

#[test]
fn mixed_dates_name_both_rows() {
    let error = check("date,y\n01/02/2024,1\n13/02/2024,2\n02/14/2024,3\n", Some(4), Some("date"), |p| {
        matches!(p, Problem::MixedDates { other_row: 3, .. })
    });
    assert!(error.to_string().contains("`02/14/2024` has its month first, but `13/02/2024` in row 3"), "{error}");
    check("date,y\n2024-01-01,1\n2024-01-02,2\n03/01/2024,3\n", Some(4), Some("date"), |p| {
        matches!(p, Problem::BadTime { .. })
    });
    check("date,y\n2024-01-01T00:00:00Z,1\n2024-01-01T01:00:00,2\n", Some(3), Some("date"), |p| {
        matches!(p, Problem::BadTime { .. })
    });
}

#[test]
fn times_that_are_wrong_or_missing() {
    check(
        "date,y\n2023-02-27,1\n2023-02-28,2\n2023-02-29,3\n",
        Some(4),
        Some("date"),
        |p| matches!(p, Problem::BadTime { value, .. } if value == "2023-02-29"),
    );
    check("date,y\n2023-02-27,1\n,2\n", Some(3), Some("date"), |p| matches!(p, Problem::MissingTime));
    check("date,y\nfirst of 2023,1\nsecond of 2023,2\n", None, Some("date"), |p| {
        matches!(p, Problem::UnknownTimeFormat { .. })
    });
    check("date,y\n31.12.23,1\n01.01.24,2\n", None, Some("date"), |p| matches!(p, Problem::UnknownTimeFormat { .. }));
    check("date,y\n2024-01-01,1\n2024-01-01,2\n", None, Some("date"), |p| matches!(p, Problem::TooFewTimes));
    let given = IngestOptions { time_format: Some("dd.mm.yy".into()), ..options() };
    let error = read(b"date,y\n31.12.23,1\n", &given).unwrap_err();
    assert!(matches!(*error.problem, Problem::BadTimeFormat { .. }) && error.is_usage(), "{error}");
}

#[test]
fn times_without_rhythm() {
    let mut text = "timestamp,y\n".to_owned();
    let mut second = 0_i64;
    for row in 0..40_i64 {
        second += if row % 7 == 0 { 900_000 + row * 61 } else { 1 + row * row * 7 };
        let moment = chrono::DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap();
        text.push_str(&format!("{},{row}\n", moment.format("%Y-%m-%d %H:%M:%S")));
    }
    check(text, None, Some("timestamp"), |p| matches!(p, Problem::Irregular { .. }));
}

#[test]
fn repeated_times_without_a_column_for_the_series() {
    let error = check("date,a,y\n2024-01-01,u,1\n2024-01-01,u,2\n2024-01-02,u,3\n2024-01-02,u,4\n", None, None, |p| {
        matches!(p, Problem::RepeatedTimes { repeated: 2, rows: 4, .. })
    });
    assert!(error.is_usage());
}

#[test]
fn a_row_without_its_item() {
    let given = IngestOptions { item: Some("shop".into()), ..options() };
    let text = "date,shop,y\n2024-01-01,a,1\n\n2024-01-01,b,2\n2024-01-02,,3\n";
    let error = read(text.as_bytes(), &given).unwrap_err();
    assert!(matches!(*error.problem, Problem::MissingItem), "{error}");
    assert_eq!((error.row, error.column.as_deref()), (Some(5), Some("shop")));
}

#[test]
fn hostile_names_are_plain_data_and_hostile_characters_are_refused() {
    let text = "date,\"../../x; DROP TABLE students;--\",y\n2024-01-01,1,2\n2024-01-02,2,3\n";
    let given = IngestOptions::for_file("../../x; DROP TABLE").with_target("y");
    let loaded = read(text.as_bytes(), &given).unwrap();
    assert_eq!(loaded.name, "x_drop_table");
    assert!(loaded.covariates.contains_key("../../x; DROP TABLE students;--"));
    check(
        "date,n,y\n2024-01-01,a,1\n2024-01-02,b\u{202e},2\n",
        Some(3),
        Some("n"),
        |p| matches!(p, Problem::ControlCharacter { code } if code == "U+202E"),
    );
}
