//! Measures what each model costs, for the declared costs of the catalogue.
//!
//! `cargo run --release -p atsre-forecast --example cost [THREADS]`: an hourly series of two years with 8 covariates
//! (5 windows, horizon 36), and a panel of 1,000 series of 1,000 observations (1 window, horizon 24).
#![allow(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec};
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{Registry, Silent, TrialJob, run};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn series(item_id: String, length: usize, future: usize, covariates: usize, random: &mut ChaCha8Rng) -> Series {
    let day = |t: usize| (std::f64::consts::TAU * t as f64 / 24.0).sin();
    let values: Vec<Vec<f64>> = (0..covariates)
        .map(|k| {
            (0..length + future)
                .map(|t| {
                    f64::from(u8::from(k < 2)) * f64::from(u8::from(t % 168 > 120))
                        + random.random::<f64>() * f64::from(u8::from(k >= 2))
                })
                .collect()
        })
        .collect();
    let target = (0..length)
        .map(|t| {
            100.0 + 30.0 * day(t) + values.iter().map(|row| 5.0 * row[t]).sum::<f64>() + 10.0 * random.random::<f64>()
        })
        .collect();
    let times = (0..length + future).map(|t| Timestamp(t as i64 * 3_600_000_000)).collect();
    Series { item_id, times, target, covariates: values }
}

fn panel(count: usize, length: usize, future: usize, covariates: usize) -> Panel {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    Panel {
        target: "y".to_string(),
        frequency: Frequency::every(FrequencyUnit::Hour),
        covariates: (0..covariates)
            .map(|k| Covariate { name: format!("x{k}"), kind: CovariateKind::Known, levels: None })
            .collect(),
        series: (0..count).map(|i| series(format!("s{i:04}"), length, future, covariates, &mut random)).collect(),
    }
}

fn measure(title: &str, panel: &Panel, horizon: u32, windows: u32, threads: u32) {
    println!("{title}, {threads} threads");
    for model in Registry::classical().names() {
        let job = TrialJob {
            panel: panel.clone(),
            spec: ModelSpec {
                framework: "atsre".to_string(),
                model: model.to_string(),
                hyperparameters: Default::default(),
                covariates: panel.covariates.iter().map(|c| c.name.clone()).collect(),
                device: Device::Cpu,
            },
            horizon,
            quantile_levels: (1..10).map(|q| f64::from(q) / 10.0).collect(),
            backtest: BacktestPlan { windows, step: horizon, season_length: 24 },
            holdout: 0,
            seed: 1,
            threads,
        };
        let start = Instant::now();
        let result = run(&job, &Registry::classical(), &Silent).expect("the model runs");
        let seconds = start.elapsed().as_secs_f64();
        let mase = result.scores.first().map_or(f64::NAN, |s| s.value.get());
        println!("  {model}: {seconds:.3} s, first score {mase:.3}");
    }
}

fn main() {
    let threads = std::env::args().nth(1).map_or(1, |t| t.parse().expect("threads are a number"));
    measure("17,544 hours with 8 covariates, 5 windows, horizon 36", &panel(1, 17_544, 36, 8), 36, 5, threads);
    measure("1,000 series of 1,000 hours, 1 window, horizon 24", &panel(1_000, 1_000, 0, 0), 24, 1, threads);
}
