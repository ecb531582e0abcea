//! ARIMA models against reference forecasts, known answers and hostile input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use atsre_domain::model::Setting;
use atsre_forecast::arima::{self, Order};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn cases() -> Value {
    serde_json::from_str(include_str!("reference_arima/cases.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap()).collect())
}

/// Calls `check` with the group's season and horizon, the case and the model's reference.
fn each_case(model: &str, mut check: impl FnMut(usize, usize, &Value, &Value)) {
    for group in cases()["groups"].as_array().unwrap() {
        let (m, h) = (group["m"].as_u64().unwrap() as usize, group["h"].as_u64().unwrap() as usize);
        for case in group["cases"].as_array().unwrap().iter().filter(|c| c[model].is_object()) {
            check(m, h, case, &case[model]);
        }
    }
}

fn distance(ours: &[f64], theirs: &[f64]) -> f64 {
    let size = theirs.iter().map(|v| v.abs()).sum::<f64>() / theirs.len() as f64;
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs() / b.abs().max(0.01 * size)).fold(0.0, f64::max)
}

#[test]
fn arima_one_one_one_is_as_likely_as_the_reference_or_forecasts_the_same() {
    each_case("ARIMA_111", |_, h, case, reference| {
        // Given a reference series
        let train = numbers(&case["train"]);
        // When the model is fitted
        let fit = arima::fit(&train, &[], Order::new(1, 1, 1)).unwrap();
        let mean = fit.forecast(h, &[]).unwrap().mean;
        // Then the likelihood is no lower, up to the reference's own rounding
        let gain = fit.log_likelihood() - reference["loglik"].as_f64().unwrap();
        let distance = distance(&mean, &numbers(&reference["mean"]));
        assert!(gain > -1e-3 || distance < 0.01, "{}: {gain}, {distance}", case["id"]);
        // and where it is the same, so are the forecasts
        assert!(gain > 1e-2 || distance < 0.02, "{}: {gain}, {distance}", case["id"]);
    });
}

#[test]
fn intervals_agree_where_the_model_is_the_same() {
    let mut compared = 0;
    each_case("AutoARIMA", |m, h, case, reference| {
        let train = numbers(&case["train"]);
        let fit = arima::auto(&train, &[], m).unwrap();
        let prediction = fit.forecast(h, &[]).unwrap();
        let (low, high) = (numbers(&reference["lo-80"]), numbers(&reference["hi-80"]));
        if low.is_empty() || distance(&prediction.mean, &numbers(&reference["mean"])) > 1e-3 {
            return;
        }
        compared += 1;
        for (deviation, (low, high)) in prediction.deviation.iter().zip(low.iter().zip(&high)) {
            let width = 2.0 * 1.281_551_565_5 * deviation;
            assert!((width / (high - low) - 1.0).abs() < 0.03, "{}: {width} {}", case["id"], high - low);
        }
    });
    assert!(compared >= 5, "{compared}");
}

#[test]
fn the_search_is_as_good_as_the_reference_over_each_group() {
    for group in cases()["groups"].as_array().unwrap() {
        let (m, h) = (group["m"].as_u64().unwrap() as usize, group["h"].as_u64().unwrap() as usize);
        let (mut ours, mut theirs) = (0.0, 0.0);
        for case in group["cases"].as_array().unwrap() {
            let (train, test) = (numbers(&case["train"]), numbers(&case["test"]));
            let scale = train.iter().zip(&train[m..]).map(|(a, b)| (b - a).abs()).sum::<f64>();
            let error = |mean: &[f64]| {
                mean.iter().zip(&test).map(|(a, b)| (a - b).abs()).sum::<f64>() / scale * train.len() as f64
            };
            ours += error(&arima::auto(&train, &[], m).unwrap().forecast(h, &[]).unwrap().mean);
            theirs += error(&numbers(&case["AutoARIMA"]["mean"]));
        }
        // A handful of series each: the whole groups of the reference agree within 0.5 % or are better.
        assert!(ours < 1.05 * theirs, "{}: {ours} against {theirs}", group["group"]);
    }
}

/// (1 − 0.6 B) wₜ = (1 + 0.4 B) eₜ, integrated.
fn walk(length: usize, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut level, mut change, mut noise) = (10.0, 0.0, 0.0);
    (0..length)
        .map(|_| {
            let next = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
            change = 0.6 * change + next + 0.4 * noise;
            noise = next;
            level += change;
            level
        })
        .collect()
}

#[test]
fn known_coefficients_are_found_with_and_without_gaps() {
    // Given a long series from a known model, and the same with a fifth of its values missing
    let values = walk(1_500, 5);
    let mut gappy = values.clone();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    gappy.iter_mut().skip(1).filter(|_| random.random::<f64>() < 0.2).for_each(|v| *v = f64::NAN);
    for data in [values, gappy] {
        // When it is fitted
        let fit = arima::fit(&data, &[], Order::new(1, 1, 1)).unwrap();
        // Then the coefficients are those of the model, within about four standard errors
        let [phi, theta] = fit.coefficients() else { panic!("two coefficients") };
        assert!((phi - 0.6).abs() < 0.12 && (theta - 0.4).abs() < 0.16, "{phi} {theta}");
        assert!((fit.variance() - 1.0).abs() < 0.15, "{}", fit.variance());
    }
}

