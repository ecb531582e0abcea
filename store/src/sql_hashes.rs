//! The database's own answer to whether the log is whole: it recomputes what the trigger wrote.
//!
//! SQL that recomputes and Rust that recomputes ([`crate::hash`]) see the same rows by different ways. Where their
//! answers differ, one of the two is wrong, or what the driver read is not what the table holds.

use std::collections::BTreeSet;

use atsre_domain::{Position, Sequence, StreamId};
use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Row as _};

use crate::hash::Hash;
use crate::stored_event::{hash_column, signed, unsigned};
use crate::{Result, Store};

/// Positions that one statement goes over: a statement of about a second, so that one that is given up ends soon.
const RANGE: u64 = 50_000;

/// What is wrong at a position, by the names that a verification gives its differences: `gap`, `hash`, `log_hash`,
/// `prev_hash`, `sequence`.
pub type Findings = BTreeSet<(Position, &'static str)>;

/// The last event of a stream at or before a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastBefore {
    /// The stream's type.
    pub stream_type: String,
    /// The stream.
    pub stream: StreamId,
    /// The event's place in it.
    pub sequence: Sequence,
    /// Its hash.
    pub hash: Hash,
}

impl Store {
    /// The events after one position and up to another whose content does not give their hash, or that do not follow
    /// the event before them in their stream or in the log, as the database finds it with its own functions.
    ///
    /// `start` is the running hash of the log at `after`; without it the one of the empty log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sql_findings(&self, after: Position, upto: Position, start: Option<Hash>) -> Result<Findings> {
        let mut transaction = self.pool().begin().await?;
        // Compiling these statements takes longer than running them, and the default memory is too small for a sort of the
        // whole log. It lies on the disk in the order of positions, so that reading it by that index is no jumping about,
        // and saves a sort.
        transaction
            .execute("SET LOCAL jit = off; SET LOCAL work_mem = '256MB'; SET LOCAL random_page_cost = 1")
            .await?;
        let mut findings = links(&mut transaction, after, upto, start).await?;
        let mut reached = after.0;
        while reached < upto.0 {
            let next = upto.0.min(reached + RANGE);
            findings.extend(contents(&mut transaction, Position(reached), Position(next)).await?);
            reached = next;
        }
        transaction.commit().await?;
        Ok(findings)
    }

    /// Of these streams (types and names), the last event at or before a position, where there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_before(&self, streams: &[(String, StreamId)], position: Position) -> Result<Vec<LastBefore>> {
        let (types, names): (Vec<&str>, Vec<&str>) = streams.iter().map(|(t, s)| (t.as_str(), s.0.as_str())).unzip();
        // Plan: one descent of events_pkey for each stream.
        let rows = sqlx::query(
            "SELECT s.stream_type, s.stream, p.sequence, p.hash \
             FROM unnest($1::text[], $2::text[]) AS s (stream_type, stream) CROSS JOIN LATERAL ( \
               SELECT e.sequence, e.hash FROM atsre.events e WHERE e.aggregate_type = s.stream_type \
                 AND e.aggregate_id = s.stream AND e.position <= $3 ORDER BY e.sequence DESC LIMIT 1) p",
        )
        .bind(types)
        .bind(names)
        .bind(signed(position.0))
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(LastBefore {
                    stream_type: row.try_get("stream_type")?,
                    stream: StreamId(row.try_get("stream")?),
                    sequence: Sequence(unsigned(row.try_get("sequence")?)),
                    hash: hash_column(row, "hash")?,
                })
            })
            .collect()
    }
}

