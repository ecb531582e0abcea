//! The event repository of cqrs-es on our own log.
//!
//! It differs from the one in postgres-es where the log needs it: an append of n events is one statement and one
//! round trip, reads go through the lineage of a fork, each event has an id of its own in its metadata, and a read
//! that is cut short is an error instead of an end.

use std::sync::{Arc, Mutex, PoisonError};

use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use cqrs_es::Aggregate;
use cqrs_es::persist::{PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::adapter::Form;
use crate::error::is_unique_violation;
use crate::hash::Hash;
use crate::stored_event::{hash_column, signed, unsigned};
use crate::{Error, EventLog, StoredEvent};

/// One statement appends everything that one decision brought about. The trigger gives positions and hashes, row
/// by row in the order of the ordinals. Nothing is inserted where the event that the decision was made on is not the
/// one that the stream has ($8, at sequence $9): a database restored from a backup may have another. Plan: two
/// look-ups by key, once; function scan, sort of a few rows, insert.
const INSERT: &str = "INSERT INTO atsre.events \
     (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
     SELECT $1, $2, u.sequence, u.event_type, u.event_version, u.payload::json, u.metadata::json \
     FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) \
          WITH ORDINALITY AS u (sequence, event_type, event_version, payload, metadata, ordinal) \
     WHERE $8::bytea IS NULL OR $8 = coalesce( \
        (SELECT e.hash FROM atsre.events e WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.sequence = $9), \
        (SELECT l.parent_hash FROM atsre.stream_lineage l \
         WHERE l.child = $2 AND l.aggregate_type = $1 AND l.fork_sequence = $9)) \
     ORDER BY u.ordinal \
     RETURNING position, sequence, (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_at_us, hash";

/// How many events a replay holds in its channel.
const REPLAY_CHANNEL: usize = 200;

/// Where the log put an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    pub(crate) sequence: Sequence,
    pub(crate) recorded_at: Timestamp,
    pub(crate) hash: Hash,
}

/// The event repository of cqrs-es on the log.
#[derive(Clone, Debug)]
pub struct LogRepository {
    pool: PgPool,
    log: EventLog,
    placed: Arc<Mutex<Vec<Placed>>>,
    /// The hash of the event that the next append follows.
    followed: Arc<Mutex<Option<Hash>>>,
}

impl LogRepository {
    pub(crate) fn new(pool: PgPool, log: EventLog) -> Self {
        Self { pool, log, placed: Arc::default(), followed: Arc::default() }
    }

    /// Says which event the next append follows; none at the beginning of a stream.
    pub(crate) fn follow(&self, hash: Option<Hash>) {
        *self.followed.lock().unwrap_or_else(PoisonError::into_inner) = hash;
    }

    /// Where the events of the last append were put.
    pub(crate) fn take_placed(&self) -> Vec<Placed> {
        std::mem::take(&mut *self.placed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read<A: Aggregate>(&self, stream: &str, after: usize) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let stream = StreamId(stream.to_owned());
        let events = self.log.read_stream_after(A::TYPE, &stream, Sequence(after as u64)).await.map_err(persistence)?;
        events.into_iter().map(serialized).collect()
    }
}

impl PersistedEventRepository for LogRepository {
    async fn get_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.read::<A>(aggregate_id, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.read::<A>(aggregate_id, last_sequence).await
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        // The snapshot modes of cqrs-es 0.5 apply events twice; there is never a snapshot.
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        if snapshot_update.is_some() {
            return Err(unknown("the snapshot modes of cqrs-es apply events twice and are refused"));
        }
        let Some(first) = events.first() else { return Ok(()) };
        let sequences: Vec<i64> = events.iter().map(|event| signed(event.sequence as u64)).collect();
        let types: Vec<&str> = events.iter().map(|event| event.event_type.as_str()).collect();
        let versions: Vec<&str> = events.iter().map(|event| event.event_version.as_str()).collect();
        let payloads = events.iter().map(payload_text).collect::<Result<Vec<_>, _>>()?;
        let metadata = events.iter().map(metadata_text).collect::<Result<Vec<_>, _>>()?;
        let followed = *self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = sqlx::query(INSERT)
            .bind(A::TYPE)
            .bind(&first.aggregate_id)
            .bind(sequences)
            .bind(types)
            .bind(versions)
            .bind(payloads)
            .bind(metadata)
            .bind(followed.map(|hash| hash.to_vec()))
            .bind(signed(first.sequence as u64) - 1)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| {
                if is_unique_violation(&error) {
                    PersistenceError::OptimisticLockError
                } else {
                    persistence(error.into())
                }
            })?;
        if rows.is_empty() {
            return Err(PersistenceError::OptimisticLockError);
        }
        let placed: Vec<Placed> = rows
            .iter()
            .map(|row| {
                Ok(Placed {
                    position: Position(unsigned(row.try_get("position")?)),
                    sequence: Sequence(unsigned(row.try_get("sequence")?)),
                    recorded_at: Timestamp(row.try_get("recorded_at_us")?),
                    hash: hash_column(row, "hash")?,
                })
            })
            .collect::<crate::Result<_>>()
            .map_err(persistence)?;
        *self.placed.lock().unwrap_or_else(PoisonError::into_inner) = placed;
        Ok(())
    }

