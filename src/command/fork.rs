//! `atsre fork`: a new experiment that shares the past of another and differs from there.

use std::process::ExitCode;
use std::sync::Arc;

use atsre_domain::experiment::Override;
use atsre_domain::identity::Seed;
use atsre_replay::fork::{ForkError, ForkRequest, fork};

use super::moment;
use super::run::{finish, to_the_end};
use crate::cli::Fork;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;
use crate::watch::Narrator;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, asked: &Fork, json: bool) -> Result<ExitCode, Failure> {
    let overrides = asked.overrides.iter().map(|pair| split(pair)).collect::<Result<Vec<_>, _>>()?;
    let store = node::open_store(config).await?;
    let parent = node::find_experiment(&store, &asked.experiment).await?;
    let at = moment::position(&store, &asked.at).await?;
    let services = Arc::new(node::services(config, store.clone())?);
    let request = ForkRequest {
        parent: parent.clone(),
        at,
        reason: asked.why.clone(),
        overrides,
        seed: Seed(uuid::Uuid::new_v4().as_u64_pair().0 >> 1),
        now: (services.clock)(),
    };
    let envelope = services.envelope("user", &parent, Some(at));
    let from = store.log().head().await?.position;
    let forked = fork(&store, request, &envelope).await.map_err(|error| match error {
        ForkError::Store(error) => Failure::from(error),
        wrong => Failure::usage(wrong),
    })?;
    let shared = format!(
        "experiment {} shares {} events of experiment {} up to position {}",
        forked.experiment_id, forked.at_sequence, asked.experiment, forked.at_position
    );
    if asked.later {
        store.close().await;
        if json {
            output::json(&serde_json::json!({
                "experiment_id": forked.experiment_id, "stream": forked.child, "at_position": forked.at_position,
                "at_sequence": forked.at_sequence,
            }))?;
        } else {
            output::say(format!("{shared}; `atsre resume {}` runs it", forked.experiment_id));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let narrator = Arc::new(Narrator::new(json));
    narrator.tell("•", shared);
    let watching = to_the_end(&store, vec![(forked.child.clone(), from)], &narrator);
    let end = node::run(services, None, Arc::clone(&narrator) as _, watching).await?;
    finish(config, &store, &[forked.child], end, json).await
}

/// `KEY=VALUE`, checked as far as that is possible without the experiment; a model's settings against the catalogue.
fn split(pair: &str) -> Result<(String, String), Failure> {
    let (key, value) =
        pair.split_once('=').ok_or_else(|| Failure::usage(format!("{pair:?} is not KEY=VALUE, such as horizon=48")))?;
    if let Override::Hyperparameter(..) = Override::parse(key, value).map_err(Failure::usage)? {
        super::reading::settings(&[pair.to_owned()])?;
    }
    Ok((key.to_owned(), value.to_owned()))
}
