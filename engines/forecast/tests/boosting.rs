//! Gradient boosting on real data: what it must beat, what it must use, and what it must survive.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::Setting;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_forecast::agreement::Group;
use atsre_forecast::{ForecastError, TrialJob, TrialResult};
use common::{execute, job, panel, series, spec};

const DAY: i64 = 86_400_000_000;
const HORIZON: u32 = 14;

/// Daily demand for electricity, with the day's temperature and holidays as known over the horizon: a U-shaped driver.
fn electricity(days: usize) -> Panel {
    let text = include_str!("data/victoria_electricity_daily.csv");
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|l| l.split(',').skip(1).map(|v| v.parse().unwrap()).collect()).collect();
    let column = |c: usize, count: usize| rows.iter().take(count).map(|r| r[c]).collect::<Vec<f64>>();
    // 2012-01-01 is day 15340 of the epoch.
    let times = (0..days + HORIZON as usize).map(|t| Timestamp((15_340 + t as i64) * DAY)).collect();
    let known = |name: &str| Covariate { name: name.to_string(), kind: CovariateKind::Known, levels: None };
    Panel {
        target: "demand".to_string(),
        frequency: Frequency::every(FrequencyUnit::Day),
        covariates: vec![known("temperature"), known("holiday")],
        series: vec![Series {
            item_id: "victoria".to_string(),
            times,
            target: column(0, days),
            covariates: vec![column(1, days + HORIZON as usize), column(2, days + HORIZON as usize)],
        }],
    }
}

