//! `atsre erase`: what was observed goes, what was decided stays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use atsre_actors::reporter::report_name;
use atsre_domain::Position;
use atsre_domain::experiment::Experiment;
use atsre_replay::{EraseError, Erased, erase};
use atsre_store::{Envelope, Store};

use super::approval::person;
use super::compare::plain;
use crate::anchors;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, dataset: &str, why: &str, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let envelope = Envelope {
        actor: person(),
        correlation: Store::dataset_stream(dataset).0,
        causation: None,
        build: node::build(),
        occurred_at: node::clock(),
    };
    let tell = |told: &str| {
        if !json {
            output::note(told);
        }
    };
    let erased = erase(&store, dataset, why, &envelope, tell).await.map_err(|error| match error {
        EraseError::Unknown { .. } | EraseError::Running { .. } | EraseError::Dataset(_) => Failure::usage(error),
        failed => Failure::from(failed),
    })?;
    let reports = remove_reports(config, &store, &erased.experiments).await?;
    for projection in atsre_projections::PROJECTIONS {
        atsre_projections::runner::catch_up(&store, projection).await?;
    }
    anchors::take_after_work(config, &store).await;
    store.close().await;
    if json {
        let mut document = serde_json::to_value(&erased)?;
        if let Some(fields) = document.as_object_mut() {
            fields.insert("reports_removed".to_owned(), serde_json::to_value(&reports)?);
        }
        output::json(&document)?;
    } else {
        print(&erased, &reports);
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes the reports of these experiments, and the pages that compare them with others; answers which there were.
async fn remove_reports(config: &Config, store: &Store, experiments: &[Position]) -> Result<Vec<PathBuf>, Failure> {
    let folder = config.report_folder();
    let mut names = BTreeSet::new();
    let mut known = BTreeSet::new();
    for id in experiments {
        names.extend(["html", "md", "json"].map(|extension| format!("{}.{extension}", report_name(*id))));
        known.insert(id.to_string());
        let stream = node::find_experiment(store, &id.to_string()).await?;
        if let Some(opened) = store.load::<Experiment>(&stream).await?.state.opened {
            known.insert(plain(&opened.name));
        }
        known.insert(plain(&stream.0));
    }
    let mut removed = Vec::new();
    for path in files(&folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let compared = name.strip_prefix("compare-").and_then(|rest| rest.strip_suffix(".html"));
        let concerned = compared.is_some_and(|pair| pair.split("-with-").any(|part| known.contains(part)));
        if names.contains(name) || concerned {
            std::fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// The files of a folder, in order; none where it is not there.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    files.sort();
    Ok(files)
}

fn print(erased: &Erased, reports: &[PathBuf]) {
    let name = &erased.dataset;
    if erased.before && erased.keys_destroyed.is_empty() && erased.tables_dropped.is_empty() && reports.is_empty() {
        output::say(format!("{name} was erased before, at position {}; nothing was left to do.", erased.position));
        return;
    }
    output::say(format!("{name} is erased: position {} of the log says so", erased.position));
    output::say(format!(
        "  {} keys destroyed, {} artifacts of {} experiments cannot be read any more",
        erased.keys_destroyed.len(),
        erased.artifacts,
        erased.experiments.len()
    ));
    output::say(format!("  {} tables dropped, {} reports removed", erased.tables_dropped.len(), reports.len()));
    if !erased.unencrypted.is_empty() {
        output::say(format!(
            "  ! {} artifacts were stored in the clear by an older build and stay readable; `--json` lists them",
            erased.unencrypted.len()
        ));
    }
    output::say(
        "What is outside this store is yours to erase: the CSV files, copies of the keys, backups, exported bundles.",
    );
}
