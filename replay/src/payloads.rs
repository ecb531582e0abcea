//! What the events of a page say: whether this build can read them, and which artifacts they name.

use std::sync::Arc;

use atsre_domain::Recorded;
use atsre_domain::event::AnyEvent;
use atsre_store::{StoredEvent, told};

use crate::artifacts::{self, Named};
use crate::verify::Difference;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// What could not be read.
    pub(crate) differences: Vec<Difference>,
    /// The artifacts that the events name.
    pub(crate) named: Named,
    /// The events, but for those that could not be read.
    pub(crate) events: Vec<Arc<Recorded<AnyEvent>>>,
}

/// Reads the payloads of these events.
pub(crate) fn read(events: &[StoredEvent]) -> Read {
    let mut read = Read { events: Vec::with_capacity(events.len()), ..Read::default() };
    for event in events {
        match read_one(event, &mut read.named) {
            Ok(recorded) => read.events.push(Arc::new(recorded)),
            Err(problem) => read.differences.push(Difference::at(event, "unreadable", problem)),
        }
    }
    read
}

fn read_one(event: &StoredEvent, named: &mut Named) -> Result<Recorded<AnyEvent>, String> {
    // Most payloads name no artifact; telling so from the text is cheaper than going through its values.
    if event.payload.contains("digest") {
        artifacts::collect(event, named).map_err(|error| told(&error))?;
    }
    let decoded = event.decode().map_err(|error| told(&error))?;
    event.envelope().map_err(|error| told(&error))?;
    Ok(Recorded {
        position: event.position,
        stream: event.stream.clone(),
        sequence: event.sequence,
        recorded_at: event.recorded_at,
        event: decoded,
    })
}
