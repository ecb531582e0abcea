//! What a job does around its model.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::common;

use std::sync::Mutex;

use atsre_domain::identity::Timestamp;
use atsre_domain::metric::{Metric, Split};
use atsre_domain::model::Setting;
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{ForecastError, Progress, Registry, TrialJob, TrialResult, run};
use common::{HORIZON, MODELS, execute, job, panel, series};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[test]
fn a_covariate_that_ends_with_the_data_is_not_known_in_the_backtest_either() {
    let mut short = series("a", 200, 1);
    short.times.truncate(200);
    short.covariates.iter_mut().for_each(|row| row.truncate(200));
    let result = execute(&job("ridge", panel(vec![short.clone()]))).unwrap();
    assert!(result.notes.iter().any(|n| n.contains("`known` is not known over the forecast horizon")));
    let origin = result.windows[0].origin as usize;
    short.covariates[0][origin..].fill(1e6);
    let other = execute(&job("ridge", panel(vec![short]))).unwrap();
    assert_eq!(result.windows[0].mean, other.windows[0].mean);
}

#[test]
fn a_holdout_is_never_seen_and_is_scored() {
    let mut held = job("ridge", panel(vec![series("a", 200, 2)]));
    held.holdout = HORIZON as u32;
    let result = execute(&held).unwrap();
    let data = &held.panel.series[0];
    assert_eq!(result.forecasts[0].times, data.times[200 - HORIZON..200].to_vec());
    assert_eq!(result.test[0].actual, data.target[200 - HORIZON..].to_vec());
    assert_eq!(result.test[0].mean, result.forecasts[0].mean);
    assert_eq!(result.windows.last().unwrap().origin as usize, 200 - 2 * HORIZON);
    assert!(result.scores.iter().any(|s| s.split == Split::Test && s.metric == Metric::Mase));
    let mut changed = held.clone();
    changed.panel.series[0].target[200 - HORIZON..].fill(-5.0);
    assert_eq!(execute(&changed).unwrap().forecasts, result.forecasts);
}

#[test]
fn forecasts_go_on_where_the_axis_ends() {
    let mut short = series("a", 100, 1);
    short.times.truncate(102);
    let result = execute(&job("naive", panel(vec![short]))).unwrap();
    let expect: Vec<_> = (100..106).map(|t| Timestamp(t * 3_600_000_000)).collect();
    assert_eq!(result.forecasts[0].times, expect);
}

#[test]
fn jobs_and_results_travel_as_json_and_message_pack() {
    let mut job = job("theta", panel(vec![series("a", 100, 1)]));
    job.panel.series[0].target[98] = f64::NAN;
    let result = execute(&job).unwrap();
    let json = serde_json::to_string(&result).unwrap();
    let back: TrialResult = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    let packed = rmp_serde::to_vec(&result).unwrap();
    let back: TrialResult = rmp_serde::from_slice(&packed).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
    let packed = rmp_serde::to_vec(&job).unwrap();
    let back: TrialJob = rmp_serde::from_slice(&packed).unwrap();
    assert_eq!(serde_json::to_string(&execute(&back).unwrap()).unwrap(), json);
}

#[test]
fn missing_values_are_survived_by_every_model() {
    for model in MODELS {
        let mut data = series("a", 200, 9);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        data.target.iter_mut().filter(|_| random.random::<f64>() < 0.2).for_each(|y| *y = f64::NAN);
        data.target[..10].fill(f64::NAN);
        data.target[195..].fill(f64::NAN);
        data.covariates[0][50..60].fill(f64::NAN);
        let result = execute(&job(model, panel(vec![data]))).unwrap();
        assert!(result.forecasts[0].mean.iter().all(|v| v.is_finite() && (40.0..80.0).contains(v)), "{model}");
    }
}

#[test]
fn a_constant_series_is_forecast_as_that_constant() {
    for model in MODELS {
        let mut data = series("a", 120, 9);
        data.target.fill(42.0);
        let result = execute(&job(model, panel(vec![data]))).unwrap();
        assert!(
            result.forecasts[0].mean.iter().all(|v| (v - 42.0).abs() < 1e-9),
            "{model}: {:?}",
            result.forecasts[0].mean
        );
        assert!(result.scores.iter().all(|s| s.metric != Metric::Mase));
    }
}

#[test]
fn a_series_too_short_for_the_model_falls_back_to_the_last_value() {
    let mut short = series("b", 5, 1);
    short.target = vec![1.0, 2.0, 3.0, 4.0, 9.0];
    let result = execute(&job("ridge", panel(vec![series("a", 150, 1), short.clone()]))).unwrap();
    assert_eq!(result.forecasts[1].mean, vec![9.0; HORIZON]);
    assert!(result.notes.iter().any(|n| n.contains("the last value is their forecast")));
    let error = execute(&job("ridge", panel(vec![short]))).unwrap_err();
    assert!(matches!(error, ForecastError::TooShort { length: 5, needed: 12, .. }), "{error}");
}

