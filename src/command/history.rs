//! `atsre history`: the decision history of an experiment, told in order, with causes.

use std::process::ExitCode;

use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::{Event as E, Experiment};
use atsre_domain::{Decider as _, Position, dataset};
use atsre_replay::HistoryEvent;

use super::moment;
use crate::cli::History;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, asked: &History, json: bool) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let stream = node::find_experiment(&store, &asked.experiment).await?;
    let events = match asked.why {
        Some(position) => atsre_replay::why(&store, Position(position)).await.map_err(|error| match error {
            atsre_store::Error::NotFound(what) => Failure::usage(format!("{what} does not exist")),
            other => other.into(),
        })?,
        None => {
            let since = match &asked.since {
                Some(moment) => moment::position(&store, moment).await?,
                None => Position(0),
            };
            let mut events = atsre_replay::history(&store, &stream).await?;
            events.retain(|event| event.position > since && wanted(asked, event));
            events
        }
    };
    store.close().await;
    if json {
        output::json(&serde_json::json!({ "events": events }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut chapter = "";
    for event in &events {
        let stream_type = if DATASET_EVENTS.iter().any(|(name, _)| *name == event.event_type) {
            dataset::Dataset::TYPE
        } else {
            Experiment::TYPE
        };
        let decoded = AnyEvent::decode(stream_type, &event.event_type, event.version, event.payload.clone())?;
        let now = chapter_of(&decoded).unwrap_or(chapter);
        if now != chapter {
            output::say(format!("\n── {now} ──"));
            chapter = now;
        }
        tell(event, &decoded);
    }
    if events.is_empty() {
        output::say("No event is like that.");
    }
    Ok(ExitCode::SUCCESS)
}

const DATASET_EVENTS: &[(&str, u32)] = dataset::Event::VERSIONS;

fn wanted(asked: &History, event: &HistoryEvent) -> bool {
    asked.event_type.as_ref().is_none_or(|wanted| *wanted == event.event_type)
        && asked.actor.as_ref().is_none_or(|wanted| *wanted == event.actor)
        && asked.trial.is_none_or(|wanted| event.payload.get("trial").is_some_and(|trial| *trial == wanted))
}

/// The part of the story that an event begins or goes on with; telemetry and the like belong to whatever is told.
const fn chapter_of(event: &AnyEvent) -> Option<&'static str> {
    use dataset::Event as D;
    match event {
        AnyEvent::Dataset(D::GraphDiscovered(_)) => Some("causal map"),
        AnyEvent::Dataset(D::DatasetErased(_)) => Some("the erasure"),
        AnyEvent::Dataset(_) => Some("diagnosis"),
        AnyEvent::Experiment(event) => match event {
            E::ExperimentOpened(_) => Some("the question"),
            E::ExperimentForked(_) => Some("the fork"),
            E::DiagnosisRequested(_) => Some("diagnosis"),
            E::CausalMapRequested(_) => Some("causal map"),
            E::PlanRequested(_) | E::PlanProposed(_) | E::PlanApproved(_) | E::PlanRejected(_) => Some("plan"),
            E::TrialLeased(_) | E::TrialStarted(_) | E::TrialCompleted(_) | E::TrialFailed(_) => Some("trials"),
            E::EnsembleBuilt(_) => Some("ensemble"),
            E::ReportPublished(_) => Some("report"),
            E::InputErased(_) => Some("the erasure"),
            E::ExperimentCompleted(_) | E::ExperimentFailed(_) | E::ExperimentCancelled(_) => Some("the end"),
            _ => None,
        },
        AnyEvent::Node(_) => None,
    }
}

fn tell(event: &HistoryEvent, decoded: &AnyEvent) {
    let lines = lines(decoded);
    if lines.is_empty() {
        return;
    }
    let because = event.causation.map_or_else(String::new, |cause| format!(" ← {cause}"));
    let time = event.recorded_at.get(11..23).unwrap_or(&event.recorded_at);
    output::say(format!("{:>6}  {time}  {:<18} {}{because}", event.position, event.actor, event.event_type));
    for line in lines {
        output::say(format!("{:>38}{line}", ""));
    }
}

/// What an event says, in words; telemetry says nothing here.
fn lines(event: &AnyEvent) -> Vec<String> {
    match event {
        AnyEvent::Dataset(event) => dataset_lines(event),
        AnyEvent::Experiment(event) => experiment_lines(event),
        AnyEvent::Node(_) => Vec::new(),
    }
}

fn dataset_lines(event: &dataset::Event) -> Vec<String> {
    use dataset::Event as D;
    match event {
        D::DatasetRegistered(e) => {
            vec![format!("{} version {}: {} rows from {}", e.name, e.version, e.rows, e.source.file_name)]
        }
        D::DatasetProfiled(e) => e.findings.clone(),
        D::AnomalyRulesDerived(e) => e
            .rules
            .iter()
            .map(|r| {
                format!("{} {}: {}; {}", if r.accepted { "+" } else { "–" }, r.rule.column, r.rule.reason, r.verdict)
            })
            .collect(),
        D::DatasetCleaned(e) => {
            let total: u64 = e.summary.changes.values().sum();
            let mut lines = vec![format!("{total} cells changed; clean table {}", e.clean_table)];
            lines.extend(e.summary.notes.clone());
            lines
        }
        D::GraphDiscovered(e) => {
            let mut lines = e.reasons.clone();
            lines.push(e.interpretation.clone());
            lines
        }
        D::DatasetErased(e) => {
            let mut lines = vec![
                format!("why: {}", e.why),
                format!(
                    "{} versions, {} keys destroyed, {} artifacts gone",
                    e.versions.len(),
                    e.key_ids.len(),
                    e.artifacts.len()
                ),
            ];
            if !e.unencrypted.is_empty() {
                lines.push(format!("{} artifacts were stored in the clear and stay readable", e.unencrypted.len()));
            }
            lines
        }
    }
}

fn experiment_lines(event: &E) -> Vec<String> {
    match event {
        E::ExperimentOpened(e) => vec![format!(
            "{} of {} steps of {} in {} version {}; budget {} s; seed {}",
            e.objective.name(),
            e.horizon,
            e.target,
            e.dataset.name,
            e.dataset.version,
            e.budget.wall_ms / 1000,
            e.seed.0
        )],
        E::ExperimentForked(e) => {
            let mut lines = vec![format!("from {} after its event {}: {}", e.parent, e.at_sequence, e.reason)];
            lines.extend(e.overrides.iter().map(|(key, value)| format!("set {key} = {value}")));
            lines
        }
        E::DiagnosisRequested(_) => vec!["what do the data look like?".to_owned()],
        E::CausalMapRequested(_) => vec!["what drives the target?".to_owned()],
        E::PlanRequested(_) => vec!["which models, on what evidence?".to_owned()],
        E::PlanProposed(e) => {
            let graph = e.graph.map_or_else(|| "no causal graph".to_owned(), |graph| format!("causal graph {graph}"));
            let mut lines = vec![
                format!("knew: profile {}, clean data {}, {graph}", short(&e.profile), short(&e.panel)),
                format!("hypothesis: {}", e.plan.hypothesis),
            ];
            lines.extend(
                e.plan.reasoning.iter().map(|s| format!("{}; {} → {}", s.observation, s.inference, s.decision)),
            );
            lines.extend(e.plan.trials.iter().map(|t| format!("trial {}: {}", t.spec.model, t.reason)));
            lines
        }
        E::PlanApproved(e) => vec![format!("by {}", e.by)],
        E::PlanRejected(e) => vec![format!("by {}: {}", e.by, e.reason)],
        E::TrialQueued(e) => vec![format!("trial {} {}: {}", e.trial, e.spec.model, e.reason)],
        E::TrialLeased(e) => vec![format!("trial {} attempt {} under epoch {}", e.trial, e.attempt, e.epoch)],
        E::TrialStarted(e) => {
            vec![format!("trial {} attempt {} as process {}, seed {}", e.trial, e.attempt, e.pid, e.seed.0)]
        }
        E::ResourceSampled(_) => Vec::new(),
        E::TrialCompleted(e) => {
            let scores: Vec<String> = e
                .scores
                .iter()
                .map(|s| format!("{} {} {:.4}", s.split.name(), s.metric.name(), s.value.get()))
                .collect();
            vec![format!(
                "trial {} in {:.1} s, {} MiB, {:.1} J: {}",
                e.trial,
                e.usage.wall_ms as f64 / 1000.0,
                e.usage.peak_rss_bytes >> 20,
                e.usage.energy_mj as f64 / 1000.0,
                scores.join(", ")
            )]
        }
        E::TrialFailed(e) => {
            vec![format!("trial {} attempt {} ({}): {}", e.trial, e.attempt, e.failure.kind.name(), e.failure.message)]
        }
        E::TrialRetried(e) => vec![format!("trial {}: {} → {}", e.trial, e.diagnosis, e.changes.join(", "))],
        E::TrialAbandoned(e) => vec![format!("trial {}: {}", e.trial, e.reason)],
        E::EnsembleBuilt(e) => e.members.iter().map(|m| format!("{:.2} × trial {}", m.weight.get(), m.trial)).collect(),
        E::ReportPublished(e) => vec![format!("log at {}, hash {}", e.anchor_position, e.anchor_log_hash)],
        E::ExperimentCompleted(e) => vec![format!("the best is trial {}", e.best)],
        E::ExperimentFailed(e) => vec![e.reason.clone()],
        E::ExperimentCancelled(e) => vec![e.reason.clone()],
        E::CompletionRequested(e) => vec![format!("{} at {}, attempt {}", e.model, e.provider, e.attempt)],
        E::CompletionReceived(e) if e.problems.is_empty() => vec!["usable".to_owned()],
        E::CompletionReceived(e) => e.problems.clone(),
        E::CompletionFailed(e) => vec![format!("{}: {}", e.kind, e.message)],
        E::QuestionAsked(e) => vec![e.text.clone()],
        E::QuestionAnswered(e) => vec![e.answer.clone()],
        E::StageFailed(e) => vec![format!("{} after {} attempts: {}", e.stage.name(), e.attempts, e.message)],
        E::FallbackTaken(e) => vec![format!("{} in place of {}: {}", e.to, e.from, e.reason)],
        E::InputErased(e) => vec![format!(
            "its data were erased at {} ({}): {} artifacts are gone; decisions, scores and costs stay",
            e.erased_at_position,
            e.why,
            e.artifacts.len()
        )],
    }
}

/// The beginning of a digest, enough to tell it from others; `atsre history --json` has it whole.
fn short(digest: &atsre_domain::Digest) -> &str {
    digest.0.get(..12).unwrap_or(&digest.0)
}
