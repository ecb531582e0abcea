//! Measures what each local model costs on the series of reference groups.
//!
//! `cargo run --release -p atsre-forecast --example speed -- DIR [MODEL…]`, DIR as for `cargo xtask cases forecast`:
//! milliseconds of processor time a series on one thread, fit and forecast together.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::path::PathBuf;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec};
use atsre_domain::panel::{Panel, Series};
use atsre_forecast::agreement::Group;
use atsre_forecast::{FitTask, PredictRequest, Registry, Silent, TrainingView};

/// Every model is repeated until it has run for so long.
const SECONDS: f64 = 0.3;

/// Seconds of this thread on a processor.
fn seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells how long a thread ran");
    text.split(' ').next().and_then(|v| v.parse::<f64>().ok()).expect("a number of nanoseconds") / 1e9
}

fn milliseconds(registry: &Registry, name: &str, panel: &Panel, group: &Group) -> f64 {
    let view = TrainingView::of_panel(panel, group.h);
    let spec = ModelSpec {
        framework: "atsre".to_string(),
        model: name.to_string(),
        hyperparameters: Default::default(),
        covariates: Vec::new(),
        device: Device::Cpu,
    };
    let (horizon, quantile_levels, seed, progress) = (group.h, &[0.025, 0.1, 0.5, 0.9, 0.975][..], 1, &Silent);
    let (season_length, threads) = (group.m, 1);
    let start = seconds();
    let mut rounds = 0_u32;
    while rounds == 0 || seconds() - start < SECONDS {
        let mut model = registry.build(&spec).expect("the model is known");
        let task = FitTask { view: &view, horizon, quantile_levels, season_length, seed, threads, progress };
        model.fit(&task).expect("the model is fitted");
        let request = PredictRequest { view: &view, horizon, quantile_levels, seed, progress };
        model.predict(&request).expect("the model forecasts");
        rounds += 1;
    }
    1_000.0 * (seconds() - start) / f64::from(rounds) / panel.series.len() as f64
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder of the groups is the first argument");
    let chosen: Vec<String> = arguments.collect();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is read")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let registry = Registry::classical();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("the file is read");
        let group: Group = serde_json::from_str(&text).expect("the file is a group");
        let series = group.series.iter().map(|(id, split)| Series {
            item_id: id.clone(),
            times: (0..split.train.len()).map(|t| Timestamp(t as i64)).collect(),
            target: split.train.clone(),
            covariates: Vec::new(),
        });
        let panel = Panel {
            target: "y".to_string(),
            frequency: Frequency::every(FrequencyUnit::Step),
            covariates: Vec::new(),
            series: series.collect(),
        };
        for name in registry.names().filter(|n| chosen.is_empty() || chosen.iter().any(|c| c == n)) {
            let cost = pool.install(|| milliseconds(&registry, name, &panel, &group));
            println!("{} {name}: {cost:.4} ms a series", group.group);
        }
    }
}
