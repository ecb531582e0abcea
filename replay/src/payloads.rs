//! What the events of a page say: whether this build can read them, and which artifacts they name.

use atsre_store::{StoredEvent, told};

use crate::artifacts::{self, Named};
use crate::verify::Difference;

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
    // Most payloads name no artifact; telling so from the text is cheaper than a tree of values.
    if event.payload.contains("digest") {
        artifacts::collect(event, &event.json().map_err(|error| told(&error))?, named);
    }
    event.decode().map_err(|error| told(&error))?;
    event.envelope().map_err(|error| told(&error))?;
    Ok(())
}
