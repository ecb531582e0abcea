//! What the events of a page say: whether this build can read them, and which artifacts they name.

use atsre_domain::event::AnyEvent;
use atsre_store::StoredEvent;
use serde_json::Value;

use crate::artifacts::{self, Named};
use crate::verify::{Difference, told};

/// Reads the payloads of these events.
pub(crate) fn read(events: &[StoredEvent]) -> (Vec<Difference>, Named) {
    let (mut differences, mut named) = (Vec::new(), Named::new());
    for event in events {
        if let Err(problem) = read_one(event, &mut named) {
            differences.push(Difference::at(event, "unreadable", problem));
        }
    }
    (differences, named)
}

fn read_one(event: &StoredEvent, named: &mut Named) -> Result<(), String> {
    let payload: Value = event.json().map_err(|error| told(&error))?;
    // Most payloads name no artifact; telling so from the text is cheaper than going through the values.
    if event.payload.contains("digest") {
        artifacts::collect(event, &payload, named);
    }
    AnyEvent::decode(&event.stream_type, &event.event_type, event.version(), payload).map_err(|error| told(&error))?;
    event.envelope().map_err(|error| told(&error))?;
    Ok(())
}
