//! Judges `auto` against statsforecast's models, and against the median of its four automatic ones.
//!
//! `cargo run --release -p atsre-forecast --example auto -- DIR [MODEL,MODEL…]`, where DIR holds JSON files of the form
//! `{"group", "m", "h", "ids", "series": {id: {"train", "test"}}, "models": {name: {id: {"mean", "lo-80", …}}}}`. Prints
//! OWA against M4's Naive2, RMSSE, coverage of the 80 % and 95 % intervals and wall seconds, by group and model.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::metrics::{self, Over, over_series};
use atsre_forecast::{Registry, Silent, TrialJob, TrialResult, run, time_axis};
use serde_json::Value;

const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];
/// The four whose median is the bar.
const PEERS: [&str; 4] = ["AutoETS", "AutoCES", "AutoTheta", "AutoARIMA"];

/// Point forecasts by series.
type Forecasts = BTreeMap<String, Vec<f64>>;

/// A group of series with what happened.
struct Group {
    name: String,
    season: u32,
    horizon: u32,
    /// Training and test values.
    series: BTreeMap<String, (Vec<f64>, Vec<f64>)>,
    reference: Value,
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(Vec::new, |a| a.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    0.5 * (values[(n - 1) / 2] + values[n / 2])
}

impl Group {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the file is read");
        let value: Value = serde_json::from_str(&text).expect("the file is JSON");
        let whole = |name: &str| u32::try_from(value[name].as_u64().expect("a whole number")).expect("a small number");
        let series = value["series"].as_object().expect("series");
        Self {
            name: value["group"].as_str().unwrap_or("?").to_owned(),
            season: whole("m"),
            horizon: whole("h"),
            series: series.iter().map(|(id, s)| (id.clone(), (numbers(&s["train"]), numbers(&s["test"])))).collect(),
            reference: value["models"].clone(),
        }
    }

    fn theirs(&self, model: &str) -> Forecasts {
        let of = |id: &String| {
            let mean = numbers(&self.reference[model][id]["mean"]);
            (!mean.is_empty()).then(|| (id.clone(), mean))
        };
        self.series.keys().filter_map(of).collect()
    }

    fn median_of_peers(&self) -> Forecasts {
        let all: Vec<Forecasts> = PEERS.iter().map(|name| self.theirs(name)).collect();
        let of = |id: &String| {
            let members: Vec<&Vec<f64>> = all.iter().filter_map(|f| f.get(id)).collect();
            let steps = members.first()?.len();
            Some((id.clone(), (0..steps).map(|h| median(members.iter().map(|m| m[h]).collect())).collect()))
        };
        self.series.keys().filter_map(of).collect()
    }

    fn run(&self, model: &str) -> TrialResult {
        let frequency = Frequency::every(match self.season {
            24 => FrequencyUnit::Hour,
            12 => FrequencyUnit::Month,
            7 => FrequencyUnit::Day,
            4 => FrequencyUnit::Quarter,
            _ => FrequencyUnit::Step,
        });
        let series = self.series.iter().map(|(id, (train, _))| {
            let mut times = vec![Timestamp(0)];
            times.extend(time_axis::continue_after(frequency, &times, train.len() - 1).expect("times"));
            Series { item_id: id.clone(), times, target: train.clone(), covariates: Vec::new() }
        });
        let job = TrialJob {
            panel: Panel { target: "y".to_owned(), frequency, covariates: Vec::new(), series: series.collect() },
            spec: ModelSpec {
                framework: "atsre".to_owned(),
                model: model.to_owned(),
                hyperparameters: Default::default(),
                covariates: Vec::new(),
                device: Device::Cpu,
            },
            horizon: self.horizon,
            quantile_levels: LEVELS.to_vec(),
            backtest: BacktestPlan { windows: 0, step: 1, season_length: self.season },
            holdout: 0,
            seed: 1,
            threads: 1,
        };
        run(&job, &Registry::classical(), &Silent).expect("the model runs")
    }

    fn mean(&self, forecasts: &Forecasts, error: impl Fn(&[f64], &[f64], &[f64]) -> Option<f64>) -> f64 {
        let values = forecasts.iter().map(|(id, f)| {
            let (train, test) = &self.series[id];
            error(test, f, train)
        });
        over_series(values, Over::Mean).map_or(f64::NAN, |a| a.value)
    }

    /// OWA against Naive2 on the same series, and RMSSE.
    fn judge(&self, forecasts: &Forecasts) -> (f64, f64) {
        let season = self.season as usize;
        let naive2: Forecasts =
            self.theirs("Naive2_M4").into_iter().filter(|(id, _)| forecasts.contains_key(id)).collect();
        let smape = |f: &Forecasts| self.mean(f, |y, f, _| metrics::smape(y, f));
        let mase = |f: &Forecasts| self.mean(f, |y, f, train| metrics::mase(y, f, train, season));
        let owa = metrics::owa(smape(forecasts), mase(forecasts), smape(&naive2), mase(&naive2));
        (owa.unwrap_or(f64::NAN), self.mean(forecasts, |y, f, train| metrics::rmsse(y, f, train, season)))
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the reference files is the first argument");
    let models = std::env::args().nth(2).unwrap_or_else(|| "auto".to_owned());
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is read")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    for file in files {
        let group = Group::read(&file);
        println!("{} ({} series, season {}, horizon {})", group.name, group.series.len(), group.season, group.horizon);
        for name in PEERS.into_iter().chain(["DynamicOptimizedTheta", "SeasonalNaive", "IMAPA", "MSTL"]) {
            let forecasts = group.theirs(name);
            if !forecasts.is_empty() {
                let (owa, rmsse) = group.judge(&forecasts);
                println!("  statsforecast {name:<22} OWA {owa:.4}  RMSSE {rmsse:.4}  ({} series)", forecasts.len());
            }
        }
        let (owa, rmsse) = group.judge(&group.median_of_peers());
        println!("  statsforecast median of four         OWA {owa:.4}  RMSSE {rmsse:.4}");
        for model in models.split(',') {
            let start = Instant::now();
            let result = group.run(model);
            let seconds = start.elapsed().as_secs_f64();
            let forecasts = result.forecasts.iter().map(|f| (f.item_id.clone(), f.mean.clone())).collect();
            let (owa, rmsse) = group.judge(&forecasts);
            let covered = |low: usize, high: usize| {
                let one = |f: &atsre_forecast::SeriesForecast| {
                    metrics::coverage(&group.series[&f.item_id].1, &f.quantiles[low], &f.quantiles[high])
                };
                over_series(result.forecasts.iter().map(one), Over::Mean).map_or(f64::NAN, |a| 100.0 * a.value)
            };
            println!(
                "  atsre {model:<30} OWA {owa:.4}  RMSSE {rmsse:.4}  covers {:.0} % of 80, {:.0} % of 95  {seconds:.2} s",
                covered(1, 3),
                covered(0, 4)
            );
            result.notes.iter().for_each(|note| println!("      {note}"));
        }
    }
}
