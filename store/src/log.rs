//! Reading the log: by position, by stream, by time.

use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use sqlx::Row as _;
use sqlx::postgres::PgPool;
use tokio::sync::watch;

use crate::hash::Hash;
use crate::stored_event::{COLUMNS, hash_column, signed, unsigned};
use crate::{Error, Follower, Result, StoredEvent};

/// How deep forks of forks may go.
pub(crate) const LINEAGE_DEPTH: i32 = 32;
/// A stream and its ancestors, each up to the sequence to which it counts: `$1` is the stream type, `$2` the stream, `$4`
/// the depth. Each step up the lineage lowers that sequence.
const CHAIN: &str = "WITH RECURSIVE chain (stream, upto, depth) AS ( \
       SELECT $2::text, 2147483647::bigint, 0 \
       UNION ALL \
       SELECT l.parent, least(c.upto, l.fork_sequence), c.depth + 1 FROM chain c \
       JOIN atsre.stream_lineage l ON l.child = c.stream AND l.aggregate_type = $1 WHERE c.depth < $4)";
/// How many events [`EventLog::read_to_head`] takes at a time.
const PAGE: usize = 1_000;

/// The log's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The position of the last event; 0 for an empty log.
    pub position: Position,
    /// The running hash after it.
    pub log_hash: Hash,
}

/// What one statement saw: some events, and where the log ended at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The events, by position.
    pub events: Vec<StoredEvent>,
    /// The log's end in the same snapshot.
    pub head: Head,
}

/// The events of one stream type among the next ones of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOfType {
    /// The events of that type, by position.
    pub events: Vec<StoredEvent>,
    /// The last position that was looked at; where the reading began when the log had no more.
    pub reached: Position,
}

/// A stream in brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// Its type, such as `experiment`.
    pub stream_type: String,
    /// Its name.
    pub stream: StreamId,
    /// The position of the first event of its own: the number that people call it by.
    pub created_at: Position,
    /// The sequence of its last event.
    pub last_sequence: Sequence,
    /// The position of its last event.
    pub last_position: Position,
}

/// The event log. Reading it is paging by position, which is gapless and in the order of commits; every read
/// proves that it is whole, and one that is not fails with [`Error::Incomplete`].
#[derive(Clone, Debug)]
pub struct EventLog {
    pool: PgPool,
    wake: watch::Receiver<u64>,
}

impl EventLog {
    pub(crate) const fn new(pool: PgPool, wake: watch::Receiver<u64>) -> Self {
        Self { pool, wake }
    }

