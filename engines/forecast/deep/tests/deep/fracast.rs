//! Fracast-0 against its authors' own program, and with series that no benchmark has.

use atsre_domain::model::Device;
use atsre_forecast::catalogue::{self, FRACAST_0};
use atsre_forecast::{ForecastError, TrialJob};
use atsre_forecast_deep::fracast::{LEVELS, Network};
use serde_json::Value;

use crate::fixture::{forecast, job, noisy_sine, panel};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

#[test]
fn every_quantile_agrees_with_the_authors_program() {
    let reference: Value = serde_json::from_str(include_str!("../data/fracast-0/reference.json")).unwrap();
    let cases = reference["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let history = numbers(&case["input"]);
        let horizon = case["horizon"].as_u64().unwrap() as usize;
        let found = Network::pretrained().unwrap().forecast(&history, horizon);
        assert_eq!(found.periods.map(f64::from).to_vec(), numbers(&case["detected_periods"]), "{name}");
        let observed = || history.iter().copied().filter(|v| !v.is_nan());
        let range = observed().fold(f64::MIN, f64::max) - observed().fold(f64::MAX, f64::min);
        // A constant has no range: what is left is the rounding of an f32 near 5.
        let bound = if range > 0.0 { 2e-6 * range } else { 1e-6 };
        let right: Vec<Vec<f64>> = case["quantiles"].as_array().unwrap().iter().map(numbers).collect();
        assert_eq!(found.quantiles.len(), right.len(), "{name}");
        for (step, (ours, theirs)) in found.quantiles.iter().zip(&right).enumerate() {
            for (a, b) in ours.iter().zip(theirs) {
                assert!((a - b).abs() <= bound, "{name}, step {step}: {a}, not {b}");
            }
        }
    }
}

fn fracast_job(targets: Vec<Vec<f64>>) -> TrialJob {
    let mut job = job(panel(targets), &[]);
    job.spec.model = FRACAST_0.to_string();
    job.spec.hyperparameters.clear();
    job
}

#[test]
fn a_trial_forecasts_without_training_and_tells_of_the_leakage() {
    let mut job = fracast_job(vec![noisy_sine(300, 0.3, 50), noisy_sine(90, 0.3, 51)]);
    job.backtest.windows = 2;
    job.quantile_levels = vec![0.05, 0.1, 0.45, 0.5, 0.9];
    let result = forecast(&job).unwrap();
    assert_eq!(result.forecasts.len(), 2);
    for f in &result.forecasts {
        assert!((0..f.times.len()).all(|h| f.quantiles.windows(2).all(|pair| pair[0][h] <= pair[1][h])));
    }
    assert!(result.notes.iter().any(|n| n.contains("leakage")), "{:?}", result.notes);
    assert!(result.notes.iter().any(|n| n.contains("outermost")), "{:?}", result.notes);
    assert!(catalogue::entry(FRACAST_0).unwrap().description.contains("leakage"));
}

#[test]
fn the_threads_and_the_company_of_a_series_change_no_bit() {
    let targets: Vec<_> = (0..6).map(|s| noisy_sine(60 + 40 * s, 0.3, 60 + s as u64)).collect();
    let mut job = fracast_job(targets.clone());
    let one = forecast(&job).unwrap();
    job.threads = 3;
    assert_eq!(forecast(&job).unwrap().forecasts, one.forecasts);
    let alone = forecast(&fracast_job(vec![targets[4].clone()])).unwrap();
    assert_eq!(alone.forecasts[0].quantiles, one.forecasts[4].quantiles);
}

#[test]
fn hostile_series_have_finite_forecasts() {
    let gaps = |i: usize| if i.is_multiple_of(5) { f64::NAN } else { i as f64 };
    let hostile: Vec<(&str, Vec<f64>)> = vec![
        ("constant", vec![7.5; 20]),
        ("zeros", vec![0.0; 40]),
        ("huge", (0..50).map(|i| if i % 2 == 0 { 1e300 } else { -1e300 }).collect()),
        ("tiny", (0..50).map(|i| f64::from(i) * 1e-300).collect()),
        ("gaps", (0..50).map(gaps).collect()),
        ("long", (0..5_000).map(|i| (f64::from(i) * 0.1).sin()).collect()),
        ("sparse", (0..3_000).map(|i| if i == 2 || i == 2_999 { 4.0 } else { f64::NAN }).collect()),
    ];
    for (name, series) in hostile {
        let result = forecast(&fracast_job(vec![series])).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(result.forecasts[0].quantiles.iter().flatten().all(|v| v.is_finite()), "{name}");
    }
    for length in 1..8 {
        let refused = forecast(&fracast_job(vec![vec![1.0; length]]));
        assert!(matches!(refused, Err(ForecastError::TooShort { needed: 8, .. })), "{length}: {refused:?}");
    }
}

#[test]
fn a_forecast_follows_the_scale_of_its_series() {
    let series = noisy_sine(200, 0.5, 70);
    let of = |factor: f64| {
        let scaled: Vec<f64> = series.iter().map(|v| v * factor).collect();
        forecast(&fracast_job(vec![scaled])).unwrap().forecasts[0].quantiles.concat()
    };
    for factor in [2.0_f64.powi(-40), 2.0_f64.powi(30), 2.0_f64.powi(900)] {
        let moved = of(factor);
        assert!(of(1.0).iter().zip(&moved).all(|(a, b)| (a * factor - b).abs() <= 1e-5 * factor * 20.0), "{factor:e}");
    }
}

#[test]
fn the_network_is_the_one_that_was_published() {
    assert_eq!(LEVELS.len(), 9);
    let network = Network::pretrained().unwrap();
    // A history without a value is the forecast of a constant zero.
    assert!(network.forecast(&[], 60).quantiles.iter().flatten().all(|v| v.abs() < 1e-3));
    let mut job = fracast_job(vec![noisy_sine(100, 0.3, 80)]);
    job.spec.device = Device::Cpu;
    job.spec.hyperparameters.insert("weights".to_string(), atsre_domain::model::Setting::Text("x".to_string()));
    assert!(matches!(forecast(&job), Err(ForecastError::Setting { .. })));
}
