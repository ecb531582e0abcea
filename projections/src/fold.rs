//! Events in, merged row operations out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use atsre_domain::event::AnyEvent;
use atsre_domain::{ArtifactRef, Digest, Recorded, experiment};
use atsre_store::{Error as StoreError, Store, StoredEvent, told};

use crate::error::Error;
use crate::projection::{Artifacts, Projection};
use crate::row::Merged;

/// Rows after which a batch ends early, so that a log of wide forecasts does not fill the memory.
const MOST_ROWS: usize = 20_000;
/// Artifacts fetched in one round trip: so many, and so many bytes.
const FETCH: usize = 256;
const FETCH_BYTES: u64 = 32 << 20;

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
    let mut decoded: VecDeque<Decoded> = events.iter().map(|stored| decode(projection, stored)).collect();
    let mut fetched = BTreeMap::new();
    while let Some(event) = decoded.pop_front() {
        match event {
            Decoded::OfAnotherStream => {}
            Decoded::Event(recorded, needs) => {
                if needs.iter().any(|needed| !fetched.contains_key(&needed.digest)) {
                    fetched = fetch(store, &needs, &decoded).await?;
                }
                for missing in needs.iter().filter(|needed| !matches!(fetched.get(&needed.digest), Some(Some(_)))) {
                    // What was erased makes no rows.
                    if let Some(unsound) = why_unsound(store, &missing.digest).await? {
                        folded.poison = Some(unsound);
                        return Ok(folded);
                    }
                }
                let artifacts: Artifacts<'_> = needs
                    .iter()
                    .filter_map(|needed| Some((needed.digest.clone(), fetched.get(&needed.digest)?.as_deref()?)))
                    .collect();
                inherit(store, projection, &recorded, &mut folded.merged).await?;
                match (projection.apply)(&recorded, &artifacts) {
                    Ok(ops) => ops.into_iter().for_each(|op| folded.merged.add(op)),
                    Err(message) => {
                        folded.poison = Some(message);
                        return Ok(folded);
                    }
                }
            }
            Decoded::Poison(message) => {
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

enum Decoded {
    OfAnotherStream,
    Event(Box<Recorded<AnyEvent>>, Vec<ArtifactRef>),
    Poison(String),
}

fn decode(projection: &Projection, stored: &StoredEvent) -> Decoded {
    if stored.stream_type != projection.stream_type {
        return Decoded::OfAnotherStream;
    }
    match stored.decode() {
        Ok(event) => {
            let needs = (projection.needs)(&event);
            let recorded = Recorded {
                position: stored.position,
                stream: stored.stream.clone(),
                sequence: stored.sequence,
                recorded_at: stored.recorded_at,
                event,
            };
            Decoded::Event(Box::new(recorded), needs)
        }
        Err(error) => Decoded::Poison(told(&error)),
    }
}

/// The artifacts that an event needs, and ahead of their time those of the events after it, as far as the limits go; nothing
/// for one that cannot be had.
async fn fetch(
    store: &Store,
    needs: &[ArtifactRef],
    later: &VecDeque<Decoded>,
) -> Result<BTreeMap<Digest, Option<Vec<u8>>>, StoreError> {
    let ahead = later.iter().flat_map(|event| match event {
        Decoded::Event(_, needs) => needs.as_slice(),
        Decoded::OfAnotherStream | Decoded::Poison(_) => &[],
    });
    let mut bytes = 0;
    let ahead = ahead.take(FETCH).take_while(|needed| {
        bytes += needed.length_bytes;
        bytes <= FETCH_BYTES
    });
    // Two events may need the same: a fork's graph, found again, is its parent's.
    let digests: BTreeSet<Digest> = needs.iter().chain(ahead).map(|needed| needed.digest.clone()).collect();
    let digests = Vec::from_iter(digests);
    let mut sound = store.artifacts().get_sound(&digests).await?;
    Ok(digests.into_iter().map(|digest| (digest.clone(), sound.remove(&digest))).collect())
}

/// Why an artifact cannot be used; none where it was erased.
async fn why_unsound(store: &Store, digest: &Digest) -> Result<Option<String>, Error> {
    match store.artifacts().get(digest).await {
        // It was written, or mended, in between: the next attempt finds it.
        Ok(_) => Ok(Some(format!("artifact {digest} was not there a moment ago"))),
        Err(StoreError::Erased { .. }) => Ok(None),
        Err(error @ (StoreError::NoArtifact(_) | StoreError::Corrupt { .. } | StoreError::Key(_))) => {
            Ok(Some(told(&error)))
        }
        Err(error) => Err(error.into()),
    }
}

/// A fork begins with the rows of what it shares with its parent, under its own name.
async fn inherit(
    store: &Store,
    projection: &Projection,
    recorded: &Recorded<AnyEvent>,
    merged: &mut Merged,
) -> Result<(), Error> {
    let AnyEvent::Experiment(experiment::Event::ExperimentForked(forked)) = &recorded.event else { return Ok(()) };
    for stored in store.log().read_stream(projection.stream_type, &recorded.stream).await? {
        if stored.sequence.0 > forked.at_sequence {
            break;
        }
        let shared = Recorded {
            position: stored.position,
            stream: recorded.stream.clone(),
            sequence: stored.sequence,
            recorded_at: stored.recorded_at,
            event: stored.decode()?,
        };
        let ops = (projection.apply)(&shared, &Artifacts::new()).unwrap_or_default();
        ops.into_iter().filter(|op| projection.inherited.contains(&op.table)).for_each(|op| merged.add(op));
    }
    Ok(())
}
