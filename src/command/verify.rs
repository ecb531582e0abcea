//! `atsre verify`: is the history whole and unaltered?

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use atsre_replay::verify::{Anchor, Verification, verify, verify_stream};

use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// The exit code when something differs.
pub const DIFFERS: u8 = 3;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(
    config: &Config,
    experiment: Option<&str>,
    anchor: Option<&Path>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let began = Instant::now();
    let verification = match experiment {
        Some(named) => {
            let stream = node::find_experiment(&store, named).await?;
            verify_stream(&store, "experiment", &stream).await?
        }
        None => {
            let anchors = anchor.map(read_anchors).transpose()?.unwrap_or_default();
            verify(&store, &anchors, |done, all| {
                if !json && all > 50_000 {
                    output::note(format!("{done} of {all} events verified"));
                }
            })
            .await?
        }
    };
    store.close().await;
    if json {
        output::json(&verification)?;
    } else {
        print(&verification, began.elapsed().as_secs_f64());
    }
    Ok(if verification.ok { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

fn print(verification: &Verification, seconds: f64) {
    for difference in &verification.differences {
        output::say(format!("✗ event {} ({}): {}", difference.position, difference.kind, difference.detail));
    }
    let head = &verification.head;
    let verdict = if verification.ok { "✓ whole and unaltered" } else { "✗ differs" };
    output::say(format!("{verdict}: {} events in {seconds:.2} s", verification.events));
    output::say(format!("head: position {}, log hash {}", head.position, head.log_hash));
}

fn read_anchors(path: &Path) -> Result<Vec<Anchor>, Failure> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut anchors = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let anchor =
            serde_json::from_str(text).with_context(|| format!("{} line {line} is not an anchor", path.display()))?;
        anchors.push(anchor);
    }
    Ok(anchors)
}
