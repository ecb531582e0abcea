//! OWA of models on reference groups, by the formulas of the M4 competition.
//!
//! `cargo run -p atsre-forecast --example owa -- FOLDER MODEL...`: the folder has one JSON file a group, with `train` and
//! `test` for each series and the `mean` of the reference model `Naive2_M4`.
#![allow(clippy::expect_used, missing_docs)]

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{Registry, Silent, TrialJob, run, time_axis};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
}

fn errors(test: &[f64], mean: &[f64], train: &[f64], m: usize) -> [f64; 2] {
    let h = test.len() as f64;
    let scale = train.iter().zip(&train[m..]).map(|(a, b)| (b - a).abs()).sum::<f64>() / (train.len() - m) as f64;
    let pairs = || test.iter().zip(mean);
    [
        pairs().map(|(a, f)| 200.0 * (a - f).abs() / (a.abs() + f.abs()).max(1e-12)).sum::<f64>() / h,
        pairs().map(|(a, f)| (a - f).abs()).sum::<f64>() / h / scale,
    ]
}

fn judge(path: &std::path::Path, models: &[String]) {
    let group: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    let whole = |name: &str| group[name].as_u64().expect("a whole number") as u32;
    let (m, h) = (whole("m"), whole("h"));
    let frequency = Frequency::every(match m {
        24 => FrequencyUnit::Hour,
        12 => FrequencyUnit::Month,
        7 => FrequencyUnit::Day,
        4 => FrequencyUnit::Quarter,
        _ => FrequencyUnit::Step,
    });
    let all = group["series"].as_object().expect("series");
    let series = all.iter().map(|(id, s)| {
        let target = numbers(&s["train"]);
        let mut times = vec![Timestamp(0)];
        times.extend(time_axis::continue_after(frequency, &times, target.len() - 1).expect("times"));
        Series { item_id: id.clone(), times, target, covariates: Vec::new() }
    });
    let panel = Panel { target: "y".to_string(), frequency, covariates: Vec::new(), series: series.collect() };
    println!("{} (season {m}, horizon {h})", group["group"].as_str().unwrap_or("?"));
    for model in models {
        let spec = ModelSpec {
            framework: "atsre".to_string(),
            model: model.clone(),
            hyperparameters: Default::default(),
            covariates: Vec::new(),
            device: Device::Cpu,
        };
        let job = TrialJob {
            panel: panel.clone(),
            spec,
            horizon: h,
            quantile_levels: vec![0.025, 0.1, 0.5, 0.9, 0.975],
            backtest: BacktestPlan { windows: 0, step: 1, season_length: m },
            holdout: 0,
            seed: 1,
            threads: 1,
        };
        let start = std::time::Instant::now();
        let result = match run(&job, &Registry::classical(), &Silent) {
            Ok(result) => result,
            Err(error) => {
                println!("  {model}: {error}");
                continue;
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        let mut sums = [[0.0; 2]; 2];
        let (mut inside, mut steps) = ([0.0; 2], 0.0);
        for forecast in &result.forecasts {
            let (train, test) = (numbers(&all[&forecast.item_id]["train"]), numbers(&all[&forecast.item_id]["test"]));
            let naive = numbers(&group["models"]["Naive2_M4"][&forecast.item_id]["mean"]);
            for (sum, mean) in sums.iter_mut().zip([&forecast.mean, &naive]) {
                let own = errors(&test, mean, &train, m as usize);
                sum.iter_mut().zip(own).for_each(|(s, e)| *s += e);
            }
            for (k, (low, high)) in [(1, 3), (0, 4)].into_iter().enumerate() {
                let covered =
                    |&i: &usize| forecast.quantiles[low][i] <= test[i] && test[i] <= forecast.quantiles[high][i];
                inside[k] += (0..test.len()).filter(covered).count() as f64;
            }
            steps += test.len() as f64;
        }
        let owa = 0.5 * (sums[0][0] / sums[1][0] + sums[0][1] / sums[1][1]);
        println!(
            "  {model}: OWA {owa:.4}, 80 % covers {:.1} %, 95 % covers {:.1} %, {:.2} ms a series",
            100.0 * inside[0] / steps,
            100.0 * inside[1] / steps,
            1e3 * seconds / all.len() as f64
        );
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder of the reference files");
    let models: Vec<String> = arguments.collect();
    let files = std::fs::read_dir(folder).expect("a folder").filter_map(|e| e.ok().map(|e| e.path()));
    let mut files: Vec<_> = files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files.iter().filter(|f| !f.ends_with("carparts.json")).for_each(|f| judge(f, &models));
}
