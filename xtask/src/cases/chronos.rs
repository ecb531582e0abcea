//! Cases of the pretrained Chronos models. Their judge is a program of its own, an example of the crate of the deep
//! models, so that this one need not be linked with a tensor library.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;

/// Judges a folder; the judge's lines go to the terminal. Whether all cases agree.
///
/// # Errors
/// The judge cannot be built or started.
pub fn judge(folder: &Path) -> Result<bool> {
    // Of the whole workspace, so that what other builds have compiled is used again.
    let messages = command::cargo_output(&["build", "--workspace", "--example", "cases", "--message-format=json"])?;
    let program = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "cases")
        .find_map(|message| message["executable"].as_str().map(str::to_owned))
        .context("cargo did not say where it put the judge")?;
    let folder = std::path::absolute(folder)?;
    let status = Command::new(&program).arg(folder).status().with_context(|| format!("cannot run {program}"))?;
    Ok(status.success())
}
