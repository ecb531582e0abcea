//! What a bundle that was checked holds, in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use atsre_domain::{Digest, StreamId};
use atsre_store::{History, Lineage, StoredEvent};

use super::archive::{Archive, Sum};
use super::check::{BundleVerification, Inspected, Scope, inspect};
use super::import::{changed, read_history};
use super::{BundleError, artifact_in};

/// The contents of a bundle, after its check.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// What the check found.
    pub(crate) verification: BundleVerification,
    /// The experiment.
    pub(crate) experiment: StreamId,
    /// The forks back to the root.
    pub(crate) lineage: Vec<Lineage>,
    /// The events, by position.
    pub(crate) events: Vec<StoredEvent>,
    /// The artifacts that were asked for and are there.
    pub(crate) artifacts: BTreeMap<Digest, Vec<u8>>,
}

/// Checks a bundle and reads its events, and of its artifacts those that `wanted` names. Of a bundle that does not
/// verify only the verification is given.
///
/// # Errors
/// [`BundleError`] when the file cannot be read as a bundle at all.
pub(crate) fn open(
    reader: impl Read + Seek,
    wanted: impl FnOnce(&[StoredEvent]) -> BTreeSet<Digest>,
) -> Result<Contents, BundleError> {
    let mut archive = Archive::open(reader)?;
    let Inspected { verification, manifest, lineage } = inspect(&mut archive, Scope::Whole)?;
    let experiment = manifest.experiment.stream.clone();
    if !verification.ok {
        let (events, artifacts) = (Vec::new(), BTreeMap::new());
        return Ok(Contents { verification, experiment, lineage, events, artifacts });
    }
    let History { events, lineage } = read_history(&mut archive, lineage)?;
    let wanted = wanted(&events);
    let mut artifacts = BTreeMap::new();
    for member in &manifest.members {
        let Some(digest) = artifact_in(&member.name).map(|digest| Digest(digest.to_owned())) else { continue };
        if wanted.contains(&digest) {
            let bytes = archive.read(&member.name, member.length_bytes).map_err(changed)?;
            if Sum::of(&bytes).sha256 != digest {
                return Err(changed(format!("{} has changed since it was checked", member.name)));
            }
            artifacts.insert(digest, bytes);
        }
    }
    Ok(Contents { verification, experiment, lineage, events, artifacts })
}
