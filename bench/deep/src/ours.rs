//! This side of a comparison.

use std::path::Path;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use atsre_bench_peers::processor;
use atsre_domain::finite::Finite;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{ForecastError, Progress, Registry, TrialJob, run};
use atsre_forecast_deep::chronos::bolt::{Bolt, Continuation};
use atsre_forecast_deep::device::{self, SoftwareAdapter};
use atsre_forecast_deep::{fracast, register};

use crate::case::{Case, Size, Work, series};

/// Observations that windows are drawn from.
const LENGTH: usize = 4_000;
/// More steps than any run makes: none of the first thousands is one that the held-out windows are asked at.
const NEVER: i64 = 1_000_000;

/// Processor seconds of one unit of a case's work: of each of so many runs, the first left out.
///
/// # Errors
/// The model refuses the case, or its weights cannot be read.
pub fn measure(case: &Case, runs: usize) -> Result<Vec<f64>> {
    match &case.work {
        Work::Step { .. } => steps(case, runs),
        Work::Forecast { series: count, length, horizon, weights } => {
            let history = series(*length);
            let repeat = |mut call: Box<dyn FnMut() -> Result<()>>| -> Result<Vec<f64>> {
                (0..=runs)
                    .map(|_| {
                        let (result, time) = processor::timed(&mut call);
                        result.map(|()| time.as_secs_f64())
                    })
                    .skip(1)
                    .collect()
            };
            let horizon = *horizon;
            match weights {
                Some(folder) => {
                    let device = device::open(Device::Cpu, SoftwareAdapter::Refuse)?;
                    let bolt = Bolt::open(Path::new(folder), &device)?;
                    let (histories, count) = (vec![history; *count], *count);
                    repeat(Box::new(move || {
                        bolt.forecast(&histories, horizon, Continuation::Paths, count, &|| Ok(()))?;
                        Ok(())
                    }))
                }
                None => {
                    let network = fracast::Network::pretrained()?;
                    repeat(Box::new(move || {
                        std::hint::black_box(network.forecast(&history, horizon));
                        Ok(())
                    }))
                }
            }
        }
    }
}

/// Stops a training after so many reports, and keeps the processor time at each.
struct Clock {
    reports: usize,
    /// Steps and processor seconds.
    seen: Mutex<Vec<(usize, f64)>>,
}

impl Progress for Clock {
    fn report(&self, _fraction: f64, message: &str) {
        let step = message.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        if let (Some(step), Ok(mut seen)) = (step, self.seen.lock()) {
            seen.push((step, processor::used().as_secs_f64()));
        }
    }
    fn cancelled(&self) -> bool {
        self.seen.lock().is_ok_and(|seen| seen.len() >= self.reports)
    }
}

fn steps(case: &Case, runs: usize) -> Result<Vec<f64>> {
    let Work::Step { batch, input, horizon, levels, sizes } = &case.work else {
        return Ok(Vec::new());
    };
    ensure!(input.is_multiple_of(*horizon), "the window has to be a multiple of the horizon");
    let setting = |size: &Size| match size {
        Size::One(value) => Ok(Setting::Integer(*value)),
        Size::Share(value) => Finite::new(*value).map(Setting::Number).context("a size is not finite"),
        Size::Many(values) => Ok(Setting::Integers(values.clone())),
        Size::Word(word) => Ok(Setting::Text(word.clone())),
    };
    let mut hyperparameters: Hyperparameters =
        [("steps", NEVER), ("batch_size", i64::try_from(*batch)?), ("input_multiple", i64::try_from(input / horizon)?)]
            .map(|(name, value)| (name.to_owned(), Setting::Integer(value)))
            .into();
    for (name, size) in sizes {
        hyperparameters.insert(name.clone(), setting(size)?);
    }
    let times = (0..LENGTH).map(|t| Timestamp(t as i64 * 1_000_000)).collect();
    let target = series(LENGTH);
    let job = TrialJob {
        panel: Panel {
            target: "y".to_owned(),
            frequency: Frequency::every(FrequencyUnit::Step),
            covariates: Vec::new(),
            series: vec![Series { item_id: "y".to_owned(), times, target, covariates: Vec::new() }],
        },
        spec: ModelSpec {
            framework: "atsre".to_owned(),
            model: case.model.clone(),
            hyperparameters,
            covariates: Vec::new(),
            device: Device::Cpu,
        },
        horizon: u32::try_from(*horizon)?,
        quantile_levels: if levels.is_empty() { vec![0.5] } else { levels.clone() },
        backtest: BacktestPlan { windows: 0, step: 1, season_length: 1 },
        holdout: 0,
        seed: 1,
        threads: 1,
    };
    let mut registry = Registry::default();
    register(&mut registry);
    // The first report comes after one step; ten steps lie between the others.
    let clock = Clock { reports: runs + 2, seen: Mutex::new(Vec::new()) };
    match run(&job, &registry, &clock) {
        Ok(_) | Err(ForecastError::Cancelled) => {}
        Err(error) => return Err(error.into()),
    }
    let seen = clock.seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let each = seen.windows(2).skip(1).map(|pair| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0) as f64);
    Ok(each.collect())
}
