//! What is handed out, and its row.

use std::time::Duration;

use atsre_domain::{Epoch, Position, StreamId};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use crate::Result;
use crate::stored_event::{signed, unsigned};

/// The namespace of the ids of work items.
const NAMESPACE: Uuid = Uuid::from_u128(0x9d1c_6f0a_52b4_4d0e_8b7b_3c5a_0f7e_2a11);
/// How often an item is tried when nothing else was said.
const DEFAULT_ATTEMPTS: u32 = 5;

/// Work to hand out.
#[derive(Clone, Debug, PartialEq)]
pub struct NewWork {
    /// The position of the event that it answers.
    pub position: Position,
    /// Which of the answers to that event it is; with the position and the kind it makes the item's id.
    pub ordinal: u32,
    /// What is to be done, such as `profile`.
    pub kind: String,
    /// The stream that it is for.
    pub stream: StreamId,
    /// The particulars.
    pub payload: Value,
    /// How long to wait before it is due: a timer.
    pub delay: Duration,
    /// How often to try.
    pub max_attempts: u32,
}

impl NewWork {
    /// Work that is due at once and tried the usual number of times.
    #[must_use]
    pub fn new(position: Position, ordinal: u32, kind: &str, stream: &StreamId, payload: Value) -> Self {
        Self {
            position,
            ordinal,
            kind: kind.to_owned(),
            stream: stream.clone(),
            payload,
            delay: Duration::ZERO,
            max_attempts: DEFAULT_ATTEMPTS,
        }
    }

    /// The item's id: derived, so that doing a batch of events again hands nothing out twice.
    #[must_use]
    pub fn id(&self) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{}/{}/{}", self.position, self.ordinal, self.kind).as_bytes())
    }
}

/// Work that is held under a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkItem {
    /// Its id.
    pub id: Uuid,
    /// What is to be done.
    pub kind: String,
    /// The stream that it is for.
    pub stream: StreamId,
    /// The particulars.
    pub payload: Value,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The term of the lease.
    pub epoch: Epoch,
    /// The position of the event that it answers.
    pub position: Position,
    /// What the last attempt failed with, if one did.
    pub last_error: Option<String>,
}

/// The columns that [`WorkItem`] is read from, of the table alias `w`.
pub(super) const COLUMNS: &str =
    "w.id, w.kind, w.stream, w.payload, w.attempt, w.lease_epoch, w.position, w.last_error";

impl WorkItem {
    pub(super) fn from_row(row: &PgRow) -> Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            kind: row.try_get("kind")?,
            stream: StreamId(row.try_get("stream")?),
            payload: row.try_get("payload")?,
            attempt: row.try_get::<i32, _>("attempt")?.unsigned_abs(),
            epoch: Epoch(row.try_get::<i32, _>("lease_epoch")?.unsigned_abs()),
            position: Position(unsigned(row.try_get("position")?)),
            last_error: row.try_get("last_error")?,
        })
    }
}

/// Hands out work in the caller's transaction. Says how many items were new.
pub(crate) async fn enqueue(connection: &mut PgConnection, items: &[NewWork]) -> Result<u64> {
    if items.is_empty() {
        return Ok(0);
    }
    let column = |of: fn(&NewWork) -> String| -> Vec<String> { items.iter().map(of).collect() };
    let added = sqlx::query(
        "INSERT INTO atsre.work_items (id, kind, stream, position, ordinal, payload, max_attempts, run_after) \
         SELECT u.id, u.kind, u.stream, u.position, u.ordinal, u.payload::jsonb, u.max_attempts, \
                clock_timestamp() + u.delay * interval '1 millisecond' \
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::int[], $6::text[], $7::int[], $8::bigint[]) \
              AS u (id, kind, stream, position, ordinal, payload, max_attempts, delay) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(items.iter().map(NewWork::id).collect::<Vec<_>>())
    .bind(column(|item| item.kind.clone()))
    .bind(column(|item| item.stream.0.clone()))
    .bind(items.iter().map(|item| signed(item.position.0)).collect::<Vec<_>>())
    .bind(items.iter().map(|item| i32::try_from(item.ordinal).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(column(|item| item.payload.to_string()))
    .bind(items.iter().map(|item| i32::try_from(item.max_attempts.max(1)).unwrap_or(i32::MAX)).collect::<Vec<_>>())
    .bind(items.iter().map(|item| millis(item.delay)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(added.rows_affected())
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_event_ordinal_and_kind_only() {
        let stream = StreamId("s".to_owned());
        let work =
            |position, ordinal, kind: &str| NewWork::new(Position(position), ordinal, kind, &stream, Value::Null);
        assert_eq!(work(1, 0, "a").id(), work(1, 0, "a").id());
        let ids = [work(1, 0, "a").id(), work(2, 0, "a").id(), work(1, 1, "a").id(), work(1, 0, "b").id()];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
