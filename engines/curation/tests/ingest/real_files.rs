//! The files that ship with the repository.

use std::path::PathBuf;

use atsre_curation::ingest::{IngestOptions, Ingested, Problem, read_path};
use atsre_domain::panel::CovariateKind;
use atsre_domain::table::{Cells, ColumnRole};

use super::{column, inferred, numbers, of_role, times};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

fn load(name: &str, target: Option<&str>) -> Ingested {
    let options = IngestOptions { target: target.map(str::to_owned), ..IngestOptions::default() };
    read_path(&path(name), &options).unwrap()
}

#[test]
fn bike_sharing_asks_for_its_target_and_then_loads_whole() {
    let error = read_path(&path("bike_sharing/bike_sharing_hourly.csv"), &IngestOptions::default()).unwrap_err();
    let Problem::TargetNeeded { candidates } = &*error.problem else { panic!("{error}") };
    assert_eq!(candidates, &["temp", "atemp", "hum", "windspeed", "users"]);
    assert!(error.is_usage());

    let bikes = load("bike_sharing/bike_sharing_hourly.csv", Some("users"));
    assert_eq!((bikes.table.rows(), bikes.table.columns.len()), (17_544, 12));
    assert_eq!(bikes.name, "bike_sharing_hourly");
    assert_eq!(bikes.frequency.to_string(), "every hour");
    assert_eq!(of_role(&bikes, ColumnRole::Time), ["timestamp"]);
    assert_eq!(of_role(&bikes, ColumnRole::Target), ["users"]);
    assert_eq!((bikes.axis.absent, bikes.axis.duplicates, bikes.axis.out_of_order), (0, 0, 0));
    let known: Vec<&str> =
        bikes.covariates.iter().filter(|(_, k)| **k == CovariateKind::Known).map(|(n, _)| n.as_str()).collect();
    assert_eq!(known, ["holiday", "hour", "month", "weekday", "workingday"]);
    let Cells::Categories { levels, .. } = &column(&bikes, "weather").cells else { panic!("weather is a category") };
    assert_eq!(levels, &["clear", "mist", "rain"]);
    let users: f64 = numbers(&bikes, "users").iter().sum();
    assert!((users - 3_294_677.0).abs() < 0.5, "{users}");
    assert!(bikes.warnings.is_empty() && bikes.sentinels.is_empty(), "{:?}", bikes.warnings);
}

#[test]
fn airpassengers_needs_no_flag() {
    let air = load("samples/airpassengers.csv", None);
    assert_eq!(air.frequency.to_string(), "every month");
    assert_eq!(of_role(&air, ColumnRole::Target), ["passengers"]);
    assert_eq!(times(&air)[143], "1960-12-01T00:00:00");
    assert_eq!(numbers(&air, "passengers")[143], 432.0);
}

#[test]
fn gas_furnace_counts_steps() {
    let gas = load("samples/gas_furnace.csv", Some("co2_pct"));
    assert_eq!(gas.frequency.to_string(), "every step");
    assert_eq!(times(&gas)[..2], ["1", "2"]);
}

#[test]
fn brent_has_lines_before_its_header_and_runs_backwards() {
    let brent = load("samples/eia_brent_spot_raw.csv", None);
    assert_eq!(brent.format.preamble_lines, 4);
    assert_eq!(brent.frequency.to_string(), "every business day");
    assert_eq!(of_role(&brent, ColumnRole::Target), ["Series ID: PET.RBRTE.D Dollars per Barrel"]);
    assert!(brent.axis.descending);
    assert_eq!(times(&brent)[0], "2019-08-26T00:00:00");
    assert_eq!(inferred(&brent, "day and month").choice, "month/day/year");
    assert_eq!(brent.table.rows(), 8_195);
}

#[test]
fn airports_are_told_apart_and_their_months_read_from_two_columns() {
    let airports = load("samples/nyc_airport_passengers_raw.csv", Some("Total Passengers"));
    assert_eq!(of_role(&airports, ColumnRole::Item), ["Airport Code"]);
    assert_eq!(of_role(&airports, ColumnRole::Time), ["Year Month"]);
    assert_eq!(airports.axis.series, 5);
    assert_eq!(airports.frequency.to_string(), "every month");
    assert!(airports.axis.out_of_order > 0);
    assert_eq!(times(&airports)[1], "2015-02-01T00:00:00");
}

#[test]
fn montreal_is_latin_1_with_semicolons_and_rows_cut_short() {
    let bikes = load("samples/montreal_bikes_latin1_raw.csv", Some("Berri 1"));
    assert_eq!((bikes.format.encoding.as_str(), bikes.format.delimiter), ("windows-1252", ';'));
    assert_eq!(inferred(&bikes, "day and month").choice, "day/month/year");
    assert_eq!(bikes.frequency.to_string(), "every day");
    assert_eq!((bikes.table.rows(), bikes.axis.absent), (310, 0));
    assert_eq!(
        of_role(&bikes, ColumnRole::Ignored),
        ["Brébeuf (données non disponibles)", "St-Urbain (données non disponibles)"]
    );
    assert_eq!(numbers(&bikes, "Côte-Sainte-Catherine")[308..], [446.0, 1170.0]);
}

#[test]
fn a_file_larger_than_the_limit_is_refused_before_it_is_read() {
    let mut options = IngestOptions::default();
    options.limits.bytes = 1_000;
    let error = read_path(&path("samples/airpassengers.csv"), &options).unwrap_err();
    assert!(matches!(*error.problem, Problem::TooLarge { bytes: 2_181, limit: 1_000 }), "{error}");
    // Two gigabytes that take no room: only their size is looked at.
    let sparse = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("two_gigabytes.csv");
    std::fs::File::create(&sparse).unwrap().set_len(2 << 30).unwrap();
    let error = read_path(&sparse, &IngestOptions::default()).unwrap_err();
    std::fs::remove_file(&sparse).unwrap();
    assert_eq!(
        error.to_string(),
        "two_gigabytes.csv: the file has 2147483648 bytes, the limit is 1073741824; split the file, or raise the limit"
    );
    let error = read_path(&path("samples/not there.csv"), &options).unwrap_err();
    assert!(matches!(*error.problem, Problem::Unreadable(_)) && !error.is_usage(), "{error}");
    assert!(error.to_string().starts_with("not there.csv: the file cannot be read"), "{error}");
}
