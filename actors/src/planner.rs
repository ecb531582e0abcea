//! The Planner: reasons its way to a plan, and decides on failed trials.

use async_trait::async_trait;
use atsre_domain::experiment::{
    Command, ExperimentOpened, FallbackTaken, PlanProposed, Stage, TrialRetried, TrialState,
};
use atsre_domain::identity::Attempt;
use atsre_domain::plan::{Plan, ReasonerKind};
use atsre_domain::policy::healing::{self, Healing};
use atsre_domain::policy::reasoner::{self, Context};
use atsre_domain::process::{Agent, WorkKind};
use atsre_domain::profile::Profile;
use atsre_store::WorkItem;

use crate::agent::{self, Role};
use crate::completion::{self, ConverseError, RigModel};
use crate::error::AgentError;
use crate::history;
use crate::orchestrator::fail_stage;
use crate::services::Services;
use crate::transcript::Transcript;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planner;

#[async_trait]
impl Role for Planner {
    fn agent(&self) -> Agent {
        Agent::Planner
    }

    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        match agent::kind(item) {
            Some(WorkKind::Heal) => heal(services, item).await,
            _ => plan(services, item).await,
        }
    }

    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError> {
        match (agent::kind(item), agent::trial(item)) {
            (Some(WorkKind::Heal), Some((trial, attempt))) => {
                let reason = format!("no decision on the failure could be made: {message}");
                let command = Command::AbandonTrial { trial, attempt, reason };
                services.command(Agent::Planner, &item.stream, item.position, command).await
            }
            _ => fail_stage(services, Agent::Planner, item, Stage::Planning, message).await,
        }
    }
}

async fn plan(services: &Services, item: &WorkItem) -> Result<(), AgentError> {
    let (experiment, opened) = services.experiment(&item.stream).await?;
    if !experiment.is_open() || !experiment.plan_requested || experiment.proposed.is_some() {
        return Ok(());
    }
    let version = services.version(&opened).await?;
    let missing = |what: &str| AgentError::Missing(format!("{what} of {} is not there yet", opened.dataset.name));
    let profiled = version.profiled.clone().ok_or_else(|| missing("the profile"))?;
    let cleaned = version.cleaned.clone().ok_or_else(|| missing("the clean table"))?;
    let profile: Profile = serde_json::from_slice(&services.store.artifacts().get(&profiled.profile.digest).await?)?;
    let panel = services.panel(&version).await?;
    let constraints = &experiment.constraints;
    let graph = version.graph_for(&opened.target, &constraints.discovery);
    let mut catalogue = atsre_forecast::catalogue::catalogue();
    catalogue.retain(|entry| constraints.allows_model(entry.name));
    let mut covariates = panel.covariates.clone();
    covariates.retain(|covariate| constraints.allows_covariate(&covariate.name));
    let history = history::similar_trials(&services.store, &opened.dataset.name, &profile).await?;
    let context = Context {
        dataset: &opened.dataset.name,
        horizon: opened.horizon,
        holdout: if opened.holdout { opened.horizon } else { 0 },
        budget: &opened.budget,
        remaining_ms: services.remaining_ms(&opened).await?,
        profile: &profile,
        covariates: &covariates,
        drivers: graph.map_or(&[][..], |g| &g.drivers),
        has_graph: graph.is_some(),
        catalogue: &catalogue,
        history: &history,
    };
    let (mut plan, reasoner) = reason(services, item, &opened, &context).await?;
    plan.keep_settings(&opened.settings);
    let graph = match graph {
        Some(graph) => services.store.graph_position(&opened.dataset.stream, &graph.node_link.digest).await?,
        None => None,
    };
    let proposed =
        PlanProposed { plan, reasoner, profile: profiled.profile.digest, panel: cleaned.panel_digest, graph };
    services.command(Agent::Planner, &item.stream, item.position, Command::ProposePlan(Box::new(proposed))).await
}

/// The language model where one is asked for, the rules otherwise and whenever it does not give a usable plan.
async fn reason(
    services: &Services,
    item: &WorkItem,
    opened: &ExperimentOpened,
    context: &Context<'_>,
) -> Result<(Plan, ReasonerKind), AgentError> {
    if opened.reasoner == ReasonerKind::Rules {
        return Ok((reasoner::plan(context), ReasonerKind::Rules));
    }
    let reason = match &services.settings.language_model {
        None => "no language model is configured".to_owned(),
        Some(config) => match RigModel::connect(config) {
            Err(error) => error.to_string(),
            Ok(model) => {
                let recorder = Transcript::begin(services, item).await?;
                match completion::converse(&model, context, &recorder).await {
                    Ok(plan) => return Ok((plan, ReasonerKind::Llm)),
                    Err(ConverseError::Recorder(error)) => return Err(error),
                    Err(ConverseError::GaveUp { problems }) => problems.join("; "),
                }
            }
        },
    };
    let fallback =
        FallbackTaken { stage: Stage::Planning, from: "language model".to_owned(), to: "rules".to_owned(), reason };
    services.command(Agent::Planner, &item.stream, item.position, Command::TakeFallback(Box::new(fallback))).await?;
    Ok((reasoner::plan(context), ReasonerKind::Rules))
}

async fn heal(services: &Services, item: &WorkItem) -> Result<(), AgentError> {
    let (experiment, opened) = services.experiment(&item.stream).await?;
    let Some((number, attempt)) = agent::trial(item) else { return Ok(()) };
    let Some(trial) = experiment.trials.get(&number) else { return Ok(()) };
    // In a fork a trial may have been queued anew in the meantime.
    if !experiment.is_open() || trial.attempt != attempt || trial.state != TrialState::Failed {
        return Ok(());
    }
    let command = match healing::heal(trial, services.remaining_ms(&opened).await?) {
        Healing::Retry { diagnosis, changes, spec, limits } => Command::RetryTrial(Box::new(TrialRetried {
            trial: number,
            attempt: Attempt(attempt.0 + 1),
            diagnosis,
            changes,
            spec,
            limits,
        })),
        Healing::Abandon { reason } => Command::AbandonTrial { trial: number, attempt, reason },
    };
    services.command(Agent::Planner, &item.stream, item.position, command).await
}
