//! What holds for all inputs.

use atsre_curation::ingest::{IngestOptions, TargetPolicy, dataset_name_from, read};
use atsre_domain::table::{Cells, ColumnRole};
use proptest::prelude::*;

use super::{numbers, options};

/// Text that looks enough like a table to get past the first checks.
fn almost_a_table() -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        "[0-9]{1,4}",
        "-?[0-9]{1,3}[.,][0-9]{1,3}",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "[0-3][0-9]/[0-3][0-9]/20[0-9]{2}( [0-2][0-9]:[0-5][0-9])?",
        Just(String::new()),
        Just("NA".to_owned()),
        "[a-z\"'; \t\u{0}-\u{1f}é]{0,5}",
    ];
    let row = prop::collection::vec(cell, 0..6).prop_map(|cells| cells.join(","));
    let header = prop::sample::select(vec![
        "date,y",
        "item_id,timestamp,target",
        "a,b,c",
        "Date;Time;x",
        "year,month,v",
        "t",
        "",
    ]);
    (header, prop::collection::vec(row, 0..30)).prop_map(|(header, rows)| format!("{header}\n{}\n", rows.join("\n")))
}

fn every_choice() -> impl Strategy<Value = IngestOptions> {
    let name = prop::option::of(prop::sample::select(vec!["date", "y", "a", "a+b", "item_id", "date+y", "+"]));
    let format = prop::option::of(prop::sample::select(vec!["%d/%m/%Y", "epoch", "step", "%Y", "%", "%H"]));
    (name.clone(), name.clone(), name, format, any::<bool>()).prop_map(|(target, time, item, format, optional)| {
        IngestOptions {
            target: target.map(str::to_owned),
            time: time.map(str::to_owned),
            item: item.map(str::to_owned),
            time_format: format.map(str::to_owned),
            target_policy: if optional { TargetPolicy::Optional } else { TargetPolicy::Required },
            ..options()
        }
    })
}

/// A table has one length, one time column and at most one item and one target.
fn is_sound(text: &[u8], given: &IngestOptions) -> Result<(), TestCaseError> {
    let Ok(loaded) = read(text, given) else { return Ok(()) };
    let rows = loaded.table.rows();
    prop_assert!(rows > 0);
    prop_assert!(loaded.table.columns.iter().all(|c| c.cells.len() == rows));
    let count = |role| loaded.table.columns.iter().filter(|c| c.role == role).count();
    prop_assert_eq!(count(ColumnRole::Time), 1);
    prop_assert!(count(ColumnRole::Item) <= 1);
    prop_assert!(count(ColumnRole::Target) <= 1);
    prop_assert!(given.target_policy == TargetPolicy::Optional || count(ColumnRole::Target) == 1);
    prop_assert!(loaded.frequency.multiple >= 1);
    for column in &loaded.table.columns {
        match &column.cells {
            Cells::Numbers(values) => prop_assert!(values.iter().all(|v| !v.is_infinite())),
            Cells::Categories { levels, codes } => {
                prop_assert!(codes.iter().all(|c| *c == u32::MAX || (*c as usize) < levels.len()));
            }
            Cells::Times(_) => {}
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), given in every_choice()) {
        is_sound(&bytes, &given)?;
    }

    #[test]
    fn no_table_makes_it_panic(text in almost_a_table(), given in every_choice()) {
        is_sound(text.as_bytes(), &given)?;
        is_sound(text.as_bytes(), &options())?;
    }

    #[test]
    fn a_refusal_always_says_something(text in almost_a_table()) {
        if let Err(error) = read(text.as_bytes(), &options()) {
            prop_assert!(error.to_string().starts_with("a.csv"));
            prop_assert!(!error.advice().is_empty());
            prop_assert!(error.row.is_none_or(|row| row >= 1 && row <= text.matches(['\n', '\r']).count() as u64 + 1));
            prop_assert!(!error.to_string().chars().any(char::is_control), "{:?}", error.to_string());
        }
    }

    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec(
            (prop::option::weighted(0.9, prop::num::f64::NORMAL | prop::num::f64::ZERO), any::<i32>(), prop::sample::select(vec!["red", "blue, dark", "gr\"een"])),
            3..60,
        ),
        delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
        newline in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let target = |i: usize| rows[i].0.map_or(f64::NAN, |v| v);
        prop_assume!((0..rows.len()).any(|i| !target(i).is_nan() && target(i) != target(0)));
        let d = char::from(delimiter);
        let mut text = ["time", "target", "count", "colour"].join(&d.to_string()) + newline;
        for (i, (_, count, colour)) in rows.iter().enumerate() {
            let time = chrono::DateTime::from_timestamp(1_700_000_000 + i as i64 * 60, 0).unwrap().format("%Y-%m-%dT%H:%M:%S");
            let value = if target(i).is_nan() { String::new() } else { target(i).to_string() };
            text.push_str(&format!("{time}{d}{value}{d}{count}{d}{}{newline}", quoted(colour)));
        }
        let loaded = read(text.as_bytes(), &IngestOptions { delimiter: Some(delimiter), ..options() });
        let loaded = loaded.map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        let same = numbers(&loaded, "target").iter().enumerate().all(|(i, v)| v.to_bits() == target(i).to_bits() || (v.is_nan() && target(i).is_nan()));
        prop_assert!(same, "{text}");
        prop_assert!(numbers(&loaded, "count").iter().zip(&rows).all(|(v, r)| *v == f64::from(r.1)));
        let Cells::Categories { levels, codes } = &super::column(&loaded, "colour").cells else { panic!("colours are categories") };
        prop_assert!(codes.iter().zip(&rows).all(|(c, r)| levels[*c as usize] == r.2));
        prop_assert_eq!(loaded.frequency.to_string(), "every minute");
    }

    #[test]
    fn a_data_set_name_is_harmless(name in any::<String>()) {
        let name = dataset_name_from(&name);
        prop_assert!(!name.is_empty() && name.chars().count() <= 64);
        prop_assert!(name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')));
    }
}

#[test]
fn pieces_read_in_parallel_give_the_table_that_one_piece_gives() {
    // Over 4 MiB, so that the file is cut; the quote in the second copy forbids cutting.
    let mut text = "item_id,timestamp,target,kind\n".to_owned();
    for item in 0..40 {
        for hour in 0..4_000_i64 {
            let time =
                chrono::DateTime::from_timestamp(1_600_000_000 + hour * 3_600, 0).unwrap().format("%Y-%m-%d %H:%M:%S");
            text.push_str(&format!("series_{item},{time},{}.{:03},k{}\n", hour % 97, item * 7 % 1_000, hour * 31 % 50));
        }
    }
    let cut = read(text.as_bytes(), &options()).unwrap();
    let whole = read(text.replacen("k0", "\"k0\"", 1).as_bytes(), &options()).unwrap();
    assert!(text.len() > 4 << 20);
    assert_eq!(cut.table.rows(), 160_000);
    assert_eq!(cut.table, whole.table);
    assert_eq!(cut.axis, whole.axis);
    let broken = format!("{text}series_41,2020-01-01 00:00:00,x,\n");
    let error = read(broken.as_bytes(), &options()).unwrap_err();
    assert_eq!((error.row, error.column.as_deref()), (Some(160_002), Some("target")));
}
