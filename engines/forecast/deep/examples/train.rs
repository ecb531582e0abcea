//! Trains a network (N-HiTS, or the one that `MODEL` names) and prints loss, accuracy and seconds: `train DEVICE [CSV TARGET [COVARIATE:KIND]...]`.
//!
//! DEVICE is `cpu`, `gpu`, or `software` (a GPU driver that computes on the processor). The CSV's first column is the
//! time; it is taken as hourly. KIND is `known` or `past`. Without a CSV two years of a made-up hourly series are used.
//! Settings come from the environment as `NET_steps=300`, and so on.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Mutex;
use std::time::Instant;

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::catalogue::{NHITS, entry};
use atsre_forecast::{
    FitTask, ForecastError, Forecaster, PredictRequest, Progress, Refit, Registry, SeriesForecast, TrialJob, run,
};
use atsre_forecast_deep::device::{self, SoftwareAdapter};
use atsre_forecast_deep::{Configuration, History, NetForecaster};

const HORIZON: u32 = 36;
const SEASON: usize = 168;
const WINDOWS: u32 = 14;

static HISTORIES: Mutex<Vec<(History, f64)>> = Mutex::new(Vec::new());

/// Passes everything on to the model and keeps its history.
struct Recorded(NetForecaster);

impl Forecaster for Recorded {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn refit(&self) -> Refit {
        self.0.refit()
    }
    fn minimum_length(&self, horizon: usize, season_length: usize) -> usize {
        self.0.minimum_length(horizon, season_length)
    }
    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        let start = Instant::now();
        self.0.fit(task)?;
        let history = self.0.history().cloned().unwrap_or_default();
        if let Ok(mut histories) = HISTORIES.lock() {
            histories.push((history, start.elapsed().as_secs_f64()));
        }
        Ok(())
    }
    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        self.0.predict(request)
    }
    fn notes(&self) -> Vec<String> {
        self.0.notes()
    }
}

struct Printing;

