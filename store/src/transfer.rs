//! What leaves a store whole and enters another one: lineage, running hashes, and streams byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::{Digest, Position, Sequence, StreamId};
use sqlx::{PgConnection, Row as _};

use crate::hash::{Hash, from_hex, hex};
use crate::log::LINEAGE_DEPTH;
use crate::stored_event::{hash_column, signed, unsigned};
use crate::{Error, Result, Store, StoredEvent};

/// Rows that are written or compared in one statement.
const BATCH: usize = 1_000;

/// What a fork shares with its parent: a row of `stream_lineage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The type of both streams.
    pub stream_type: String,
    /// The fork.
    pub child: StreamId,
    /// What it was forked from.
    pub parent: StreamId,
    /// The last sequence that the two share.
    pub fork_sequence: Sequence,
    /// The hash of that event.
    pub parent_hash: Hash,
    /// The position of that event.
    pub forked_at_position: Position,
}

/// Streams as another log has them. Positions, times and hashes are those of that log; a store that imports the events
/// gives them its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The events, in the order of the log that they come from.
    pub events: Vec<StoredEvent>,
    /// The forks among their streams, parents before children.
    pub lineage: Vec<Lineage>,
}

/// What of a history a store does not have yet: indices into [`History::events`] and [`History::lineage`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The events.
    pub events: Vec<usize>,
    /// The forks.
    pub lineage: Vec<usize>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events that were appended.
    pub appended: u64,
    /// Events that were there already, the same byte for byte.
    pub present: u64,
    /// Forks that were made.
    pub forks: u64,
    /// The first and the last position that the appended events got.
    pub positions: Option<(Position, Position)>,
}

