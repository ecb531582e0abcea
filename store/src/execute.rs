//! Commands in, events out: the only way by which an event is appended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use atsre_domain::event::WireEvent;
use atsre_domain::{Decider, Position, Recorded, Sequence, StreamId, Timestamp};
use cqrs_es::persist::{EventStoreAggregateContext, PersistedEventStore};
use cqrs_es::{AggregateError, CqrsFramework, EventEnvelope, EventStore, Query};

use crate::cache::Folded;
use crate::hash::Hash;
use crate::repository::{LogRepository, recover};
use crate::stored_event::rfc3339;
use crate::wake::Waker;
use crate::{Adapted, Error, ExecuteError, Recordable, Result, Store, node_status};

/// How often a command is decided anew because someone else wrote to its stream first.
const ATTEMPTS: u32 = 10;

/// What is known about a command besides what it asks for: evidence, stored with each of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who asks: an agent, a person or a policy.
    pub actor: String,
    /// What it belongs to, over all streams.
    pub correlation: String,
    /// The position of the event that it answers, if it answers one.
    pub causation: Option<Position>,
    /// The build that asks.
    pub build: String,
    /// When it was asked.
    pub occurred_at: Timestamp,
}

impl Envelope {
    /// As cqrs-es carries it. The event's own id is added when it is stored.
    fn metadata(&self) -> HashMap<String, String> {
        let fields = [
            ("actor", Some(self.actor.clone())),
            ("correlation_id", Some(self.correlation.clone())),
            ("causation_id", self.causation.map(|position| position.to_string())),
            ("build", Some(self.build.clone())),
            ("occurred_at", Some(rfc3339(self.occurred_at))),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// What a command brought about.
#[derive(Clone, Debug)]
pub struct Appended<D: Decider> {
    /// The aggregate afterwards.
    pub state: D,
    /// The stream's last sequence afterwards.
    pub sequence: Sequence,
    /// The events, in order; none when the command had been obeyed before.
    pub events: Vec<Recorded<D::Event>>,
}

impl<D: Decider> Appended<D> {
    /// The positions of the events, in order.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        self.events.iter().map(|event| event.position).collect()
    }
}

/// A stream, folded.
#[derive(Clone, Debug)]
pub struct Loaded<D> {
    /// The aggregate.
    pub state: D,
    /// The stream's last sequence; 0 when it has no event.
    pub sequence: Sequence,
}

impl Store {
    /// Runs a command on the aggregate of a stream and appends what it decides, in one transaction.
    ///
    /// When someone else writes to the stream in between, the command is decided again on the newer state, a
    /// bounded number of times. Followers in this process are woken.
    ///
    /// # Errors
    /// [`ExecuteError`] tells a refusal by the aggregate from a conflict and from a failure of the store.
    pub async fn execute<D>(
        &self,
        stream: &StreamId,
        command: D::Command,
        envelope: &Envelope,
    ) -> Result<Appended<D>, ExecuteError<D::Error>>
    where
        D: Decider<Event: WireEvent, Command: Clone>,
    {
        // The first attempt decides on what this process remembers, if it does: an append proves that right, because
        // the statement itself checks what it follows. What appends nothing proves nothing, so that is decided again
        // on what is read.
        let mut remembered = self.cache().recall::<D>(stream);
        for _ in 0..ATTEMPTS {
            let unproven = remembered.is_some();
            let repository = LogRepository::new(self.pool().clone(), self.log().clone());
            let log_store = LogStore::<D>::new(repository.clone(), self, remembered.take());
            let outcome = Arc::clone(&log_store.outcome);
            let cqrs = CqrsFramework::new(log_store, self.queries::<D>(), ());
            match cqrs.execute_with_metadata(&stream.0, command.clone(), envelope.metadata()).await {
                Ok(()) => {
                    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let outcome = outcome.ok_or_else(|| Error::Corrupt {
                        what: format!("stream {stream}"),
                        detail: "a command ended without being committed".to_owned(),
                    })?;
                    if unproven && outcome.events.is_empty() {
                        continue;
                    }
                    return Ok(self.appended(stream, outcome, &repository));
                }
                Err(AggregateError::UserError(_)) if unproven => {}
                Err(AggregateError::UserError(error)) => return Err(ExecuteError::Rejected(error)),
                Err(AggregateError::AggregateConflict) => self.cache().forget(D::TYPE, stream),
                Err(
                    AggregateError::DatabaseConnectionError(error)
                    | AggregateError::DeserializationError(error)
                    | AggregateError::UnexpectedError(error),
                ) => {
                    self.cache().forget(D::TYPE, stream);
                    return Err(recover(error).into());
                }
            }
        }
        Err(ExecuteError::Conflict { stream: stream.clone(), attempts: ATTEMPTS })
    }

    /// The same for a stream whose decisions the caller has folded already, up to `sequence` with `hash`: nothing is read.
    /// The append itself proves that the stream ends there; where it does not, or the aggregate refuses, the whole stream
    /// is read and decided on anew.
    ///
    /// # Errors
    /// As [`Store::execute`].
    pub async fn execute_on<D>(
        &self,
        stream: &StreamId,
        known: (D, Sequence, Hash),
        command: D::Command,
        envelope: &Envelope,
    ) -> Result<Appended<D>, ExecuteError<D::Error>>
    where
        D: Decider<Event: WireEvent, Command: Clone>,
    {
        let (state, sequence, hash) = known;
        self.cache().keep(stream, Folded { state, sequence, hash: Some(hash) });
        let appended = self.execute::<D>(stream, command, envelope).await;
        // What was folded without telemetry is enough to decide on, but it is not the whole fold.
        self.cache().forget(D::TYPE, stream);
        appended
    }

    /// Folds a stream. One that has no event gives the aggregate's beginning and sequence 0.
    ///
    /// # Errors
    /// When the database fails or an event cannot be read.
    pub async fn load<D: Decider<Event: WireEvent>>(&self, stream: &StreamId) -> Result<Loaded<D>> {
        let cached = fold(self, stream).await?;
        Ok(Loaded { state: cached.state, sequence: cached.sequence })
    }

    /// What cqrs-es tells after each commit. Best effort by its nature, so only wake-ups and hints: a process that
    /// dies in between loses them.
    fn queries<D: Decider<Event: WireEvent>>(&self) -> Vec<Box<dyn Query<Adapted<D>>>> {
        let mut queries: Vec<Box<dyn Query<Adapted<D>>>> = vec![Box::new(WakeFollowers(self.waker()))];
        if D::TYPE == node_status::STREAM_TYPE {
            queries.push(Box::new(node_status::query::<D>(self.pool())));
        }
        queries
    }

    fn appended<D: Decider<Event: WireEvent>>(
        &self,
        stream: &StreamId,
        outcome: Outcome<D>,
        repository: &LogRepository,
    ) -> Appended<D> {
        let placed = repository.take_placed();
        if let Some(last) = placed.last() {
            let folded = Folded { state: outcome.state.clone(), sequence: last.sequence, hash: Some(last.hash) };
            self.cache().keep(stream, folded);
        }
        let events = placed.iter().zip(outcome.events).map(|(placed, event)| Recorded {
            position: placed.position,
            stream: stream.clone(),
            sequence: placed.sequence,
            recorded_at: placed.recorded_at,
            event,
        });
        Appended { events: events.collect(), sequence: outcome.sequence, state: outcome.state }
    }
}

/// Folds a stream, from what the process remembers of it where it does.
async fn fold<D: Decider<Event: WireEvent>>(store: &Store, stream: &StreamId) -> Result<Folded<D>> {
    let remembered = store.cache().recall::<D>(stream);
    // The last remembered event is read again: when it is not there with the same hash, the database is not the one
    // that it was (restored from a backup, say), and memory is worth nothing.
    let after = remembered.as_ref().map_or(0, |folded| folded.sequence.0 - 1);
    let mut events = store.log().read_stream_after(D::TYPE, stream, Sequence(after)).await?.into_iter().peekable();
    let same = remembered.filter(|folded| events.peek().is_some_and(|event| Some(event.hash) == folded.hash));
    let mut folded = match same {
        Some(folded) => {
            events.next();
            folded
        }
        None if after == 0 => Folded { state: D::default(), sequence: Sequence(0), hash: None },
        None => {
            store.cache().forget(D::TYPE, stream);
            events = store.log().read_stream(D::TYPE, stream).await?.into_iter().peekable();
            Folded { state: D::default(), sequence: Sequence(0), hash: None }
        }
    };
    for event in events {
        folded.state.evolve(&event.recorded::<D::Event>()?.event);
        folded.sequence = event.sequence;
        folded.hash = Some(event.hash);
    }
    if folded.hash.is_some() {
        store.cache().keep(stream, folded.clone());
    }
    Ok(folded)
}

/// What a commit leaves behind for the caller.
struct Outcome<D: Decider> {
    state: D,
    sequence: Sequence,
    events: Vec<D::Event>,
}

/// The event store of cqrs-es over our repository: it folds from memory where it can, and keeps what cqrs-es would
/// throw away, the aggregate after the command.
struct LogStore<D: Decider<Event: WireEvent>> {
    inner: PersistedEventStore<LogRepository, Adapted<D>>,
    repository: LogRepository,
    store: Store,
    /// What to decide on without reading.
    remembered: Mutex<Option<Folded<D>>>,
    outcome: Arc<Mutex<Option<Outcome<D>>>>,
}

impl<D: Decider<Event: WireEvent>> LogStore<D> {
    fn new(repository: LogRepository, store: &Store, remembered: Option<Folded<D>>) -> Self {
        Self {
            inner: PersistedEventStore::new_event_store(repository.clone()),
            repository,
            store: store.clone(),
            remembered: Mutex::new(remembered),
            outcome: Arc::default(),
        }
    }
}

impl<D: Decider<Event: WireEvent>> EventStore<Adapted<D>> for LogStore<D> {
    type AC = EventStoreAggregateContext<Adapted<D>>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<Adapted<D>>>, AggregateError<D::Error>> {
        self.inner.load_events(aggregate_id).await
    }

    async fn load_aggregate(&self, aggregate_id: &str) -> Result<Self::AC, AggregateError<D::Error>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let folded = match remembered {
            Some(folded) => folded,
            None => fold::<D>(&self.store, &StreamId(aggregate_id.to_owned()))
                .await
                .map_err(|error| AggregateError::UnexpectedError(Box::new(error)))?,
        };
        self.repository.follow(folded.hash);
        Ok(EventStoreAggregateContext {
            aggregate_id: aggregate_id.to_owned(),
            aggregate: Adapted(folded.state),
            current_sequence: usize::try_from(folded.sequence.0).unwrap_or(usize::MAX),
            current_snapshot: None,
        })
    }

    async fn commit(
        &self,
        events: Vec<Recordable<D::Event>>,
        context: Self::AC,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Adapted<D>>>, AggregateError<D::Error>> {
        let state = context.aggregate.0.clone();
        let sequence = Sequence((context.current_sequence + events.len()) as u64);
        let plain = events.iter().map(|event| event.0.clone()).collect();
        let committed = self.inner.commit(events, context, metadata).await?;
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(Outcome { state, sequence, events: plain });
        Ok(committed)
    }
}

/// Wakes the followers of this process.
struct WakeFollowers(Arc<Waker>);

#[async_trait]
impl<D: Decider<Event: WireEvent>> Query<Adapted<D>> for WakeFollowers {
    async fn dispatch(&self, _aggregate_id: &str, _events: &[EventEnvelope<Adapted<D>>]) {
        self.0.appended();
    }
}
