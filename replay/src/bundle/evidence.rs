//! What a bundle's events prove by themselves: the same rules when one is written and when one is checked.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::{Digest, Position, Sequence, StreamId, Timestamp};
use atsre_store::hash::{self, Hash};
use atsre_store::{Lineage, StoredEvent, rfc3339, told};
use serde_json::Value;

use super::manifest::StreamEnd;
use super::record::Record;
use super::{DATASET, EXPERIMENT};
use crate::anchor::{Anchor, VerifyingKey};
use crate::artifacts::{self, Named};
use crate::verify::Difference;

/// Differences that are told.
const MOST_DIFFERENCES: usize = 1_000;

/// The events that say what was erased, and the types of their streams.
const ERASURES: [(&str, &str); 2] = [(DATASET, "DatasetErased"), (EXPERIMENT, "InputErased")];

/// A stream's type and name.
type Key = (String, StreamId);

/// How far a stream was followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    events: u64,
    first: Position,
    position: Position,
    sequence: Sequence,
    hash: Hash,
}

/// What was learnt from the events that were followed so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// What is wrong.
    pub(super) differences: Vec<Difference>,
    /// How many events were followed.
    pub(super) events: u64,
    /// How many of them follow their neighbour in the log, so that the running hash links the two.
    pub(super) log_links: u64,
    /// The artifacts that are named.
    pub(super) named: Named,
    /// The artifacts that were erased, as the events say.
    pub(super) erased: BTreeSet<Digest>,
    /// The page of the last report, and where it is named.
    pub(super) report: Option<Digest>,
    streams: BTreeMap<Key, Followed>,
    lineage: Vec<Lineage>,
    /// The events that forks share with their parents, by the stream that has them, once they are reached.
    shared: BTreeMap<(Key, Sequence), Option<(Position, Hash)>>,
    /// The data sets that are referred to, and where first.
    datasets: BTreeMap<StreamId, Position>,
    /// The running hash of the log at each position that is known, ascending.
    log_hashes: Vec<(Position, Hash)>,
    last: Option<(Position, Timestamp)>,
}

impl Evidence {
    /// Says which forks there are: before the first event is followed.
    pub(super) fn set_lineage(&mut self, lineage: Vec<Lineage>) {
        self.shared = lineage.iter().map(|row| (shared_event(row, &lineage), None)).collect();
        self.lineage = lineage;
    }

    pub(super) fn differ(&mut self, difference: Difference) {
        if self.differences.len() < MOST_DIFFERENCES {
            self.differences.push(difference);
        }
    }

    /// The last position that was followed.
    pub(super) fn position(&self) -> Position {
        self.last.map(|(position, _)| position).unwrap_or_default()
    }

    /// Follows the next event. After a difference the chains go on from what is recorded, so that one alteration shows
    /// at its place and not at everything after it.
    pub(super) fn follow(&mut self, record: &Record) {
        let Record { event, previous_log_hash } = record;
        self.events += 1;
        self.follow_order(event);
        let computed = hash::event_hash(&event.prev_hash, event);
        if computed != event.hash {
            let (computed, stored) = (hash::hex(&computed), hash::hex(&event.hash));
            self.differ(Difference::at(
                event,
                "hash",
                format!("its content gives {computed}, the record says {stored}"),
            ));
        }
        self.follow_stream(event);
        self.follow_log(event, previous_log_hash);
        self.read_payload(event);
    }

    fn follow_order(&mut self, event: &StoredEvent) {
        let Some((position, recorded_at)) = self.last else {
            self.last = Some((event.position, event.recorded_at));
            return;
        };
        if event.position <= position {
            self.differ(Difference::at(event, "order", format!("it stands after event {position}")));
        }
        if event.recorded_at < recorded_at {
            let detail = format!("recorded at {}, before the event before it", rfc3339(event.recorded_at));
            self.differ(Difference::at(event, "time", detail));
        }
        self.last = Some((event.position.max(position), event.recorded_at.max(recorded_at)));
    }

