//! The Causal Analyst: the graph, the target's drivers, and what they say in words.

use async_trait::async_trait;
use atsre_causal::discover::Algorithm;
use atsre_causal::{DiscoverOptions, discover};
use atsre_domain::dataset::{Command, GraphDiscovered};
use atsre_domain::experiment::Stage;
use atsre_domain::graph::{BackgroundKnowledge, DiscoverySettings};
use atsre_domain::panel::{CovariateKind, Panel};
use atsre_domain::process::Agent;
use atsre_store::WorkItem;

use crate::agent::Role;
use crate::error::AgentError;
use crate::orchestrator::fail_stage;
use crate::services::{Services, compute};

/// Bootstrap resamples behind each edge's confidence.
pub const BOOTSTRAP: u32 = 20;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct CausalAnalyst;

#[async_trait]
impl Role for CausalAnalyst {
    fn agent(&self) -> Agent {
        Agent::CausalAnalyst
    }

    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        let (experiment, opened) = services.experiment(&item.stream).await?;
        let version = services.version(&experiment, &opened).await?;
        let settings = &experiment.constraints.discovery;
        if !experiment.causal_map_requested || version.graph_for(&opened.target, settings).is_some() {
            return Ok(());
        }
        let panel = services.panel(&version).await?;
        let seasons = version.profiled.map_or_else(Vec::new, |p| p.seasonal_periods.iter().map(|s| s.period).collect());
        let options = DiscoverOptions {
            algorithm: settings.algorithm.as_deref().and_then(Algorithm::from_key),
            alpha: settings.significance_level.get(),
            target: Some(opened.target.clone()),
            bootstrap: BOOTSTRAP,
            seed: opened.seed.0,
            season_lengths: Some(seasons),
            knowledge: BackgroundKnowledge {
                required: settings.required.clone(),
                forbidden: settings.forbidden.clone(),
                ..knowledge(&panel)
            },
            ..DiscoverOptions::default()
        };
        let found = compute(move || discover(&panel, &options)).await?;
        let node_link = serde_json::to_vec(&atsre_causal::node_link::to_value(&found.graph, serde_json::Map::new()))?;
        let node_link = services.store.artifacts().put(&node_link, "application/json").await?;
        let graph = GraphDiscovered {
            version: opened.dataset.version,
            target: opened.target.clone(),
            algorithm: found.algorithm,
            reasons: found.reasons,
            significance_level: found.significance_level,
            knowledge: found.knowledge,
            graph: found.graph,
            node_link,
            drivers: found.drivers,
            interpretation: found.interpretation,
            settings: (*settings != DiscoverySettings::default()).then(|| settings.clone()),
        };
        let (dataset, command) = (&opened.dataset.stream, Command::RecordGraph(Box::new(graph)));
        services.dataset_command(Agent::CausalAnalyst, dataset, &item.stream, item.position, command).await
    }

    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError> {
        fail_stage(services, Agent::CausalAnalyst, item, Stage::CausalMap, message).await
    }
}

/// What is known before any data: a column whose future is known (a calendar, a price list, a weather forecast) is not
/// caused by the target, nor by columns whose future is not known.
fn knowledge(panel: &Panel) -> BackgroundKnowledge {
    let known: Vec<String> =
        panel.covariates.iter().filter(|c| c.kind == CovariateKind::Known).map(|c| c.name.clone()).collect();
    if known.is_empty() {
        return BackgroundKnowledge::default();
    }
    let others = panel.covariates.iter().filter(|c| c.kind == CovariateKind::Past).map(|c| c.name.clone());
    let later = others.chain(std::iter::once(panel.target.clone())).collect();
    BackgroundKnowledge { tiers: vec![known, later], ..BackgroundKnowledge::default() }
}

#[cfg(test)]
mod tests {
    use atsre_domain::graph::{ALGORITHMS, AUTOMATIC};

    use super::*;

    #[test]
    fn every_algorithm_that_an_experiment_can_ask_for_is_there() {
        for name in ALGORITHMS {
            assert_eq!(Algorithm::from_key(name).is_none(), name == AUTOMATIC, "{name}");
        }
    }
}