#[test]
fn a_gap_at_the_end_lengthens_the_forecast() {
    // Given a random walk whose last three values are missing
    let mut values = walk(120, 3);
    values[117..].fill(f64::NAN);
    // When both are forecast
    let order = Order::new(0, 1, 0);
    let gappy = arima::fit(&values, &[], order).unwrap().forecast(2, &[]).unwrap();
    let whole = arima::fit(&values[..117], &[], order).unwrap().forecast(5, &[]).unwrap();
    // Then the gap counts as steps
    assert!((gappy.deviation[0] / whole.deviation[3] - 1.0).abs() < 1e-3);
    assert!((gappy.mean[1] - whole.mean[4]).abs() < 1e-6 * whole.mean[4].abs());
}

#[test]
fn the_errors_of_a_regression_are_modelled() {
    // Given a series that follows a regressor, with errors that are a random walk
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let regressor: Vec<f64> = (0..220).map(|_| random.random::<f64>()).collect();
    let values: Vec<f64> = walk(200, 2).iter().zip(&regressor).map(|(y, x)| y + 50.0 * x).collect();
    // When it is forecast with the regressor known ahead
    let with = arima::auto(&values, &[regressor[..200].to_vec()], 1).unwrap();
    let mean = with.forecast(20, &[regressor[200..].to_vec()]).unwrap().mean;
    // Then the forecast moves with it
    let moves = |a: usize, b: usize| (mean[a] - mean[b]) / (regressor[200 + a] - regressor[200 + b]);
    assert!((moves(18, 19) - 50.0).abs() < 8.0, "{}", moves(18, 19));
    assert!(with.forecast(20, &[]).is_err());
}

#[test]
fn hostile_series_have_a_finite_forecast() {
    let nan = f64::NAN;
    let mut holes = walk(60, 1);
    holes.iter_mut().step_by(2).for_each(|v| *v = nan);
    let wild: Vec<Vec<f64>> = vec![
        vec![1.0],
        vec![1.0, 2.0],
        vec![1.0, 2.0, 3.0],
        vec![5.0; 40],
        vec![0.0; 40],
        (0..40).map(f64::from).collect(),
        (0..40).map(|t| f64::from(t * t)).collect(),
        walk(50, 4).iter().map(|v| v * 1e300).collect(),
        walk(50, 4).iter().map(|v| v * 1e-300).collect(),
        [vec![0.0; 39], vec![1.0]].concat(),
        (0..40).map(|t| f64::from(t % 2)).collect(),
        (0..48).map(|t| f64::from(t % 12)).collect(),
        vec![nan, 3.0, nan, nan],
        holes,
        [vec![1.0, nan], vec![nan; 30], vec![2.0]].concat(),
        walk(14, 9),
    ];
    for (i, values) in wild.iter().enumerate() {
        for season in [1, 4, 12, 1_000] {
            let prediction = arima::auto(values, &[], season).unwrap().forecast(300, &[]).unwrap();
            let all = prediction.mean.iter().chain(&prediction.deviation);
            assert!(all.clone().all(|v| v.is_finite()), "series {i}, season {season}: {prediction:?}");
            assert!(prediction.deviation.iter().all(|v| *v >= 0.0));
        }
    }
    assert!(arima::auto(&[], &[], 1).is_err());
    assert!(arima::auto(&[nan; 5], &[], 1).is_err());
    assert!(arima::fit(&[1.0, 2.0, 3.0], &[], Order::new(2, 1, 2)).is_err());
    assert!(arima::fit(&[1.0; 9], &[vec![0.0; 8]], Order::new(0, 0, 0)).is_err());
}

#[test]
fn scale_and_shift_carry_over() {
    // Given a series and the same in other units
    let values = walk(90, 6);
    let other: Vec<f64> = values.iter().map(|v| 1e6 + 250.0 * v).collect();
    // When both are searched
    let (first, second) = (arima::auto(&values, &[], 1).unwrap(), arima::auto(&other, &[], 1).unwrap());
    // Then the model is the same and so is the forecast, in its units
    assert_eq!(first.order(), second.order());
    let (a, b) = (first.forecast(12, &[]).unwrap(), second.forecast(12, &[]).unwrap());
    for (x, y) in a.mean.iter().zip(&b.mean) {
        assert!((1e6 + 250.0 * x - y).abs() < 1.0, "{x} {y}");
    }
}

#[test]
fn the_catalogues_models_use_what_is_known_ahead() {
    for model in ["arima", "auto-arima"] {
        // Given a job with a known and a past covariate
        let panel = common::panel(vec![common::series("a", 120, 1), common::series("b", 90, 2)]);
        let mut job = common::job(model, panel);
        job.spec.hyperparameters.insert("season_length".to_string(), Setting::Integer(12));
        job.backtest.windows = 2;
        // When it runs on one and on two threads
        let one = common::execute(&job).unwrap();
        job.threads = 2;
        let two = common::execute(&job).unwrap();
        // Then the bits are the same, and a note says what was not used
        assert_eq!(one, two);
        assert!(one.notes.iter().any(|n| n.contains("not known over the horizon")), "{:?}", one.notes);
    }
}
