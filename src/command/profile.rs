//! `atsre profile`: profile Q of a file; no database.

use std::process::ExitCode;

use atsre_curation::ingest::TargetPolicy;
use atsre_curation::profile;

use super::reading;
use crate::cli::Engine;
use crate::error::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When the file cannot be read as a time series.
pub fn run(engine: &Engine, json: bool) -> Result<ExitCode, Failure> {
    let ingested = reading::read(&engine.reading, TargetPolicy::Required)?;
    let panel = reading::regularise(&ingested)?.panel;
    let profile = profile::profile(&panel);
    if json {
        output::json(&profile)?;
        return Ok(ExitCode::SUCCESS);
    }
    for inference in &ingested.inferences {
        let told = if inference.overridden { "told" } else { "inferred" };
        output::say(format!("{} ({told}): {} — {}", inference.subject, inference.choice, inference.reason));
    }
    for warning in &ingested.warnings {
        output::say(format!("warning: {warning}"));
    }
    output::say(format!(
        "\n{} series, {} observations, {}, {:.2} % missing",
        profile.series_count,
        profile.observations,
        profile.frequency,
        100.0 * profile.missing_share.get()
    ));
    for finding in &profile.findings {
        output::say(format!("• {finding}"));
    }
    let rows = profile.series.iter().take(20).map(|series| {
        let seasons: Vec<String> =
            series.seasonal_periods.iter().map(|s| format!("{} ({:.2})", s.period, s.strength.get())).collect();
        vec![
            if series.item_id.is_empty() { panel.target.clone() } else { series.item_id.clone() },
            series.length.to_string(),
            series.gaps.missing.to_string(),
            series.outliers.to_string(),
            format!("{:?}", series.stationarity),
            series.trend_strength.map_or_else(|| "–".to_owned(), |t| format!("{:.2}", t.get())),
            seasons.join(", "),
            format!("{:?}", series.demand_pattern),
        ]
    });
    let header = ["series", "length", "missing", "outliers", "stationarity", "trend", "seasons (strength)", "demand"];
    output::say(output::table(&header, &[1, 2, 3, 5], rows.collect()));
    Ok(ExitCode::SUCCESS)
}
