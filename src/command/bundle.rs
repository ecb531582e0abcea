//! `atsre export`, `verify --bundle` and `import`: an experiment's history, carried away and checked elsewhere.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use atsre_replay::anchor::{AnchorKey, public_key_text};
use atsre_replay::bundle::{self, ExportOptions};

use super::verify::DIFFERS;
use crate::anchors;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Writes an experiment's evidence bundle: a new file, or none.
///
/// # Errors
/// What the user is told.
pub async fn export(config: &Config, experiment: &str, to: &Path, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let stream = node::find_experiment(&store, experiment).await?;
    let services = node::services(config, store.clone())?;
    anchors::take_after_work(config, &store).await;
    let anchored = anchors::file(config);
    let options = ExportOptions {
        build: services.build.clone(),
        anchors: if anchored.path().exists() { std::fs::read(anchored.path())? } else { Vec::new() },
        public_key: AnchorKey::open(&anchors::key_path(config))
            .ok()
            .map(|key| public_key_text(&key.public()).into_bytes()),
    };
    let told = || format!("{} cannot be written", to.display());
    // Written beside its place and moved there when it is whole: who finds the file finds a bundle.
    let unfinished = to.with_extension("unfinished");
    let file = File::create(&unfinished).with_context(told)?;
    let written = bundle::export(&store, &stream, &options, file).await;
    store.close().await;
    let summary = match written {
        Ok(summary) => summary,
        Err(error) => {
            if let Err(left) = std::fs::remove_file(&unfinished) {
                tracing::debug!(error = %left, "the unfinished file stays");
            }
            return Err(error.into());
        }
    };
    std::fs::rename(&unfinished, to).with_context(told)?;
    if json {
        output::json(&summary)?;
    } else {
        output::say(format!(
            "{}: {} events of {} streams, {} artifacts, {} anchors",
            to.display(),
            summary.events,
            summary.streams,
            summary.artifacts,
            summary.anchors
        ));
        if summary.erased > 0 {
            output::say(format!("{} artifacts are left out: their data set was erased", summary.erased));
        }
        output::say(format!("manifest: {}", summary.manifest));
        output::say("note the manifest's digest where the bundle is not: it commits to every byte");
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks a bundle; no database.
///
/// # Errors
/// What the user is told.
pub fn check(file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let verification = match bundle::check(BufReader::new(opened)) {
        Ok(verification) => verification,
        Err(error) => {
            let told = atsre_store::told(&error);
            if json {
                let difference = serde_json::json!({ "position": 0, "stream": null, "kind": "member", "detail": told });
                output::json(&serde_json::json!({ "ok": false, "differences": [difference] }))?;
            } else {
                output::say(format!("✗ {} is no bundle: {told}", file.display()));
            }
            return Ok(ExitCode::from(DIFFERS));
        }
    };
    if json {
        output::json(&verification)?;
    } else {
        for difference in &verification.differences {
            output::say(format!("✗ event {} ({}): {}", difference.position, difference.kind, difference.detail));
        }
        let verdict = if verification.ok { "✓ whole and unaltered" } else { "✗ differs" };
        output::say(format!(
            "{verdict}: {} events of {} streams, {} artifacts, {} anchors compared",
            verification.events, verification.streams, verification.artifacts, verification.anchors_compared
        ));
        if !verification.erased.is_empty() {
            let erased = verification.erased.len();
            output::say(format!("• {erased} artifacts are not in it: their data set was erased, as its events say"));
        }
        output::say(format!("manifest: {}", verification.manifest));
    }
    Ok(if verification.ok { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

/// Restores a bundle into this store.
///
/// # Errors
/// What the user is told.
pub async fn import(config: &Config, file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let store = node::open_store(config).await?;
    let summary = bundle::import(&store, BufReader::new(opened)).await?;
    for projection in atsre_projections::PROJECTIONS {
        atsre_projections::runner::catch_up(&store, projection).await?;
    }
    let compared = bundle::check_import(&store, &summary.receipt).await?;
    store.close().await;
    if !compared.ok {
        return Err(Failure::failed("what was imported is not what the bundle says; `atsre verify` tells more"));
    }
    for stream in &summary.unfinished {
        output::note(format!("experiment {stream} has not ended; nobody here goes on with it, a fork of it can"));
    }
    if json {
        output::json(&summary)?;
    } else {
        let id = summary.experiment_id.map_or_else(|| summary.experiment.to_string(), |id| id.to_string());
        output::say(format!(
            "experiment {id}: {} events appended, {} there already; receipt {}",
            summary.appended, summary.present, summary.receipt
        ));
    }
    Ok(ExitCode::SUCCESS)
}
