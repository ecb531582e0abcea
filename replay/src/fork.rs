//! Forks an experiment at a past event.

use atsre_domain::experiment::{self, Command, Experiment, ExperimentForked, Override};
use atsre_domain::identity::{Seed, Timestamp};
use atsre_domain::{Decider as _, Digest, Position, Sequence, StreamId};
use atsre_store::{Envelope, ExecuteError, Store, StoredEvent, hash};

/// After every event that there is.
const LATEST: Position = Position(i64::MAX as u64);

/// What a fork is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkRequest {
    /// The experiment to leave.
    pub parent: StreamId,
    /// The last position of the log that the two share.
    pub at: Position,
    /// Why.
    pub reason: String,
    /// What is set differently, as keys and values (see [`Override`]).
    pub overrides: Vec<(String, String)>,
    /// The seed where no override sets it.
    pub seed: Seed,
    /// The clock.
    pub now: Timestamp,
}

/// A fork that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forked {
    /// Its stream.
    pub child: StreamId,
    /// The number that people know it by: the position of its first own event.
    pub experiment_id: Position,
    /// The last sequence that it shares with its parent.
    pub at_sequence: Sequence,
    /// The position of that event.
    pub at_position: Position,
}

/// Why an experiment cannot be forked in this way.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// The experiment began later.
    #[error("experiment {parent} has no event up to position {at}; its first is at {first}")]
    TooEarly {
        /// The experiment's stream.
        parent: StreamId,
        /// The position asked for.
        at: Position,
        /// Its first event.
        first: Position,
    },
    /// Something cannot be set any more at this point.
    #[error("{source} at position {at}{}", latest_text(.latest))]
    Settled {
        /// The position asked for.
        at: Position,
        /// The last position at which everything asked for can be set; none where there never was one.
        latest: Option<Position>,
        /// What has settled it.
        source: experiment::Error,
    },
    /// A setting that makes no sense, or a refusal by the experiment.
    #[error(transparent)]
    Refused(#[from] experiment::Error),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] atsre_store::Error),
    /// The fork's stream kept changing: nobody else knows it, so this does not happen.
    #[error("the fork could not be recorded: {0}")]
    Conflict(String),
}

fn latest_text(latest: &Option<Position>) -> String {
    latest.map_or_else(
        || "; there was never a position at which it could be set".to_owned(),
        |position| format!("; it can be set up to position {position}"),
    )
}

/// Forks: the child shares every event of the parent up to a position, and its own first event says where it leaves
/// and what it sets differently. The parent is not touched.
///
/// # Errors
/// [`ForkError::Settled`] names the last position at which what is asked for can still be set; [`ForkError::Refused`] where
/// the parent's data were erased, whatever the position.
pub async fn fork(store: &Store, request: ForkRequest, envelope: &Envelope) -> Result<Forked, ForkError> {
    let overrides = parse(&request.overrides)?;
    let decisions = |at| store.log().read_decisions(Experiment::TYPE, &request.parent, at);
    ensure_input(&decisions(LATEST).await?)?;
    let Some(last) = store.log().last_of_stream(Experiment::TYPE, &request.parent, request.at).await? else {
        let first = store.log().read_stream(Experiment::TYPE, &request.parent).await?;
        let first = first.first().map_or(Position(0), |event| event.position);
        return Err(ForkError::TooEarly { parent: request.parent, at: request.at, first });
    };
    // Telemetry grows with the time that trials ran; what a fork is decided on does not.
    let events = decisions(request.at).await?;
    let prefix = fold(&events)?;
    if let Err(source) = settable(&prefix, &request.overrides, &overrides) {
        let latest = latest(&events, &request.overrides, &overrides)?;
        return Err(ForkError::Settled { at: last.position, latest, source });
    }
    // From here on nobody erases the data; what was erased since the look at the parent is seen.
    let _hold = match &prefix.opened {
        Some(opened) => Some(store.keep_dataset(&opened.dataset.stream).await?),
        None => None,
    };
    ensure_input(&decisions(LATEST).await?)?;
    let child = Store::new_stream();
    let point = store.fork(Experiment::TYPE, &request.parent, last.sequence, &child).await?;
    let seed = overrides.iter().find_map(|wanted| match wanted {
        Override::Seed(seed) => Some(Seed(*seed)),
        _ => None,
    });
    let parent_name = prefix.opened.as_ref().map(|opened| opened.name.clone()).unwrap_or_default();
    let forked = ExperimentForked {
        parent: request.parent,
        at_sequence: point.sequence.0,
        parent_hash: Digest(hash::hex(&point.hash)),
        reason: request.reason,
        name: Some(format!("{parent_name}/{}", &child.0[child.0.len().saturating_sub(6)..])),
        seed: seed.unwrap_or(request.seed),
        overrides: request.overrides,
        forked_at: request.now,
    };
    let (known, command) = ((prefix, point.sequence, point.hash), Command::Fork(Box::new(forked)));
    let appended = store.execute_on(&child, known, command, envelope).await.map_err(|error| match error {
        ExecuteError::Rejected(refused) => ForkError::Refused(refused),
        ExecuteError::Store(error) => ForkError::Store(error),
        conflict @ ExecuteError::Conflict { .. } => ForkError::Conflict(conflict.to_string()),
    })?;
    let experiment_id = appended.positions().first().copied().unwrap_or_default();
    Ok(Forked { child, experiment_id, at_sequence: point.sequence, at_position: point.position })
}

/// Refuses a parent whose data were erased, wherever the fork is to leave it.
fn ensure_input(events: &[StoredEvent]) -> Result<(), ForkError> {
    for event in events.iter().filter(|event| event.event_type == "InputErased") {
        let mut experiment = Experiment::default();
        experiment.evolve(&event.recorded::<experiment::Event>()?.event);
        experiment.ensure_input()?;
    }
    Ok(())
}

fn parse(pairs: &[(String, String)]) -> Result<Vec<Override>, experiment::Error> {
    pairs.iter().map(|(key, value)| Override::parse(key, value)).collect()
}

fn fold(events: &[StoredEvent]) -> Result<Experiment, atsre_store::Error> {
    let mut experiment = Experiment::default();
    for event in events {
        experiment.evolve(&event.recorded::<experiment::Event>()?.event);
    }
    Ok(experiment)
}

fn settable(prefix: &Experiment, pairs: &[(String, String)], overrides: &[Override]) -> Result<(), experiment::Error> {
    if !prefix.is_open() {
        return Err(experiment::Error::Ended { status: prefix.status() });
    }
    pairs.iter().zip(overrides).try_for_each(|((key, _), wanted)| prefix.settable(key, wanted))
}

/// The last position at which all of it can be set.
fn latest(
    events: &[StoredEvent],
    pairs: &[(String, String)],
    overrides: &[Override],
) -> Result<Option<Position>, atsre_store::Error> {
    let mut experiment = Experiment::default();
    let mut latest = None;
    for event in events {
        experiment.evolve(&event.recorded::<experiment::Event>()?.event);
        if settable(&experiment, pairs, overrides).is_ok() {
            latest = Some(event.position);
        }
    }
    Ok(latest)
}
