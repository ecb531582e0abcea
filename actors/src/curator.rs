//! The Curator: profile, anomaly rules, cleaning.

use async_trait::async_trait;
use atsre_curation::cleaning::{self, Cleaned, Regularised};
use atsre_curation::ingest::replace_sentinels;
use atsre_curation::{profile, rules};
use atsre_domain::StreamId;
use atsre_domain::artifact::ArtifactRef;
use atsre_domain::cleaning::{CellChange, CleaningSettings};
use atsre_domain::dataset::{AnomalyRulesDerived, Command, DatasetCleaned, DatasetProfiled, DatasetRegistered};
use atsre_domain::experiment::{ExperimentOpened, Stage};
use atsre_domain::process::Agent;
use atsre_domain::profile::Profile;
use atsre_domain::rule::TestedRule;
use atsre_domain::table::Table;
use atsre_store::WorkItem;

use crate::agent::Role;
use crate::error::AgentError;
use crate::orchestrator::fail_stage;
use crate::services::{Services, compute};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Curator;

#[async_trait]
impl Role for Curator {
    fn agent(&self) -> Agent {
        Agent::Curator
    }

    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        let (experiment, opened) = services.experiment(&item.stream).await?;
        let version = services.version(&experiment, &opened).await?;
        if !experiment.diagnosis_requested || version.cleaned.is_some() {
            return Ok(());
        }
        let registered = version.registered;
        let settings = experiment.constraints.discovery.cleaning.clone();
        let table = services.store.data().read_raw(&registered.raw_table).await?;
        let target = opened.target.clone();
        let curated = {
            let (registered, settings) = (registered.clone(), settings.clone());
            compute(move || curate(&table, &registered, &target, &settings)).await?
        };
        record(services, item, &opened, &registered, curated, settings).await
    }

    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError> {
        fail_stage(services, Agent::Curator, item, Stage::Diagnosis, message).await
    }
}

/// Everything that curation finds and makes.
#[derive(Clone, Debug)]
pub struct Curated {
    /// Profile *Q*.
    pub profile: Profile,
    /// The anomaly rules with their tests.
    pub rules: Vec<TestedRule>,
    /// The clean panel with its summary.
    pub cleaned: Cleaned,
    /// Every changed cell, from the raw table to the clean panel.
    pub changes: Vec<CellChange>,
}

/// Curates a raw table: a regular axis, the profile, rules, cleaning by those that `settings` keeps. Pure.
///
/// # Errors
/// When the table cannot be put on a regular axis.
pub fn curate(
    table: &Table,
    registered: &DatasetRegistered,
    target: &str,
    settings: &CleaningSettings,
) -> Result<Curated, AgentError> {
    let sentinels: Vec<(&str, f64)> = registered.sentinels.iter().map(|s| (s.column.as_str(), s.value.get())).collect();
    let (table, made_missing) = replace_sentinels(table, &sentinels);
    let Regularised { panel, changes: mut moved, notes } =
        cleaning::regularise(&table, registered.frequency, target, &registered.known)?;
    moved.splice(0..0, made_missing);
    let profile = profile::profile(&panel);
    let periods: Vec<u32> = profile.seasonal_periods.iter().map(|s| s.period).collect();
    let derived = rules::derive(&panel, &periods, &rules::hints_from_names(&panel));
    let rules: Vec<TestedRule> = derived.iter().map(|rule| rules::test_rule(&panel, rule)).collect();
    let mut cleaned = cleaning::clean(&panel, &kept(&rules, settings), profile.season_length());
    let changes = cleaning::combine(&moved, &cleaned.changes);
    let notes = notes.into_iter().chain(std::mem::take(&mut cleaned.summary.notes)).collect();
    cleaned.summary = cleaning::summarise(&changes, cleaned.summary.rows, notes);
    Ok(Curated { profile, rules, cleaned, changes })
}

/// The rules as cleaning keeps to them.
fn kept(rules: &[TestedRule], settings: &CleaningSettings) -> Vec<TestedRule> {
    let numbered = (1_u32..).zip(rules);
    numbered.map(|(n, rule)| TestedRule { accepted: settings.keeps(n, rule.accepted), ..rule.clone() }).collect()
}

async fn record(
    services: &Services,
    item: &WorkItem,
    opened: &ExperimentOpened,
    registered: &DatasetRegistered,
    curated: Curated,
    settings: CleaningSettings,
) -> Result<(), AgentError> {
    let (store, version, dataset) = (&services.store, registered.version, &opened.dataset.stream);
    let Curated { profile, rules, cleaned, changes } = curated;
    let artifacts = store.artifacts();
    let profile_artifact = artifacts.put_for(dataset, &serde_json::to_vec(&profile)?, "application/json").await?;
    let changes_artifact = artifacts.put_for(dataset, &serde_json::to_vec(&changes)?, "application/json").await?;
    let panel: ArtifactRef =
        artifacts.put_for(dataset, &rmp_serde::to_vec_named(&cleaned.panel)?, "application/vnd.msgpack").await?;
    let settings = (!settings.is_default()).then_some(settings);
    // A cleaning of its own has a table of its own, beside the data set's.
    let owner = match &settings {
        None => dataset.clone(),
        Some(settings) => StreamId(format!("{dataset} {}", serde_json::to_string(settings)?)),
    };
    let clean_table = store.data().write_clean(&owner, version, &cleaned.panel).await?;
    let profiled = DatasetProfiled {
        version,
        profile: profile_artifact,
        series_count: profile.series_count,
        observations: profile.observations,
        length_min: profile.length_min,
        length_max: profile.length_max,
        seasonal_periods: profile.seasonal_periods.clone(),
        trend_strength: profile.trend_strength,
        missing_share: profile.missing_share,
        non_negative: profile.non_negative,
        findings: profile.findings.clone(),
    };
    let recorded = DatasetCleaned {
        version,
        clean_table,
        panel_digest: panel.digest,
        changes: changes_artifact,
        summary: cleaned.summary,
        settings,
    };
    let commands = [
        Command::RecordProfile(Box::new(profiled)),
        Command::RecordRules(Box::new(AnomalyRulesDerived { version, rules })),
        Command::RecordCleaning(Box::new(recorded)),
    ];
    for command in commands {
        services.dataset_command(Agent::Curator, dataset, &item.stream, item.position, command).await?;
    }
    Ok(())
}
