//! Which artifacts an event names.

use std::collections::BTreeMap;

use atsre_domain::Digest;
use atsre_store::StoredEvent;
use serde_json::Value;

/// The artifacts that events name: the first event that names each, and its length where that is said.
pub type Named = BTreeMap<Digest, (StoredEvent, Option<u64>)>;

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

fn note(event: &StoredEvent, digest: &str, length: Option<u64>, named: &mut Named) {
    let digest = Digest(digest.to_owned());
    if !named.contains_key(&digest) {
        named.insert(digest, (event.clone(), length));
    }
}