    fn follow_stream(&mut self, event: &StoredEvent) {
        let key = (event.stream_type.clone(), event.stream.clone());
        let (sequence, previous) = match self.streams.get(&key) {
            Some(before) => (before.sequence, before.hash),
            None => match self.lineage.iter().find(|row| row.stream_type == key.0 && row.child == key.1) {
                Some(fork) => (fork.fork_sequence, fork.parent_hash),
                None => (Sequence(0), hash::genesis(&event.stream_type, &event.stream.0)),
            },
        };
        let expected = sequence.0.saturating_add(1);
        if event.sequence.0 != expected {
            let came = event.sequence;
            let detail = format!("sequence {expected} was due in its stream and {came} came");
            self.differ(Difference::at(event, "sequence", detail));
        }
        if event.prev_hash != previous {
            let (stored, previous) = (hash::hex(&event.prev_hash), hash::hex(&previous));
            let detail = format!("it follows {stored}, the event before it has {previous}");
            self.differ(Difference::at(event, "prev_hash", detail));
        }
        let followed = self.streams.entry(key.clone()).or_insert(Followed {
            events: 0,
            first: event.position,
            position: event.position,
            sequence: event.sequence,
            hash: event.hash,
        });
        followed.events += 1;
        (followed.position, followed.sequence, followed.hash) = (event.position, event.sequence, event.hash);
        if let Some(shared) = self.shared.get_mut(&(key, event.sequence)) {
            *shared = Some((event.position, event.hash));
        }
    }

    fn follow_log(&mut self, event: &StoredEvent, previous: &Hash) {
        let log_hash = hash::log_hash(previous, event.position.0, &event.hash);
        if log_hash != event.log_hash {
            let (computed, stored) = (hash::hex(&log_hash), hash::hex(&event.log_hash));
            let detail = format!("the log's running hash is {computed}, the record says {stored}");
            self.differ(Difference::at(event, "log_hash", detail));
        }
        let before = Position(event.position.0.saturating_sub(1));
        let known = match self.log_hashes.last() {
            _ if before.0 == 0 => Some(hash::empty_log()),
            Some((position, known)) if *position == before => Some(*known),
            _ => None,
        };
        if let Some(known) = known {
            self.log_links += 1;
            if known != *previous {
                let (stored, known) = (hash::hex(previous), hash::hex(&known));
                let detail = format!("it says the log's running hash before it is {stored}, it is {known}");
                self.differ(Difference::at(event, "log_hash", detail));
            }
        }
        for (position, hash) in [(before, *previous), (event.position, event.log_hash)] {
            if self.log_hashes.last().is_none_or(|(last, _)| *last < position) {
                self.log_hashes.push((position, hash));
            }
        }
    }

    fn read_payload(&mut self, event: &StoredEvent) {
        if let Err(error) = serde_json::from_str::<Value>(&event.metadata) {
            self.differ(Difference::at(event, "unreadable", format!("its metadata is not JSON: {error}")));
        }
        let payload = match serde_json::from_str::<Value>(&event.payload) {
            Ok(payload) => payload,
            Err(error) => {
                return self.differ(Difference::at(event, "unreadable", format!("its payload is not JSON: {error}")));
            }
        };
        if let Err(error) = artifacts::collect(event, &mut self.named) {
            return self.differ(Difference::at(event, "unreadable", told(&error)));
        }
        if ERASURES.contains(&(event.stream_type.as_str(), event.event_type.as_str())) {
            let artifacts = payload.get("artifacts").and_then(Value::as_array).into_iter().flatten();
            self.erased.extend(artifacts.filter_map(Value::as_str).map(|digest| Digest(digest.to_owned())));
        }
        if event.stream_type != EXPERIMENT {
            return;
        }
        if let Some(stream) = payload.pointer("/dataset/stream").and_then(Value::as_str) {
            self.datasets.entry(StreamId(stream.to_owned())).or_insert(event.position);
        }
        if event.event_type == "ReportPublished" {
            let digest = payload.pointer("/html/digest").and_then(Value::as_str);
            self.report = digest.map(|digest| Digest(digest.to_owned())).or(self.report.take());
        }
    }

    /// Once all events were followed: do the forks share what they say, is every stream there that has to be, and none
    /// that has no business here?
    pub(super) fn check_streams(&mut self, experiment: &StreamId) {
        let mut found = Vec::new();
        let expected = self.expected(experiment);
        let mut children = BTreeSet::new();
        for row in &self.lineage {
            let shared = self.shared.get(&shared_event(row, &self.lineage)).copied().flatten();
            let (sequence, parent) = (row.fork_sequence, &row.parent);
            let mut differ = |detail| {
                let (position, stream) = (row.forked_at_position, Some(row.child.clone()));
                found.push(Difference { position, stream, kind: "lineage", detail });
            };
            if shared != Some((row.forked_at_position, row.parent_hash)) {
                differ(format!(
                    "it shares sequence {sequence} of stream {parent}, which has no such event with that hash"
                ));
            }
            let key = (row.stream_type.clone(), row.child.clone());
            if !expected.contains_key(&key) {
                differ("it is neither the experiment nor a stream that the experiment comes from".to_owned());
            }
            if !children.insert(key) {
                differ("its lineage is given more than once".to_owned());
            }
        }
        for (key, position) in &expected {
            // A fork may have no event of its own yet; what it shares is checked by its lineage.
            if !self.streams.contains_key(key) && !children.contains(key) {
                let detail = format!("the {} stream is referred to and is missing", key.0);
                found.push(Difference { position: *position, stream: Some(key.1.clone()), kind: "incomplete", detail });
            }
        }
        for (key, followed) in &self.streams {
            if !expected.contains_key(key) {
                let detail = format!("nothing refers to this {} stream", key.0);
                found.push(Difference { position: followed.first, stream: Some(key.1.clone()), kind: "extra", detail });
            }
        }
        found.into_iter().for_each(|difference| self.differ(difference));
    }

