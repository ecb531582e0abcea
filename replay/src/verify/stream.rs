//! One stream by itself.

use atsre_domain::{Sequence, StreamId};
use atsre_store::hash::{self, Hash};
use atsre_store::{Error, Store, StoredEvent};

use super::audit::Audit;
use super::{Difference, Erasure, Head, Verification, artifacts, erasures};
use crate::{lineage, payloads};

/// Verifies one stream, the prefix that it shares with its parents and the lineage that leads there included, and the
/// artifacts that it names. Whether events were cut off its end, only [`verify`](super::verify()) can tell.
///
/// # Errors
/// When the store does not answer.
pub async fn verify_stream(store: &Store, stream_type: &str, stream: &StreamId) -> Result<Verification, Error> {
    let mut audit = Audit::default();
    let forks = lineage::forks(store).await?;
    audit.differences = lineage::check(store, &forks, lineage::ancestry(&forks, stream)).await?;
    let events = match store.log().read_stream(stream_type, stream).await {
        Ok(events) => events,
        Err(Error::BrokenStream { expected, found, .. }) => {
            let rest = store.log().read_stream_after(stream_type, stream, Sequence(found.saturating_sub(1))).await;
            let position = rest.ok().and_then(|rest| Some(rest.first()?.position)).unwrap_or_default();
            let detail = format!("sequence {expected} was due and {found} came: events are missing between them");
            audit.differences.push(Difference { position, stream: Some(stream.clone()), kind: "gap", detail });
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let mut previous: Option<(&StreamId, Hash)> = None;
    for event in &events {
        // Where the stream's name changes, a fork's own events begin.
        let expected = match previous {
            Some((of, hash)) if *of == event.stream => hash,
            before => {
                let (_, beginning) = lineage::beginning(event, &forks, &mut audit.differences);
                before.map_or(beginning, |(_, hash)| hash)
            }
        };
        if event.prev_hash != expected {
            let detail = "it does not follow the event before it".to_owned();
            audit.differences.push(Difference::at(event, "prev_hash", detail));
        }
        let computed = hash::event_hash(&event.prev_hash, event);
        if computed != event.hash {
            let (computed, stored) = (hash::hex(&computed), hash::hex(&event.hash));
            let detail = format!("its content gives {computed}, the record says {stored}");
            audit.differences.push(Difference::at(event, "hash", detail));
        }
        previous = Some((&event.stream, event.hash));
        audit.events += 1;
    }
    let payloads::Read { differences: found, named, .. } = payloads::read(&events);
    audit.differences.extend(found);
    let found = artifacts::check(store, named).await?;
    audit.differences.extend(found);
    let mentioned = |erasure: &Erasure| {
        let said = |event: &StoredEvent| event.json().ok()?.get("erased_at_position")?.as_u64();
        let inputs = events.iter().filter(|event| event.event_type == "InputErased").filter_map(said);
        inputs.chain(events.iter().map(|event| event.position.0)).any(|position| position == erasure.position.0)
    };
    audit.erasures = erasures::erasures(store).await?;
    audit.erasures.retain(mentioned);
    let head = store.log().head().await?;
    let mut verification = audit.into_verification();
    verification.head = Head { position: head.position, log_hash: hash::hex(&head.log_hash) };
    Ok(verification)
}
