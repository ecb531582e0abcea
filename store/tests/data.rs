//! Raw and clean tables and artifacts, out and in.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_domain::table::{Cells, Column, ColumnRole, Table};
use atsre_domain::{Digest, Frequency, Timestamp};
use atsre_store::data::TimeAxis;
use atsre_store::testing::TestDatabase;
use atsre_store::{Error, Store};

fn column(name: &str, role: ColumnRole, cells: Cells) -> Column {
    Column { name: name.to_owned(), role, cells }
}

fn hostile() -> Table {
    let levels = ["a\tb\\N\n\"'", "", "\\.", "日本 𝄞", "x'; DROP TABLE events; --"].map(str::to_owned).to_vec();
    let times = [0, -62_135_596_800_000_000, 1_700_000_000_123_456, 253_402_300_799_999_999, 1];
    Table {
        columns: vec![
            column("time\"; DROP TABLE x; --", ColumnRole::Time, Cells::Times(times.map(Timestamp).to_vec())),
            column("Item", ColumnRole::Item, Cells::Categories { levels, codes: vec![0, 1, 2, 3, 4] }),
            column(
                "Item",
                ColumnRole::Ignored,
                Cells::Categories { levels: vec!["only".into()], codes: vec![u32::MAX, 0, u32::MAX, 0, 0] },
            ),
            column(
                "row_number",
                ColumnRole::Target,
                Cells::Numbers(vec![f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE / 3.0, 0.1 + 0.2]),
            ),
            column("", ColumnRole::Covariate, Cells::Numbers(vec![f64::NAN; 5])),
            column(
                &"long ".repeat(60),
                ColumnRole::Covariate,
                Cells::Numbers(vec![1.0, 2.0, 3.0, 4.0, f64::NEG_INFINITY]),
            ),
        ],
    }
}

/// Equal, with NaN equal to NaN and the sign of zero told apart.
fn assert_same(left: &Table, right: &Table) {
    assert_eq!(left.columns.len(), right.columns.len());
    for (left, right) in left.columns.iter().zip(&right.columns) {
        assert_eq!((&left.name, left.role), (&right.name, right.role));
        match (&left.cells, &right.cells) {
            (Cells::Numbers(a), Cells::Numbers(b)) => assert_eq!(bits(a), bits(b), "{}", left.name),
            (a, b) => assert_eq!(a, b),
        }
    }
}

fn bits(values: &[f64]) -> Vec<Option<u64>> {
    values.iter().map(|v| (!v.is_nan()).then(|| v.to_bits())).collect()
}

