//! What every agent does: follow the log from its own checkpoint, turn events into work, take work under a lease,
//! do it, issue commands.
//!
//! Agents speak only through events, so each can be replaced, restarted or run on another machine. Doing a piece
//! of work twice is harmless: its commands decide on nothing the second time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atsre_domain::identity::{Attempt, TrialNumber};
use atsre_domain::process::{Agent, WorkKind, subscription};
use atsre_domain::{Position, Recorded, StreamId};
use atsre_store::{Error, NewWork, StoredEvent, WorkItem};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::error::AgentError;
use crate::services::Services;

/// Events read at once.
const BATCH: usize = 500;
/// Attempts at a piece of work before it is set aside.
pub const MAXIMUM_ATTEMPTS: u32 = 3;
/// How long a lease holds without a sign of life.
const LEASE: Duration = Duration::from_secs(15);

/// What makes an agent this agent.
#[async_trait]
pub trait Role: Send + Sync + 'static {
    /// Which agent.
    fn agent(&self) -> Agent;

    /// How many pieces of work it does at the same time.
    fn concurrency(&self) -> usize {
        1
    }

    /// Does a piece of work.
    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError>;

    /// The work failed again and again: set the stage aside, so that the orchestrator takes its fallback.
    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError>;
}

/// Runs an agent until it is told to stop. An error or a panic ends it; the guardian builds it anew.
///
/// # Errors
/// When the store cannot be reached, or an event cannot be read.
pub async fn run(
    services: Arc<Services>,
    role: Arc<dyn Role>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), AgentError> {
    let agent = role.agent();
    let owner = services.owner(agent);
    let kinds: Vec<&str> = WorkKind::ALL.iter().filter(|k| k.agent() == agent).map(|k| k.name()).collect();
    let work = services.store.work();
    let mut due = services.store.work();
    // What this agent held when it crashed is free again at once; nobody else holds leases under this name.
    work.release(&owner).await?;
    let checkpoint = services.store.checkpoints().position(&checkpoint_name(agent), 1).await?;
    let mut follower = services.store.log().follow(checkpoint);
    let mut running = FuturesUnordered::new();
    while !*stop.borrow() {
        for item in work.dead(&kinds).await? {
            set_aside(&services, role.as_ref(), &item).await?;
        }
        let free = u32::try_from(role.concurrency() - running.len()).unwrap_or(0);
        if free > 0 {
            for item in work.claim(&owner, &kinds, free, LEASE).await? {
                running.push(perform(Arc::clone(&services), Arc::clone(&role), item));
            }
        }
        let from = follower.position();
        tokio::select! {
            changed = stop.changed() => if changed.is_err() { break },
            Some(outcome) = running.next() => outcome?,
            events = follower.next(BATCH) => match answer(&services, agent, from, &events?).await {
                Ok(()) => {}
                // Another node runs the same agent and was first; the work it handed out is the same.
                Err(AgentError::Store(Error::CheckpointMoved { .. })) => {
                    let moved = services.store.checkpoints().position(&checkpoint_name(agent), 1).await?;
                    follower = services.store.log().follow(moved);
                }
                Err(error) => return Err(error),
            },
            () = due.wait() => {}
        }
    }
    drop(running);
    work.release(&owner).await?;
    Ok(())
}

fn checkpoint_name(agent: Agent) -> String {
    format!("agent:{}", agent.name())
}

/// Turns events into work; the work and the checkpoint are stored together.
async fn answer(services: &Services, agent: Agent, from: Position, events: &[StoredEvent]) -> Result<(), AgentError> {
    let Some(last) = events.last() else { return Ok(()) };
    let mut items = Vec::new();
    for stored in events {
        let recorded = Recorded {
            position: stored.position,
            stream: stored.stream.clone(),
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            event: stored.decode()?,
        };
        for (ordinal, work) in (0..).zip(subscription::react(agent, &recorded)) {
            let payload = serde_json::json!({ "trial": work.trial });
            let new = NewWork::new(recorded.position, ordinal, work.kind.name(), &work.stream, payload);
            items.push(NewWork { max_attempts: MAXIMUM_ATTEMPTS, ..new });
        }
    }
    // What a bundle brought is history: nobody here goes on with it.
    let streams: Vec<StreamId> = items.iter().map(|item| item.stream.clone()).collect();
    let imported = if streams.is_empty() { BTreeSet::new() } else { services.store.imported(&streams).await? };
    items.retain(|item| !imported.contains(&item.stream));
    Ok(services.store.checkpoints().advance(&checkpoint_name(agent), 1, from, last.position, &items).await?)
}

