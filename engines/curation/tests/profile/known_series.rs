use atsre_curation::profile::profile;
use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::profile::{Profile, Stationarity};

use crate::{column, panel};

fn profiled(file: &str, unit: FrequencyUnit, multiple: u32) -> Profile {
    profile(&panel(Frequency { multiple, unit }, vec![column(file)]))
}

fn periods(profile: &Profile) -> Vec<u32> {
    let mut out: Vec<u32> = profile.seasonal_periods.iter().map(|s| s.period).collect();
    out.sort_unstable();
    out
}

#[test]
fn airline_passengers_have_a_year_a_trend_and_a_unit_root() {
    let q = profiled("stats/data/airpassengers.csv", FrequencyUnit::Month, 1);
    assert_eq!(periods(&q), [12]);
    // The strengths of the reference case, to its tolerance: a short series is decomposed exactly as there.
    assert!((q.seasonal_periods[0].strength.get() - 0.986_730_983_939_215_2).abs() < 1e-8);
    assert!((q.trend_strength.unwrap().get() - 0.997_954_344_311_820_8).abs() < 1e-8);
    let series = &q.series[0];
    assert_eq!(series.adf.unwrap().lags, 13);
    assert!((series.adf.unwrap().p_value.get() - 0.991_880_243_437_641_1).abs() < 1e-8);
    assert!((series.acf[0].get() - 0.948_047_340_752_491_5).abs() < 1e-12);
    assert_eq!(series.acf.len(), 40);
    assert_eq!(q.stationarity, Stationarity::UnitRoot);
    assert!(q.non_negative && series.distribution.integer);
    assert_eq!(q.season_length(), 12);
    assert!(q.findings.iter().any(|f| f.contains("12 observations (a year)")), "{:?}", q.findings);
}

#[test]
fn periods_are_found_without_a_calendar() {
    assert_eq!(periods(&profiled("stats/data/airpassengers.csv", FrequencyUnit::Step, 1)), [12]);
    assert_eq!(periods(&profiled("profile/taylor_half_hourly.csv", FrequencyUnit::Step, 1)), [48, 336]);
}

#[test]
fn half_hourly_demand_has_a_day_and_a_week() {
    let q = profiled("profile/taylor_half_hourly.csv", FrequencyUnit::Minute, 30);
    assert_eq!(periods(&q), [48, 336]);
    assert_eq!(q.season_length(), 48);
    assert!(q.findings.iter().any(|f| f.contains("(a day)") && f.contains("(a week)")), "{:?}", q.findings);
}

#[test]
fn hourly_bike_rentals_have_a_day_and_a_week_with_and_without_a_calendar() {
    assert_eq!(periods(&profiled("profile/bike_users_hourly.csv", FrequencyUnit::Hour, 1)), [24, 168]);
    assert_eq!(periods(&profiled("profile/bike_users_hourly.csv", FrequencyUnit::Step, 1)), [24, 168]);
}

#[test]
fn the_sunspot_cycle_is_no_season() {
    assert_eq!(periods(&profiled("profile/sunspots_monthly.csv", FrequencyUnit::Month, 1)), Vec::<u32>::new());
}

#[test]
fn the_nile_changed_its_level_after_1898() {
    let q = profiled("stats/data/nile.csv", FrequencyUnit::Year, 1);
    // The series begins in 1871.
    assert_eq!(q.series[0].change_points, [27]);
    assert!(q.seasonal_periods.is_empty());
}

#[test]
fn carbon_dioxide_rises_with_a_year() {
    let q = profiled("stats/data/co2_monthly.csv", FrequencyUnit::Month, 1);
    assert_eq!(periods(&q), [12]);
    assert!(q.trend_strength.unwrap().get() > 0.99);
    assert!(q.series[0].hurst.unwrap().get() > 0.8);
}