/// Where the content does not give the hash.
async fn contents(connection: &mut PgConnection, after: Position, upto: Position) -> Result<Findings> {
    // OFFSET 0 keeps the planner from merging the levels: each text is made once, and framed twice (its length and
    // its bytes). Plan: a range of events_position_key.
    let rows = sqlx::query(
        "SELECT e.position FROM ( \
           SELECT i.position, i.sequence, i.event_type, i.event_version, i.payload::text AS payload, \
                  i.metadata::text AS metadata, i.recorded_at, i.prev_hash, i.hash \
           FROM atsre.events i WHERE i.position > $1 AND i.position <= $2 OFFSET 0) e \
         WHERE e.hash IS DISTINCT FROM atsre.event_hash(e.prev_hash, e.sequence, e.event_type, e.event_version, \
                                                        e.payload, e.metadata, e.recorded_at)",
    )
    .bind(signed(after.0))
    .bind(signed(upto.0))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((Position(unsigned(row.try_get("position")?)), "hash"))).collect()
}

/// Where an event does not follow the one before it. As in Rust, each is held against what is *stored* before it, so
/// that one alteration shows at its place and not at everything after it.
async fn links(
    connection: &mut PgConnection,
    after: Position,
    upto: Position,
    start: Option<Hash>,
) -> Result<Findings> {
    // Plan: the log in the order of positions, sorted once more by stream; the subqueries run for the first event of
    // each stream only.
    let rows = sqlx::query(
        "WITH link AS ( \
           SELECT e.position, e.aggregate_type, e.aggregate_id, e.sequence, e.prev_hash, e.hash, e.log_hash, \
                  coalesce(lag(e.position) OVER of_log, $1) AS position_before, \
                  coalesce(lag(e.log_hash) OVER of_log, $3, sha256('\\x02'::bytea)) AS log_hash_before, \
                  lag(e.sequence) OVER of_stream AS sequence_before, lag(e.hash) OVER of_stream AS hash_before \
           FROM atsre.events e WHERE e.position > $1 AND e.position <= $2 \
           WINDOW of_log AS (ORDER BY e.position), \
                  of_stream AS (PARTITION BY e.aggregate_type, e.aggregate_id ORDER BY e.position)), \
         checked AS ( \
           SELECT l.position, l.position <> l.position_before + 1 AS gap, \
                  l.sequence <> 1 + coalesce(l.sequence_before, \
                    (SELECT p.sequence FROM atsre.events p WHERE p.aggregate_type = l.aggregate_type \
                       AND p.aggregate_id = l.aggregate_id AND p.position <= $1 ORDER BY p.sequence DESC LIMIT 1), \
                    (SELECT f.fork_sequence FROM atsre.stream_lineage f \
                     WHERE f.child = l.aggregate_id AND f.aggregate_type = l.aggregate_type), 0) AS sequence, \
                  l.prev_hash IS DISTINCT FROM coalesce(l.hash_before, \
                    (SELECT p.hash FROM atsre.events p WHERE p.aggregate_type = l.aggregate_type \
                       AND p.aggregate_id = l.aggregate_id AND p.position <= $1 ORDER BY p.sequence DESC LIMIT 1), \
                    (SELECT f.parent_hash FROM atsre.stream_lineage f \
                     WHERE f.child = l.aggregate_id AND f.aggregate_type = l.aggregate_type), \
                    atsre.genesis_hash(l.aggregate_type, l.aggregate_id)) AS prev_hash, \
                  l.position = l.position_before + 1 AND l.log_hash IS DISTINCT FROM \
                    atsre.log_hash_after(l.log_hash_before, l.position, l.hash) AS log_hash \
           FROM link l OFFSET 0) \
         SELECT * FROM checked c WHERE c.gap OR c.sequence OR c.prev_hash OR c.log_hash",
    )
    .bind(signed(after.0))
    .bind(signed(upto.0))
    .bind(start.map(|hash| hash.to_vec()))
    .fetch_all(connection)
    .await?;
    let mut findings = Findings::new();
    for row in &rows {
        let position = Position(unsigned(row.try_get("position")?));
        for kind in ["gap", "sequence", "prev_hash", "log_hash"] {
            if row.try_get::<bool, _>(kind)? {
                findings.insert((position, kind));
            }
        }
    }
    Ok(findings)
}