#[test]
fn a_backtest_that_does_not_fit_is_left_out_and_said() {
    let mut job = job("seasonal-naive", panel(vec![series("a", 20, 1)]));
    job.spec.hyperparameters.insert("season_length".to_string(), Setting::Integer(12));
    let result = execute(&job).unwrap();
    assert_eq!(result.windows.len(), 1);
    assert!(result.notes.iter().any(|n| n.starts_with("3 of 4 backtest windows")), "{:?}", result.notes);
}

#[test]
fn non_negative_forecasts_stop_at_zero() {
    let mut data = series("a", 100, 1);
    data.target.iter_mut().enumerate().for_each(|(t, y)| *y = (100 - t) as f64);
    let mut falling = job("drift", panel(vec![data]));
    falling.spec.hyperparameters.insert("non_negative".to_string(), Setting::Flag(true));
    let result = execute(&falling).unwrap();
    assert_eq!(result.forecasts[0].mean, vec![0.0; HORIZON]);
    assert!(result.forecasts[0].quantiles.iter().flatten().all(|q| *q >= 0.0));
}

#[test]
fn refusals_name_what_is_wrong() {
    let good = job("theta", panel(vec![series("a", 100, 1)]));
    let check = |change: &dyn Fn(&mut TrialJob), expect: &str| {
        let mut bad = good.clone();
        change(&mut bad);
        let error = execute(&bad).unwrap_err().to_string();
        assert!(error.contains(expect), "`{error}` does not say `{expect}`");
    };
    let set = |name: &'static str, value: Setting| {
        move |j: &mut TrialJob| {
            j.spec.hyperparameters.insert(name.to_string(), value.clone());
        }
    };
    check(&set("depth", Setting::Integer(3)), "setting `depth` is unknown; known settings: decomposition");
    check(&set("season_length", Setting::Text("12".to_string())), "setting `season_length` must be a whole number");
    check(&set("season_length", Setting::Integer(-1)), "setting `season_length` is -1 but must lie between 0 and");
    check(&set("decomposition", Setting::Text("stl".to_string())), "must be one of auto, multiplicative");
    check(&|j| j.spec.model = "prophet".to_string(), "unknown model `prophet`");
    check(&|j| j.spec.framework = "nixtla".to_string(), "of framework `nixtla`");
    check(&|j| j.spec.covariates.push("rain".to_string()), "covariate `rain` is not in the data");
    check(&|j| j.horizon = 0, "horizon");
    check(&|j| j.backtest.step = 0, "step between two backtest origins");
    check(&|j| j.quantile_levels = vec![0.9, 0.1], "quantile levels must ascend");
    check(&|j| j.panel.series.clear(), "no series");
    check(&|j| j.panel.series[0].target.fill(f64::NAN), "series `a` has no observed value");
}

/// Records reports, and cancels after some.
struct Recorder {
    reports: Mutex<Vec<f64>>,
    limit: usize,
}

impl Progress for Recorder {
    fn report(&self, fraction: f64, _message: &str) {
        self.reports.lock().unwrap().push(fraction);
    }
    fn cancelled(&self) -> bool {
        self.reports.lock().unwrap().len() >= self.limit
    }
}

#[test]
fn progress_ascends_to_one_and_cancellation_stops_the_job() {
    let job = job("ridge", panel(vec![series("a", 150, 1)]));
    let patient = Recorder { reports: Mutex::default(), limit: usize::MAX };
    run(&job, &Registry::classical(), &patient).unwrap();
    let reports = patient.reports.into_inner().unwrap();
    assert!(reports.is_sorted() && (reports.last().unwrap() - 1.0).abs() < 1e-12, "{reports:?}");
    let hasty = Recorder { reports: Mutex::default(), limit: 2 };
    let error = run(&job, &Registry::classical(), &hasty).unwrap_err();
    assert!(matches!(error, ForecastError::Cancelled));
}

#[test]
fn calibration_brings_coverage_to_its_nominal_value() {
    // White noise: a random walk's intervals are far too wide at long horizons.
    let mut data = series("a", 1_000, 1);
    let mut random = ChaCha8Rng::seed_from_u64(11);
    data.target.iter_mut().for_each(|y| *y = (0..12).map(|_| random.random::<f64>()).sum());
    let mut job = job("naive", panel(vec![data]));
    job.backtest = BacktestPlan { windows: 100, step: HORIZON as u32, season_length: 1 };
    let result = execute(&job).unwrap();
    assert!(result.notes.iter().any(|n| n.contains("split conformal for each step, from 100")));
    let covered = |windows: &[atsre_forecast::WindowForecast]| {
        atsre_forecast::metrics::score(Metric::Coverage, windows, &job.quantile_levels).unwrap().0
    };
    let (early, late) = result.windows.split_at(40);
    assert!(covered(&early[..1]) > 0.9);
    // 60 windows of 6 dependent steps: a standard error of about 0.04.
    assert!((covered(late) - 0.8).abs() < 0.1, "{}", covered(late));
}
