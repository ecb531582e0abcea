//! Events in, merged row operations out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use atsre_domain::event::AnyEvent;
use atsre_domain::{ArtifactRef, Digest, Recorded, experiment};
use atsre_store::{Error as StoreError, Store, StoredEvent, told};

use crate::error::Error;
use crate::projection::{Artifacts, Projection};
use crate::row::{Gather, Merged, RowOp};

/// Rows after which a batch ends early, so that a log of wide forecasts does not fill the memory.
const MOST_ROWS: usize = 20_000;
/// Artifacts fetched in one round trip: so many, and so many bytes.
const FETCH: usize = 256;
const FETCH_BYTES: u64 = 32 << 20;

/// What a batch came to.
#[derive(Debug, Default)]
pub(crate) struct Folded<R = Merged> {
    /// The rows of its first `events` events.
    pub(crate) merged: R,
    /// How many events that are: all, or those before the poison, or fewer where the rows are many.
    pub(crate) events: usize,
    /// Why the event after them cannot be projected.
    pub(crate) poison: Option<String>,
    /// The artifacts that were read and are what their digests say, with their lengths in bytes.
    pub(crate) sound: Vec<(Digest, u64)>,
}

/// Folds events, up to one that cannot be projected.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn fold(store: &Store, projection: &Projection, events: &[StoredEvent]) -> Result<Folded, Error> {
    fold_decoded(store, projection, &mut events.iter().map(|stored| decode(projection, stored)).collect()).await
}

/// As [`fold`], of events that were decoded elsewhere, to operations as they come.
pub(crate) async fn fold_recorded(
    store: &Store,
    projection: &Projection,
    events: &[Arc<Recorded<AnyEvent>>],
) -> Result<Folded<Vec<RowOp>>, Error> {
    let decoded = |event: &Arc<Recorded<AnyEvent>>| {
        if event.event.names().0 != projection.stream_type {
            return Decoded::OfAnotherStream;
        }
        Decoded::Event(Arc::clone(event), (projection.needs)(&event.event))
    };
    fold_decoded(store, projection, &mut events.iter().map(decoded).collect()).await
}

async fn fold_decoded<R: Gather>(
    store: &Store,
    projection: &Projection,
    decoded: &mut VecDeque<Decoded>,
) -> Result<Folded<R>, Error> {
    let mut folded = Folded { merged: R::default(), events: 0, poison: None, sound: Vec::new() };
    let mut fetched = BTreeMap::new();
    while let Some(event) = decoded.pop_front() {
        match event {
            Decoded::OfAnotherStream => {}
            Decoded::Event(recorded, needs) => {
                if unsound(&needs, &fetched).is_some() {
                    fetched = fetch(store, &needs, decoded).await?;
                    folded.sound.extend(fetched.iter().filter_map(|(digest, had)| match had {
                        Had::Bytes(bytes) => Some((digest.clone(), bytes.len() as u64)),
                        Had::Erased | Had::Unsound => None,
                    }));
                }
                // What was erased makes no rows.
                if let Some(unsound) = unsound(&needs, &fetched) {
                    folded.poison = Some(why_unsound(store, &unsound.digest).await?);
                    return Ok(folded);
                }
                let artifacts: Artifacts<'_> = needs
                    .iter()
                    .filter_map(|needed| match fetched.get(&needed.digest)? {
                        Had::Bytes(bytes) => Some((needed.digest.clone(), bytes.as_slice())),
                        Had::Erased | Had::Unsound => None,
                    })
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
    Event(Arc<Recorded<AnyEvent>>, Vec<ArtifactRef>),
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
            Decoded::Event(Arc::new(recorded), needs)
        }
        Err(error) => Decoded::Poison(told(&error)),
    }
}

/// What was had of an artifact that an event needs.
enum Had {
    Bytes(Vec<u8>),
    Erased,
    /// Missing or damaged.
    Unsound,
}

/// The first of these artifacts that is neither had nor erased.
fn unsound<'a>(needs: &'a [ArtifactRef], fetched: &BTreeMap<Digest, Had>) -> Option<&'a ArtifactRef> {
    needs.iter().find(|needed| !matches!(fetched.get(&needed.digest), Some(Had::Bytes(_) | Had::Erased)))
}

/// The artifacts that an event needs, and ahead of their time those of the events after it, as far as the limits go.
async fn fetch(
    store: &Store,
    needs: &[ArtifactRef],
    later: &VecDeque<Decoded>,
) -> Result<BTreeMap<Digest, Had>, StoreError> {
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
    let missing: Vec<Digest> = digests.iter().filter(|digest| !sound.contains_key(digest)).cloned().collect();
    let erased = if missing.is_empty() { BTreeMap::new() } else { store.artifacts().erased(&missing).await? };
    let had = |digest: Digest| {
        let had = match sound.remove(&digest) {
            Some(bytes) => Had::Bytes(bytes),
            None if erased.contains_key(&digest) => Had::Erased,
            None => Had::Unsound,
        };
        (digest, had)
    };
    // An artifact may be needed twice.
    Ok(digests.into_iter().collect::<BTreeSet<_>>().into_iter().map(had).collect())
}

/// Why an artifact cannot be used.
async fn why_unsound(store: &Store, digest: &Digest) -> Result<String, Error> {
    match store.artifacts().get(digest).await {
        // It was written, mended or erased in between: the next attempt finds that.
        Ok(_) | Err(StoreError::Erased { .. }) => Ok(format!("artifact {digest} was not there a moment ago")),
        Err(error @ (StoreError::NoArtifact(_) | StoreError::Corrupt { .. } | StoreError::Key(_))) => Ok(told(&error)),
        Err(error) => Err(error.into()),
    }
}

/// A fork begins with the rows of what it shares with its parent, under its own name.
async fn inherit(
    store: &Store,
    projection: &Projection,
    recorded: &Recorded<AnyEvent>,
    merged: &mut impl Gather,
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
