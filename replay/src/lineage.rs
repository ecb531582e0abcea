//! What forks say they share with their parents, against what the parents have.
//!
//! A row of `stream_lineage` says of a fork: its parent, the last sequence they share, that event's hash and position. No
//! hash covers the row itself, but the fork's first own event, `ExperimentForked`, says the same and is sealed. The row's
//! `forked_at` is the clock's, in neither chain nor event: a hint, and not verified.

use std::collections::BTreeMap;

use atsre_domain::event::WireEvent as _;
use atsre_domain::experiment::Event;
use atsre_domain::{Position, Sequence, StreamId};
use atsre_store::hash::{self, Hash};
use atsre_store::{Error, Store, StoredEvent};

use crate::verify::Difference;

/// How deep forks of forks may go.
const DEPTH: usize = 32;
/// The type of the streams whose forks begin with [`FORKED`].
const EXPERIMENT: &str = "experiment";
/// The type of a fork's first own event.
const FORKED: &str = "ExperimentForked";

/// One row: what a fork shares with its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The type of both streams.
    pub stream_type: String,
    /// The parent.
    pub parent: StreamId,
    /// The last sequence that they share.
    pub sequence: Sequence,
    /// That event's hash.
    pub parent_hash: Hash,
    /// That event's position.
    pub position: Position,
}

/// All forks, by the child's name.
pub type Forks = BTreeMap<StreamId, Fork>;

type Row = (String, String, String, i64, Vec<u8>, i64);

/// All forks as the table has them.
pub(crate) async fn forks(store: &Store) -> Result<Forks, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT child, aggregate_type, parent, fork_sequence, parent_hash, forked_at_position FROM atsre.stream_lineage",
    )
    .fetch_all(store.pool())
    .await?;
    let fork = |(child, stream_type, parent, sequence, parent_hash, position): Row| {
        let fork = Fork {
            stream_type,
            parent: StreamId(parent),
            sequence: Sequence(sequence.unsigned_abs()),
            // A hash of another length (somebody has edited it) is no event's.
            parent_hash: parent_hash.as_slice().try_into().unwrap_or_default(),
            position: Position(position.unsigned_abs()),
        };
        (StreamId(child), fork)
    };
    Ok(rows.into_iter().map(fork).collect())
}

/// The forks that a stream descends from, itself included.
pub(crate) fn ancestry<'a>(forks: &'a Forks, stream: &'a StreamId) -> Vec<&'a StreamId> {
    let (mut line, mut at) = (Vec::new(), stream);
    while let Some(fork) = forks.get(at).filter(|_| line.len() <= DEPTH) {
        line.push(at);
        at = &fork.parent;
    }
    line
}

/// Whether each of these forks shares with its parent what its row says, by the log.
pub(crate) async fn check(
    store: &Store,
    forks: &Forks,
    children: impl IntoIterator<Item = &StreamId>,
) -> Result<Vec<Difference>, Error> {
    let mut differences = Vec::new();
    for child in children {
        let Some(fork) = forks.get(child) else { continue };
        let problem = match owner(forks, child, fork) {
            Ok(owner) => unshared(store, fork, owner).await?,
            Err(problem) => Some(problem),
        };
        if let Some(detail) = problem {
            let (position, stream) = (fork.position, Some(child.clone()));
            differences.push(Difference { position, stream, kind: "lineage", detail });
        }
    }
    Ok(differences)
}

/// The stream that the shared event was written to: the parent, or where the parent has it from.
fn owner<'a>(forks: &'a Forks, child: &StreamId, fork: &'a Fork) -> Result<&'a StreamId, String> {
    let (mut at, mut owner) = (&fork.parent, None);
    for _ in 0..DEPTH {
        let Some(above) = forks.get(at) else { return Ok(owner.unwrap_or(at)) };
        if at == child {
            return Err(format!("it descends from itself, by way of {}", fork.parent));
        }
        if above.stream_type != fork.stream_type {
            let (of, other) = (&fork.stream_type, &above.stream_type);
            return Err(format!("it is a stream of type {of}, and its ancestor {at} one of type {other}"));
        }
        if above.sequence < fork.sequence {
            owner.get_or_insert(at);
        }
        at = &above.parent;
    }
    Err(format!("it is more than {DEPTH} forks deep, or its ancestors descend from themselves"))
}

/// Why the parent does not share this event, if it does not.
async fn unshared(store: &Store, fork: &Fork, owner: &StreamId) -> Result<Option<String>, Error> {
    let Fork { stream_type, parent, sequence, parent_hash, position } = fork;
    let says = format!("it says it shares with {parent} event {position}, sequence {sequence}");
    let event = match store.log().event(*position).await {
        Ok(event) => event,
        Err(Error::NotFound(_)) => return Ok(Some(format!("{says}, and the log has no such event"))),
        Err(error) => return Err(error),
    };
    let detail = if event.stream_type != *stream_type || event.stream != *owner {
        format!("{says}, and that event is one of the {} {}", event.stream_type, event.stream)
    } else if event.sequence != *sequence {
        format!("{says}, and that event has sequence {}", event.sequence)
    } else if event.hash != *parent_hash {
        let (of_row, of_event) = (hash::hex(parent_hash), hash::hex(&event.hash));
        format!("{says}, with the hash {of_row}, and that event has {of_event}")
    } else {
        return Ok(None);
    };
    Ok(Some(detail))
}