    async fn stream_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<ReplayStream, PersistenceError> {
        let events = self.get_events::<A>(aggregate_id).await?;
        let (mut feed, stream) = ReplayStream::new(REPLAY_CHANNEL);
        tokio::spawn(async move {
            for event in events {
                // A reader that has gone away has what it wanted.
                if feed.push(Ok(event)).await.is_err() {
                    return;
                }
            }
        });
        Ok(stream)
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        // In the order of the log, which the replay of postgres-es does not keep; an error is passed on, not an end.
        let log = self.log.clone();
        let (mut feed, stream) = ReplayStream::new(REPLAY_CHANNEL);
        tokio::spawn(async move {
            let mut after = Position(0);
            loop {
                let events = match log.read(after, REPLAY_CHANNEL).await {
                    Ok(events) => events,
                    Err(error) => {
                        let _ = feed.push(Err(persistence(error))).await;
                        return;
                    }
                };
                let Some(last) = events.last() else { return };
                after = last.position;
                for event in events.into_iter().filter(|event| event.stream_type == A::TYPE) {
                    if feed.push(serialized(event)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(stream)
    }
}

/// The payload as it is stored: without the type and version that the serde form of an event carries.
fn payload_text(event: &SerializedEvent) -> Result<String, PersistenceError> {
    let payload = event.payload.get("payload").ok_or_else(|| unknown("an event of the log must be a `Recordable`"))?;
    Ok(payload.to_string())
}

/// The metadata with an id for this very event; cqrs-es gives one map to all events of a command.
fn metadata_text(event: &SerializedEvent) -> Result<String, PersistenceError> {
    let mut metadata = event.metadata.clone();
    let fields = metadata.as_object_mut().ok_or_else(|| unknown("metadata must be an object"))?;
    fields.insert("event_id".to_owned(), Value::String(Uuid::now_v7().to_string()));
    Ok(metadata.to_string())
}

fn serialized(event: StoredEvent) -> Result<SerializedEvent, PersistenceError> {
    let payload = Form {
        event_type: event.event_type.clone(),
        event_version: event.version(),
        payload: event.json().map_err(persistence)?,
    };
    Ok(SerializedEvent {
        sequence: usize::try_from(event.sequence.0).map_err(|error| PersistenceError::UnknownError(Box::new(error)))?,
        aggregate_id: event.stream.0,
        aggregate_type: event.stream_type,
        event_type: event.event_type,
        event_version: event.event_version,
        payload: serde_json::to_value(payload)?,
        metadata: serde_json::from_str(&event.metadata)?,
    })
}

fn unknown(message: &str) -> PersistenceError {
    PersistenceError::UnknownError(message.into())
}

/// Carries our error through cqrs-es; [`recover`] takes it out again.
fn persistence(error: Error) -> PersistenceError {
    PersistenceError::UnknownError(Box::new(error))
}

/// Our own error out of one that has been through cqrs-es.
pub(crate) fn recover(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(other) => Error::Corrupt { what: "an event".to_owned(), detail: other.to_string() },
    }
}
