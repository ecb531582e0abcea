//! `atsre approve`, `atsre reject` and `atsre cancel`: the human's part.

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
    let by = person();
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

/// Ends an experiment. A trial that runs is given up when its outcome comes.
///
/// # Errors
/// What the user is told.
pub async fn cancel(config: &Config, experiment: &str, why: &str, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let stream = node::find_experiment(&store, experiment).await?;
    let envelope = Envelope {
        actor: person(),
        correlation: stream.0.clone(),
        causation: None,
        build: node::build(),
        occurred_at: node::clock(),
    };
    let command = Command::Cancel { reason: why.to_owned() };
    let status = store.execute::<Experiment>(&stream, command, &envelope).await?.state.status();
    store.close().await;
    if json {
        output::json(&serde_json::json!({ "experiment": stream, "status": status }))?;
    } else {
        output::say(format!("Experiment {experiment} is {status}."));
    }
    Ok(ExitCode::SUCCESS)
}

/// Who asks: the name that the system knows.
pub(super) fn person() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "user".to_owned())
}
