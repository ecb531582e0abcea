//! The Reporter: accuracy against cost, and everything that led there, on one page.

use async_trait::async_trait;
use atsre_domain::artifact::Digest;
use atsre_domain::cleaning::CellChange;
use atsre_domain::experiment::{Command, Experiment, ReportPublished, Stage, TrialState};
use atsre_domain::identity::{Position, TrialNumber};
use atsre_domain::policy::best;
use atsre_domain::process::Agent;
use atsre_domain::profile::Profile;
use atsre_forecast::job::TrialResult;
use atsre_store::WorkItem;

use crate::agent::Role;
use crate::error::AgentError;
use crate::orchestrator::fail_stage;
use crate::report::{self, Anchor, ReportData, TrialEntry};
use crate::services::{Services, compute};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reporter;

#[async_trait]
impl Role for Reporter {
    fn agent(&self) -> Agent {
        Agent::Reporter
    }

    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        let (experiment, opened) = services.experiment(&item.stream).await?;
        if !experiment.is_open() || experiment.report.is_some() {
            return Ok(());
        }
        let data = gather(services, item, experiment).await?;
        let (anchor, experiment_id) = (data.anchor.clone(), data.experiment_id);
        let rendered = compute(move || report::render(&data)).await?;
        let (artifacts, dataset) = (services.store.artifacts(), &opened.dataset.stream);
        let html = artifacts.put_for(dataset, rendered.html.as_bytes(), "text/html; charset=utf-8").await?;
        let markdown = artifacts.put_for(dataset, rendered.markdown.as_bytes(), "text/markdown; charset=utf-8").await?;
        let json = artifacts.put_for(dataset, rendered.json.as_bytes(), "application/json").await?;
        write_for_people(services, experiment_id, &rendered).await?;
        let published = ReportPublished {
            html,
            markdown,
            json,
            anchor_position: anchor.position,
            anchor_log_hash: anchor.log_hash,
        };
        services
            .command(Agent::Reporter, &item.stream, item.position, Command::PublishReport(Box::new(published)))
            .await
    }

    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError> {
        fail_stage(services, Agent::Reporter, item, Stage::Report, message).await
    }
}

/// Where a report is written for people, inside the report folder.
#[must_use]
pub fn report_name(experiment: Position) -> String {
    format!("experiment-{experiment}")
}

async fn write_for_people(
    services: &Services,
    experiment: Position,
    rendered: &report::Rendered,
) -> Result<(), AgentError> {
    let folder = &services.settings.report_folder;
    let failed = |path: &std::path::Path| {
        let path = path.display().to_string();
        move |source| AgentError::File { path, source }
    };
    tokio::fs::create_dir_all(folder).await.map_err(failed(folder))?;
    let parts = [("html", &rendered.html), ("md", &rendered.markdown), ("json", &rendered.json)];
    for (extension, text) in parts {
        let path = folder.join(report_name(experiment)).with_extension(extension);
        tokio::fs::write(&path, text).await.map_err(failed(&path))?;
    }
    Ok(())
}

/// Where the log ends now, signed. A key that cannot be used is told in the report, and keeps nobody from it.
async fn anchor(services: &Services) -> Result<Anchor, AgentError> {
    let head = services.store.log().head().await?;
    let signer = services.signer.clone();
    let signature = compute(move || Ok::<_, AgentError>(signer.sign(head.position, head.log_hash))).await?;
    if let Err(why) = &signature {
        tracing::warn!(why, "the report's anchor is not signed");
    }
    let log_hash = Digest(atsre_store::hash::hex(&head.log_hash));
    Ok(Anchor { position: head.position, log_hash, signature })
}

async fn gather(services: &Services, item: &WorkItem, experiment: Experiment) -> Result<ReportData, AgentError> {
    let store = &services.store;
    let (_, opened) = services.experiment(&item.stream).await?;
    let version = services.version(&experiment, &opened).await?;
    let panel = services.panel(&version).await?;
    let missing = |what: &str| AgentError::Missing(format!("{what} of {} is not there", opened.dataset.name));
    let profiled = version.profiled.clone().ok_or_else(|| missing("the profile"))?;
    let cleaned = version.cleaned.clone().ok_or_else(|| missing("the clean table"))?;
    let profile: Profile = serde_json::from_slice(&store.artifacts().get(&profiled.profile.digest).await?)?;
    let changes: Vec<CellChange> = serde_json::from_slice(&store.artifacts().get(&cleaned.changes.digest).await?)?;
    let ids = Ids::of(services, item).await?;
    let mut trials = Vec::new();
    for (number, trial) in &experiment.trials {
        let result = match &trial.state {
            TrialState::Completed { result, .. } => Some(load_result(services, &result.digest).await?),
            _ => None,
        };
        trials.push(TrialEntry { number: *number, trial_id: ids.trial(*number), trial: trial.clone(), result });
    }
    let ensemble = match experiment.ensemble.clone() {
        Some(built) => {
            let result = load_result(services, &built.result.digest).await?;
            Some((ids.trial(built.trial), built, result))
        }
        None => None,
    };
    let graph = match version.graph_for(&opened.target, &experiment.constraints.discovery) {
        Some(graph) => {
            let id = store.graph_position(&opened.dataset.stream, &graph.node_link.digest).await?;
            id.map(|id| (id, graph.clone()))
        }
        None => None,
    };
    Ok(ReportData {
        experiment_id: ids.experiment,
        stream: item.stream.clone(),
        registered: version.registered.clone(),
        profile,
        rules: version.rules.map(|r| r.rules).unwrap_or_default(),
        cleaned: cleaned.summary,
        changes,
        panel,
        graph,
        plan: experiment.proposed.clone(),
        trials,
        ensemble,
        best: best::best(&experiment).ok_or_else(|| missing("a finished trial"))?,
        fallbacks: experiment.fallbacks.clone(),
        anchor: anchor(services).await?,
        written_at: (services.clock)(),
        build: services.build.clone(),
        opened,
    })
}

async fn load_result(services: &Services, digest: &Digest) -> Result<TrialResult, AgentError> {
    Ok(serde_json::from_slice(&services.store.artifacts().get(digest).await?)?)
}

/// The public ids of an experiment and its trials: the positions of the events that created them.
struct Ids {
    experiment: Position,
    trials: Vec<(TrialNumber, Position)>,
}

impl Ids {
    async fn of(services: &Services, item: &WorkItem) -> Result<Self, AgentError> {
        use atsre_domain::experiment::Event;
        let mut ids = Self { experiment: Position(0), trials: Vec::new() };
        for stored in services.store.log().read_stream("experiment", &item.stream).await? {
            let recorded = stored.recorded::<Event>()?;
            match recorded.event {
                Event::ExperimentOpened(_) | Event::ExperimentForked(_) => ids.experiment = recorded.position,
                Event::TrialQueued(e) => ids.trials.push((e.trial, recorded.position)),
                Event::EnsembleBuilt(e) => ids.trials.push((e.trial, recorded.position)),
                _ => {}
            }
        }
        Ok(ids)
    }

    fn trial(&self, number: TrialNumber) -> Position {
        // In a fork a trial may have been queued anew: the newest counts.
        self.trials.iter().rev().find(|(n, _)| *n == number).map_or(Position(0), |(_, position)| *position)
    }
}