impl Store {
    /// The forks by which a stream goes back to its root, the stream's own first; none for a stream with a past of its
    /// own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lineage(&self, stream_type: &str, stream: &StreamId) -> Result<Vec<Lineage>> {
        // Plan: a recursive scan of a few rows of stream_lineage_pkey.
        let rows = sqlx::query(
            "WITH RECURSIVE chain AS ( \
               SELECT l.*, 1 AS depth FROM atsre.stream_lineage l WHERE l.child = $2 AND l.aggregate_type = $1 \
               UNION ALL \
               SELECT l.*, c.depth + 1 FROM chain c \
               JOIN atsre.stream_lineage l ON l.child = c.parent AND l.aggregate_type = $1 WHERE c.depth < $3) \
             SELECT * FROM chain ORDER BY depth",
        )
        .bind(stream_type)
        .bind(&stream.0)
        .bind(LINEAGE_DEPTH)
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Lineage {
                    stream_type: row.try_get("aggregate_type")?,
                    child: StreamId(row.try_get("child")?),
                    parent: StreamId(row.try_get("parent")?),
                    fork_sequence: Sequence(unsigned(row.try_get("fork_sequence")?)),
                    parent_hash: hash_column(row, "parent_hash")?,
                    forked_at_position: Position(unsigned(row.try_get("forked_at_position")?)),
                })
            })
            .collect()
    }

    /// The log's running hash after each of these positions. A position that the log does not have is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_hashes(&self, positions: &[Position]) -> Result<BTreeMap<Position, Hash>> {
        let mut hashes = BTreeMap::new();
        for batch in positions.chunks(BATCH * 10) {
            let wanted: Vec<i64> = batch.iter().map(|position| signed(position.0)).collect();
            let rows = sqlx::query("SELECT position, log_hash FROM atsre.events WHERE position = ANY($1)")
                .bind(wanted)
                .fetch_all(self.pool())
                .await?;
            for row in &rows {
                hashes.insert(Position(unsigned(row.try_get("position")?)), hash_column(row, "log_hash")?);
            }
        }
        Ok(hashes)
    }

    /// The media types under which artifacts are stored. A digest without bytes is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn media_types(&self, digests: &[Digest]) -> Result<BTreeMap<Digest, String>> {
        let wanted: Vec<Vec<u8>> = digests.iter().filter_map(|digest| Some(from_hex(&digest.0)?.to_vec())).collect();
        let rows: Vec<(Vec<u8>, String)> =
            // The same bytes may be stored under two names of a type: any one of them does.
            sqlx::query_as(
                "SELECT hash, media_type FROM atsre.sealed_artifacts WHERE hash = ANY($1) \
                 UNION ALL SELECT hash, media_type FROM atsre.artifacts WHERE hash = ANY($1)",
            )
            .bind(wanted)
            .fetch_all(self.pool())
            .await?;
        Ok(rows.into_iter().map(|(hash, media_type)| (Digest(hex(&hash)), media_type)).collect())
    }

    /// The artifacts of a media type, in the order in which they were stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn artifacts_of(&self, media_type: &str) -> Result<Vec<Digest>> {
        let hashes: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT hash FROM atsre.artifacts WHERE media_type = $1 ORDER BY stored_at, hash")
                .bind(media_type)
                .fetch_all(self.pool())
                .await?;
        Ok(hashes.iter().map(|hash| Digest(hex(hash))).collect())
    }

    /// Which of these experiments a bundle brought here. Their history is kept as it came, so nobody here goes on with
    /// them; a fork of one is an experiment of this store.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn imported(&self, streams: &[StreamId]) -> Result<BTreeSet<StreamId>> {
        let names: Vec<&str> = streams.iter().map(|stream| stream.0.as_str()).collect();
        let found: Vec<String> = sqlx::query_scalar("SELECT stream FROM atsre.imported_streams WHERE stream = ANY($1)")
            .bind(names)
            .fetch_all(self.pool())
            .await?;
        Ok(found.into_iter().map(StreamId).collect())
    }

    /// What of a history this store does not have.
    ///
    /// # Errors
    /// [`Error::Occupied`] when it has other content under one of its streams.
    pub async fn missing(&self, history: &History) -> Result<Missing> {
        missing(&mut *self.pool().acquire().await?, history).await
    }

    /// Appends what this store does not have of a history: the streams keep their names and sequences, the events
    /// their payload and metadata byte for byte; positions, times and hashes are this log's. All of it or nothing, and
    /// nothing when it is all there.
    ///
    /// Other appends wait until it is done.
    ///
    /// # Errors
    /// [`Error::Occupied`] when one of its streams has other content here.
    pub async fn import(&self, history: &History) -> Result<Imported> {
        let mut transaction = self.pool().begin().await?;
        let missing = missing(&mut transaction, history).await?;
        let mut imported = Imported {
            appended: missing.events.len() as u64,
            present: (history.events.len() - missing.events.len()) as u64,
            forks: missing.lineage.len() as u64,
            positions: None,
        };
        mark_imported(&mut transaction, history, &missing).await?;
        let mut forks: BTreeMap<Key<'_>, &Lineage> =
            missing.lineage.iter().map(|index| &history.lineage[*index]).map(|row| (row.key(), row)).collect();
        let mut batch: Vec<&StoredEvent> = Vec::with_capacity(BATCH);
        for event in missing.events.iter().map(|index| &history.events[*index]) {
            // A fork stands before its first own event, and after the event that it shares with its parent.
            if let Some(fork) = forks.remove(&(event.stream_type.as_str(), event.stream.0.as_str())) {
                append(&mut transaction, &mut batch, &mut imported).await?;
                record_fork(&mut transaction, fork, &history.lineage).await?;
            }
            batch.push(event);
            if batch.len() == BATCH {
                append(&mut transaction, &mut batch, &mut imported).await?;
            }
        }
        append(&mut transaction, &mut batch, &mut imported).await?;
        for fork in forks.into_values() {
            record_fork(&mut transaction, fork, &history.lineage).await?;
        }
        // What this process remembers of these streams needs no care: an append says which event it follows.
        transaction.commit().await?;
        Ok(imported)
    }
}