    /// The log's end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn head(&self) -> Result<Head> {
        let row =
            sqlx::query("SELECT position, log_hash FROM atsre.log_head WHERE id = 1").fetch_one(&self.pool).await?;
        Ok(Head { position: Position(unsigned(row.try_get("position")?)), log_hash: hash_column(&row, "log_hash")? })
    }

    /// The next events after a position, at most `limit`. Nothing after the last one means the end of the log.
    ///
    /// # Errors
    /// [`Error::Incomplete`] when an event is missing between `after` and the end.
    pub async fn read(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>> {
        let page = self.scan(after, limit).await?;
        let head = page.head.position;
        let mut expected = Position(after.0 + 1);
        for event in &page.events {
            if event.position != expected {
                return Err(Error::Incomplete { expected, found: Some(event.position), head, source: None });
            }
            expected.0 += 1;
        }
        if page.events.len() < limit && expected.0 != head.0 + 1 {
            return Err(Error::Incomplete { expected, found: None, head, source: None });
        }
        Ok(page.events)
    }

    /// Of the next events after a position, at most `limit`, those of one stream type. The others are looked at all the
    /// same, so that it is proved that none is missing, but their content stays where it is.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    pub async fn read_type(&self, after: Position, limit: usize, stream_type: &str) -> Result<PageOfType> {
        // Plan: as for `scan`. A range of positions restricted to a type would tempt the planner to go through all
        // events of the type, so the type only decides what a row carries.
        let rows = sqlx::query(
            "SELECT e.*, h.position AS head_position FROM atsre.log_head h LEFT JOIN LATERAL ( \
               SELECT e.position, \
                      CASE WHEN e.aggregate_type = $3 THEN e.aggregate_type END AS aggregate_type, \
                      CASE WHEN e.aggregate_type = $3 THEN e.aggregate_id END AS aggregate_id, e.sequence, \
                      CASE WHEN e.aggregate_type = $3 THEN e.event_type END AS event_type, \
                      CASE WHEN e.aggregate_type = $3 THEN e.event_version END AS event_version, \
                      CASE WHEN e.aggregate_type = $3 THEN e.payload::text END AS payload, \
                      CASE WHEN e.aggregate_type = $3 THEN e.metadata::text END AS metadata, \
                      CASE WHEN e.aggregate_type = $3 THEN e.recorded_at END AS recorded_at, \
                      CASE WHEN e.aggregate_type = $3 THEN e.prev_hash END AS prev_hash, \
                      CASE WHEN e.aggregate_type = $3 THEN e.hash END AS hash, \
                      CASE WHEN e.aggregate_type = $3 THEN e.log_hash END AS log_hash, \
                      e.aggregate_type = $3 AS wanted \
               FROM atsre.events e WHERE e.position > $1 ORDER BY e.position LIMIT $2) e ON true \
             WHERE h.id = 1 ORDER BY e.position",
        )
        .bind(signed(after.0))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(stream_type)
        .fetch_all(&self.pool)
        .await?;
        let first = rows.first().ok_or_else(headless)?;
        let head = Position(unsigned(first.try_get("head_position")?));
        let (mut reached, mut events) = (after, Vec::new());
        for row in &rows {
            let Some(position) = row.try_get::<Option<i64>, _>("position")? else { break };
            let (expected, found) = (Position(reached.0 + 1), Position(unsigned(position)));
            if found != expected {
                return Err(Error::Incomplete { expected, found: Some(found), head, source: None });
            }
            reached = found;
            if row.try_get("wanted")? {
                events.push(StoredEvent::from_row(row)?);
            }
        }
        if reached.0 - after.0 < limit as u64 && reached != head {
            return Err(Error::Incomplete { expected: Position(reached.0 + 1), found: None, head, source: None });
        }
        Ok(PageOfType { events, reached })
    }

    /// The same without the proof, for who looks for what is missing: an auditor.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scan(&self, after: Position, limit: usize) -> Result<Page> {
        // One statement, hence one snapshot: the head belongs to the events. Plan: the head's one row, then an index
        // scan over events_position_key.
        let statement = format!(
            "SELECT e.*, h.position AS head_position, h.log_hash AS head_hash FROM atsre.log_head h \
             LEFT JOIN LATERAL (SELECT {COLUMNS} FROM atsre.events e WHERE e.position > $1 \
                                ORDER BY e.position LIMIT $2) e ON true \
             WHERE h.id = 1 ORDER BY e.position"
        );
        let rows = sqlx::query(&statement)
            .bind(signed(after.0))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        let first = rows.first().ok_or_else(headless)?;
        let head = Head {
            position: Position(unsigned(first.try_get("head_position")?)),
            log_hash: hash_column(first, "head_hash")?,
        };
        let has_events = first.try_get::<Option<i64>, _>("position")?.is_some();
        let events =
            if has_events { rows.iter().map(StoredEvent::from_row).collect::<Result<_>>()? } else { Vec::new() };
        Ok(Page { events, head })
    }

    /// Everything after a position, in order, to where the log ends when its end is reached. The end is proved:
    /// the last event given to `each` is the head's, or there was none to give.
    ///
    /// # Errors
    /// [`Error::Incomplete`] when an event is missing or the database fails on the way; what `each` fails with.
    pub async fn read_to_head<E: From<Error>>(
        &self,
        after: Position,
        mut each: impl FnMut(StoredEvent) -> std::result::Result<(), E>,
    ) -> std::result::Result<Head, E> {
        let mut reached = after;
        let mut head = self.head().await?;
        loop {
            let events = self.read(reached, PAGE).await.map_err(|error| match error {
                Error::Unavailable(source) | Error::Refused(source) => Error::Incomplete {
                    expected: Position(reached.0 + 1),
                    found: None,
                    head: head.position,
                    source: Some(source),
                },
                other => other,
            })?;
            let Some(last) = events.last() else { return Ok(head) };
            reached = last.position;
            head = Head { position: head.position.max(reached), log_hash: last.log_hash };
            for event in events {
                each(event)?;
            }
        }
    }

    /// A whole stream, the prefix that a fork shares with its parent included.
    ///
    /// # Errors
    /// [`Error::BrokenStream`] when the sequence has a hole.
    pub async fn read_stream(&self, stream_type: &str, stream: &StreamId) -> Result<Vec<StoredEvent>> {
        self.read_stream_after(stream_type, stream, Sequence(0)).await
    }

    /// The events of a stream after a sequence, the shared prefix included.
    ///
    /// # Errors
    /// [`Error::BrokenStream`] when the sequence has a hole.
    pub async fn read_stream_after(
        &self,
        stream_type: &str,
        stream: &StreamId,
        after: Sequence,
    ) -> Result<Vec<StoredEvent>> {
        // Plan: a recursive scan of a few rows, then one range of events_pkey for each.
        let statement = format!(
            "{CHAIN} SELECT {COLUMNS} FROM chain c JOIN atsre.events e \
               ON e.aggregate_type = $1 AND e.aggregate_id = c.stream AND e.sequence > $3 AND e.sequence <= c.upto \
             ORDER BY e.sequence"
        );
        let rows = sqlx::query(&statement)
            .bind(stream_type)
            .bind(&stream.0)
            .bind(signed(after.0))
            .bind(LINEAGE_DEPTH)
            .fetch_all(&self.pool)
            .await?;
        let events = rows.iter().map(StoredEvent::from_row).collect::<Result<Vec<_>>>()?;
        for (event, expected) in events.iter().zip(after.0 + 1..) {
            if event.sequence.0 != expected {
                return Err(Error::BrokenStream { stream: stream.clone(), expected, found: event.sequence.0 });
            }
        }
        Ok(events)
    }

    /// The events of a stream up to a position, the shared prefix included, without its telemetry: what any decision on
    /// the stream was made from. An experiment's decisions are few, its telemetry grows for as long as its trials run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_decisions(&self, stream_type: &str, stream: &StreamId, at: Position) -> Result<Vec<StoredEvent>> {
        // Plan: as for `read_stream_after`, with the ranges of events_without_telemetry.
        let statement = format!(
            "{CHAIN} SELECT {COLUMNS} FROM chain c JOIN atsre.events e \
               ON e.aggregate_type = $1 AND e.aggregate_id = c.stream AND e.sequence <= c.upto \
                  AND e.event_type <> 'ResourceSampled' AND e.position <= $3 \
             ORDER BY e.sequence"
        );
        let rows = sqlx::query(&statement)
            .bind(stream_type)
            .bind(&stream.0)
            .bind(signed(at.0))
            .bind(LINEAGE_DEPTH)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(StoredEvent::from_row).collect()
    }

    /// The last event of a stream up to a position, in the shared prefix or after it; none where the stream begins later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_of_stream(
        &self,
        stream_type: &str,
        stream: &StreamId,
        at: Position,
    ) -> Result<Option<StoredEvent>> {
        // Positions rise with sequences, over forks as well: a few lookups in events_pkey find the place.
        let newest: Option<i64> = sqlx::query_scalar(
            "SELECT coalesce( \
               (SELECT sequence FROM atsre.events WHERE aggregate_type = $1 AND aggregate_id = $2 \
                ORDER BY sequence DESC LIMIT 1), \
               (SELECT fork_sequence FROM atsre.stream_lineage WHERE aggregate_type = $1 AND child = $2))",
        )
        .bind(stream_type)
        .bind(&stream.0)
        .fetch_one(&self.pool)
        .await?;
        let (mut low, mut high) = (0, newest.map_or(0, unsigned));
        let mut found = None;
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let event = self.event_of_stream(stream_type, stream, Sequence(middle)).await?;
            if event.position <= at {
                low = middle;
                found = Some(event);
            } else {
                high = middle - 1;
            }
        }
        Ok(found)
    }

    /// One event.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the log has no such position.
    pub async fn event(&self, position: Position) -> Result<StoredEvent> {
        let statement = format!("SELECT {COLUMNS} FROM atsre.events e WHERE e.position = $1");
        let row = sqlx::query(&statement).bind(signed(position.0)).fetch_optional(&self.pool).await?;
        row.map_or_else(|| Err(Error::NotFound(format!("event {position}"))), |row| StoredEvent::from_row(&row))
    }

    /// The event at a sequence of a stream, in the shared prefix or after it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the stream has no such event.
    pub async fn event_of_stream(&self, stream_type: &str, stream: &StreamId, at: Sequence) -> Result<StoredEvent> {
        // Plan: as for `read_stream_after`, with one row of events_pkey for each ancestor.
        let statement = format!(
            "{CHAIN} SELECT {COLUMNS} FROM chain c JOIN atsre.events e \
               ON e.aggregate_type = $1 AND e.aggregate_id = c.stream AND e.sequence = $3 AND e.sequence <= c.upto"
        );
        let row = sqlx::query(&statement)
            .bind(stream_type)
            .bind(&stream.0)
            .bind(signed(at.0))
            .bind(LINEAGE_DEPTH)
            .fetch_optional(&self.pool)
            .await?;
        row.map_or_else(
            || Err(Error::NotFound(format!("sequence {at} of stream {stream}"))),
            |row| StoredEvent::from_row(&row),
        )
    }

    /// The stream that came into being with the event at `position`: its first one, or, in a fork, the first of
    /// its own. This is how the numbers that people use (`experiment_id`, `dataset_id`) name streams.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stream_created_at(&self, position: Position) -> Result<Option<StreamSummary>> {
        let row = sqlx::query("SELECT aggregate_type, aggregate_id FROM atsre.events WHERE position = $1")
            .bind(signed(position.0))
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let summary =
            self.summary(&row.try_get::<String, _>("aggregate_type")?, &StreamId(row.try_get("aggregate_id")?)).await?;
        Ok(summary.filter(|summary| summary.created_at == position))
    }

    /// A stream in brief; `None` when it has no event of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn summary(&self, stream_type: &str, stream: &StreamId) -> Result<Option<StreamSummary>> {
        let row = sqlx::query(
            "SELECT $1 AS aggregate_type, $2 AS aggregate_id, f.position AS first, l.position AS last, l.sequence FROM \
             (SELECT position FROM atsre.events WHERE aggregate_type = $1 AND aggregate_id = $2 \
              ORDER BY sequence LIMIT 1) f, \
             (SELECT position, sequence FROM atsre.events WHERE aggregate_type = $1 AND aggregate_id = $2 \
              ORDER BY sequence DESC LIMIT 1) l",
        )
        .bind(stream_type)
        .bind(&stream.0)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(summary_from_row).transpose()
    }

    /// All streams of a type, by the position of their first own event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn streams(&self, stream_type: &str) -> Result<Vec<StreamSummary>> {
        let rows = sqlx::query(
            "SELECT aggregate_type, aggregate_id, min(position) AS first, max(position) AS last, max(sequence) AS sequence \
             FROM atsre.events WHERE aggregate_type = $1 GROUP BY 1, 2 ORDER BY 3",
        )
        .bind(stream_type)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(summary_from_row).collect()
    }

    /// The last position that the log had at a moment; 0 before the first event. `recorded_at` never falls as the
    /// position rises, so this halves the log a few dozen times instead of reading it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position_at(&self, moment: Timestamp) -> Result<Position> {
        let (mut low, mut high) = (0, self.head().await?.position.0);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.event(Position(middle)).await?.recorded_at <= moment {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(Position(low))
    }

    /// A follower of the log that has seen everything up to a position.
    #[must_use]
    pub fn follow(&self, after: Position) -> Follower {
        Follower::new(self.clone(), self.wake.clone(), after)
    }
}

fn headless() -> Error {
    Error::Corrupt { what: "log_head".to_owned(), detail: "its one row is missing".to_owned() }
}

fn summary_from_row(row: &sqlx::postgres::PgRow) -> Result<StreamSummary> {
    Ok(StreamSummary {
        stream_type: row.try_get("aggregate_type")?,
        stream: StreamId(row.try_get("aggregate_id")?),
        created_at: Position(unsigned(row.try_get("first")?)),
        last_sequence: Sequence(unsigned(row.try_get("sequence")?)),
        last_position: Position(unsigned(row.try_get("last")?)),
    })
}
