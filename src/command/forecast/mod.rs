//! `atsre forecast`: forecasts with one model or several; no database.

mod many;
mod print;

use std::process::ExitCode;
use std::time::Instant;

use atsre_curation::ingest::TargetPolicy;
use atsre_curation::{cleaning, profile};
use atsre_domain::model::{Device, ModelSpec, Setting};
use atsre_domain::panel::Panel;
use atsre_domain::plan::BacktestPlan;
use atsre_domain::policy::device::{Gpu, place};
use atsre_forecast::catalogue::WEIGHTS;
use atsre_forecast::reconciliation::Method;
use atsre_forecast::{Silent, TrialJob, TrialResult, hierarchy};
use atsre_forecast_deep::device::{Adapter, adapters};

use super::reading;
use crate::cli::Forecast;
use crate::error::Failure;
use crate::output;

/// What one model gave.
struct Forecasted {
    model: String,
    result: TrialResult,
    seconds: f64,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read, a model is not known, or it does not fit the data.
pub fn run(forecast: &Forecast, json: bool) -> Result<ExitCode, Failure> {
    // What is wrong with the flags is told before a long file is read.
    reading::check_quantiles(&forecast.quantiles)?;
    if forecast.season.contains(&0) {
        return Err(Failure::usage("a season is a number of observations, at least 1"));
    }
    for model in &forecast.model {
        atsre_forecast::catalogue::entry(model).map_err(Failure::usage)?;
    }
    if let Some(code) = many::run(forecast, json)? {
        return Ok(code);
    }
    let ingested = reading::read(&forecast.reading, TargetPolicy::Required)?;
    let panel = reading::regularise(&ingested)?.panel;
    let shortest = panel.shortest() as u64;
    let horizon = forecast.horizon.unwrap_or_else(|| reading::default_horizon(panel.frequency, shortest));
    reading::check_horizon(&forecast.reading.file.display().to_string(), horizon, shortest, false)?;
    let profiled = profile::profile(&panel);
    let found = || profiled.seasonal_periods.iter().map(|s| s.period).collect();
    let seasons: Vec<u32> = if forecast.season.is_empty() { found() } else { forecast.season.clone() };
    let season = seasons.first().copied().unwrap_or(1);
    let panel = cleaning::clean(&panel, &[], profiled.season_length()).panel;
    let (panel, hierarchy) = match forecast.hierarchy {
        Some(separator) => {
            let (summed, hierarchy) = hierarchy::sum_up(&panel, separator).map_err(Failure::usage)?;
            if !panel.covariates.is_empty() {
                output::note("covariates are left out: what they would be of a sum is not known");
            }
            (summed, Some(hierarchy))
        }
        None => (panel, None),
    };
    let planned = BacktestPlan::rolling_origin(shortest, 0, horizon, season);
    let mut job = TrialJob {
        spec: spec(forecast, &forecast.model[0], &panel, &seasons)?,
        horizon,
        quantile_levels: forecast.quantiles.clone(),
        backtest: BacktestPlan { windows: forecast.backtest.unwrap_or(planned.windows), ..planned },
        holdout: 0,
        seed: forecast.seed,
        threads: 1,
        panel,
    };
    let registry = super::worker::registry();
    let mut forecasted = Vec::new();
    for model in &forecast.model {
        job.spec = spec(forecast, model, &job.panel, &seasons)?;
        job.spec.device = device(forecast, model, &job.panel)?;
        let began = Instant::now();
        let mut result = atsre_forecast::run(&job, &registry, &Silent)?;
        if let Some(hierarchy) = &hierarchy {
            let method = if forecast.reconcile == "bottom-up" { Method::BottomUp } else { Method::MinTraceShrink };
            hierarchy::reconcile_result(&mut result, hierarchy, method).map_err(|error| {
                Failure::failed(format!(
                    "the forecasts of {model} cannot be made to add up: {error}; use --reconcile bottom-up"
                ))
            })?;
        }
        forecasted.push(Forecasted { model: model.clone(), result, seconds: began.elapsed().as_secs_f64() });
    }
    if forecast.csv {
        print::csv(&job, &forecasted);
    } else if forecast.svg {
        print::svg(&job, &forecasted);
    } else if json {
        print::json(&job, &forecasted)?;
    } else {
        print::tables(&job, &forecasted);
    }
    Ok(ExitCode::SUCCESS)
}

/// The model with the seasons that were found or asked for, the covariates of the file, and the settings of the command
/// line.
fn spec(forecast: &Forecast, model: &str, panel: &Panel, seasons: &[u32]) -> Result<ModelSpec, Failure> {
    let entry = atsre_forecast::catalogue::entry(model).map_err(Failure::usage)?;
    let mut hyperparameters = entry.defaults.clone();
    if let (true, Some(season)) = (hyperparameters.contains_key("season_length"), seasons.first()) {
        hyperparameters.insert("season_length".to_owned(), Setting::Integer(i64::from(*season)));
    }
    if hyperparameters.contains_key("seasonal_periods") {
        let periods = seasons.iter().map(|s| i64::from(*s)).collect();
        hyperparameters.insert("seasonal_periods".to_owned(), Setting::Integers(periods));
    }
    if let (true, Some(folder)) = (hyperparameters.contains_key(WEIGHTS), &forecast.weights) {
        let folder = std::path::absolute(folder).map_err(Failure::usage)?;
        hyperparameters.insert(WEIGHTS.to_owned(), Setting::Text(folder.to_string_lossy().into_owned()));
    }
    for setting in &forecast.settings {
        let (name, value) =
            setting.split_once('=').ok_or_else(|| Failure::usage(format!("{setting:?} is not NAME=VALUE")))?;
        // With several models, `MODEL.NAME=VALUE` is for one of them.
        let name = match name.split_once('.') {
            Some((other, _)) if other != model && forecast.model.iter().any(|named| named == other) => continue,
            Some((own, name)) if own == model => name,
            _ => name,
        };
        hyperparameters.insert(name.to_owned(), Setting::from_text(value));
    }
    let uses_covariates = entry.known_covariates || entry.past_covariates;
    let covariates =
        if uses_covariates { panel.covariates.iter().map(|c| c.name.clone()).collect() } else { Vec::new() };
    Ok(ModelSpec {
        framework: entry.framework.to_owned(),
        model: model.to_owned(),
        hyperparameters,
        covariates,
        device: Device::Cpu,
    })
}

/// Where the model computes: as the command line says it or, left to us, where that serves, and a line says why.
fn device(forecast: &Forecast, model: &str, panel: &Panel) -> Result<Device, Failure> {
    let entry = atsre_forecast::catalogue::entry(model).map_err(Failure::usage)?;
    match forecast.device.as_str() {
        "gpu" => return Ok(Device::Gpu),
        "auto" if entry.gpu => {}
        _ => return Ok(Device::Cpu),
    }
    let observations = panel.observations() as u64;
    let placed = place(&entry, observations, &gpus());
    let where_to = if placed.device == Device::Gpu { "GPU" } else { "processor" };
    output::note(format!("{model} computes on the {where_to}: {}", placed.reason));
    Ok(placed.device)
}

/// The adapters that wgpu can compute on, with the free memory that NVML tells of those that it knows as well.
fn gpus() -> Vec<Gpu> {
    let known = atsre_monitor::host().map_or_else(|_| Vec::new(), |host| host.gpus);
    let free = |name: &str| known.iter().find(|gpu| name.contains(&gpu.name)).map(|gpu| gpu.free_memory_bytes);
    let of_adapter = |a: Adapter| Gpu { free_bytes: free(&a.name), name: a.name, software: a.software };
    adapters().into_iter().map(of_adapter).collect()
}
