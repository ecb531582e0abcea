//! Restoring a bundle into another store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Seek};

use atsre_domain::dataset::Dataset;
use atsre_domain::{Digest, Position, StreamId};
use atsre_store::{Error, History, Imported, Lineage, Store, told};
use serde::Serialize;
use zip::ZipWriter;

use super::archive::{Archive, Sum};
use super::check::{Inspected, Scope, inspect};
use super::record::Record;
use super::{
    BundleError, BundleVerification, DATASET, EVENTS, EXPERIMENT, ImportError, MANIFEST, Manifest, REPORT, artifact_in,
};
use crate::artifacts::{self, Named};
use crate::verify::Difference;

/// The media type of a receipt: a bundle without its artifacts, which the store holds by themselves.
pub const RECEIPT_MEDIA_TYPE: &str = "application/vnd.atsre.receipt+zip";
/// The media type of an artifact whose bundle does not say.
const BYTES: &str = "application/octet-stream";
/// With these an experiment ends.
const ENDS: [&str; 3] = ["ExperimentCompleted", "ExperimentFailed", "ExperimentCancelled"];

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// The experiment's stream: the same as where it came from.
    pub experiment: StreamId,
    /// The number that people call it by in this store.
    pub experiment_id: Option<Position>,
    /// Events that were appended.
    pub appended: u64,
    /// Events that were there already, the same byte for byte.
    pub present: u64,
    /// Forks that were made.
    pub forks: u64,
    /// The artifact that keeps the original positions, times and hashes; [`check_import`] compares the store with it.
    pub receipt: Digest,
    /// The experiments among the streams that have not ended; an ancestor is such a stream too, because a bundle has only
    /// what its fork shares with it. No agent of this store goes on with what was imported; a fork can.
    pub unfinished: Vec<StreamId>,
}

/// Restores a bundle into a store: the streams under their own names, payloads and metadata byte for byte, artifacts
/// first, forks before their own events. The events and forks are appended in one transaction. The store gives its own
/// positions, times and hashes; the original ones are kept as an artifact, the receipt. Importing again changes nothing,
/// and a stream of which the store has only the beginning is completed.
///
/// Artifacts that hold observations are encrypted under a key of their data set, which this store makes.
///
/// What positions inside of payloads and metadata mean afterwards is said in the documentation of this module. The
/// reading blocks the calling thread.
///
/// # Errors
/// [`ImportError::DoesNotVerify`] for a bundle that [`super::check`] finds fault with; [`ImportError::Occupied`] when
/// the store has other content under one of the names; [`ImportError::Erased`] when the data set was erased here since.
/// Nothing is appended then.
pub async fn import(store: &Store, reader: impl Read + Seek) -> Result<ImportSummary, ImportError> {
    let mut archive = Archive::open(reader)?;
    let Inspected { verification, manifest, lineage } = inspect(&mut archive, Scope::Whole)?;
    if !verification.ok {
        return Err(ImportError::DoesNotVerify(Box::new(verification)));
    }
    let history = read_history(&mut archive, lineage)?;
    for event in &history.events {
        event.decode().map_err(ImportError::Unreadable)?;
        event.envelope().map_err(ImportError::Unreadable)?;
    }
    let kept = kept_for(&history);
    let mut holds = Vec::new();
    for dataset in kept.datasets() {
        holds.push(store.keep_dataset(dataset).await?);
        refuse_erased(store, dataset, &history).await?;
    }
    // Asked before anything is written, and asked again inside of the transaction.
    store.missing(&history).await?;
    for member in manifest.members.iter().filter(|member| artifact_in(&member.name).is_some()) {
        let bytes = archive.read(&member.name, member.length_bytes).map_err(changed)?;
        if Sum::of(&bytes).sha256 != member.sha256 {
            return Err(changed(format!("{} has changed since it was checked", member.name)).into());
        }
        let media_type = member.media_type.as_deref().unwrap_or(BYTES);
        match artifact_in(&member.name).and_then(|digest| kept.by_digest.get(digest)) {
            Some(dataset) => store.artifacts().put_for(dataset, &bytes, media_type).await?,
            None => store.artifacts().put(&bytes, media_type).await?,
        };
    }
    let receipt = store.artifacts().put(&receipt(archive, &manifest)?, RECEIPT_MEDIA_TYPE).await?.digest;
    let Imported { appended, present, forks, .. } = store.import(&history).await?;
    let experiment = manifest.experiment.stream;
    let summary = store.log().summary(EXPERIMENT, &experiment).await?;
    Ok(ImportSummary {
        experiment_id: summary.map(|summary| summary.created_at),
        unfinished: unfinished(store, &history).await?,
        experiment,
        appended,
        present,
        forks,
        receipt,
    })
}