    /// The streams that a bundle of this experiment has, and where each is first referred to.
    fn expected(&self, experiment: &StreamId) -> BTreeMap<Key, Position> {
        let subject = ((EXPERIMENT.to_owned(), experiment.clone()), Position(0));
        let datasets = self.datasets.iter().map(|(stream, position)| ((DATASET.to_owned(), stream.clone()), *position));
        let mut expected = BTreeMap::new();
        let mut next: Vec<(Key, Position)> = std::iter::once(subject).chain(datasets).collect();
        while let Some((key, position)) = next.pop() {
            let parents = self.lineage.iter().filter(|row| row.stream_type == key.0 && row.child == key.1);
            let parents = parents.map(|row| ((row.stream_type.clone(), row.parent.clone()), row.forked_at_position));
            let parents: Vec<_> = parents.collect();
            if expected.insert(key, position).is_none() {
                next.extend(parents);
            }
        }
        expected
    }

    /// Compares anchors with the running hashes that are known. Answers how many could be compared.
    pub(super) fn check_anchors(&mut self, anchors: &[Anchor]) -> u64 {
        let mut compared = 0;
        for anchor in anchors {
            let position = anchor.position;
            let Ok(index) = self.log_hashes.binary_search_by_key(&position, |(position, _)| *position) else {
                continue;
            };
            compared += 1;
            let found = self.log_hashes[index].1;
            if found != anchor.log_hash {
                let (stated, found) = (hash::hex(&anchor.log_hash), hash::hex(&found));
                let detail = format!("the anchor says {stated}, the log says {found}");
                self.differ(Difference::of_log(position, "anchor", detail));
            }
        }
        compared
    }

    /// Checks the signatures of anchors, and that they are of this key, where one is given. Answers how many are signed.
    pub(super) fn check_signatures(&mut self, anchors: &[Anchor], key: Option<&VerifyingKey>) -> u64 {
        let mut count = 0;
        for anchor in anchors {
            let Some(signed) = &anchor.signed else { continue };
            count += 1;
            if let Err(error) = anchor.verify_signature(key.unwrap_or(&signed.public_key)) {
                self.differ(Difference::of_log(anchor.position, "anchor", error.to_string()));
            }
        }
        count
    }

    /// Where each stream ends.
    pub(super) fn ends(&self) -> Vec<StreamEnd> {
        let ends = self.streams.iter().map(|((stream_type, stream), followed)| StreamEnd {
            stream_type: stream_type.clone(),
            stream: stream.clone(),
            events: followed.events,
            last_sequence: followed.sequence,
            last_position: followed.position,
            last_hash: Digest(hash::hex(&followed.hash)),
        });
        ends.collect()
    }

    /// The position of the first event of an experiment's own.
    pub(super) fn created_at(&self, experiment: &StreamId) -> Option<Position> {
        self.streams.get(&(EXPERIMENT.to_owned(), experiment.clone())).map(|followed| followed.first)
    }

    /// The running hash at a position, where it is known.
    pub(super) fn log_hash_at(&self, position: Position) -> Option<Digest> {
        let index = self.log_hashes.binary_search_by_key(&position, |(position, _)| *position).ok()?;
        Some(Digest(hash::hex(&self.log_hashes[index].1)))
    }

    /// How many forks there are.
    pub(super) fn forks(&self) -> u64 {
        self.lineage.len() as u64
    }
}

/// The event that a fork shares last: where the parent is a fork too, it may be the parent's own parent's.
fn shared_event(row: &Lineage, lineage: &[Lineage]) -> (Key, Sequence) {
    let mut owner = &row.parent;
    for _ in 0..lineage.len() {
        let up = lineage.iter().find(|up| {
            up.stream_type == row.stream_type && up.child == *owner && up.fork_sequence >= row.fork_sequence
        });
        let Some(up) = up else { break };
        owner = &up.parent;
    }
    ((row.stream_type.clone(), owner.clone()), row.fork_sequence)
}
