//! Events in, merged row operations out.

use std::collections::BTreeMap;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Recorded};
use atsre_store::{Error as StoreError, Store, StoredEvent};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::Value;

use crate::error::Error;
use crate::projection::{Artifacts, Projection};
use crate::row::Merged;

/// Rows after which a batch ends early, so that a log of wide forecasts does not fill the memory.
const MOST_ROWS: usize = 20_000;
/// Events whose artifacts are fetched at the same time.
const FETCHES: usize = 8;

/// What a batch came to.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// The rows of its first `events` events.
    pub(crate) merged: Merged,
    /// How many events that are: all, or those before the poison, or fewer where the rows are many.
    pub(crate) events: usize,
    /// Why the event after them cannot be projected.
    pub(crate) poison: Option<String>,
}

/// Folds events, up to one that cannot be projected.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn fold(store: &Store, projection: &Projection, events: &[StoredEvent]) -> Result<Folded, Error> {
    let mut folded = Folded::default();
    // Boxed and gathered first: as a stream of closures over references, rustc cannot see that it may change threads.
    let preparing: Vec<_> = events.iter().map(|stored| prepare(store, projection, stored).boxed()).collect();
    let mut prepared = futures::stream::iter(preparing).buffered(FETCHES);
    while let Some(event) = prepared.next().await {
        match event? {
            Prepared::OfAnotherStream => {}
            Prepared::Event(recorded, artifacts) => {
                for op in (projection.apply)(&recorded, &artifacts) {
                    folded.merged.add(op);
                }
            }
            Prepared::Poison(message) => {
                folded.poison = Some(message);
                return Ok(folded);
            }
        }
        folded.events += 1;
        if folded.merged.rows() >= MOST_ROWS {
            break;
        }
    }
    Ok(folded)
}

enum Prepared {
    OfAnotherStream,
    Event(Box<Recorded<AnyEvent>>, Artifacts),
    Poison(String),
}

async fn prepare(store: &Store, projection: &Projection, stored: &StoredEvent) -> Result<Prepared, Error> {
    if stored.stream_type != projection.stream_type {
        return Ok(Prepared::OfAnotherStream);
    }
    let event = match stored.decode() {
        Ok(event) => event,
        Err(error) => return Ok(Prepared::Poison(told(&error))),
    };
    let mut artifacts: BTreeMap<Digest, Value> = BTreeMap::new();
    for digest in (projection.needs)(&event) {
        let bytes = match store.artifacts().get(&digest).await {
            Ok(bytes) => bytes,
            Err(error @ (StoreError::NoArtifact(_) | StoreError::Corrupt { .. })) => {
                return Ok(Prepared::Poison(told(&error)));
            }
            Err(error) => return Err(error.into()),
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => artifacts.insert(digest, value),
            Err(error) => return Ok(Prepared::Poison(format!("artifact {digest} is not JSON: {error}"))),
        };
    }
    let recorded = Recorded {
        position: stored.position,
        stream: stored.stream.clone(),
        sequence: stored.sequence,
        recorded_at: stored.recorded_at,
        event,
    };
    Ok(Prepared::Event(Box::new(recorded), artifacts))
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
