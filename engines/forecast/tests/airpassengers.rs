//! Forecasts of a real series against statsforecast 2.1.1: `Naive()`, `SeasonalNaive(12)`, `RandomWalkWithDrift()`,
//! `Theta(12)`, `Theta(12, decomposition_type="additive")` and `Theta(1)`, each `.forecast(y, h=12, level=[80])`.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::common;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::metric::Metric;
use atsre_domain::model::Setting;
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{TrialJob, TrialResult, ensemble, time_axis};
use common::{execute, spec};

fn passengers() -> Panel {
    let text = include_str!("data/airpassengers.csv");
    let target: Vec<f64> = text.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().trim().parse().unwrap()).collect();
    let frequency = Frequency::every(FrequencyUnit::Month);
    // 1949-01-01.
    let mut times = vec![Timestamp(-662_688_000_000_000)];
    times.extend(time_axis::continue_after(frequency, &times, target.len() - 1).unwrap());
    let series = vec![Series { item_id: String::new(), times, target, covariates: Vec::new() }];
    Panel { target: "passengers".to_string(), frequency, covariates: Vec::new(), series }
}

fn forecast(model: &str, settings: &[(&str, Setting)], windows: u32) -> TrialResult {
    let mut spec = spec(model, settings);
    spec.covariates.clear();
    let backtest = BacktestPlan { windows, step: 12, season_length: 12 };
    let (quantile_levels, panel) = (vec![0.1, 0.5, 0.9], passengers());
    execute(&TrialJob { panel, spec, horizon: 12, quantile_levels, backtest, holdout: 0, seed: 1, threads: 1 }).unwrap()
}

fn check(got: &[f64], expect: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expect.len());
    for (a, b) in got.iter().zip(expect) {
        assert!((a - b).abs() <= tolerance * b.abs(), "{a} is not {b} within {tolerance}: {got:?}");
    }
}

#[test]
fn naive_agrees() {
    let result = forecast("naive", &[], 0);
    check(&result.forecasts[0].mean, &[432.0; 12], 1e-12);
    let low = [
        388.798374, 370.903674, 357.172589, 345.596748, 335.398227, 326.17806, 317.699241, 309.807349, 302.395122,
        295.384463, 288.716416, 282.345177,
    ];
    check(&result.forecasts[0].quantiles[0], &low, 1e-6);
}

#[test]
fn seasonal_naive_agrees() {
    let result = forecast("seasonal-naive", &[], 0);
    let mean = [417.0, 391.0, 419.0, 461.0, 472.0, 535.0, 622.0, 606.0, 508.0, 461.0, 390.0, 432.0];
    check(&result.forecasts[0].mean, &mean, 1e-12);
    let low: Vec<f64> = mean.iter().map(|v| v - 46.5405).collect();
    check(&result.forecasts[0].quantiles[0], &low, 1e-6);
}

#[test]
fn drift_agrees() {
    let result = forecast("drift", &[], 0);
    let mean: Vec<f64> = (1..=12).map(|h| 432.0 + f64::from(h) * 320.0 / 143.0).collect();
    check(&result.forecasts[0].mean, &mean, 1e-12);
    // Their σ has one degree of freedom more: T − 1 where Hyndman and Athanasopoulos (§5.4) have T − 2.
    check(&result.forecasts[0].quantiles[0][..2], &[390.980968, 375.089135], 0.001);
}

#[test]
fn theta_agrees() {
    // Two optimisers stop in different places: 1e-4.
    let multiplicative = [
        440.969195, 429.249242, 490.693187, 476.65992, 480.631038, 546.455544, 603.95265, 602.294907, 524.989584,
        457.529433, 398.73799, 448.524748,
    ];
    check(&forecast("theta", &[], 0).forecasts[0].mean, &multiplicative, 1e-4);
    let additive = [
        437.046468, 426.935363, 462.210621, 457.743455, 462.602047, 503.839426, 533.595745, 533.916458, 488.941716,
        453.107126, 421.484657, 447.786431,
    ];
    let word = |word: &str| [("decomposition", Setting::Text(word.to_string()))];
    check(&forecast("theta", &word("additive"), 0).forecasts[0].mean, &additive, 1e-4);
    let none = [
        432.92916, 434.257752, 435.586344, 436.914936, 438.243528, 439.57212, 440.900712, 442.229304, 443.557896,
        444.886488, 446.21508, 447.543672,
    ];
    check(&forecast("theta", &word("none"), 0).forecasts[0].mean, &none, 1e-4);
}

#[test]
fn better_models_and_their_ensemble_beat_seasonal_naive() {
    let results: Vec<_> = ["seasonal-naive", "theta", "ridge"].iter().map(|m| forecast(m, &[], 4)).collect();
    let mase: Vec<f64> = results.iter().map(|r| r.scores[0].value.get()).collect();
    assert!(mase[1] < mase[0] && mase[2] < mase[0], "{mase:?}");
    let ensemble = ensemble::greedy(&results.iter().collect::<Vec<_>>(), Metric::Mase).unwrap();
    assert_eq!(ensemble.member_values, mase);
    assert!(ensemble.value <= mase[1].min(mase[2]), "{} {mase:?}", ensemble.value);
    assert_eq!(ensemble.result.forecasts[0].times, results[0].forecasts[0].times);
    // 1961-01-01 follows 1960-12-01.
    assert_eq!(ensemble.result.forecasts[0].times[0], Timestamp(-283_996_800_000_000));
}