/// Notes the experiments of which this store has nothing yet: agents leave them alone (see [`Store::imported`]).
async fn mark_imported(connection: &mut PgConnection, history: &History, missing: &Missing) -> Result<()> {
    let events = missing.events.iter().map(|index| &history.events[*index]);
    let events = events.map(|event| (event.stream_type.as_str(), event.stream.0.as_str()));
    let forks = missing.lineage.iter().map(|index| history.lineage[*index].key());
    let streams: BTreeSet<&str> =
        events.chain(forks).filter(|(kind, _)| *kind == "experiment").map(|(_, stream)| stream).collect();
    sqlx::query(
        "INSERT INTO atsre.imported_streams (stream) SELECT s FROM unnest($1::text[]) AS s \
         WHERE NOT EXISTS (SELECT FROM atsre.events e WHERE e.aggregate_type = 'experiment' AND e.aggregate_id = s) \
         ON CONFLICT DO NOTHING",
    )
    .bind(streams.into_iter().collect::<Vec<&str>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// A stream's type and name.
type Key<'a> = (&'a str, &'a str);

impl Lineage {
    fn key(&self) -> Key<'_> {
        (&self.stream_type, &self.child.0)
    }
}

async fn missing(connection: &mut PgConnection, history: &History) -> Result<Missing> {
    let mut missing = Missing::default();
    for (index, row) in history.lineage.iter().enumerate() {
        if !has_fork(connection, row).await? {
            missing.lineage.push(index);
        }
    }
    let forks: BTreeSet<Key<'_>> = history.lineage.iter().map(Lineage::key).collect();
    let mut of_stream: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    for (index, event) in history.events.iter().enumerate() {
        of_stream.entry((&event.stream_type, &event.stream.0)).or_default().push(index);
    }
    for (key, indices) in of_stream {
        if !forks.contains(&key) && is_fork(connection, key).await? {
            return Err(Error::Occupied(format!("stream {} is a fork here and", key.1)));
        }
        for batch in indices.chunks(BATCH) {
            missing.events.extend(missing_of_stream(connection, key, batch, &history.events).await?);
        }
    }
    missing.events.sort_unstable();
    Ok(missing)
}

/// Which of these events of one stream are not there.
async fn missing_of_stream(
    connection: &mut PgConnection,
    (stream_type, stream): Key<'_>,
    indices: &[usize],
    events: &[StoredEvent],
) -> Result<Vec<usize>> {
    let sequences: Vec<i64> = indices.iter().map(|index| signed(events[*index].sequence.0)).collect();
    let rows = sqlx::query(
        "SELECT e.sequence, e.event_type, e.event_version, e.payload::text AS payload, e.metadata::text AS metadata \
         FROM atsre.events e WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.sequence = ANY($3)",
    )
    .bind(stream_type)
    .bind(stream)
    .bind(sequences)
    .fetch_all(connection)
    .await?;
    let mut present = BTreeMap::new();
    for row in &rows {
        let text = |name: &str| row.try_get::<&str, _>(name);
        let content = [text("event_type")?, text("event_version")?, text("payload")?, text("metadata")?];
        present.insert(unsigned(row.try_get("sequence")?), content);
    }
    let mut absent = Vec::new();
    for index in indices {
        let event = &events[*index];
        let content = [&event.event_type, &event.event_version, &event.payload, &event.metadata].map(String::as_str);
        match present.get(&event.sequence.0) {
            Some(found) if *found == content => {}
            Some(_) => return Err(Error::Occupied(format!("sequence {} of stream {stream}", event.sequence))),
            None => absent.push(*index),
        }
    }
    Ok(absent)
}

async fn is_fork(connection: &mut PgConnection, (stream_type, stream): Key<'_>) -> Result<bool> {
    let statement = "SELECT EXISTS (SELECT FROM atsre.stream_lineage WHERE aggregate_type = $1 AND child = $2)";
    Ok(sqlx::query_scalar(statement).bind(stream_type).bind(stream).fetch_one(connection).await?)
}

/// Whether the fork is there; a stream of that name that shares something else is an error.
async fn has_fork(connection: &mut PgConnection, row: &Lineage) -> Result<bool> {
    let found: Option<(String, String, i64)> =
        sqlx::query_as("SELECT aggregate_type, parent, fork_sequence FROM atsre.stream_lineage WHERE child = $1")
            .bind(&row.child.0)
            .fetch_optional(&mut *connection)
            .await?;
    if let Some((stream_type, parent, sequence)) = found {
        let same =
            stream_type == row.stream_type && parent == row.parent.0 && unsigned(sequence) == row.fork_sequence.0;
        return if same { Ok(true) } else { Err(Error::Occupied(format!("stream {}", row.child))) };
    }
    let has_events: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM atsre.events WHERE aggregate_type = $1 AND aggregate_id = $2)")
            .bind(&row.stream_type)
            .bind(&row.child.0)
            .fetch_one(connection)
            .await?;
    if has_events { Err(Error::Occupied(format!("stream {}", row.child))) } else { Ok(false) }
}