/// Under which data set's key each artifact is kept. Causal graphs are kept in the clear, as where they come from.
struct Kept {
    by_digest: BTreeMap<String, StreamId>,
}

impl Kept {
    fn datasets(&self) -> BTreeSet<&StreamId> {
        self.by_digest.values().collect()
    }
}

/// The artifacts that these events name: those of a data set under its own key, those of an experiment under that of the data
/// set that it was opened on. All experiments of a bundle share one root, and with it one data set.
fn kept_for(history: &History) -> Kept {
    let (mut by_dataset, mut by_experiment) = (BTreeMap::new(), BTreeSet::new());
    let (mut graphs, mut opened) = (BTreeSet::new(), None);
    for event in &history.events {
        // One that is not JSON was refused before.
        let Ok(payload) = event.json() else { continue };
        let mut named = Named::new();
        if artifacts::collect(event, &mut named).is_err() {
            continue;
        }
        let digests = named.into_keys().map(|digest| digest.0);
        match (event.stream_type.as_str(), event.event_type.as_str()) {
            (DATASET, "GraphDiscovered") => graphs.extend(digests),
            (DATASET, _) => by_dataset.extend(digests.map(|digest| (digest, event.stream.clone()))),
            (EXPERIMENT, event_type) => {
                by_experiment.extend(digests);
                if event_type == "ExperimentOpened" {
                    let stream = payload.pointer("/dataset/stream").and_then(serde_json::Value::as_str);
                    opened = stream.map(|stream| StreamId(stream.to_owned()));
                }
            }
            _ => {}
        }
    }
    let mut by_digest: BTreeMap<String, StreamId> = by_dataset;
    if let Some(dataset) = opened {
        for digest in by_experiment {
            by_digest.entry(digest).or_insert_with(|| dataset.clone());
        }
    }
    by_digest.retain(|digest, _| !graphs.contains(digest));
    Kept { by_digest }
}

/// A data set that was erased here, and was not when the bundle was written, does not come back by an import.
async fn refuse_erased(store: &Store, dataset: &StreamId, history: &History) -> Result<(), ImportError> {
    let here = store.load::<Dataset>(dataset).await?.state.erasures.len();
    let erasures =
        history.events.iter().filter(|event| event.event_type == "DatasetErased" && event.stream == *dataset);
    if here <= erasures.count() {
        return Ok(());
    }
    let position = store.position_of_newest(dataset, "DatasetErased").await?.unwrap_or_default();
    Err(ImportError::Erased { dataset: dataset.clone(), position })
}

/// Every receipt in a store, in the order of the imports.
///
/// # Errors
/// When the store does not answer.
pub async fn receipts(store: &Store) -> Result<Vec<Digest>, Error> {
    store.artifacts_of(RECEIPT_MEDIA_TYPE).await
}

