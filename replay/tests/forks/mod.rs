//! Forks as the log has them: the lineage's row and the first own event.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub, dead_code)]

use atsre_domain::event::WireEvent as _;
use atsre_domain::experiment::{Event, ExperimentForked};
use atsre_domain::{Digest, Position, Seed, Sequence, StreamId, Timestamp};
use atsre_store::{Store, hash};

const METADATA: &str = r#"{"actor":"tester","build":"test","correlation_id":"fork",
    "event_id":"018f0000-0000-7000-8000-000000000000","occurred_at":"2026-01-01T00:00:00.000000Z"}"#;

/// Forks an experiment, and answers with the position of the fork's first own event.
pub async fn fork(store: &Store, parent: &StreamId, at: Sequence, child: &StreamId) -> Position {
    let point = store.fork("experiment", parent, at, child).await.unwrap();
    let forked = Event::ExperimentForked(ExperimentForked {
        parent: parent.clone(),
        at_sequence: at.0,
        parent_hash: Digest(hash::hex(&point.hash)),
        reason: "what if".into(),
        name: None,
        seed: Seed(7),
        overrides: vec![],
        forked_at: Timestamp(1_700_000_000_000_000),
    });
    append(store, child, Sequence(at.0 + 1), &forked).await
}

/// Appends an event to an experiment's stream, past the aggregate.
pub async fn append(store: &Store, stream: &StreamId, sequence: Sequence, event: &Event) -> Position {
    let encoded = event.encode();
    let position: i64 = sqlx::query_scalar(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ('experiment', $1, $2, $3, $4, $5::json, $6::json) RETURNING position",
    )
    .bind(&stream.0)
    .bind(sequence.0 as i64)
    .bind(encoded.event_type)
    .bind(encoded.event_version.to_string())
    .bind(encoded.payload.to_string())
    .bind(METADATA)
    .fetch_one(store.pool())
    .await
    .unwrap();
    Position(position.unsigned_abs())
}
