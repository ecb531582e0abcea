//! The Planner: reasons its way to a plan, and decides on failed trials.

use async_trait::async_trait;
use atsre_domain::experiment::{
    Command, ExperimentOpened, FallbackTaken, PlanProposed, Stage, TrialRetried, TrialState,
};
use atsre_domain::identity::Attempt;
use atsre_domain::plan::ReasonerKind;
use atsre_domain::policy::healing::{self, Healing};
use atsre_domain::policy::planning::{Planning, PlanningInputs};
use atsre_domain::policy::reasoner::Context;
use atsre_domain::process::{Agent, WorkKind};
use atsre_domain::profile::Profile;
use atsre_store::WorkItem;

use crate::agent::{self, Role};
use crate::completion::{self, Agreed, ConverseError, RigModel};
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
    let version = services.version(&experiment, &opened).await?;
    let missing = |what: &str| AgentError::Missing(format!("{what} of {} is not there yet", opened.dataset.name));
    let profiled = version.profiled.clone().ok_or_else(|| missing("the profile"))?;
    let cleaned = version.cleaned.clone().ok_or_else(|| missing("the clean table"))?;
    let profile: Profile = serde_json::from_slice(&services.store.artifacts().get(&profiled.profile.digest).await?)?;
    let panel = services.panel(&version).await?;
    let history = history::similar_trials(&services.store, &opened.dataset.name, &profile).await?;
    let remaining_ms = services.remaining_ms(&opened).await?;
    let mut inputs = PlanningInputs { remaining_ms, judged_with_ms: None, history };
    let catalogue = atsre_forecast::catalogue::catalogue();
    let planning = Planning::new(&experiment, &opened, &version, &profile, panel.covariates, catalogue, &inputs);
    let graph = match planning.graph() {
        Some(graph) => services.store.graph_position(&opened.dataset.stream, &graph.node_link.digest).await?,
        None => None,
    };
    let agreed = converse(services, item, &opened, &planning.context()).await?;
    let (plan, reasoner) = match agreed {
        Some(agreed) => {
            let mut plan = agreed.plan;
            plan.keep_settings(&opened.settings);
            inputs.judged_with_ms = Some(agreed.judged_with_ms);
            (plan, ReasonerKind::Llm)
        }
        None => (planning.by_rules(), ReasonerKind::Rules),
    };
    // What no earlier event says, the plan's own record says: without it nobody could make the plan again.
    let artifacts = services.store.artifacts();
    let inputs = artifacts.put_for(&opened.dataset.stream, &serde_json::to_vec(&inputs)?, "application/json").await?;
    let proposed = PlanProposed {
        plan,
        reasoner,
        profile: profiled.profile.digest,
        panel: cleaned.panel_digest,
        graph,
        inputs: Some(inputs),
    };
    services.command(Agent::Planner, &item.stream, item.position, Command::ProposePlan(Box::new(proposed))).await
}

/// The language model's plan where one is asked for; none where the rules are, or where it gives no usable plan.
async fn converse(
    services: &Services,
    item: &WorkItem,
    opened: &ExperimentOpened,
    context: &Context<'_>,
) -> Result<Option<Agreed>, AgentError> {
    if opened.reasoner == ReasonerKind::Rules {
        return Ok(None);
    }
    let reason = match &services.settings.language_model {
        None => "no language model is configured".to_owned(),
        Some(config) => match RigModel::connect(config) {
            Err(error) => error.to_string(),
            Ok(model) => {
                let recorder = Transcript::begin(services, item).await?;
                match completion::converse(&model, context, &recorder).await {
                    Ok(agreed) => return Ok(Some(agreed)),
                    Err(ConverseError::Recorder(error)) => return Err(error),
                    Err(ConverseError::GaveUp { problems }) => problems.join("; "),
                }
            }
        },
    };
    let fallback =
        FallbackTaken { stage: Stage::Planning, from: "language model".to_owned(), to: "rules".to_owned(), reason };
    services.command(Agent::Planner, &item.stream, item.position, Command::TakeFallback(Box::new(fallback))).await?;
    Ok(None)
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
