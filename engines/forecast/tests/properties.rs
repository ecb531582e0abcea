//! Laws that every model keeps.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::common;

use atsre_domain::model::Setting;
use atsre_domain::panel::Panel;
use atsre_forecast::TrialJob;
use common::{HORIZON, LEVELS, MODELS, SEASON, execute, job, panel, series};

fn transformed(panel: &Panel, scale: f64, shift: f64) -> Panel {
    let mut panel = panel.clone();
    panel.series.iter_mut().flat_map(|s| &mut s.target).for_each(|y| *y = scale * *y + shift);
    panel
}

fn check_equivariance(job: &TrialJob, scale: f64, shift: f64) {
    let plain = execute(job).unwrap();
    let other = execute(&TrialJob { panel: transformed(&job.panel, scale, shift), ..job.clone() }).unwrap();
    for (a, b) in plain.forecasts.iter().zip(&other.forecasts) {
        let rows = std::iter::once((&a.mean, &b.mean)).chain(a.quantiles.iter().zip(&b.quantiles));
        for (x, y) in rows.flat_map(|(r, s)| r.iter().zip(s)) {
            let expect = scale * x + shift;
            // Rounding of values near `shift`, seen in units of the series' spread (about 5 · scale).
            let tolerance = 1e-6 * scale.abs() * 5.0 + 1e-11 * shift.abs();
            assert!((y - expect).abs() <= tolerance, "{}: {y} is not {expect}", job.spec.model);
        }
    }
}

#[test]
fn forecasts_scale_with_the_data() {
    for model in MODELS {
        for seed in 0..4 {
            let job = job(model, panel(vec![series("a", 150, seed), series("b", 130, seed + 100)]));
            check_equivariance(&job, 1_000.0, 0.0);
            check_equivariance(&job, 0.01, 0.0);
        }
    }
}

#[test]
fn forecasts_shift_with_the_data() {
    for model in MODELS {
        for seed in 0..4 {
            let mut job = job(model, panel(vec![series("a", 150, seed)]));
            if model == "theta" {
                // A multiplicative season has a zero that a shift moves.
                job.spec.hyperparameters.insert("decomposition".to_string(), Setting::Text("additive".to_string()));
            }
            check_equivariance(&job, 1.0, -300.0);
            check_equivariance(&job, 2.0, 77.0);
        }
    }
}

#[test]
fn seasonal_naive_repeats_a_periodic_series_exactly() {
    let mut data = series("a", 10 * SEASON, 1);
    data.target.iter_mut().enumerate().for_each(|(t, y)| *y = ((t % SEASON) * (t % SEASON)) as f64);
    let result = execute(&job("seasonal-naive", panel(vec![data]))).unwrap();
    let expect: Vec<f64> = (0..HORIZON).map(|h| (h * h) as f64).collect();
    assert_eq!(result.forecasts[0].mean, expect);
    assert!(result.forecasts[0].quantiles.iter().all(|row| *row == expect));
    assert!(result.windows.iter().all(|w| w.mean == w.actual));
}

#[test]
fn ridge_learns_a_periodic_series() {
    let mut data = series("a", 20 * SEASON, 1);
    data.target.iter_mut().enumerate().for_each(|(t, y)| *y = ((t % SEASON) * (t % SEASON)) as f64);
    let result = execute(&job("ridge", panel(vec![data]))).unwrap();
    for (h, mean) in result.forecasts[0].mean.iter().enumerate() {
        assert!((mean - (h * h) as f64).abs() < 1.0, "step {h}: {mean}");
    }
}

#[test]
fn nothing_after_an_origin_changes_its_forecast() {
    for model in MODELS {
        let honest = job(model, panel(vec![series("a", 150, 3), series("b", 140, 4)]));
        let expect = execute(&honest).unwrap();
        for window in 0..honest.backtest.windows {
            let mut leaky = honest.clone();
            for (i, data) in leaky.panel.series.iter_mut().enumerate() {
                let origins = expect.windows.iter().filter(|w| w.window == window && w.item_id == data.item_id);
                let origin = origins.map(|w| w.origin as usize).next().unwrap();
                data.target[origin..].iter_mut().for_each(|y| *y = 1e6 + i as f64);
                data.covariates[1][origin..].iter_mut().for_each(|x| *x = -1e6);
                data.covariates[0][origin + HORIZON..].iter_mut().for_each(|x| *x = 1e6);
            }
            let got = execute(&leaky).unwrap();
            for (a, b) in expect.windows.iter().zip(&got.windows).filter(|(w, _)| w.window <= window) {
                assert_eq!(a.mean, b.mean, "{model} saw past the origin of window {}", a.window);
                assert_eq!(a.quantiles, b.quantiles, "{model} was calibrated by the future in window {}", a.window);
            }
        }
    }
}

#[test]
fn a_known_covariate_is_seen_over_the_horizon_and_helps() {
    let mut with = job("ridge", panel(vec![series("a", 600, 3)]));
    with.backtest.windows = 30;
    let mut without = with.clone();
    without.spec.covariates.clear();
    let mase = |job| execute(job).unwrap().scores[0].value.get();
    // Errors of standard deviation 0.68 instead of 1.1.
    let (with, without) = (mase(&with), mase(&without));
    assert!(with < 0.7 * without, "{with} {without}");
}

#[test]
fn quantiles_ascend_and_shapes_fit() {
    for model in MODELS {
        let result = execute(&job(model, panel(vec![series("a", 150, 5), series("b", 100, 6)]))).unwrap();
        assert_eq!(result.forecasts.len(), 2);
        assert_eq!(result.windows.len(), 8);
        let forecasts = result.forecasts.iter().map(|f| (&f.mean, &f.quantiles));
        for (mean, quantiles) in forecasts.chain(result.windows.iter().map(|w| (&w.mean, &w.quantiles))) {
            assert_eq!((mean.len(), quantiles.len()), (HORIZON, LEVELS.len()));
            for rows in quantiles.windows(2) {
                assert!(rows[0].iter().zip(&rows[1]).all(|(low, high)| low <= high), "{model}");
            }
        }
    }
}

#[test]
fn threads_and_repetition_change_no_bit() {
    for model in MODELS {
        let many: Vec<_> = (0..9).map(|i| series(&format!("s{i}"), 120 + i, i as u64)).collect();
        for pooled in ["yes", "no"] {
            let mut one = job(model, panel(many.clone()));
            if model == "ridge" {
                one.spec.hyperparameters.insert("pooled".to_string(), Setting::Text(pooled.to_string()));
            }
            let four = TrialJob { threads: 4, ..one.clone() };
            let first = execute(&one).unwrap();
            assert_eq!(first, execute(&one).unwrap(), "{model}");
            assert_eq!(first, execute(&four).unwrap(), "{model}");
        }
    }
}
