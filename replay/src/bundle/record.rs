//! The lines of `events.jsonl`, `lineage.jsonl` and `anchors.jsonl`.

use std::borrow::Cow;

use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use atsre_store::hash::{self, Hash};
use atsre_store::{Lineage, StoredEvent};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::anchor::Anchor;

/// A SHA-256 as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy)]
struct Hex(Hash);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hash::hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        match hash::from_hex(&text) {
            Some(hash) if is_digest(&text) => Ok(Self(hash)),
            _ => Err(serde::de::Error::custom(format!("{text:?} is not a SHA-256 in lower-case hexadecimal"))),
        }
    }
}

/// Whether a text is a SHA-256 as a bundle writes it.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventLine<'a> {
    position: u64,
    stream_type: Cow<'a, str>,
    stream: Cow<'a, str>,
    sequence: u64,
    event_type: Cow<'a, str>,
    event_version: Cow<'a, str>,
    /// The stored text: the hash is over its bytes, so it is a string here and not a tree of values.
    payload: Cow<'a, str>,
    metadata: Cow<'a, str>,
    recorded_at_us: i64,
    prev_hash: Hex,
    hash: Hex,
    /// The running hash before the event. With it the event's own position and running hash can be checked although
    /// the event before it in the log may be another experiment's.
    previous_log_hash: Hex,
    log_hash: Hex,
}

/// An event with the log's running hash before it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) event: StoredEvent,
    pub(super) previous_log_hash: Hash,
}

impl Record {
    /// One line, with its end.
    pub(super) fn to_line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let event = &self.event;
        line(&EventLine {
            position: event.position.0,
            stream_type: Cow::Borrowed(&event.stream_type),
            stream: Cow::Borrowed(&event.stream.0),
            sequence: event.sequence.0,
            event_type: Cow::Borrowed(&event.event_type),
            event_version: Cow::Borrowed(&event.event_version),
            payload: Cow::Borrowed(&event.payload),
            metadata: Cow::Borrowed(&event.metadata),
            recorded_at_us: event.recorded_at.0,
            prev_hash: Hex(event.prev_hash),
            hash: Hex(event.hash),
            previous_log_hash: Hex(self.previous_log_hash),
            log_hash: Hex(event.log_hash),
        })
    }

    pub(super) fn from_line(text: &[u8]) -> Result<Self, String> {
        let line: EventLine<'_> = parse(text)?;
        Ok(Self {
            event: StoredEvent {
                position: Position(line.position),
                stream_type: line.stream_type.into_owned(),
                stream: StreamId(line.stream.into_owned()),
                sequence: Sequence(line.sequence),
                event_type: line.event_type.into_owned(),
                event_version: line.event_version.into_owned(),
                payload: line.payload.into_owned(),
                metadata: line.metadata.into_owned(),
                recorded_at: Timestamp(line.recorded_at_us),
                prev_hash: line.prev_hash.0,
                hash: line.hash.0,
                log_hash: line.log_hash.0,
            },
            previous_log_hash: line.previous_log_hash.0,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineageLine {
    stream_type: String,
    child: StreamId,
    parent: StreamId,
    fork_sequence: u64,
    parent_hash: Hex,
    forked_at_position: u64,
}

pub(super) fn lineage_to_line(row: &Lineage) -> Result<Vec<u8>, serde_json::Error> {
    line(&LineageLine {
        stream_type: row.stream_type.clone(),
        child: row.child.clone(),
        parent: row.parent.clone(),
        fork_sequence: row.fork_sequence.0,
        parent_hash: Hex(row.parent_hash),
        forked_at_position: row.forked_at_position.0,
    })
}

pub(super) fn lineage_from_line(text: &[u8]) -> Result<Lineage, String> {
    let line: LineageLine = parse(text)?;
    Ok(Lineage {
        stream_type: line.stream_type,
        child: line.child,
        parent: line.parent,
        fork_sequence: Sequence(line.fork_sequence),
        parent_hash: line.parent_hash.0,
        forked_at_position: Position(line.forked_at_position),
    })
}

/// What of an anchor's line is spelt more strictly here than elsewhere.
#[derive(Deserialize)]
struct AnchorLine {
    #[serde(rename = "log_hash")]
    _log_hash: Hex,
}

pub(super) fn anchor_from_line(text: &[u8]) -> Result<Anchor, String> {
    let _: AnchorLine = parse(text)?;
    parse(text)
}

/// The lines of a text with their numbers from 1. A last line without an end counts too.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let whole = text.strip_suffix(b"\n").unwrap_or(text);
    let none = text.is_empty();
    whole.split(|byte| *byte == b'\n').enumerate().filter(move |_| !none).map(|(index, line)| (index + 1, line))
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text)
}

fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, String> {
    // Serde would take an array for a struct; the format has objects only.
    if text.first() != Some(&b'{') {
        return Err("it is not a JSON object".to_owned());
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check_lines(text: &str, expect: &[(usize, &str)]) {
        let found: Vec<_> = lines(text.as_bytes()).map(|(n, l)| (n, std::str::from_utf8(l).unwrap())).collect();
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn lines_are_numbered_and_empty_ones_inside_are_kept() {
        check_lines("", &[]);
        check_lines("a", &[(1, "a")]);
        check_lines("a\n", &[(1, "a")]);
        check_lines("a\n\nb\n", &[(1, "a"), (2, ""), (3, "b")]);
        check_lines("\n", &[(1, "")]);
    }

    #[test]
    fn a_digest_is_lower_case() {
        assert!(is_digest(&"0f".repeat(32)));
        assert!(!is_digest(&"0F".repeat(32)) && !is_digest("0f") && !is_digest(&"é".repeat(32)));
    }

    #[test]
    fn an_array_is_no_line() {
        let anchor = format!("[1, \"{}\"]", "0f".repeat(32));
        assert!(anchor_from_line(anchor.as_bytes()).is_err());
    }
}
