//! `atsre serve`: agents and the watched inbox, until it is stopped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use atsre_actors::Services;
use atsre_actors::intake;
use atsre_curation::ingest::{self, IngestOptions};
use atsre_domain::experiment::Objective;
use atsre_domain::plan::ReasonerKind;
use serde::Deserialize;

use super::run::{Request, open};
use crate::cli::Serve;
use crate::config::Config;
use crate::error::Failure;
use crate::node::{self, NodeEnd};
use crate::output;
use crate::watch::Narrator;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, serve: &Serve) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let services = Arc::new(node::services(config, store.clone())?);
    let folder = serve.inbox.clone().unwrap_or_else(|| config.inbox());
    output::note(format!(
        "node {} runs; files laid in {} become experiments; Ctrl-C stops it",
        services.node,
        folder.display()
    ));
    let take = {
        let (services, config) = (Arc::clone(&services), config.clone());
        Box::new(move |path: PathBuf| -> futures::future::LocalBoxFuture<'static, Result<(), String>> {
            let (services, config) = (Arc::clone(&services), config.clone());
            Box::pin(async move {
                let told =
                    |failure: Failure| failure.error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
                take(&services, &config, &path).await.map_err(told)
            })
        })
    };
    let narrator = Arc::new(Narrator::new(true));
    let forever = std::future::pending::<Result<(), Failure>>();
    let anchoring = actix::spawn(crate::anchors::keep_taking(config.clone(), store.clone()));
    let end = node::run(services, Some((folder, take)), narrator, forever).await?;
    anchoring.abort();
    crate::anchors::take_after_work(config, &store).await;
    store.close().await;
    match end {
        NodeEnd::Done(()) | NodeEnd::Interrupted => {
            output::note("stopped");
            Ok(ExitCode::SUCCESS)
        }
        NodeEnd::Escalated { agent } => {
            Err(Failure::failed(format!("{agent} crashed too often; the node has stopped")))
        }
    }
}

/// What `NAME.json` beside `NAME.csv` may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wishes {
    name: Option<String>,
    target: Option<String>,
    time: Option<String>,
    item: Option<String>,
    known: Vec<String>,
    horizon: Option<u32>,
    holdout: bool,
    budget_s: Option<u64>,
    seed: Option<u64>,
    reasoner: Option<ReasonerKind>,
    approve: bool,
    trial_memory_mib: Option<u64>,
}

async fn take(services: &Services, config: &Config, path: &Path) -> Result<(), Failure> {
    let beside = path.with_extension("json");
    let wishes: Wishes = if beside.is_file() {
        let text = std::fs::read_to_string(&beside).with_context(|| format!("{} cannot be read", beside.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a valid request", beside.display()))?
    } else {
        Wishes::default()
    };
    let file_name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let options = IngestOptions {
        file_name: file_name.clone(),
        target: wishes.target,
        time: wishes.time,
        item: wishes.item,
        known: wishes.known,
        ..IngestOptions::default()
    };
    let (bytes, ingested) = intake::read(path, options).await?;
    let request = Request {
        name: wishes.name.unwrap_or_else(|| ingest::dataset_name_from(&file_name)),
        file_name,
        objective: Objective::Forecast,
        horizon: wishes.horizon,
        holdout: wishes.holdout,
        quantiles: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        budget: std::time::Duration::from_secs(wishes.budget_s.unwrap_or(300)),
        seed: wishes.seed,
        reasoner: wishes.reasoner.unwrap_or(ReasonerKind::Rules),
        approve: wishes.approve,
        trial_memory: wishes.trial_memory_mib.map_or(2 << 30, |mib| mib << 20),
        parallel: None,
        settings: Vec::new(),
    };
    let prepared = request.prepare(&ingested, config)?;
    let (stream, _) = open(services, "inbox", &request, prepared, &bytes, ingested).await?;
    output::note(format!("{} became experiment {stream}", path.display()));
    Ok(())
}
