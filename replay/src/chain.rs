//! The hash chains, recomputed: the second implementation of what the database's trigger writes.

use std::collections::BTreeMap;

use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use atsre_store::hash::{self, Hash};
use atsre_store::{StoredEvent, rfc3339};

use crate::verify::Difference;

/// How far each chain was followed.
#[derive(Debug)]
pub struct Chain {
    /// The last position seen.
    pub position: Position,
    log_hash: Hash,
    recorded_at: Timestamp,
    streams: BTreeMap<StreamId, (Sequence, Hash)>,
}

impl Default for Chain {
    fn default() -> Self {
        Self { position: Position(0), log_hash: hash::empty_log(), recorded_at: Timestamp(i64::MIN), streams: BTreeMap::new() }
    }
}

impl Chain {
    /// The running hash of the log at the last position.
    #[must_use]
    pub const fn log_hash(&self) -> &Hash {
        &self.log_hash
    }

    /// Follows one event. After a difference the chain goes on from what is stored, so that one alteration is one
    /// difference, at its place. `begins` gives the hash that a stream's first own event must follow.
    pub fn follow(
        &mut self,
        event: &StoredEvent,
        begins: &BTreeMap<StreamId, (Sequence, Hash)>,
        differences: &mut Vec<Difference>,
    ) {
        let mut differs = |kind: &'static str, detail: String| differences.push(Difference::at(event, kind, detail));
        let expected = self.position.0 + 1;
        if event.position.0 != expected {
            differs("gap", format!("event {expected} was due and event {} came: events are missing between them", event.position));
        }
        let computed = hash::event_hash(&event.prev_hash, event);
        if computed != event.hash {
            differs("hash", format!("its content gives {}, the record says {}", hash::hex(&computed), hash::hex(&event.hash)));
        }
        let (sequence, previous) = self.streams.get(&event.stream).copied().unwrap_or_else(|| {
            let first = (Sequence(0), hash::genesis(&event.stream_type, &event.stream.0));
            begins.get(&event.stream).copied().unwrap_or(first)
        });
        if event.sequence.0 != sequence.0 + 1 {
            differs("sequence", format!("sequence {} was due in its stream and {} came", sequence.0 + 1, event.sequence));
        }
        if event.prev_hash != previous {
            differs("prev_hash", format!("it follows {}, the event before it has {}", hash::hex(&event.prev_hash), hash::hex(&previous)));
        }
        // Across a gap the running hash cannot be followed; the gap is the difference.
        if event.position.0 == expected {
            let log_hash = hash::log_hash(&self.log_hash, event.position.0, &event.hash);
            if log_hash != event.log_hash {
                differs("log_hash", format!("the log's running hash is {}, the record says {}", hash::hex(&log_hash), hash::hex(&event.log_hash)));
            }
        }
        if event.recorded_at < self.recorded_at {
            differs("time", format!("recorded at {}, before the event before it", rfc3339(event.recorded_at)));
        }
        self.position = event.position;
        self.log_hash = event.log_hash;
        self.recorded_at = event.recorded_at.max(self.recorded_at);
        self.streams.insert(event.stream.clone(), (event.sequence, event.hash));
    }
}
