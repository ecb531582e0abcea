//! The hash chains, recomputed: the second implementation of what the database's trigger writes.

use std::collections::{BTreeMap, HashMap};

use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use atsre_store::hash::{self, Hash};
use atsre_store::{LastBefore, StoredEvent, rfc3339};

use crate::lineage::{self, Forks};
use crate::verify::Difference;

/// How far each chain was followed.
#[derive(Debug)]
pub struct Chain {
    /// The last position seen.
    pub position: Position,
    log_hash: Hash,
    recorded_at: Timestamp,
    /// By the stream's type and then its name: an event that is moved to another type leaves its stream as well.
    streams: BTreeMap<String, HashMap<StreamId, (Sequence, Hash)>>,
}

impl Default for Chain {
    fn default() -> Self {
        Self::after(Position(0), hash::empty_log(), Timestamp(i64::MIN))
    }
}

impl Chain {
    /// A chain that goes on after an event. Streams that have events before it are to be made known with
    /// [`Chain::remember`] before they are followed.
    #[must_use]
    pub const fn after(position: Position, log_hash: Hash, recorded_at: Timestamp) -> Self {
        Self { position, log_hash, recorded_at, streams: BTreeMap::new() }
    }

    /// The running hash of the log at the last position.
    #[must_use]
    pub const fn log_hash(&self) -> &Hash {
        &self.log_hash
    }

    /// Whether a stream was seen.
    #[must_use]
    pub fn knows(&self, stream_type: &str, stream: &StreamId) -> bool {
        self.streams.get(stream_type).is_some_and(|of_type| of_type.contains_key(stream))
    }

    /// Takes a stream's last event for seen.
    pub fn remember(&mut self, last: LastBefore) {
        self.streams.entry(last.stream_type).or_default().insert(last.stream, (last.sequence, last.hash));
    }

    /// Follows one event. After a difference the chain goes on from what is stored, so that one alteration shows at its
    /// place and not at everything after it.
    pub fn follow(&mut self, event: &StoredEvent, forks: &Forks, differences: &mut Vec<Difference>) {
        let (sequence, previous) = self.follow_stream(event, forks, differences);
        let mut differs = |kind: &'static str, detail: String| differences.push(Difference::at(event, kind, detail));
        let expected = self.position.0 + 1;
        if event.position.0 != expected {
            let came = event.position;
            differs("gap", format!("event {expected} was due and event {came} came: events are missing between them"));
        }
        let computed = hash::event_hash(&event.prev_hash, event);
        if computed != event.hash {
            let (computed, stored) = (hash::hex(&computed), hash::hex(&event.hash));
            differs("hash", format!("its content gives {computed}, the record says {stored}"));
        }
        if event.sequence.0 != sequence.0 + 1 {
            let came = event.sequence;
            differs("sequence", format!("sequence {} was due in its stream and {came} came", sequence.0 + 1));
        }
        if event.prev_hash != previous {
            let (stored, previous) = (hash::hex(&event.prev_hash), hash::hex(&previous));
            differs("prev_hash", format!("it follows {stored}, the event before it has {previous}"));
        }
        // Across a gap the running hash cannot be followed; the gap is the difference.
        if event.position.0 == expected {
            let log_hash = hash::log_hash(&self.log_hash, event.position.0, &event.hash);
            if log_hash != event.log_hash {
                let (computed, stored) = (hash::hex(&log_hash), hash::hex(&event.log_hash));
                differs("log_hash", format!("the log's running hash is {computed}, the record says {stored}"));
            }
        }
        if event.recorded_at < self.recorded_at {
            differs("time", format!("recorded at {}, before the event before it", rfc3339(event.recorded_at)));
        }
        self.position = event.position;
        self.log_hash = event.log_hash;
        self.recorded_at = event.recorded_at.max(self.recorded_at);
    }

    /// Moves the event's stream on to it, and answers with the sequence and hash that it had to follow.
    fn follow_stream(
        &mut self,
        event: &StoredEvent,
        forks: &Forks,
        differences: &mut Vec<Difference>,
    ) -> (Sequence, Hash) {
        let now = (event.sequence, event.hash);
        let before = match self.streams.get_mut(&event.stream_type) {
            Some(of_type) => match of_type.get_mut(&event.stream) {
                Some(before) => Some(std::mem::replace(before, now)),
                None => of_type.insert(event.stream.clone(), now),
            },
            None => {
                self.streams.insert(event.stream_type.clone(), HashMap::from([(event.stream.clone(), now)]));
                None
            }
        };
        before.unwrap_or_else(|| lineage::beginning(event, forks, differences))
    }
}
