//! What the network learns.

use atsre_domain::panel::{Covariate, CovariateKind};

use crate::fixture::{
    HORIZON, SEASON, error_of, forecast, forecast_recorded, integer, job, noisy_sine, panel, with_covariates,
};

#[test]
fn a_noisy_sine_is_forecast_clearly_better_than_by_the_seasonal_naive() {
    let noise = 1.0;
    let series = noisy_sine(900, noise, 1);
    let mut job = job(panel(vec![series.clone()]), &[]);
    job.backtest.windows = 6;
    let result = forecast(&job).unwrap();
    let naive: f64 = result
        .windows
        .iter()
        .flat_map(|w| {
            (0..HORIZON).map(|s| (w.actual[s] - series[w.origin as usize + s - SEASON]).abs()).collect::<Vec<_>>()
        })
        .sum::<f64>()
        / (6 * HORIZON) as f64;
    let error = error_of(&result);
    // The noise alone leaves a mean absolute error of 0.5; the seasonal naive forecast doubles its variance: 0.67.
    assert!(error < 0.9 * naive, "nhits {error}, seasonal naive {naive}");
    assert!(error < 0.6, "nhits {error}");
}

#[test]
fn quantiles_ascend_and_cover_about_what_they_promise() {
    let mut job = job(panel(vec![noisy_sine(900, 1.0, 2)]), &[]);
    job.backtest.windows = 10;
    let result = forecast(&job).unwrap();
    let (mut inside, mut count) = (0, 0);
    for window in &result.windows {
        for step in 0..HORIZON {
            let at: Vec<f64> = window.quantiles.iter().map(|q| q[step]).collect();
            assert!(at.is_sorted(), "{at:?}");
            inside += usize::from(at[0] <= window.actual[step] && window.actual[step] <= at[4]);
            count += 1;
        }
    }
    // 120 draws of probability 0.8 have a standard deviation of 0.04; a small net is a little off as well.
    let coverage = inside as f64 / count as f64;
    assert!((0.65..=0.95).contains(&coverage), "coverage {coverage}");
}

#[test]
fn one_network_serves_series_of_different_scale_and_length() {
    let small = noisy_sine(500, 0.3, 3);
    let large: Vec<f64> = noisy_sine(700, 0.3, 4).iter().map(|v| 1e6 * v).collect();
    let mut job = job(panel(vec![small, large]), &[]);
    job.backtest.windows = 3;
    let result = forecast(&job).unwrap();
    for (item, unit) in [("series 0", 1.0), ("series 1", 1e6)] {
        let mut one = result.clone();
        one.windows.retain(|w| w.item_id == item);
        // Noise alone: 0.15.
        assert!(error_of(&one) < 0.35 * unit, "{item}: {}", error_of(&one));
    }
}

#[test]
fn a_covariate_that_is_known_ahead_is_used() {
    // The target follows a random switch that only the covariate announces.
    let switch: Vec<f64> = noisy_sine(900 + HORIZON, 1.0, 5)
        .iter()
        .zip(noisy_sine(900 + HORIZON, 1.0, 6))
        .map(|(a, b)| f64::from(u8::from(a - b > 0.0)))
        .collect();
    let target: Vec<f64> = noisy_sine(900, 0.2, 7).iter().zip(&switch).map(|(y, s)| y + 6.0 * s).collect();
    let column = |kind| Covariate { name: "switch".to_string(), kind, levels: None };
    let error = |kind| {
        let panel = with_covariates(vec![(target.clone(), vec![switch.clone()])], vec![column(kind)]);
        let mut job = job(panel, &[("steps", integer(240))]);
        job.backtest.windows = 5;
        error_of(&forecast(&job).unwrap())
    };
    let (known, past) = (error(CovariateKind::Known), error(CovariateKind::Past));
    assert!(known < 0.5 * past, "known {known}, past {past}");
}

#[test]
fn gaps_are_neither_learnt_nor_fatal() {
    let mut series = noisy_sine(900, 0.3, 8);
    for i in (0..series.len()).filter(|i| i % 17 < 3) {
        series[i] = f64::NAN;
    }
    let mut job = job(panel(vec![series]), &[]);
    job.backtest.windows = 4;
    let mut result = forecast(&job).unwrap();
    for window in &mut result.windows {
        assert!(window.quantiles.iter().flatten().all(|v| v.is_finite()));
        for (step, actual) in window.actual.iter_mut().enumerate() {
            if actual.is_nan() {
                *actual = window.quantiles[2][step];
            }
        }
    }
    assert!(error_of(&result) < 0.35, "{}", error_of(&result));
}

#[test]
fn the_weights_that_did_best_on_the_held_out_windows_are_kept() {
    // Pure noise and few windows: training goes on falling, the held-out loss does not.
    let noise: Vec<f64> = noisy_sine(300, 50.0, 9);
    let mut job = job(panel(vec![noise]), &[("steps", integer(400)), ("hidden", integer(128))]);
    job.seed = 1_009;
    let (_, history) = forecast_recorded(&job).unwrap();
    let best = history.evaluations.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert_eq!(history.best_step, best.0);
    assert!(history.evaluations.last().unwrap().0 < 400, "it did not stop early: {:?}", history.evaluations);
}

#[test]
fn a_short_series_is_learnt_whole() {
    let mut job = job(panel(vec![noisy_sine(60, 0.1, 10)]), &[("steps", integer(60))]);
    job.seed = 1_010;
    let (result, history) = forecast_recorded(&job).unwrap();
    assert!(history.evaluations.is_empty() && history.best_step == 60);
    assert!(result.forecasts[0].quantiles.iter().flatten().all(|v| v.is_finite()));
}