/// Few trees on few rows: enough to tell.
fn quick(strategy: &str) -> [(&'static str, Setting); 3] {
    let strategy = Setting::Text(strategy.to_string());
    [("strategy", strategy), ("trees", Setting::Integer(80)), ("row_cap", Setting::Integer(3_000))]
}

fn electricity_job(model: &str, covariates: &[&str], settings: &[(&str, Setting)]) -> TrialJob {
    let mut job = job(model, electricity(1_000));
    job.spec = spec(model, settings);
    job.spec.covariates = covariates.iter().map(|c| (*c).to_string()).collect();
    job.horizon = HORIZON;
    job.backtest.step = HORIZON;
    job.backtest.season_length = 7;
    job
}

fn error(result: &TrialResult) -> f64 {
    let errors = result.windows.iter().flat_map(|w| w.actual.iter().zip(&w.mean)).map(|(a, f)| (a - f).abs());
    errors.clone().sum::<f64>() / errors.count() as f64
}

#[test]
fn the_temperature_is_used_and_seasonal_naive_is_beaten() {
    // Given eight weeks of rolling forecasts of demand by seasonal naive
    let naive = error(&execute(&electricity_job("seasonal-naive", &[], &[])).unwrap());
    for strategy in ["direct", "recursive"] {
        let settings = quick(strategy);
        // When trees see the temperature, and when they do not
        let told = execute(&electricity_job("gradient-boosting", &["temperature", "holiday"], &settings)).unwrap();
        let blind = error(&execute(&electricity_job("gradient-boosting", &[], &settings)).unwrap());
        // Then it is worth a fifth of the error, and with it seasonal naive is far behind
        let told = error(&told);
        assert!(told < 0.82 * blind, "{strategy}: {told} with temperature, {blind} without, {naive} naive");
        assert!(told < 0.65 * naive, "{strategy}: {told} with temperature, {naive} naive");
    }
}

#[test]
fn a_panel_of_hourly_series_is_forecast_better_than_by_the_last_day() {
    // Given the competition's hourly series, and what followed
    let group: Group = serde_json::from_str(include_str!("reference/m4_hourly.json")).unwrap();
    let hourly: Vec<Series> = group
        .series
        .iter()
        .map(|(id, split)| Series {
            item_id: id.clone(),
            times: (0..split.train.len()).map(|t| Timestamp(t as i64 * 3_600_000_000)).collect(),
            target: split.train.clone(),
            covariates: Vec::new(),
        })
        .collect();
    let mut job = job("gradient-boosting", Panel { covariates: Vec::new(), ..panel(hourly) });
    job.spec = spec("gradient-boosting", &quick("direct"));
    job.spec.covariates.clear();
    job.horizon = 48;
    job.backtest.windows = 0;
    job.backtest.season_length = 24;
    // When one model forecasts all
    let scaled = |job: &TrialJob| {
        let forecasts = execute(job).unwrap().forecasts;
        let one = |(f, split): (&atsre_forecast::SeriesForecast, &_)| {
            let split: &atsre_forecast::agreement::Split = split;
            let scale: f64 =
                split.train.windows(25).map(|w| (w[24] - w[0]).abs()).sum::<f64>() / (split.train.len() - 24) as f64;
            let error: f64 = f.mean.iter().zip(&split.test).map(|(a, b)| (a - b).abs()).sum::<f64>() / 48.0;
            error / scale
        };
        forecasts.iter().zip(group.series.values()).map(one).sum::<f64>() / forecasts.len() as f64
    };
    let trees = scaled(&job);
    job.spec = spec("seasonal-naive", &[]);
    job.spec.covariates.clear();
    let naive = scaled(&job);
    // Then the mean scaled error is clearly below seasonal naive's
    assert!(trees < 0.94 * naive, "{trees} against {naive}");
}

#[test]
fn the_same_bits_come_out_on_one_and_on_two_threads() {
    for strategy in ["direct", "recursive"] {
        let panel = panel(vec![series("a", 300, 1), series("b", 240, 2), series("c", 90, 3)]);
        let mut job = job("gradient-boosting", panel);
        job.spec = spec("gradient-boosting", &quick(strategy));
        let one = execute(&job).unwrap();
        job.threads = 2;
        assert_eq!(one, execute(&job).unwrap(), "{strategy}");
    }
}

#[test]
fn quantiles_ascend_and_hold_the_share_they_name() {
    // Given a series with noise and no backtest, so that no calibration helps
    let mut job = job("gradient-boosting", panel(vec![series("a", 1_500, 5)]));
    job.backtest.windows = 0;
    job.holdout = 300;
    job.horizon = 300;
    // When it is forecast far ahead
    let test = &execute(&job).unwrap().test[0];
    // Then the interval from 10 to 90 % holds about that share
    let inside = |w: &atsre_forecast::WindowForecast| {
        w.actual.iter().enumerate().filter(|(h, a)| w.quantiles[0][*h] <= **a && **a <= w.quantiles[4][*h]).count()
    };
    let share = inside(test) as f64 / 300.0;
    assert!((0.6..=0.97).contains(&share), "{share}");
    for h in 0..300 {
        assert!(test.quantiles.windows(2).all(|w| w[0][h] <= w[1][h]));
    }
}

#[test]
fn hostile_series_have_a_finite_forecast_or_a_reason() {
    let nan = f64::NAN;
    let wave = |n: usize| (0..n).map(|t| (t as f64 * 0.7).sin()).collect::<Vec<f64>>();
    let wild: Vec<Vec<f64>> = vec![
        vec![1.0],
        vec![1.0, 2.0, 3.0],
        vec![0.0; 40],
        vec![7.0; 40],
        wave(60).iter().map(|v| v * 1e300).collect(),
        wave(60).iter().map(|v| v * 1e-300).collect(),
        [vec![0.0; 59], vec![1.0]].concat(),
        (0..60).map(f64::from).collect(),
        wave(60).iter().enumerate().map(|(t, v)| if t % 3 == 0 { nan } else { *v }).collect(),
        [vec![1.0], vec![nan; 50], vec![2.0]].concat(),
    ];
    for strategy in ["direct", "recursive"] {
        for (i, values) in wild.iter().enumerate() {
            let mut one = series("a", values.len(), 1);
            one.target.clone_from(values);
            let mut job = job("gradient-boosting", panel(vec![one]));
            job.spec = spec("gradient-boosting", &quick(strategy));
            job.backtest.windows = 1;
            match execute(&job) {
                Ok(result) => assert!(result.forecasts[0].mean.iter().all(|v| v.is_finite())),
                Err(ForecastError::TooShort { .. }) => assert!(values.len() < 12, "{strategy}, series {i}"),
                Err(error) => panic!("{strategy}, series {i}: {error}"),
            }
        }
    }
}