impl Progress for Printing {
    fn report(&self, fraction: f64, message: &str) {
        eprint!("\r{:3.0} % {message}          ", 100.0 * fraction);
    }
    fn cancelled(&self) -> bool {
        false
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (device, software) = match arguments.first().map(String::as_str) {
        Some("cpu") | None => (Device::Cpu, SoftwareAdapter::Refuse),
        Some("gpu") => (Device::Gpu, SoftwareAdapter::Refuse),
        Some("software") => (Device::Gpu, SoftwareAdapter::Allow),
        Some(other) => {
            return Err(format!("`{other}` is no device; take `cpu`, `gpu` or `software`").into());
        }
    };
    for adapter in device::adapters() {
        println!("adapter: {adapter:?}");
    }
    let panel = match arguments.get(1..) {
        Some([csv, target, covariates @ ..]) => read(csv, target, covariates)?,
        _ => made_up(),
    };
    let mut registry = Registry::default();
    let model = std::env::var("MODEL").unwrap_or_else(|_| NHITS.to_string());
    registry.register(entry(&model)?.name, if software == SoftwareAdapter::Allow { tolerant } else { strict });
    let job = TrialJob {
        spec: ModelSpec {
            framework: "atsre".to_string(),
            model,
            hyperparameters: settings()?,
            covariates: panel.covariates.iter().map(|c| c.name.clone()).collect(),
            device,
        },
        horizon: HORIZON,
        quantile_levels: (1..10).map(|i| f64::from(i) / 10.0).collect(),
        backtest: BacktestPlan { windows: WINDOWS, step: HORIZON, season_length: 24 },
        holdout: 0,
        seed: 42,
        threads: 1,
        panel,
    };
    let start = Instant::now();
    let result = run(&job, &registry, &Printing)?;
    eprintln!();
    for (history, seconds) in HISTORIES.lock().map_err(|e| e.to_string())?.iter() {
        println!("fit: {seconds:.1} s, weights of step {}", history.best_step);
        println!("training loss: {}", line(&history.losses));
        println!("held-out loss: {}", line(&history.evaluations));
    }
    let target = &job.panel.series[0].target;
    let (mut model, mut naive, mut count) = (0.0, 0.0, 0.0);
    for window in &result.windows {
        for (step, actual) in window.actual.iter().enumerate() {
            let origin = usize::try_from(window.origin)?;
            let season_ago = target[origin + step - SEASON];
            model += (actual - window.quantiles[4][step]).abs();
            naive += (actual - season_ago).abs();
            count += 1.0;
        }
    }
    println!("mean absolute error: {:.3}, of last week's value: {:.3}", model / count, naive / count);
    println!("notes: {}", result.notes.join("; "));
    println!("in all {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn strict(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Ok(Box::new(Recorded(NetForecaster::new(Configuration::from_spec(spec)?, SoftwareAdapter::Refuse))))
}

fn tolerant(spec: &ModelSpec) -> Result<Box<dyn Forecaster>, ForecastError> {
    Ok(Box::new(Recorded(NetForecaster::new(Configuration::from_spec(spec)?, SoftwareAdapter::Allow))))
}

fn settings() -> Result<Hyperparameters, Box<dyn Error>> {
    let mut settings = Hyperparameters::new();
    for (name, value) in std::env::vars() {
        if let Some(name) = name.strip_prefix("NET_") {
            settings.insert(name.to_string(), serde_json::from_str::<Setting>(&value)?);
        }
    }
    Ok(settings)
}

fn line(points: &[(usize, f64)]) -> String {
    let every = points.len().div_ceil(10).max(1);
    let shown = points.iter().enumerate().filter(|(i, _)| i % every == 0 || i + 1 == points.len());
    shown.map(|(_, (step, loss))| format!("{step}: {loss:.5}")).collect::<Vec<_>>().join("  ")
}

fn hourly(target: &str, covariates: Vec<Covariate>, values: Vec<f64>, rows: Vec<Vec<f64>>) -> Panel {
    let times = (0..values.len()).map(|i| Timestamp(1_293_840_000_000_000 + i as i64 * 3_600_000_000)).collect();
    Panel {
        target: target.to_string(),
        frequency: Frequency::every(FrequencyUnit::Hour),
        covariates,
        series: vec![Series { item_id: String::new(), times, target: values, covariates: rows }],
    }
}

fn made_up() -> Panel {
    let mut state = 1_u64;
    let values = (0..17_544)
        .map(|hour| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5;
            let day = (f64::from(hour) * std::f64::consts::TAU / 24.0).sin();
            let week = (f64::from(hour) * std::f64::consts::TAU / 168.0).sin();
            100.0 + 40.0 * day + 20.0 * week + 15.0 * noise
        })
        .collect();
    hourly("made up", vec![], values, vec![])
}

fn read(path: &str, target: &str, covariates: &[String]) -> Result<Panel, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    let place = |name: &str| header.iter().position(|h| *h == name).ok_or(format!("there is no column `{name}`"));
    let number = |text: &str| text.parse().unwrap_or(f64::NAN);
    let column = place(target)?;
    let values = rows.iter().map(|r| number(r[column])).collect();
    let (mut described, mut columns) = (Vec::new(), Vec::new());
    for covariate in covariates {
        let (name, kind) = covariate.split_once(':').unwrap_or((covariate, "past"));
        let column = place(name)?;
        let texts: Vec<&str> = rows.iter().map(|r| r[column]).collect();
        let numeric = texts.iter().all(|t| t.parse::<f64>().is_ok());
        let names: BTreeMap<&str, ()> = texts.iter().map(|t| (*t, ())).collect();
        let levels: Option<Vec<String>> = (!numeric).then(|| names.keys().map(ToString::to_string).collect());
        columns.push(match &levels {
            None => texts.iter().map(|t| number(t)).collect(),
            Some(levels) => {
                texts.iter().map(|t| levels.iter().position(|l| l == t).map_or(f64::NAN, |p| p as f64)).collect()
            }
        });
        let kind = if kind == "known" { CovariateKind::Known } else { CovariateKind::Past };
        described.push(Covariate { name: name.to_string(), kind, levels });
    }
    Ok(hourly(target, described, values, columns))
}
