//! Which artifacts an event names.

use std::collections::BTreeMap;

use atsre_domain::{Digest, Position, StreamId};
use atsre_store::StoredEvent;
use serde_json::Value;

/// Where an artifact is first named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The event.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its type.
    pub event_type: String,
    /// The artifact's length, where the event says it.
    pub length_bytes: Option<u64>,
}

/// The artifacts that events name.
pub type Named = BTreeMap<Digest, Naming>;

/// Collects the artifacts that a payload names: objects with a digest and a length, and the digests of panels.
pub fn collect(event: &StoredEvent, payload: &Value, named: &mut Named) {
    match payload {
        Value::Object(fields) => {
            let length = fields.get("length_bytes").and_then(Value::as_u64);
            if let (Some(Value::String(digest)), Some(_)) = (fields.get("digest"), length) {
                note(event, digest, length, named);
            }
            if let Some(Value::String(digest)) = fields.get("panel_digest") {
                note(event, digest, None, named);
            }
            for value in fields.values() {
                collect(event, value, named);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(event, value, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn note(event: &StoredEvent, digest: &str, length_bytes: Option<u64>, named: &mut Named) {
    named.entry(Digest(digest.to_owned())).or_insert_with(|| Naming {
        position: event.position,
        stream: event.stream.clone(),
        event_type: event.event_type.clone(),
        length_bytes,
    });
}