async fn perform(services: Arc<Services>, role: Arc<dyn Role>, item: WorkItem) -> Result<(), AgentError> {
    let work = services.store.work();
    fault(role.agent());
    let doing = role.perform(&services, &item);
    tokio::pin!(doing);
    let mut beat = tokio::time::interval(LEASE / 3);
    beat.tick().await;
    let outcome = loop {
        tokio::select! {
            outcome = &mut doing => break outcome,
            _ = beat.tick() => match work.heartbeat(&item, LEASE).await {
                Ok(()) => {}
                Err(Error::LeaseLost { .. }) => {
                    tracing::warn!(kind = item.kind, stream = %item.stream, "the lease was lost; the work is dropped");
                    return Ok(());
                }
                Err(error @ Error::Unavailable(_)) => tracing::warn!(%error, "a heartbeat did not reach the store"),
                Err(error) => return Err(error.into()),
            },
        }
    };
    let ended = match outcome {
        Ok(()) => work.complete(&item).await,
        Err(error) => {
            let told = error.told();
            tracing::warn!(kind = item.kind, stream = %item.stream, attempt = item.attempt, error = told, "work failed");
            if error.is_hopeless() {
                work.give_up(&item, &told).await
            } else {
                work.fail(&item, &told, rand::random()).await.map(|_| ())
            }
        }
    };
    match ended {
        Err(Error::LeaseLost { .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Panics once where a test asks for it with `ATSRE_AGENT_FAULT=PATH:AGENT`; PATH marks that it has happened. The
/// guardian cannot tell this panic from another: that is the point.
fn fault(agent: Agent) {
    let Some(asked) = crate::environment("ATSRE_AGENT_FAULT").and_then(|asked| asked.into_string().ok()) else {
        return;
    };
    let Some((marker, wanted)) = asked.rsplit_once(':') else { return };
    if wanted == agent.name() && std::fs::OpenOptions::new().write(true).create_new(true).open(marker).is_ok() {
        panic!("ATSRE_AGENT_FAULT asked for a panic of the {wanted}");
    }
}

/// The work was tried often enough: its stage is set aside, on record.
async fn set_aside(services: &Services, role: &dyn Role, item: &WorkItem) -> Result<(), AgentError> {
    let message = item.last_error.clone().unwrap_or_else(|| "nothing is known of why".to_owned());
    tracing::error!(kind = item.kind, stream = %item.stream, message, "work failed for good");
    match role.give_up(services, item, &message).await {
        Ok(()) => {}
        // The experiment has ended in the meantime: there is nothing left to set aside.
        Err(AgentError::Experiment(atsre_store::ExecuteError::Rejected(refused))) => {
            tracing::info!(stream = %item.stream, %refused, "the stage could not be set aside");
        }
        Err(error) => return Err(error),
    }
    Ok(services.store.work().acknowledge(item.id).await?)
}

/// What kind of work an item is.
#[must_use]
pub fn kind(item: &WorkItem) -> Option<WorkKind> {
    WorkKind::from_name(&item.kind)
}

/// The trial and the attempt that an item is about.
#[must_use]
pub fn trial(item: &WorkItem) -> Option<(TrialNumber, Attempt)> {
    let (trial, attempt): (u32, u32) = serde_json::from_value(item.payload.get("trial")?.clone()).ok()?;
    Some((TrialNumber(trial), Attempt(attempt)))
}
