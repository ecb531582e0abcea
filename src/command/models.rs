//! `atsre models`: the models that a plan can choose from.

use std::process::ExitCode;

use crate::error::Failure;
use crate::output;

/// Runs the command.
///
/// # Errors
/// When the catalogue cannot be written.
pub fn run(json: bool) -> Result<ExitCode, Failure> {
    let catalogue = atsre_forecast::catalogue::catalogue();
    let registry = super::worker::registry();
    let lacks = |name: &str| match registry.names().any(|known| known == name) {
        true => atsre_forecast_deep::chronos::lacking(name),
        false => Some("not in this build".to_owned()),
    };
    if json {
        let entries: Vec<serde_json::Value> = catalogue
            .iter()
            .map(|entry| {
                let mut value = serde_json::to_value(entry)?;
                let lacks = lacks(entry.name);
                value["ready"] = lacks.is_none().into();
                value["lacks"] = lacks.into();
                Ok(value)
            })
            .collect::<Result<_, serde_json::Error>>()?;
        output::json(&entries)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = catalogue.iter().map(|entry| {
        let covariates = match (entry.past_covariates, entry.known_covariates) {
            (true, true) => "past, known",
            (true, false) => "past",
            (false, true) => "known",
            (false, false) => "–",
        };
        vec![
            entry.name.to_owned(),
            format!("{:?}", entry.family).to_lowercase(),
            covariates.to_owned(),
            if entry.gpu { "cpu, gpu" } else { "cpu" }.to_owned(),
            lacks(entry.name).unwrap_or_else(|| "ready".to_owned()),
            entry.description.to_owned(),
        ]
    });
    output::say(output::table(
        &["model", "family", "covariates", "device", "status", "what it is"],
        &[],
        rows.collect(),
    ));
    Ok(ExitCode::SUCCESS)
}
