//! `atsre approve` and `atsre reject`: the human's part.

use std::process::ExitCode;

use atsre_domain::experiment::{Command, Experiment};
use atsre_store::Envelope;

use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command: approves the plan, or rejects it for a reason.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, experiment: &str, reject: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let stream = node::find_experiment(&store, experiment).await?;
    let by = std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "user".to_owned());
    let command = match reject {
        None => Command::ApprovePlan { by: by.clone() },
        Some(reason) => Command::RejectPlan { by: by.clone(), reason: reason.to_owned() },
    };
    let envelope = Envelope {
        actor: by,
        correlation: stream.0.clone(),
        causation: store.position_of_newest(&stream, "PlanProposed").await?,
        build: node::build(),
        occurred_at: node::clock(),
    };
    let status = store.execute::<Experiment>(&stream, command, &envelope).await?.state.status();
    store.close().await;
    if json {
        output::json(&serde_json::json!({ "experiment": stream, "status": status }))?;
    } else {
        output::say(format!("Experiment {experiment} is {status}; `atsre resume {experiment}` goes on."));
    }
    Ok(ExitCode::SUCCESS)
}
