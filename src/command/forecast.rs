//! `atsre forecast`: forecasts with one model; no database.

use std::process::ExitCode;
use std::time::Instant;

use atsre_curation::ingest::TargetPolicy;
use atsre_curation::{cleaning, profile};
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec, Setting};
use atsre_domain::panel::Panel;
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{Silent, TrialJob, TrialResult};

use super::reading;
use crate::cli::Forecast;
use crate::error::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When the file cannot be read, the model is not known, or it does not fit the data.
pub fn run(forecast: &Forecast, json: bool) -> Result<ExitCode, Failure> {
    // What is wrong with the flags is told before a long file is read.
    reading::check_quantiles(&forecast.quantiles)?;
    let ingested = reading::read(&forecast.reading, TargetPolicy::Required)?;
    let panel = reading::regularise(&ingested)?.panel;
    let shortest = panel.shortest() as u64;
    let horizon = forecast.horizon.unwrap_or_else(|| reading::default_horizon(panel.frequency, shortest));
    reading::check_horizon(&forecast.reading.file.display().to_string(), horizon, shortest, false)?;
    let profiled = profile::profile(&panel);
    let season = profiled.season_length();
    let panel = cleaning::clean(&panel, &[], season).panel;
    let seasons: Vec<u32> = profiled.seasonal_periods.iter().map(|s| s.period).collect();
    let job = TrialJob {
        spec: spec(forecast, &panel, &seasons)?,
        horizon,
        quantile_levels: forecast.quantiles.clone(),
        backtest: BacktestPlan::rolling_origin(shortest, 0, horizon, season),
        holdout: 0,
        seed: forecast.seed,
        threads: 1,
        panel,
    };
    let began = Instant::now();
    let result = atsre_forecast::run(&job, &super::worker::registry(), &Silent)?;
    let seconds = began.elapsed().as_secs_f64();
    if forecast.csv {
        print_csv(&job, &result);
    } else if json {
        print_json(&job, &result, seconds)?;
    } else {
        print_table(&job, &result);
    }
    Ok(ExitCode::SUCCESS)
}

/// The model with the seasons that were found, the covariates of the file, and the settings of the command line.
fn spec(forecast: &Forecast, panel: &Panel, seasons: &[u32]) -> Result<ModelSpec, Failure> {
    let entry = atsre_forecast::catalogue::entry(&forecast.model).map_err(Failure::usage)?;
    let mut hyperparameters = entry.defaults.clone();
    if let (true, Some(season)) = (hyperparameters.contains_key("season_length"), seasons.first()) {
        hyperparameters.insert("season_length".to_owned(), Setting::Integer(i64::from(*season)));
    }
    if hyperparameters.contains_key("seasonal_periods") {
        let periods = seasons.iter().map(|s| i64::from(*s)).collect();
        hyperparameters.insert("seasonal_periods".to_owned(), Setting::Integers(periods));
    }
    for setting in &forecast.settings {
        let (name, value) =
            setting.split_once('=').ok_or_else(|| Failure::usage(format!("{setting:?} is not NAME=VALUE")))?;
        hyperparameters.insert(name.to_owned(), Setting::from_text(value));
    }
    let uses_covariates = entry.known_covariates || entry.past_covariates;
    let covariates =
        if uses_covariates { panel.covariates.iter().map(|c| c.name.clone()).collect() } else { Vec::new() };
    Ok(ModelSpec {
        framework: entry.framework.to_owned(),
        model: forecast.model.clone(),
        hyperparameters,
        covariates,
        device: if forecast.device == "gpu" { Device::Gpu } else { Device::Cpu },
    })
}

/// A moment as text, or the step's number.
fn moment(job: &TrialJob, at: Timestamp) -> String {
    if job.panel.frequency.unit == FrequencyUnit::Step {
        return at.to_string();
    }
    chrono::DateTime::from_timestamp_micros(at.0)
        .map_or_else(|| at.to_string(), |t| t.format("%Y-%m-%dT%H:%M:%S").to_string())
}

fn print_json(job: &TrialJob, result: &TrialResult, seconds: f64) -> Result<(), Failure> {
    let forecasts: Vec<serde_json::Value> = result
        .forecasts
        .iter()
        .map(|series| {
            let quantiles: serde_json::Map<String, serde_json::Value> = result
                .quantile_levels
                .iter()
                .zip(&series.quantiles)
                .map(|(level, row)| (level.to_string(), serde_json::json!(row)))
                .collect();
            serde_json::json!({
                "item_id": series.item_id,
                "model": job.spec.model,
                "timestamps": series.times.iter().map(|t| moment(job, *t)).collect::<Vec<_>>(),
                "mean": series.mean,
                "quantiles": quantiles,
                "seconds": seconds,
            })
        })
        .collect();
    output::json(
        &serde_json::json!({ "horizon": job.horizon, "forecasts": forecasts, "scores": result.scores, "notes": result.notes }),
    )
}

fn print_csv(job: &TrialJob, result: &TrialResult) {
    let levels: Vec<String> = result.quantile_levels.iter().map(|q| format!(",q{q}")).collect();
    output::say(format!("item_id,timestamp,model,mean{}", levels.concat()));
    for series in &result.forecasts {
        let item = quoted(&series.item_id);
        for (step, at) in series.times.iter().enumerate() {
            let row: String = series.quantiles.iter().map(|q| format!(",{}", q[step])).collect();
            output::say(format!("{item},{},{},{}{row}", moment(job, *at), job.spec.model, series.mean[step]));
        }
    }
}

/// A CSV field: quoted where it must be.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn print_table(job: &TrialJob, result: &TrialResult) {
    const MOST: usize = 5;
    for series in result.forecasts.iter().take(MOST) {
        let mut header = vec!["timestamp".to_owned(), "mean".to_owned()];
        header.extend(result.quantile_levels.iter().map(|q| format!("q{q}")));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows = series.times.iter().enumerate().map(|(step, at)| {
            let mut row = vec![moment(job, *at), format!("{:.4}", series.mean[step])];
            row.extend(series.quantiles.iter().map(|q| format!("{:.4}", q[step])));
            row
        });
        let item = if series.item_id.is_empty() { &job.panel.target } else { &series.item_id };
        output::say(format!("{item} by {}", job.spec.model));
        let right: Vec<usize> = (1..header.len()).collect();
        output::say(output::table(&header, &right, rows.collect()));
    }
    if result.forecasts.len() > MOST {
        output::say(format!("… and {} more series; --csv or --json prints all", result.forecasts.len() - MOST));
    }
    for score in &result.scores {
        output::say(format!("{} {}: {:.4}", score.split.name(), score.metric.name(), score.value.get()));
    }
}