#[tokio::test]
async fn a_hostile_table_comes_back_as_it_was() {
    let database = TestDatabase::create().await;
    let data = database.store().data();
    let dataset = Store::dataset_stream("../../x; DROP TABLE events");
    let table = hostile();
    let name = data.write_raw(&dataset, 1, &table, TimeAxis::Calendar).await.unwrap();
    assert_same(&data.read_raw(&name).await.unwrap(), &table);
    assert_eq!(data.raw_table(&dataset, 1).await.unwrap().as_deref(), Some(name.as_str()));
    assert_eq!(data.raw_table(&dataset, 2).await.unwrap(), None);
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns WHERE table_schema || '.' || table_name = $1 ORDER BY ordinal_position",
    )
    .bind(&name)
    .fetch_all(database.store().pool())
    .await
    .unwrap();
    assert_eq!(columns[..6], ["row_number", "time_drop_table_x", "item", "item_2", "row_number_2", "c5"]);
    let sum: f64 = sqlx::query_scalar(&format!("SELECT sum({}) FROM {name} WHERE row_number < 4", columns[6]))
        .fetch_one(database.store().pool())
        .await
        .unwrap();
    assert_eq!(sum, 10.0, "people can compute on it with SQL");
    assert!(matches!(data.read_raw("events").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_version_is_written_once_and_the_same_again_changes_nothing() {
    let database = TestDatabase::create().await;
    let data = database.store().data();
    let dataset = Store::dataset_stream("bikes");
    let mut table = hostile();
    let name = data.write_raw(&dataset, 1, &table, TimeAxis::Calendar).await.unwrap();
    assert_eq!(data.write_raw(&dataset, 1, &table, TimeAxis::Calendar).await.unwrap(), name);
    table.columns[3].cells = Cells::Numbers(vec![1.0; 5]);
    assert!(matches!(data.write_raw(&dataset, 1, &table, TimeAxis::Calendar).await, Err(Error::Occupied(_))));
    let second = data.write_raw(&dataset, 2, &table, TimeAxis::Calendar).await.unwrap();
    assert_ne!(second, name);
    assert_same(&data.read_raw(&name).await.unwrap(), &hostile());
    // Many at once make one table.
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (data, dataset) = (data.clone(), dataset.clone());
        writers.spawn(async move { data.write_raw(&dataset, 3, &hostile(), TimeAxis::Calendar).await.unwrap() });
    }
    let names = writers.join_all().await;
    assert!(names.iter().all(|name| *name == names[0]));
}

#[tokio::test]
async fn what_the_database_cannot_hold_is_refused_with_its_place_and_leaves_nothing() {
    let database = TestDatabase::create().await;
    let data = database.store().data();
    let dataset = Store::dataset_stream("d");
    let nul = Cells::Categories { levels: vec!["fine".into(), "a\0b".into()], codes: vec![0, 0, 1] };
    let cases = [
        (vec![column("bad", ColumnRole::Item, nul)], "row 3, column \"bad\""),
        (
            vec![column("when", ColumnRole::Time, Cells::Times(vec![Timestamp(0), Timestamp(i64::MIN)]))],
            "row 2, column \"when\"",
        ),
        (
            (0..1_200).map(|n| column(&format!("x{n}"), ColumnRole::Covariate, Cells::Numbers(vec![1.0]))).collect(),
            "1201 columns",
        ),
    ];
    for (columns, place) in cases {
        let error = data.write_raw(&dataset, 1, &Table { columns }, TimeAxis::Calendar).await.unwrap_err();
        assert!(matches!(error, Error::Unstorable(_)) && error.to_string().contains(place), "{error}");
    }
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'raw'")
        .fetch_one(database.store().pool())
        .await
        .unwrap();
    assert_eq!(left, 0);
    // Step numbers are no moments and may be anything; so may the empty table.
    let steps = Table {
        columns: vec![column("t", ColumnRole::Time, Cells::Times(vec![Timestamp(i64::MAX), Timestamp(i64::MIN)]))],
    };
    let name = data.write_raw(&dataset, 1, &steps, TimeAxis::Steps).await.unwrap();
    assert_same(&data.read_raw(&name).await.unwrap(), &steps);
    let name = data.write_raw(&dataset, 2, &Table::default(), TimeAxis::Steps).await.unwrap();
    assert_eq!(data.read_raw(&name).await.unwrap(), Table::default());
}

#[tokio::test]
async fn a_panel_comes_back_as_it_was() {
    let database = TestDatabase::create().await;
    let data = database.store().data();
    let series = |item: &str, rows: usize, observed: usize| Series {
        item_id: item.to_owned(),
        times: (0..rows as i64).map(|n| Timestamp(n * 3_600_000_000)).collect(),
        target: (0..observed).map(|n| if n % 3 == 1 { f64::NAN } else { n as f64 / 7.0 }).collect(),
        covariates: vec![(0..rows).map(|n| n as f64).collect(), vec![f64::NAN; rows]],
    };
    let covariate = |name: &str, kind, levels| Covariate { name: name.to_owned(), kind, levels };
    let panel = Panel {
        target: "Rentals (n)".to_owned(),
        frequency: Frequency::every(FrequencyUnit::Hour),
        covariates: vec![
            covariate("weather", CovariateKind::Known, Some(vec!["wet".into(), "dry\0".into()])),
            covariate("ts", CovariateKind::Past, None),
        ],
        series: vec![series("", 5, 3), series("empty", 0, 0), series("x'y", 70_000, 70_000), series("z", 2, 0)],
    };
    let dataset = Store::dataset_stream("panel");
    let name = data.write_clean(&dataset, 1, &panel).await.unwrap();
    assert_eq!(data.clean_table(&dataset, 1).await.unwrap().as_deref(), Some(name.as_str()));
    let back = data.read_clean(&name).await.unwrap();
    assert_eq!((&back.target, back.frequency, &back.covariates), (&panel.target, panel.frequency, &panel.covariates));
    assert_eq!(back.series.len(), panel.series.len());
    for (left, right) in back.series.iter().zip(&panel.series) {
        assert_eq!((&left.item_id, &left.times), (&right.item_id, &right.times));
        assert_eq!(bits(&left.target), bits(&right.target));
        for (left, right) in left.covariates.iter().zip(&right.covariates) {
            assert_eq!(bits(left), bits(right));
        }
    }
    let mut crooked = panel.clone();
    crooked.series[0].covariates.pop();
    assert!(matches!(data.write_clean(&dataset, 2, &crooked).await, Err(Error::Unstorable(_))));
    // A row that vanished behind the register's back is noticed.
    sqlx::query(&format!("DELETE FROM {name} WHERE row_number = 70006"))
        .execute(database.store().pool())
        .await
        .unwrap();
    assert!(matches!(data.read_clean(&name).await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn an_artifact_is_stored_once_and_checked_when_read() {
    let database = TestDatabase::create().await;
    let artifacts = database.store().artifacts();
    let reference = artifacts.put(b"hello", "text/plain").await.unwrap();
    assert_eq!(reference.digest.0, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!((reference.length_bytes, reference.media_type.as_str()), (5, "text/plain"));
    assert_eq!(artifacts.put(b"hello", "text/plain").await.unwrap(), reference);
    assert_eq!(artifacts.get(&reference.digest).await.unwrap(), b"hello");
    let big: Vec<u8> = (0..3_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761) as u8).collect();
    let stored = artifacts.put(&big, "application/octet-stream").await.unwrap();
    assert_eq!(artifacts.get(&stored.digest).await.unwrap(), big);
    assert!(artifacts.contains(&stored.digest).await.unwrap());
    assert_eq!(artifacts.digests().await.unwrap().len(), 2);
    for unknown in ["00", "zz", &"0".repeat(64)] {
        assert!(matches!(artifacts.get(&Digest(unknown.to_owned())).await, Err(Error::NoArtifact(_))));
    }
    sqlx::raw_sql(
        "ALTER TABLE artifacts DISABLE TRIGGER USER; ALTER TABLE artifacts DROP CONSTRAINT artifacts_hash_is_of_bytes; \
         UPDATE artifacts SET bytes = 'jello' WHERE length(bytes) = 5",
    )
    .execute(database.store().owner_pool())
    .await
    .unwrap();
    assert!(matches!(artifacts.get(&reference.digest).await, Err(Error::Corrupt { .. })));
}
