//! The orchestrator: looks at an experiment and takes its next step.

use std::time::Duration;

use async_trait::async_trait;
use atsre_domain::experiment::{Command, Stage, StageFailed};
use atsre_domain::identity::StreamId;
use atsre_domain::process::{Agent, Intent, WorkKind, orchestrator};
use atsre_store::{NewWork, WorkItem};

use crate::agent::Role;
use crate::error::AgentError;
use crate::services::Services;

/// Steps taken in one go: each is re-decided on what the one before it changed.
const MOST_STEPS: usize = 16;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orchestrator;

#[async_trait]
impl Role for Orchestrator {
    fn agent(&self) -> Agent {
        Agent::Orchestrator
    }

    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        for stream in concerned(services, item).await? {
            advance(services, item, &stream).await?;
        }
        Ok(())
    }

    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError> {
        for stream in concerned(services, item).await? {
            let reason = format!("its next step could not be taken: {message}");
            services.command(Agent::Orchestrator, &stream, item.position, Command::Fail { reason }).await?;
        }
        Ok(())
    }
}

/// The experiments that a piece of work concerns: the stream itself, or all that are open on a data set.
async fn concerned(services: &Services, item: &WorkItem) -> Result<Vec<StreamId>, AgentError> {
    if services.store.is_dataset(&item.stream).await? {
        let mut experiments = services.store.experiments_on(&item.stream).await?;
        let imported = services.store.imported(&experiments).await?;
        experiments.retain(|experiment| !imported.contains(experiment));
        Ok(experiments)
    } else {
        Ok(vec![item.stream.clone()])
    }
}

async fn advance(services: &Services, item: &WorkItem, stream: &StreamId) -> Result<(), AgentError> {
    for steps in 0..MOST_STEPS {
        let (experiment, opened) = services.experiment(stream).await?;
        if !experiment.is_open() {
            return Ok(());
        }
        let dataset = services.store.load::<atsre_domain::dataset::Dataset>(&opened.dataset.stream).await?.state;
        let now = services.active_now(&opened).await?;
        let mut intents = orchestrator::next(&experiment, dataset.version(opened.dataset.version), now);
        if experiment.forked.is_some() && steps == 0 {
            intents.splice(0..0, orchestrator::timers(&opened));
        }
        let mut changed = false;
        for intent in intents {
            match intent {
                Intent::Command(command) => {
                    let ends =
                        matches!(*command, Command::Fail { .. } | Command::Cancel { .. } | Command::Complete { .. });
                    services.command(Agent::Orchestrator, stream, item.position, *command).await?;
                    changed = true;
                    if ends {
                        return Ok(());
                    }
                }
                Intent::Effect(kind) => hand_out(services, stream, kind, 0, Duration::ZERO).await?,
                Intent::Timer(at) => {
                    // The time tells one timer from another, and the same timer from itself.
                    let ordinal = u32::try_from(at.millis_since(opened.opened_at) / 1000).unwrap_or(u32::MAX);
                    let delay = Duration::from_millis(at.millis_since(now));
                    hand_out(services, stream, WorkKind::Advance, ordinal, delay).await?;
                }
            }
        }
        if !changed {
            return Ok(());
        }
    }
    Err(AgentError::Missing(format!("experiment {stream} does not come to rest after {MOST_STEPS} steps")))
}

/// Hands out work that answers no single event: its id is that of the experiment, so that it is handed out once.
async fn hand_out(
    services: &Services,
    stream: &StreamId,
    kind: WorkKind,
    ordinal: u32,
    delay: Duration,
) -> Result<(), AgentError> {
    let missing = || AgentError::Missing(format!("experiment {stream} is not in the log"));
    let opened_at = services.store.log().summary("experiment", stream).await?.ok_or_else(missing)?.created_at;
    let work = NewWork::new(opened_at, ordinal, kind.name(), stream, serde_json::json!({}));
    let work = NewWork { delay, max_attempts: crate::agent::MAXIMUM_ATTEMPTS, ..work };
    services.store.work().enqueue(&[work]).await?;
    Ok(())
}

/// Sets a stage aside: the orchestrator then takes its fallback.
pub(crate) async fn fail_stage(
    services: &Services,
    agent: Agent,
    item: &WorkItem,
    stage: Stage,
    message: &str,
) -> Result<(), AgentError> {
    let failed = StageFailed { stage, message: message.to_owned(), attempts: item.attempt };
    services.command(agent, &item.stream, item.position, Command::FailStage(Box::new(failed))).await
}
