//! `atsre resume`: goes on with what a stop or a crash left unfinished.

use std::process::ExitCode;
use std::sync::Arc;

use atsre_domain::experiment::Experiment;

use super::run::{finish, to_the_end};
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;
use crate::watch::Narrator;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, experiment: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let candidates = match experiment {
        Some(named) => {
            let stream = node::find_experiment(&store, named).await?;
            store.load::<Experiment>(&stream).await?.state.ensure_input().map_err(Failure::usage)?;
            vec![stream]
        }
        None => store.log().streams("experiment").await?.into_iter().map(|summary| summary.stream).collect(),
    };
    let imported = store.imported(&candidates).await?;
    if let Some(named) = experiment.filter(|_| !imported.is_empty()) {
        return Err(Failure::usage(format!(
            "experiment {named} came with a bundle, and its history is kept as it came; \
             `atsre fork {named} --at POSITION --why TEXT` goes on from any moment of it"
        )));
    }
    let candidates: Vec<_> = candidates.into_iter().filter(|stream| !imported.contains(stream)).collect();
    let mut unfinished = Vec::new();
    let mut waiting = Vec::new();
    for stream in candidates {
        let state = store.load::<Experiment>(&stream).await?.state;
        if state.awaits_approval() {
            waiting.push(stream);
        } else if state.is_open() {
            unfinished.push(stream);
        }
    }
    if !waiting.is_empty() {
        output::note(format!("{} experiments wait for a person to approve their plan", waiting.len()));
    }
    if unfinished.is_empty() {
        if json {
            output::json(&serde_json::json!([]))?;
        } else {
            output::say("Nothing is unfinished.");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let narrator = Arc::new(Narrator::new(json));
    narrator.tell("•", format!("going on with {} unfinished experiments", unfinished.len()));
    let services = Arc::new(node::services(config, store.clone())?);
    let from = store.log().head().await?.position;
    let watched = unfinished.iter().map(|stream| (stream.clone(), from)).collect();
    let end = node::run(services, None, Arc::clone(&narrator) as _, to_the_end(&store, watched, &narrator)).await?;
    finish(config, &store, &unfinished, end, json).await
}
