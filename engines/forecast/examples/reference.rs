//! Judges the models against reference forecasts of statsforecast.
//!
//! `cargo run --release -p atsre-forecast --example reference -- DIR`, where DIR holds JSON files of the form
//! `{"group", "m", "h", "ids", "series": {id: {"train", "test"}}, "models": {name: {id: {"mean", "lo-80", …}}}}`.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{Registry, SeriesForecast, Silent, TrialJob, metrics, run, time_axis};
use serde_json::Value;

/// Our model, theirs, and the relative difference that is allowed.
const PAIRS: [(&str, &str, f64); 3] =
    [("seasonal-naive", "SeasonalNaive", 1e-6), ("drift", "RandomWalkWithDrift", 1e-6), ("theta", "Theta", 0.01)];
const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];

/// The error of a forecast against what happened, after a history.
type Judge<'a> = dyn Fn(&SeriesForecast, &[f64], &[f64]) -> Option<f64> + 'a;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
}

fn forecast(panel: &Panel, model: &str, m: u32, h: u32) -> Vec<SeriesForecast> {
    let job = TrialJob {
        panel: panel.clone(),
        spec: ModelSpec {
            framework: "atsre".to_string(),
            model: model.to_string(),
            hyperparameters: Default::default(),
            covariates: Vec::new(),
            device: Device::Cpu,
        },
        horizon: h,
        quantile_levels: LEVELS.to_vec(),
        backtest: BacktestPlan { windows: 0, step: 1, season_length: m },
        holdout: 0,
        seed: 1,
        threads: 1,
    };
    run(&job, &Registry::classical(), &Silent).expect("the model runs").forecasts
}

fn worst(ours: &[f64], theirs: &[f64]) -> f64 {
    let scale = theirs.iter().map(|v| v.abs()).sum::<f64>() / theirs.len() as f64;
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs() / b.abs().max(0.01 * scale)).fold(0.0, f64::max)
}

fn judge(path: &Path) {
    let text = std::fs::read_to_string(path).expect("the file is read");
    let group: Value = serde_json::from_str(&text).expect("the file is JSON");
    let whole = |name: &str| u32::try_from(group[name].as_u64().expect("a whole number")).expect("a small number");
    let (m, h) = (whole("m"), whole("h"));
    let series = group["series"].as_object().expect("series");
    let frequency = Frequency::every(match m {
        24 => FrequencyUnit::Hour,
        12 => FrequencyUnit::Month,
        7 => FrequencyUnit::Day,
        4 => FrequencyUnit::Quarter,
        _ => FrequencyUnit::Step,
    });
    let panel = Panel {
        target: "y".to_string(),
        frequency,
        covariates: Vec::new(),
        series: series
            .iter()
            .map(|(id, s)| {
                let target = numbers(&s["train"]);
                let mut times = vec![Timestamp(0)];
                times.extend(time_axis::continue_after(frequency, &times, target.len() - 1).expect("times"));
                Series { item_id: id.clone(), times, target, covariates: Vec::new() }
            })
            .collect(),
    };
    println!("{} (season {m}, horizon {h})", group["group"].as_str().unwrap_or("?"));
    for (ours, theirs, tolerance) in PAIRS {
        let forecasts = forecast(&panel, ours, m, h);
        let reference = &group["models"][theirs];
        let (mut same, mut all, mut largest, mut intervals) = (0, 0, 0.0_f64, Vec::new());
        for f in forecasts.iter() {
            let expect = &reference[&f.item_id];
            if expect["mean"].is_null() {
                continue;
            }
            all += 1;
            let difference = worst(&f.mean, &numbers(&expect["mean"]));
            same += usize::from(difference <= tolerance);
            if difference > tolerance {
                println!("    {ours} {}: {difference:.2e}, fit {}", f.item_id, expect["fit"]);
            }
            largest = largest.max(difference);
            if let (low, high) = (numbers(&expect["lo-80"]), numbers(&expect["hi-80"]))
                && !low.is_empty()
            {
                let width = |l: &[f64], u: &[f64]| u.iter().zip(l).map(|(u, l)| u - l).sum::<f64>();
                intervals.push(width(&f.quantiles[1], &f.quantiles[3]) / width(&low, &high));
            }
        }
        intervals.sort_by(f64::total_cmp);
        let middle = intervals.get(intervals.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "  {ours}: {same} of {all} series within {tolerance}, largest difference {largest:.2e}, median ratio of 80 % widths {middle:.3}"
        );
    }
    for model in ["naive", "seasonal-naive", "theta", "ridge"] {
        let forecasts = forecast(&panel, model, m, h);
        let mean = |error: &Judge<'_>| {
            let errors: Vec<f64> = forecasts
                .iter()
                .zip(&panel.series)
                .filter_map(|(f, s)| error(f, &numbers(&series[&f.item_id]["test"]), &s.target))
                .collect();
            errors.iter().sum::<f64>() / errors.len() as f64
        };
        let mase = mean(&|f, y, train| Some(metrics::mae(y, &f.mean)? / metrics::absolute_scale(train, m as usize)?));
        let smape = mean(&|f, y, _| metrics::smape(y, &f.mean));
        let covered = mean(&|f, y, _| metrics::coverage(y, &f.quantiles[1], &f.quantiles[3]));
        println!("  {model}: test MASE {mase:.3}, sMAPE {smape:.2} %, 80 % interval covers {:.0} %", 100.0 * covered);
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the reference files is the first argument");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is read")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files.iter().for_each(|f| judge(f));
}
