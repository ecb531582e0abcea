//! The artifacts that events name, against their digests.

use std::collections::BTreeMap;

use atsre_domain::Digest;
use atsre_store::{Error, Store, told};

use super::Difference;
use crate::artifacts::{Named, Naming};

/// Artifacts fetched in one round trip: so many, and so many bytes.
const FETCH: usize = 512;
const FETCH_BYTES: u64 = 64 << 20;

/// What is wrong with the artifacts that events name.
pub(super) async fn check(store: &Store, named: Named) -> Result<Vec<Difference>, Error> {
    let named: Vec<(Digest, Naming)> = named.into_iter().collect();
    let mut differences = Vec::new();
    let mut rest = named.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fitting(rest));
        rest = later;
        let digests: Vec<Digest> = now.iter().map(|(digest, _)| digest.clone()).collect();
        let sound = store.artifacts().get_sound(&digests).await?;
        let missing: Vec<Digest> = digests.into_iter().filter(|digest| !sound.contains_key(digest)).collect();
        // No differences: the erasures are told by themselves.
        let erased = if missing.is_empty() { BTreeMap::new() } else { store.artifacts().erased(&missing).await? };
        for (digest, naming) in now.iter().filter(|(digest, _)| !erased.contains_key(digest)) {
            let length = sound.get(digest).map(|bytes| bytes.len() as u64);
            if length.is_some() && naming.length_bytes.is_none_or(|said| Some(said) == length) {
                continue;
            }
            if let Some(detail) = problem(store, digest, naming.length_bytes).await? {
                differences.push(Difference {
                    position: naming.position,
                    stream: Some(naming.stream.clone()),
                    kind: "artifact",
                    detail: format!("{}: {detail}", naming.event_type),
                });
            }
        }
    }
    Ok(differences)
}

/// How many of these artifacts to fetch at once: at least one.
fn fitting(named: &[(Digest, Naming)]) -> usize {
    let mut bytes = 0;
    let fit = named.iter().take(FETCH).take_while(|(_, naming)| {
        bytes += naming.length_bytes.unwrap_or(FETCH_BYTES);
        bytes <= FETCH_BYTES
    });
    fit.count().max(1)
}

async fn problem(store: &Store, digest: &Digest, length: Option<u64>) -> Result<Option<String>, Error> {
    match store.artifacts().get(digest).await {
        Ok(bytes) => {
            let found = bytes.len() as u64;
            let wrong = length.filter(|length| *length != found);
            Ok(wrong.map(|length| format!("artifact {digest} has {found} bytes, the event says {length}")))
        }
        Err(Error::Erased { .. }) => Ok(None),
        Err(error @ Error::Key(_)) => Ok(Some(format!("artifact {digest} cannot be read: {}", told(&error)))),
        Err(Error::NoArtifact(_)) => Ok(Some(format!("artifact {digest} is missing"))),
        Err(Error::Corrupt { detail, .. }) => {
            Ok(Some(format!("artifact {digest} is not what its digest says: {detail}")))
        }
        Err(error) => Err(error),
    }
}