/// Appends the batch and empties it.
async fn append(connection: &mut PgConnection, batch: &mut Vec<&StoredEvent>, imported: &mut Imported) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&StoredEvent) -> &str| batch.iter().map(|event| of(event)).collect::<Vec<&str>>();
    let sequences: Vec<i64> = batch.iter().map(|event| signed(event.sequence.0)).collect();
    // The trigger sees the rows that came before in the same statement, so one statement can hold a whole chain.
    let positions: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         SELECT e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version, e.payload::json, \
                e.metadata::json \
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) \
              WITH ORDINALITY AS e (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
                                    metadata, place) \
         ORDER BY e.place RETURNING position",
    )
    .bind(texts(|event| &event.stream_type))
    .bind(texts(|event| &event.stream.0))
    .bind(sequences)
    .bind(texts(|event| &event.event_type))
    .bind(texts(|event| &event.event_version))
    .bind(texts(|event| &event.payload))
    .bind(texts(|event| &event.metadata))
    .fetch_all(connection)
    .await
    .map_err(|error| {
        if crate::error::is_unique_violation(&error) {
            Error::Occupied("a stream that was written to in the meantime".to_owned())
        } else {
            error.into()
        }
    })?;
    for position in positions.into_iter().map(unsigned).map(Position) {
        let (first, _) = imported.positions.unwrap_or((position, position));
        imported.positions = Some((first, position));
    }
    batch.clear();
    Ok(())
}

/// Makes the fork, with the hash and position that the shared event has in this log.
async fn record_fork(connection: &mut PgConnection, fork: &Lineage, lineage: &[Lineage]) -> Result<()> {
    let mut owner = &fork.parent;
    // Where the parent is a fork too, the shared event may be its own parent's; each step goes one fork up.
    for _ in 0..lineage.len() {
        let up = lineage.iter().find(|row| {
            row.stream_type == fork.stream_type && row.child == *owner && row.fork_sequence >= fork.fork_sequence
        });
        let Some(up) = up else { break };
        owner = &up.parent;
    }
    let made = sqlx::query(
        "INSERT INTO atsre.stream_lineage (child, aggregate_type, parent, fork_sequence, parent_hash, forked_at_position) \
         SELECT $1, $2, $3, $4, e.hash, e.position FROM atsre.events e \
         WHERE e.aggregate_type = $2 AND e.aggregate_id = $5 AND e.sequence = $4",
    )
    .bind(&fork.child.0)
    .bind(&fork.stream_type)
    .bind(&fork.parent.0)
    .bind(signed(fork.fork_sequence.0))
    .bind(&owner.0)
    .execute(connection)
    .await?;
    if made.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::NotFound(format!("sequence {} of stream {}", fork.fork_sequence, fork.parent)))
    }
}
