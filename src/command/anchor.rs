//! `atsre anchor`: a signed statement of where the log ends, kept outside the database.

use std::process::ExitCode;

use crate::anchors;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, print: bool, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let anchor = anchors::take(config, &store).await?;
    store.close().await;
    if json {
        output::json(&anchor)?;
    } else if print {
        // One line, as the file has it: for a notary, or a mail to oneself.
        output::say(serde_json::to_string(&anchor)?);
    } else {
        output::say(format!("position {} is signed in {}", anchor.position, anchors::file(config).path().display()));
        output::say("keep a copy where the database's administrators cannot reach it: `atsre anchor --print`");
    }
    Ok(ExitCode::SUCCESS)
}
