//! The one runner: batch, apply, rows and checkpoint in one transaction.

use std::collections::BTreeMap;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Position, Recorded};
use atsre_store::{Checkpoints, Store, StoredEvent};
use serde_json::Value;
use tokio::sync::watch;

use crate::error::Error;
use crate::projection::{Artifacts, Projection};
use crate::row::Merged;
use crate::writer;

/// Events in one transaction.
pub(crate) const BATCH: usize = 2_000;

/// Runs a projection until told to stop.
///
/// # Errors
/// When an event cannot be projected (the projection then stays where it is), or the store does not answer.
pub async fn run(store: Store, name: &str, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
    let projection = crate::find(name)?;
    ensure_schema(&store, projection).await?;
    ensure_not_stopped(&store, projection).await?;
    let at = store.checkpoints().position(projection.child, projection.version).await?;
    let mut follower = store.log().follow(at);
    while !*stop.borrow() {
        let from = follower.position();
        tokio::select! {
            changed = stop.changed() => if changed.is_err() { break },
            events = follower.next(BATCH) => {
                let events = events?;
                match step(&store, projection, from, &events).await {
                    Ok(()) => {}
                    // Another node runs the same projection and was first; its rows are the same.
                    Err(Error::Store(atsre_store::Error::CheckpointMoved { .. })) => {
                        let moved = store.checkpoints().position(projection.child, projection.version).await?;
                        follower = store.log().follow(moved);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(())
}

/// Projects all events up to the head, and gives its position.
///
/// # Errors
/// When an event cannot be projected, or the store does not answer.
pub async fn catch_up(store: &Store, projection: &Projection) -> Result<Position, Error> {
    ensure_schema(store, projection).await?;
    loop {
        let from = store.checkpoints().position(projection.child, projection.version).await?;
        let events = store.log().read(from, BATCH).await?;
        if events.is_empty() {
            return Ok(from);
        }
        step(store, projection, from, &events).await?;
    }
}

/// One batch: rows and checkpoint commit together. They are lost together as well, so the commit need not wait for
/// the disk: a crash means only that the batch is done again.
async fn step(store: &Store, projection: &Projection, from: Position, events: &[StoredEvent]) -> Result<(), Error> {
    let Some(last) = events.last() else { return Ok(()) };
    let merged = match fold(store, projection, events).await {
        Ok(merged) => merged,
        Err(Error::Stopped { position, message, name }) => {
            record_failure(store, projection, position, &message).await?;
            return Err(Error::Stopped { position, message, name });
        }
        Err(error) => return Err(error),
    };
    let mut transaction = store.pool().begin().await?;
    sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *transaction).await?;
    // The checkpoint first: of two runners the second waits here and then finds it moved.
    Checkpoints::advance_in(&mut transaction, projection.child, projection.version, from, last.position).await?;
    writer::write(&mut transaction, projection, &projection.schema(), merged).await?;
    transaction.commit().await?;
    Ok(())
}

/// The merged row operations of a batch.
pub(crate) async fn fold(store: &Store, projection: &Projection, events: &[StoredEvent]) -> Result<Merged, Error> {
    let stopped = |position, message: String| Error::Stopped { name: projection.name.to_owned(), position, message };
    let mut merged = Merged::default();
    for stored in events {
        let event = stored.decode().map_err(|error| stopped(stored.position, told(&error)))?;
        let recorded = Recorded {
            position: stored.position,
            stream: stored.stream.clone(),
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            event,
        };
        let artifacts = artifacts(store, projection, &recorded.event)
            .await?
            .map_err(|message| stopped(stored.position, message))?;
        for op in (projection.apply)(&recorded, &artifacts) {
            merged.add(op);
        }
    }
    Ok(merged)
}

/// The artifacts of an event; the inner error says which one is missing or damaged.
async fn artifacts(store: &Store, projection: &Projection, event: &AnyEvent) -> Result<Result<Artifacts, String>, Error> {
    let mut found: BTreeMap<Digest, Value> = BTreeMap::new();
    for digest in (projection.needs)(event) {
        match store.artifacts().get(&digest).await {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(value) => found.insert(digest, value),
                Err(error) => return Ok(Err(format!("artifact {digest} is not JSON: {error}"))),
            },
            Err(error @ (atsre_store::Error::NoArtifact(_) | atsre_store::Error::Corrupt { .. })) => {
                return Ok(Err(error.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
    }
    Ok(Ok(found))
}

/// Makes the schema, the tables and the views where they are not there yet. Of two nodes that start at once, the
/// second waits for the first.
pub(crate) async fn ensure_schema(store: &Store, projection: &Projection) -> Result<(), Error> {
    let schema = projection.schema();
    let mut lock = store.pool().begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))").bind(&schema).execute(&mut *lock).await?;
    let there: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL").bind(&schema).fetch_one(&mut *lock).await?;
    if !there {
        writer::make_schema(store, projection, &schema).await?;
        writer::point_views(&mut lock, projection, &schema).await?;
    }
    lock.commit().await?;
    Ok(())
}

/// A poison event stops its projection until somebody has looked: nothing is skipped.
pub(crate) async fn ensure_not_stopped(store: &Store, projection: &Projection) -> Result<(), Error> {
    let failure: Option<(i64, String)> = sqlx::query_as(
        "SELECT f.position, f.error FROM atsre.projection_failures f \
         LEFT JOIN atsre.checkpoints c ON c.name = f.name AND c.version = f.version \
         WHERE f.name = $1 AND f.version = $2 AND f.position > coalesce(c.position, 0) ORDER BY f.position LIMIT 1",
    )
    .bind(projection.child)
    .bind(i64::from(projection.version))
    .fetch_optional(store.pool())
    .await?;
    match failure {
        None => Ok(()),
        Some((position, message)) => {
            Err(Error::Stopped { name: projection.name.to_owned(), position: Position(position.unsigned_abs()), message })
        }
    }
}

async fn record_failure(store: &Store, projection: &Projection, position: Position, message: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO atsre.projection_failures (name, version, position, error) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name, version, position) DO UPDATE SET error = EXCLUDED.error, failed_at = clock_timestamp()",
    )
    .bind(projection.child)
    .bind(i64::from(projection.version))
    .bind(i64::try_from(position.0).unwrap_or(i64::MAX))
    .bind(message)
    .execute(store.pool())
    .await?;
    Ok(())
}

fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