/// Compares a store with the receipt of an import: the receipt by itself, as [`super::check`] does, then the store's
/// artifacts and events with it.
///
/// # Errors
/// [`ImportError::Store`] when there is no such receipt or the store does not answer; [`ImportError::Bundle`] when the
/// artifact is not a receipt.
pub async fn check_import(store: &Store, receipt: &Digest) -> Result<BundleVerification, ImportError> {
    let bytes = store.artifacts().get(receipt).await?;
    let mut archive = Archive::open(Cursor::new(bytes))?;
    let Inspected { mut verification, manifest, lineage } = inspect(&mut archive, Scope::Receipt)?;
    let differ = |position, kind, detail| Difference { position, stream: None, kind, detail };
    for digest in manifest.members.iter().filter_map(|member| artifact_in(&member.name)) {
        match store.artifacts().get(&Digest(digest.to_owned())).await {
            // What was erased since is told as such by a verification.
            Ok(_) | Err(Error::Erased { .. }) => {}
            Err(error @ (Error::NoArtifact(_) | Error::Corrupt { .. })) => {
                verification.differences.push(differ(Position(0), "artifact", told(&error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    // A receipt that does not verify may not even have readable events; its own differences say so.
    if verification.ok {
        let history = read_history(&mut archive, lineage)?;
        match store.missing(&history).await {
            Ok(missing) => {
                let events = missing.events.iter().map(|index| &history.events[*index]);
                verification.differences.extend(
                    events.map(|event| {
                        Difference::at(event, "incomplete", "the store does not have this event".to_owned())
                    }),
                );
                let forks = missing.lineage.iter().map(|index| &history.lineage[*index]);
                verification.differences.extend(forks.map(|fork| Difference {
                    position: fork.forked_at_position,
                    stream: Some(fork.child.clone()),
                    kind: "lineage",
                    detail: "the store does not have this fork".to_owned(),
                }));
            }
            Err(Error::Occupied(what)) => {
                let detail = format!("the store has other content than the receipt: {what} holds other data");
                verification.differences.push(differ(Position(0), "event", detail));
            }
            Err(error) => return Err(error.into()),
        }
    }
    verification.differences.sort_by_key(|difference| difference.position);
    verification.ok = verification.differences.is_empty();
    Ok(verification)
}

/// The events and forks of a bundle that verified.
pub(super) fn read_history<R: Read + Seek>(
    archive: &mut Archive<R>,
    lineage: Vec<Lineage>,
) -> Result<History, BundleError> {
    let (mut events, mut problem) = (Vec::new(), None);
    archive
        .lines(EVENTS, u64::MAX - 1, |_, line| match Record::from_line(line) {
            Ok(record) => events.push(record.event),
            Err(detail) => problem = Some(detail),
        })
        .map_err(changed)?;
    problem.map_or(Ok(History { events, lineage }), |problem| Err(changed(problem)))
}

/// A file that is written to while it is read.
pub(super) fn changed(detail: String) -> BundleError {
    BundleError::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, detail))
}

/// The bundle without its artifacts, members as they are, compressed as they are: the same bundle gives the same bytes.
fn receipt<R: Read + Seek>(archive: Archive<R>, manifest: &Manifest) -> Result<Vec<u8>, ImportError> {
    let mut zip = archive.into_zip();
    let mut receipt = ZipWriter::new(Cursor::new(Vec::new()));
    let names = manifest.members.iter().map(|member| member.name.as_str()).chain([MANIFEST]);
    for name in names.filter(|name| artifact_in(name).is_none() && *name != REPORT) {
        let index = zip.index_for_name(name);
        let member = index.map_or(Err(zip::result::ZipError::FileNotFound), |index| zip.by_index_raw(index));
        receipt.raw_copy_file(member.map_err(BundleError::NotABundle)?).map_err(BundleError::NotABundle)?;
    }
    Ok(receipt.finish().map_err(BundleError::NotABundle)?.into_inner())
}

/// The experiments among these streams that have not ended in this store.
async fn unfinished(store: &Store, history: &History) -> Result<Vec<StreamId>, Error> {
    let mut names: Vec<&StreamId> =
        history.events.iter().filter(|e| e.stream_type == EXPERIMENT).map(|e| &e.stream).collect();
    names.extend(history.lineage.iter().filter(|row| row.stream_type == EXPERIMENT).map(|row| &row.child));
    names.sort_unstable();
    names.dedup();
    let mut unfinished = Vec::new();
    for name in names {
        let events = store.log().read_stream(EXPERIMENT, name).await?;
        if !events.iter().any(|event| ENDS.contains(&event.event_type.as_str())) {
            unfinished.push(name.clone());
        }
    }
    Ok(unfinished)
}
