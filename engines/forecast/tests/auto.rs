//! The default forecaster: what it promises on any data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use atsre_domain::model::{ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_domain::{Finite, metric::Metric, metric::Split};
use atsre_forecast::{Registry, Silent, StreamRequest, TrialJob, TrialResult, forecast_stream};
use common::{HORIZON, LEVELS, SEASON, execute, panel, series};

fn job(panel: Panel, windows: u32) -> TrialJob {
    let mut job = common::job("auto", panel);
    job.spec = ModelSpec { covariates: Vec::new(), ..job.spec };
    job.backtest = BacktestPlan { windows, step: HORIZON as u32, season_length: SEASON as u32 };
    job
}

fn bits(result: &TrialResult) -> Vec<u64> {
    let rows = |f: &atsre_forecast::SeriesForecast| {
        f.mean.iter().chain(f.quantiles.iter().flatten()).map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    result.forecasts.iter().flat_map(rows).collect()
}

fn plain(item_id: &str, target: Vec<f64>) -> Series {
    let mut data = series(item_id, target.len(), 1);
    data.target = target;
    data
}

#[test]
fn the_same_bits_on_one_and_two_threads() {
    let mut one = job(panel((0..3).map(|i| series(&format!("s{i}"), 90, i)).collect()), 0);
    let first = bits(&execute(&one).unwrap());
    one.threads = 2;
    assert_eq!(bits(&execute(&one).unwrap()), first);
}

#[test]
fn a_season_is_forecast_better_than_by_its_last_value_and_quantiles_ascend() {
    // given two seasonal series with their last horizon withheld
    let mut held = job(panel(vec![series("a", 150, 1), series("b", 150, 2)]), 0);
    held.holdout = HORIZON as u32;
    let error = |job: &TrialJob| {
        let result = execute(job).unwrap();
        let ascending = |f: &atsre_forecast::SeriesForecast| {
            (0..HORIZON).all(|h| f.quantiles.windows(2).all(|pair| pair[0][h] <= pair[1][h]))
        };
        assert!(result.forecasts.iter().all(ascending));
        result.scores.iter().find(|s| s.split == Split::Test && s.metric == Metric::Mase).unwrap().value.get()
    };
    // then the selection beats the last value
    let auto = error(&held);
    held.spec.model = "naive".to_string();
    assert!(auto < 0.7 * error(&held), "{auto}");
}

#[test]
fn hostile_series_have_finite_forecasts() {
    let wave = |t: usize| (t as f64 * 0.7).sin();
    let cases: Vec<(&str, Vec<f64>)> = vec![
        ("one", vec![5.0]),
        ("two", vec![5.0, 7.0]),
        ("three", vec![5.0, 7.0, 6.0]),
        ("constant", vec![42.0; 50]),
        ("zero", vec![0.0; 50]),
        ("huge", (0..60).map(|t| 1e300 * (2.0 + wave(t))).collect()),
        ("tiny", (0..60).map(|t| 1e-300 * (2.0 + wave(t))).collect()),
        ("gaps", (0..60).map(|t| if t % 5 == 0 { f64::NAN } else { wave(t) }).collect()),
        ("late", (0..60).map(|t| if t < 57 { f64::NAN } else { 3.0 }).collect()),
        ("counts", (0..60).map(|t| f64::from(u8::from(t % 9 == 0)) * 4.0).collect()),
        ("jump", (0..60).map(|t| if t < 59 { 1.0 } else { 1e9 }).collect()),
    ];
    // given each by itself; then every forecast is finite
    for (name, target) in &cases {
        let result =
            execute(&job(panel(vec![plain(name, target.clone())]), 0)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let forecast = &result.forecasts[0];
        assert!(forecast.mean.iter().chain(forecast.quantiles.iter().flatten()).all(|v| v.is_finite()), "{name}");
    }
    // and together, where none may spoil the others
    let all = cases.iter().map(|(name, target)| plain(name, target.clone())).collect();
    let result = execute(&job(panel(all), 0)).unwrap();
    assert_eq!(result.forecasts.len(), cases.len());
    for constant in ["constant", "zero"] {
        let at = cases.iter().position(|(name, _)| *name == constant).unwrap();
        assert!(result.forecasts[at].mean.iter().all(|v| (v - cases[at].1[0]).abs() < 1e-6), "{constant}");
    }
}

#[test]
fn a_small_budget_leaves_costly_candidates_out_and_says_so() {
    let mut small = job(panel(vec![series("a", 100, 1)]), 0);
    small.spec.hyperparameters.insert("budget_seconds".to_string(), Setting::Number(Finite::of(0.05).unwrap()));
    let result = execute(&small).unwrap();
    let note = result.notes.iter().find(|n| n.starts_with("left out")).expect("a note");
    assert!(note.contains("auto-arima"), "{note}");
    assert!(result.forecasts[0].mean.iter().all(|v| v.is_finite()));
}

#[test]
fn what_comes_after_the_origin_changes_nothing() {
    let mut held = job(panel(vec![series("a", 120, 3)]), 1);
    held.holdout = HORIZON as u32;
    let before = execute(&held).unwrap();
    held.panel.series[0].target[120 - HORIZON..].fill(1e6);
    assert_eq!(bits(&execute(&held).unwrap()), bits(&before));
}

#[test]
fn a_horizon_and_a_season_beyond_the_data_are_survived() {
    let mut far = job(panel(vec![series("a", 20, 3)]), 0);
    far.horizon = 60;
    far.backtest.season_length = 365;
    let result = execute(&far).unwrap();
    assert_eq!(result.forecasts[0].mean.len(), 60);
    assert!(result.forecasts[0].mean.iter().all(|v| v.is_finite()));
}

fn request(threads: u32, model: &str) -> StreamRequest {
    let panel = panel(Vec::new());
    StreamRequest {
        frequency: panel.frequency,
        covariates: panel.covariates,
        spec: ModelSpec { covariates: Vec::new(), ..common::spec(model, &[]) },
        horizon: HORIZON as u32,
        quantile_levels: LEVELS.to_vec(),
        season_length: SEASON as u32,
        calibration_windows: 0,
        seed: 1,
        threads,
    }
}

#[test]
fn a_stream_keeps_the_order_and_a_bad_series_costs_only_itself() {
    // given more series than a batch holds, made as they are asked for, the third without any value
    let make = |i: usize| {
        let mut data = series(&format!("s{i}"), 40, i as u64);
        if i == 2 {
            data.target.fill(f64::NAN);
        }
        data
    };
    let count = atsre_forecast::BATCH + 20;
    let registry = Registry::classical();
    let all = |threads| -> Vec<_> {
        forecast_stream((0..count).map(make), request(threads, "theta"), &registry, &Silent).collect()
    };
    // when they are forecast
    let results = all(1);
    // then there is one result for each, in order
    assert_eq!(results.len(), count);
    assert!(results[2].is_err());
    for (i, result) in results.iter().enumerate().filter(|(i, _)| *i != 2) {
        assert_eq!(result.as_ref().unwrap().item_id, format!("s{i}"));
    }
    // and two threads give the same bits
    for (one, two) in results.iter().zip(all(2)).filter(|(one, _)| one.is_ok()) {
        assert_eq!(one.as_ref().unwrap(), &two.unwrap());
    }
}

#[test]
fn a_stream_reads_no_further_than_a_batch() {
    let read = std::cell::Cell::new(0);
    let endless = (0..).map(|i| {
        read.set(i + 1);
        series(&format!("s{i}"), 30, 1)
    });
    let registry = Registry::classical();
    let mut stream = forecast_stream(endless, request(1, "naive"), &registry, &Silent);
    assert_eq!(stream.next().unwrap().unwrap().item_id, "s0");
    assert_eq!(read.get(), atsre_forecast::BATCH);
}

#[test]
fn demand_that_comes_now_and_then_is_forecast_by_its_own_candidates_beside_other_series() {
    // given series of which one is mostly zeros
    let seldom = plain("seldom", (0..72).map(|t| if t % 8 == 3 { 1.0 + f64::from(t % 3) } else { 0.0 }).collect());
    let all = panel(vec![series("a", 72, 1), series("b", 72, 2), seldom]);
    // when all are forecast
    let result = execute(&job(all, 0)).unwrap();
    // then it is nowhere below zero, and the reader is told
    let forecast = &result.forecasts[2];
    assert!(forecast.mean.iter().all(|v| *v >= 0.0), "{:?}", forecast.mean);
    assert!(forecast.quantiles.iter().flatten().all(|v| *v >= 0.0));
    assert!(result.notes.iter().any(|n| n.starts_with("1 series are mostly zeros")), "{:?}", result.notes);
    // and each kind of series has its own candidates
    assert!(result.notes.iter().any(|n| n.contains("auto-ets") && n.contains("zero")), "{:?}", result.notes);
}

#[test]
fn coverage_on_the_latest_window_is_told() {
    let result = execute(&job(panel((0..4).map(|i| series(&format!("s{i}"), 120, i)).collect()), 0)).unwrap();
    let note = result.notes.iter().find(|n| n.starts_with("on the latest window")).expect("a note");
    assert!(note.contains(" covered "), "{note}");
}

mod any_series {
    use super::*;
    use proptest::prelude::*;

    /// A value as data have it: of any size, missing, zero, or like its neighbours.
    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => -100.0..100.0_f64,
            2 => Just(0.0),
            1 => Just(f64::NAN),
            1 => Just(7.0),
            1 => (-300.0..300.0_f64).prop_map(|e| 10_f64.powf(e)),
            1 => Just(1e300),
            1 => Just(-1e300),
            1 => Just(1e-300),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn has_finite_ascending_forecasts(
            values in prop_oneof![
                prop::collection::vec(value(), 1..4),
                prop::collection::vec(value(), 4..60),
                (value(), 1..50_usize).prop_map(|(v, n)| vec![v; n]),
            ],
            season in prop_oneof![Just(1_u32), Just(4), Just(12), Just(365)],
            horizon in prop_oneof![Just(1_u32), Just(7), Just(200)],
        ) {
            let mut any = job(panel(vec![plain("any", values.clone())]), 0);
            any.horizon = horizon;
            any.backtest.season_length = season;
            match execute(&any) {
                Ok(result) => {
                    let f = &result.forecasts[0];
                    prop_assert_eq!(f.mean.len(), horizon as usize);
                    prop_assert!(f.mean.iter().chain(f.quantiles.iter().flatten()).all(|v| v.is_finite()));
                    for pair in f.quantiles.windows(2) {
                        prop_assert!(pair[0].iter().zip(&pair[1]).all(|(low, high)| low <= high));
                    }
                }
                // Only a series without any value has no forecast.
                Err(error) => prop_assert!(values.iter().all(|v| !v.is_finite()), "{error}"),
            }
        }
    }
}
