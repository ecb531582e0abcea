//! A database of its own for each benchmark, and logs to measure on.

use std::collections::BTreeMap;

use anyhow::Context as _;
use atsre_domain::event::{EncodedEvent, WireEvent};
use atsre_domain::{Decider, StreamId, dataset, experiment, node};
use atsre_store::testing::TestHome;
use atsre_store::{Store, StoreConfig};

use crate::support::{Step, history};

/// Events in one insert.
const CHUNK: usize = 2_000;
/// Experiments that run at the same time in the generated log.
const AT_ONCE: usize = 4;

/// A private cluster with the safety of a real one (fsync on), removed when it is dropped.
#[derive(Debug)]
pub struct Database {
    store: Store,
    _home: TestHome,
}

impl Database {
    /// A new one.
    ///
    /// # Errors
    /// Where there is no Postgres.
    pub async fn create() -> anyhow::Result<Self> {
        let home = TestHome::create();
        let store = Store::open(&StoreConfig::private(home.path()), |message| eprintln!("  {message}")).await?;
        Ok(Self { store, _home: home })
    }

    /// The store on it.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }
}

/// An event as it is inserted.
#[derive(Clone, Debug)]
pub struct Row {
    /// The type of its stream.
    pub stream_type: &'static str,
    /// Its stream.
    pub stream: String,
    /// Its place there.
    pub sequence: i64,
    /// What happened.
    pub encoded: EncodedEvent,
}

#[derive(Default)]
struct Streams<D> {
    states: BTreeMap<StreamId, (D, i64)>,
}

impl<D: Decider<Event: WireEvent>> Streams<D> {
    fn decide(&mut self, stream: StreamId, command: D::Command, rows: &mut Vec<Row>) -> anyhow::Result<()> {
        let (state, sequence) = self.states.entry(stream.clone()).or_default();
        for event in state.decide(command)? {
            state.evolve(&event);
            *sequence += 1;
            let encoded = event.encode();
            rows.push(Row { stream_type: D::TYPE, stream: stream.0.clone(), sequence: *sequence, encoded });
        }
        Ok(())
    }
}

/// At least so many events of whole experiments, as the domain decides them, and the artifacts that they name.
///
/// # Errors
/// When the domain refuses a command of the generator.
pub fn events(count: u64) -> anyhow::Result<(Vec<Row>, Vec<Vec<u8>>)> {
    let (mut rows, mut artifacts) = (Vec::new(), Vec::new());
    let mut datasets = Streams::<dataset::Dataset>::default();
    let mut experiments = Streams::<experiment::Experiment>::default();
    let mut nodes = Streams::<node::Node>::default();
    for seed in 0.. {
        if rows.len() as u64 >= count {
            break;
        }
        for step in history(seed, AT_ONCE) {
            match step {
                Step::Artifact(bytes) => artifacts.push(bytes),
                Step::Dataset(stream, command) => datasets.decide(stream, command, &mut rows)?,
                Step::Experiment(stream, command) => experiments.decide(stream, command, &mut rows)?,
                Step::Node(stream, command) => nodes.decide(stream, command, &mut rows)?,
            }
        }
    }
    Ok((rows, artifacts))
}

/// The metadata of a generated event.
pub const METADATA: &str = "{\"actor\":\"bench\",\"build\":\"bench\",\"causation_id\":\"1\",\"correlation_id\":\"bench\",\
    \"event_id\":\"018f0000-0000-7000-8000-000000000000\",\"occurred_at\":\"2026-01-01T00:00:00.000000Z\"}";

/// Fills the log, many events a statement; the triggers seal them as always.
///
/// # Errors
/// When the database fails.
pub async fn fill(store: &Store, count: u64) -> anyhow::Result<u64> {
    let (rows, artifacts) = events(count)?;
    for chunk in artifacts.chunks(CHUNK) {
        sqlx::query(
            "INSERT INTO atsre.artifacts (hash, media_type, bytes) \
             SELECT DISTINCT sha256(b), 'application/json', b FROM unnest($1::bytea[]) AS b ON CONFLICT DO NOTHING",
        )
        .bind(chunk)
        .execute(store.pool())
        .await
        .context("storing artifacts")?;
    }
    for chunk in rows.chunks(CHUNK) {
        insert(store, chunk).await?;
    }
    sqlx::query("VACUUM ANALYZE atsre.events").execute(store.owner_pool()).await.context("analysing the log")?;
    Ok(rows.len() as u64)
}

/// One statement.
///
/// # Errors
/// When the database fails.
pub async fn insert(store: &Store, rows: &[Row]) -> anyhow::Result<()> {
    let column = |of: fn(&Row) -> String| rows.iter().map(of).collect::<Vec<String>>();
    sqlx::query(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         SELECT u.stream_type, u.stream, u.sequence, u.event_type, u.version, u.payload::json, $7::json \
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[]) \
              WITH ORDINALITY AS u (stream_type, stream, sequence, event_type, version, payload, ordinal) ORDER BY u.ordinal",
    )
    .bind(column(|row| row.stream_type.to_owned()))
    .bind(column(|row| row.stream.clone()))
    .bind(rows.iter().map(|row| row.sequence).collect::<Vec<i64>>())
    .bind(column(|row| row.encoded.event_type.to_owned()))
    .bind(column(|row| row.encoded.event_version.to_string()))
    .bind(column(|row| row.encoded.payload.to_string()))
    .bind(METADATA)
    .execute(store.pool())
    .await
    .context("filling the log")?;
    Ok(())
}