/// What the first own event of a stream has to follow: in a fork the parent's event, else the genesis. A fork's row and
/// its first own event must say the same.
pub(crate) fn beginning(event: &StoredEvent, forks: &Forks, differences: &mut Vec<Difference>) -> (Sequence, Hash) {
    let fork = forks.get(&event.stream).filter(|fork| fork.stream_type == event.stream_type);
    let mut differs = |detail: String| differences.push(Difference::at(event, "lineage", detail));
    match (fork, said(event)) {
        (None, None) => (Sequence(0), hash::genesis(&event.stream_type, &event.stream.0)),
        (None, Some((parent, sequence, hash))) => {
            differs(format!("it was forked from {parent} at sequence {sequence}, and no row of the lineage says so"));
            // The event's own word, so that the missing row shows once, and the chain goes on.
            (sequence, hash)
        }
        (Some(fork), None) => {
            if event.stream_type == EXPERIMENT {
                differs(format!("it is the first own event of a fork of {}, and should be {FORKED}", fork.parent));
            }
            (fork.sequence, fork.parent_hash)
        }
        // A fork that was imported tells the hash that its parent's event has in the log that both came from. Here the
        // seal, which was made over the row, says what it follows.
        (Some(fork), Some((parent, sequence, _)))
            if (&parent, sequence, event.prev_hash) == (&fork.parent, fork.sequence, fork.parent_hash) =>
        {
            (sequence, fork.parent_hash)
        }
        (Some(fork), Some((parent, sequence, hash))) => {
            if (&parent, sequence, hash) != (&fork.parent, fork.sequence, fork.parent_hash) {
                let of_event = format!("{parent} at sequence {sequence}, hash {}", hash::hex(&hash));
                let (at, of_row) = (fork.sequence, hash::hex(&fork.parent_hash));
                let row = format!("{} at sequence {at}, hash {of_row}", fork.parent);
                differs(format!("it was forked from {of_event}; the lineage says from {row}"));
            }
            // The event is sealed and the row is not.
            (sequence, hash)
        }
    }
}

/// What a fork's first own event says: parent, sequence, hash.
fn said(event: &StoredEvent) -> Option<(StreamId, Sequence, Hash)> {
    if event.stream_type != EXPERIMENT || event.event_type != FORKED {
        return None;
    }
    // One that cannot be read is named as unreadable.
    let Ok(Event::ExperimentForked(forked)) = Event::decode_text(&event.event_type, event.version(), &event.payload)
    else {
        return None;
    };
    let hash = hash::from_hex(&forked.parent_hash.0).unwrap_or_default();
    Some((forked.parent, Sequence(forked.at_sequence), hash))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fork(parent: &str, sequence: u64) -> Fork {
        Fork {
            stream_type: EXPERIMENT.to_owned(),
            parent: StreamId(parent.to_owned()),
            sequence: Sequence(sequence),
            parent_hash: [0; 32],
            position: Position(sequence),
        }
    }

    fn owner_of(rows: &[(&str, &str, u64)], child: &str) -> Result<String, String> {
        let name = |name: &str| StreamId(name.to_owned());
        let forks: Forks =
            rows.iter().map(|(child, parent, sequence)| (name(child), fork(parent, *sequence))).collect();
        owner(&forks, &name(child), &forks[&name(child)]).map(|owner| owner.0.clone())
    }

    #[test]
    fn a_shared_event_is_looked_for_where_it_was_written() {
        // root has 1..=9; b leaves it at 5; c leaves b at 7 (own of b), d leaves b at 3 (root's).
        let rows = [("b", "root", 5), ("c", "b", 7), ("d", "b", 3), ("e", "d", 3)];
        assert_eq!(owner_of(&rows, "b").unwrap(), "root");
        assert_eq!(owner_of(&rows, "c").unwrap(), "b");
        assert_eq!(owner_of(&rows, "d").unwrap(), "root");
        assert_eq!(owner_of(&rows, "e").unwrap(), "root");
    }

    #[test]
    fn circles_and_lineages_without_end_are_refused() {
        assert!(owner_of(&[("a", "b", 3), ("b", "a", 3)], "a").unwrap_err().contains("itself"));
        assert!(owner_of(&[("x", "a", 9), ("a", "b", 3), ("b", "a", 3)], "x").is_err(), "its ancestors go in a circle");
        let names: Vec<String> = (0..40).map(|i| format!("s{i}")).collect();
        let rows: Vec<_> = names.windows(2).map(|pair| (pair[1].as_str(), pair[0].as_str(), 1)).collect();
        assert!(owner_of(&rows, "s32").is_ok(), "32 forks of forks are allowed");
        assert!(owner_of(&rows, "s33").unwrap_err().contains("32"));
    }
}
