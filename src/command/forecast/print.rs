//! Forecasts for machines, for spreadsheets, for the eye and for people.

use atsre_actors::report::forecast_picture;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::identity::Timestamp;
use atsre_forecast::{SeriesForecast, StreamRequest, TrialJob};
use serde_json::{Map, Value};

use super::{Forecasted, many};
use crate::cli::Forecast;
use crate::error::Failure;
use crate::output;

/// A moment as text, or the step's number.
fn moment(job: &TrialJob, at: Timestamp) -> String {
    moment_of(job.panel.frequency.unit, at)
}

fn moment_of(unit: FrequencyUnit, at: Timestamp) -> String {
    if unit == FrequencyUnit::Step {
        return at.to_string();
    }
    chrono::DateTime::from_timestamp_micros(at.0)
        .map_or_else(|| at.to_string(), |t| t.format("%Y-%m-%dT%H:%M:%S").to_string())
}

pub(super) fn json(job: &TrialJob, forecasted: &[Forecasted]) -> Result<(), Failure> {
    let mut forecasts = Vec::new();
    for Forecasted { model, result, seconds } in forecasted {
        for series in &result.forecasts {
            let levels = result.quantile_levels.iter().zip(&series.quantiles);
            let quantiles: Map<String, Value> =
                levels.map(|(level, row)| (level.to_string(), serde_json::json!(row))).collect();
            forecasts.push(serde_json::json!({
                "item_id": series.item_id,
                "model": model,
                "timestamps": series.times.iter().map(|t| moment(job, *t)).collect::<Vec<_>>(),
                "mean": series.mean,
                "quantiles": quantiles,
                "seconds": seconds,
            }));
        }
    }
    let models: Vec<Value> = forecasted
        .iter()
        .map(|f| {
            serde_json::json!({ "model": f.model, "seconds": f.seconds, "scores": f.result.scores, "notes": f.result.notes })
        })
        .collect();
    let mut document = serde_json::json!({ "horizon": job.horizon, "forecasts": forecasts, "models": models });
    if let [only] = forecasted {
        document["scores"] = serde_json::json!(only.result.scores);
        document["notes"] = serde_json::json!(only.result.notes);
    }
    output::json(&document)
}

pub(super) fn csv(job: &TrialJob, forecasted: &[Forecasted]) {
    let levels: Vec<String> = job.quantile_levels.iter().map(|q| format!(",q{q}")).collect();
    output::say(format!("item_id,timestamp,model,mean{}", levels.concat()));
    for Forecasted { model, result, .. } in forecasted {
        for series in &result.forecasts {
            let item = quoted(&series.item_id);
            for (step, at) in series.times.iter().enumerate() {
                let row: String = series.quantiles.iter().map(|q| format!(",{}", q[step])).collect();
                output::say(format!("{item},{},{model},{}{row}", moment(job, *at), series.mean[step]));
            }
        }
    }
}

/// A CSV field: quoted where it must be.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The first series by the first model: one picture is one document.
pub(super) fn svg(job: &TrialJob, forecasted: &[Forecasted]) {
    let Some(first) = forecasted.first() else { return };
    let drawn = job.panel.series.iter().zip(&first.result.forecasts).next();
    let Some((series, forecast)) = drawn else { return };
    let (more_series, more_models) = (job.panel.series.len() - 1, forecasted.len() - 1);
    if more_series + more_models > 0 {
        output::note(format!(
            "drawn is the first series by {}; {more_series} more series, {more_models} more models",
            first.model
        ));
    }
    output::say(forecast_picture(series, forecast, &first.result.quantile_levels, job.panel.frequency.unit));
}

pub(super) fn tables(job: &TrialJob, forecasted: &[Forecasted]) {
    const MOST: usize = 5;
    for Forecasted { model, result, .. } in forecasted {
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
            output::say(format!("{item} by {model}"));
            let right: Vec<usize> = (1..header.len()).collect();
            output::say(output::table(&header, &right, rows.collect()));
        }
        if result.forecasts.len() > MOST {
            output::say(format!("… and {} more series; --csv or --json prints all", result.forecasts.len() - MOST));
        }
        result.notes.iter().for_each(|note| output::say(format!("• {note}")));
        for score in &result.scores {
            output::say(format!("{} {}: {:.4}", score.split.name(), score.metric.name(), score.value.get()));
        }
    }
}

/// Forecasts that are printed while they are made.
pub(super) struct Streamed {
    form: Form,
    model: String,
    levels: Vec<f64>,
    count: usize,
    shown: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
    Tables,
}

impl Streamed {
    /// Prints what comes before the first series; people are shown so many.
    pub(super) fn begin(forecast: &Forecast, request: &StreamRequest, as_json: bool, shown: usize) -> Self {
        let form = match (forecast.csv, as_json) {
            (true, _) => Form::Csv,
            (false, true) => Form::Json,
            (false, false) => Form::Tables,
        };
        let levels = request.quantile_levels.clone();
        let model = request.spec.model.clone();
        match form {
            Form::Csv => {
                let header: String = levels.iter().map(|q| format!(",q{q}")).collect();
                output::say(format!("item_id,timestamp,model,mean{header}"));
            }
            Form::Json => {
                let name = serde_json::json!(model);
                output::say(format!("{{\"horizon\": {}, \"model\": {name}, \"forecasts\": [", request.horizon));
            }
            Form::Tables => {}
        }
        Self { form, model, levels, count: 0, shown }
    }

    /// Prints one series.
    pub(super) fn series(&mut self, forecast: &SeriesForecast, unit: FrequencyUnit) {
        self.count += 1;
        let moments = || forecast.times.iter().map(|t| moment_of(unit, *t));
        match self.form {
            Form::Csv => {
                let item = quoted(&forecast.item_id);
                for (step, at) in moments().enumerate() {
                    let row: String = forecast.quantiles.iter().map(|q| format!(",{}", q[step])).collect();
                    output::say(format!("{item},{at},{},{}{row}", self.model, forecast.mean[step]));
                }
            }
            Form::Json => {
                let comma = if self.count > 1 { "," } else { "" };
                output::say(format!("{comma}{}", many::value(forecast, &self.levels, moments().collect())));
            }
            Form::Tables if self.count <= self.shown => {
                let mut header = vec!["timestamp".to_owned(), "mean".to_owned()];
                header.extend(self.levels.iter().map(|q| format!("q{q}")));
                let header: Vec<&str> = header.iter().map(String::as_str).collect();
                let rows = moments().enumerate().map(|(step, at)| {
                    let mut row = vec![at, format!("{:.4}", forecast.mean[step])];
                    row.extend(forecast.quantiles.iter().map(|q| format!("{:.4}", q[step])));
                    row
                });
                output::say(format!("{} by {}", forecast.item_id, self.model));
                let right: Vec<usize> = (1..header.len()).collect();
                output::say(output::table(&header, &right, rows.collect()));
            }
            Form::Tables => {}
        }
    }

    /// Prints what comes after the last series.
    pub(super) fn end(&self, series: usize) {
        match self.form {
            Form::Json => output::say("]}"),
            Form::Tables if series > self.shown => {
                output::say(format!("… and {} more series; --csv or --json prints all", series - self.shown));
            }
            Form::Csv | Form::Tables => {}
        }
    }
}
