//! An event exactly as the database holds it.

use atsre_domain::event::{AnyEvent, WireEvent};
use atsre_domain::{Position, Recorded, Sequence, StreamId, Timestamp};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgRow, PgTypeInfo, PgValueRef, Postgres};
use sqlx::{ColumnIndex, Decode, Row, Type};
use uuid::Uuid;

use crate::hash::Hash;
use crate::{Error, Result};

/// An event exactly as the database holds it: bytes, not meanings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the log.
    pub position: Position,
    /// The type of its stream, such as `experiment`.
    pub stream_type: String,
    /// The stream that it was written to. Read through a fork, this is the parent for the shared prefix.
    pub stream: StreamId,
    /// Its place in its stream.
    pub sequence: Sequence,
    /// Its type, such as `TrialFailed`.
    pub event_type: String,
    /// The version of its payload's shape, as text; see [`StoredEvent::version`].
    pub event_version: String,
    /// The payload's JSON text, byte for byte.
    pub payload: String,
    /// The metadata's JSON text, byte for byte; see [`StoredEvent::envelope`].
    pub metadata: String,
    /// When the log took it.
    pub recorded_at: Timestamp,
    /// The hash of the event before it in its stream.
    pub prev_hash: Hash,
    /// Its own hash.
    pub hash: Hash,
    /// The running hash of the log after it.
    pub log_hash: Hash,
}

/// What is known about an event besides what happened: evidence, which no decision and no projection reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The event's own id (a UUIDv7).
    pub event_id: Uuid,
    /// Who caused it: an agent, a person or a policy.
    pub actor: String,
    /// What it belongs to, over all streams.
    pub correlation_id: String,
    /// The position of the event that it answers, in decimal; absent for what a person began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The build that wrote it.
    pub build: String,
    /// When its writer says it occurred, in RFC 3339 with microseconds.
    pub occurred_at: String,
}

impl Metadata {
    /// The position of the event that this one answers.
    #[must_use]
    pub fn causation(&self) -> Option<Position> {
        self.causation_id.as_deref().and_then(|id| id.parse().ok()).map(Position)
    }
}

/// The columns that [`StoredEvent`] is read from, of the table alias `e`.
pub(crate) const COLUMNS: &str = "e.position, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, \
     e.event_version, e.payload::text AS payload, e.metadata::text AS metadata, \
     e.recorded_at, e.prev_hash, e.hash, e.log_hash";

/// A `timestamptz` as the microseconds that it is, without a calendar in between: any of them can be verified.
struct Moment(Timestamp);

/// Postgres counts from the beginning of 2000.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl Type<Postgres> for Moment {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Moment {
    fn decode(value: PgValueRef<'r>) -> std::result::Result<Self, BoxDynError> {
        let since_2000 = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        Ok(Self(Timestamp(since_2000.saturating_add(POSTGRES_EPOCH_MICROS))))
    }
}

impl StoredEvent {
    /// Reads a row that begins with [`COLUMNS`]. By their places: looking names up would cost a third of the reading.
    pub(crate) fn from_row(row: &PgRow) -> Result<Self> {
        Ok(Self {
            position: Position(unsigned(row.try_get(0)?)),
            stream_type: row.try_get(1)?,
            stream: StreamId(row.try_get(2)?),
            sequence: Sequence(unsigned(row.try_get(3)?)),
            event_type: row.try_get(4)?,
            event_version: row.try_get(5)?,
            payload: row.try_get(6)?,
            metadata: row.try_get(7)?,
            recorded_at: row.try_get::<Moment, _>(8)?.0,
            prev_hash: hash_column(row, 9)?,
            hash: hash_column(row, 10)?,
            log_hash: hash_column(row, 11)?,
        })
    }

    /// The version of the payload's shape; 0, which no build reads, when the stored text is not a number.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.event_version.parse().unwrap_or(0)
    }

    /// The metadata, parsed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not have the shape that this store writes.
    pub fn envelope(&self) -> Result<Metadata> {
        serde_json::from_str(&self.metadata)
            .map_err(|error| self.corrupt(&format!("its metadata is not readable: {error}")))
    }

    /// The event of any stream type, upcast.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a type or version that this build does not know, or a payload of another shape.
    pub fn decode(&self) -> Result<AnyEvent> {
        AnyEvent::decode_text(&self.stream_type, &self.event_type, self.version(), &self.payload)
            .map_err(|s| self.unreadable(s))
    }

    /// The event of one stream type, upcast, with its coordinates.
    ///
    /// # Errors
    /// As [`StoredEvent::decode`].
    pub fn recorded<E: WireEvent>(&self) -> Result<Recorded<E>> {
        let event = E::decode_text(&self.event_type, self.version(), &self.payload).map_err(|s| self.unreadable(s))?;
        Ok(Recorded {
            position: self.position,
            stream: self.stream.clone(),
            sequence: self.sequence,
            recorded_at: self.recorded_at,
            event,
        })
    }

    /// The payload, parsed.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is not JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.payload).map_err(|error| self.corrupt(&format!("its payload is not JSON: {error}")))
    }

    fn unreadable(&self, source: atsre_domain::event::DecodeError) -> Error {
        Error::Unreadable { stream: self.stream.clone(), position: self.position, source }
    }

    fn corrupt(&self, detail: &str) -> Error {
        Error::Corrupt { what: format!("event {}", self.position), detail: detail.to_owned() }
    }
}

/// A column that constraints keep from being negative.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A number of ours as a `bigint`. Positions and sequences stay far below 2^63.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A column that holds a SHA-256. A value of another length (someone has edited it) is read as zeros: no event
/// has that hash, so a verification names the place.
pub(crate) fn hash_column(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Hash> {
    let bytes: &[u8] = row.try_get(column)?;
    Ok(bytes.try_into().unwrap_or_default())
}

/// A moment in RFC 3339 with microseconds; the bare number where the calendar has no such moment.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    DateTime::<Utc>::from_timestamp_micros(at.0)
        .map_or_else(|| at.0.to_string(), |moment| moment.to_rfc3339_opts(SecondsFormat::Micros, true))
}
