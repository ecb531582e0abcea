//! Writing a bundle.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use atsre_domain::{Digest, Position, StreamId};
use atsre_store::{Lineage, Store, StoredEvent, hash};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::archive::Sum;
use super::evidence::Evidence;
use super::manifest::{Counts, FORMAT, FORMAT_VERSION, LogEnd, Manifest, Member, Subject};
use super::record::{Record, anchor_from_line, lineage_to_line, lines};
use super::{
    ANCHORS, ARTIFACTS, CHECKER, DATASET, EVENTS, EXPERIMENT, ExportError, LINEAGE, MANIFEST, PUBLIC_KEY, README,
    REPORT,
};
use crate::verify::{Difference, Head};

/// The documents that every bundle carries.
const README_TEXT: &[u8] = include_bytes!("README.txt");
const CHECKER_TEXT: &[u8] = include_bytes!("check_bundle.py");
/// Artifacts fetched in one round trip: so many, and so many bytes.
const FETCH: usize = 256;
const FETCH_BYTES: u64 = 16 << 20;
/// From this many bytes on, a member is written in zip's form for large ones.
const LARGE_BYTES: u64 = 2 << 30;

/// What goes into a bundle besides the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// The build that writes the bundle.
    pub build: String,
    /// The bytes of `anchors.jsonl`: one JSON object a line, with at least `position` and `log_hash`.
    pub anchors: Vec<u8>,
    /// The key of the anchors' signatures, in whatever form its users know.
    pub public_key: Option<Vec<u8>>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportSummary {
    /// The experiment's stream.
    pub experiment: StreamId,
    /// The number that people call it by.
    pub experiment_id: Option<Position>,
    /// Where the log ended.
    pub head: Head,
    /// The SHA-256 of the manifest, which commits to every byte of the bundle: note it where the bundle is not.
    pub manifest: String,
    /// Events written.
    pub events: u64,
    /// Streams that they are of.
    pub streams: u64,
    /// Artifacts written.
    pub artifacts: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// Artifacts that were erased: the bundle names them and does not have them.
    pub erased: u64,
    /// Anchors written.
    pub anchors: u64,
    /// The bundle's length.
    pub length_bytes: u64,
}

/// Writes the history of an experiment as one file: its own events, those of its ancestors up to the fork, those of its
/// data sets, up to where the log ends now, and every artifact that they name. The same history gives the same bytes.
/// What was erased is left out, and the manifest says so.
///
/// Events are held in memory while it is written, artifacts a few at a time. The writing blocks the calling thread.
///
/// # Errors
/// [`ExportError::DoesNotVerify`] when the history is not whole and unaltered; [`ExportError::NoExperiment`];
/// [`ExportError::Store`] when an artifact is missing or damaged.
pub async fn export(
    store: &Store,
    experiment: &StreamId,
    options: &ExportOptions,
    writer: impl Write + Seek,
) -> Result<ExportSummary, ExportError> {
    let anchors = lines(&options.anchors)
        .map(|(line, text)| anchor_from_line(text).map_err(|detail| ExportError::Anchors { line, detail }))
        .collect::<Result<Vec<_>, _>>()?;
    let head = store.log().head().await?;
    let (records, lineage) = gather(store, experiment, head.position).await?;
    let mut evidence = Evidence::default();
    evidence.set_lineage(lineage.clone());
    records.iter().for_each(|record| evidence.follow(record));
    evidence.check_streams(experiment);
    evidence.check_anchors(&anchors);
    if !evidence.differences.is_empty() {
        evidence.differences.sort_by_key(|difference| difference.position);
        return Err(ExportError::DoesNotVerify(evidence.differences));
    }
    let mut bundle = Bundle { zip: ZipWriter::new(writer), members: Vec::new() };
    bundle.lines(EVENTS, records.iter().map(Record::to_line), upper_bound(&records))?;
    bundle.lines(LINEAGE, lineage.iter().map(lineage_to_line), 0)?;
    let (artifact_bytes, erased) = write_artifacts(store, &evidence, &mut bundle).await?;
    if let Some(digest) = evidence.report.as_ref().filter(|digest| !erased.contains(digest)) {
        bundle.member(REPORT, &store.artifacts().get(digest).await?, None)?;
    }
    bundle.member(ANCHORS, &options.anchors, None)?;
    if let Some(key) = &options.public_key {
        bundle.member(PUBLIC_KEY, key, None)?;
    }
    bundle.member(README, README_TEXT, None)?;
    bundle.member(CHECKER, CHECKER_TEXT, None)?;
    let head = Head { position: head.position, log_hash: hash::hex(&head.log_hash) };
    let streams = evidence.ends();
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        build: options.build.clone(),
        experiment: Subject { stream: experiment.clone(), id: evidence.created_at(experiment) },
        head: LogEnd { position: head.position, log_hash: Digest(head.log_hash.clone()) },
        counts: Counts {
            events: evidence.events,
            streams: streams.len() as u64,
            lineage: lineage.len() as u64,
            artifacts: (evidence.named.len() - erased.len()) as u64,
            artifact_bytes,
            anchors: anchors.len() as u64,
        },
        streams,
        erased,
        members: bundle.members.clone(),
    };
    let (digest, length_bytes) = bundle.finish(&manifest)?;
    Ok(ExportSummary {
        experiment: manifest.experiment.stream,
        experiment_id: manifest.experiment.id,
        head,
        manifest: digest.0,
        events: manifest.counts.events,
        streams: manifest.counts.streams,
        artifacts: manifest.counts.artifacts,
        artifact_bytes,
        erased: manifest.erased.len() as u64,
        anchors: manifest.counts.anchors,
        length_bytes,
    })
}

/// The events, by position, and the forks, parents before children.
async fn gather(
    store: &Store,
    experiment: &StreamId,
    head: Position,
) -> Result<(Vec<Record>, Vec<Lineage>), ExportError> {
    let mut events = read_stream(store, EXPERIMENT, experiment).await?;
    if events.is_empty() {
        return Err(ExportError::NoExperiment(experiment.clone()));
    }
    let mut lineage = store.lineage(EXPERIMENT, experiment).await?;
    let mut shared = u64::MAX;
    for row in &lineage {
        // A fork of an early point of a fork: its history does not reach to where its parent was forked, but that is
        // what proves the parent's own lineage.
        if row.fork_sequence.0 > shared {
            let prefix = read_stream(store, EXPERIMENT, &row.parent).await?;
            events.extend(prefix.into_iter().take_while(|event| event.sequence <= row.fork_sequence));
        }
        shared = shared.min(row.fork_sequence.0);
    }
    let mut datasets = Vec::new();
    for event in &events {
        // Few events speak of a data set; telling so from the text is cheaper than a tree of values.
        if !event.payload.contains("\"dataset\"") {
            continue;
        }
        let payload = event.json()?;
        if let Some(stream) = payload.pointer("/dataset/stream").and_then(serde_json::Value::as_str) {
            let stream = StreamId(stream.to_owned());
            if !datasets.contains(&stream) {
                datasets.push(stream);
            }
        }
    }
    for dataset in &datasets {
        events.extend(read_stream(store, DATASET, dataset).await?);
        lineage.extend(store.lineage(DATASET, dataset).await?);
    }
    lineage.reverse();
    // What was appended while the streams were read belongs to the next bundle.
    events.retain(|event| event.position <= head);
    events.sort_by_key(|event| event.position);
    events.dedup_by_key(|event| event.position);
    let before: Vec<Position> = events.iter().map(|event| Position(event.position.0.saturating_sub(1))).collect();
    let log_hashes = store.log_hashes(&before).await?;
    let records = events.into_iter().zip(before).map(|(event, before)| {
        // A position that the log does not have is a gap; zeros are no event's hash, so it shows as a difference.
        let known = if before.0 == 0 { Some(hash::empty_log()) } else { log_hashes.get(&before).copied() };
        Record { event, previous_log_hash: known.unwrap_or_default() }
    });
    Ok((records.collect(), lineage))
}

/// A stream with what it shares; one with a hole does not verify.
async fn read_stream(store: &Store, stream_type: &str, stream: &StreamId) -> Result<Vec<StoredEvent>, ExportError> {
    store.log().read_stream(stream_type, stream).await.map_err(|error| match error {
        atsre_store::Error::BrokenStream { stream, expected, found } => {
            let detail = format!("sequence {expected} was due and {found} came: events are missing between them");
            let (position, stream) = (Position(0), Some(stream));
            ExportError::DoesNotVerify(vec![Difference { position, stream, kind: "sequence", detail }])
        }
        other => other.into(),
    })
}

/// The most bytes that these events can take as lines: JSON escapes at most double what is JSON already.
fn upper_bound(records: &[Record]) -> u64 {
    let texts = |event: &StoredEvent| 2 * (event.payload.len() + event.metadata.len()) as u64 + 2_000;
    records.iter().map(|record| texts(&record.event)).sum()
}

/// Writes the artifacts in the order of their digests, a few fetched at a time; answers how many bytes they have, and which
/// were erased.
async fn write_artifacts<W: Write + Seek>(
    store: &Store,
    evidence: &Evidence,
    bundle: &mut Bundle<W>,
) -> Result<(u64, Vec<Digest>), ExportError> {
    let named: Vec<_> = evidence.named.iter().collect();
    let (mut rest, mut total, mut erased) = (named.as_slice(), 0, Vec::new());
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take(FETCH).take_while(|(_, naming)| {
            bytes += naming.length_bytes.unwrap_or(FETCH_BYTES);
            bytes <= FETCH_BYTES
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        rest = later;
        let digests: Vec<Digest> = now.iter().map(|(digest, _)| (*digest).clone()).collect();
        let media_types = store.media_types(&digests).await?;
        let mut sound: BTreeMap<Digest, Vec<u8>> = store.artifacts().get_sound(&digests).await?;
        let missing: Vec<Digest> = digests.into_iter().filter(|digest| !sound.contains_key(digest)).collect();
        let gone = if missing.is_empty() { BTreeMap::new() } else { store.artifacts().erased(&missing).await? };
        for (digest, naming) in now {
            let bytes = match sound.remove(*digest) {
                Some(bytes) => bytes,
                None if gone.contains_key(*digest) && evidence.erased.contains(*digest) => {
                    erased.push((*digest).clone());
                    continue;
                }
                // Says whether it is missing or damaged.
                None => store.artifacts().get(digest).await?,
            };
            let length = bytes.len() as u64;
            if let Some(stated) = naming.length_bytes.filter(|stated| *stated != length) {
                let (position, stream) = (naming.position, Some(naming.stream.clone()));
                let detail =
                    format!("{}: artifact {digest}: it has {length} bytes, the event says {stated}", naming.event_type);
                let difference = Difference { position, stream, kind: "artifact", detail };
                return Err(ExportError::DoesNotVerify(vec![difference]));
            }
            bundle.member(&format!("{ARTIFACTS}{digest}"), &bytes, media_types.get(*digest).cloned())?;
            total += length;
        }
    }
    Ok((total, erased))
}

/// The zip file that is being written.
struct Bundle<W: Write + Seek> {
    zip: ZipWriter<W>,
    members: Vec<Member>,
}

impl<W: Write + Seek> Bundle<W> {
    fn member(&mut self, name: &str, bytes: &[u8], media_type: Option<String>) -> Result<(), ExportError> {
        self.zip.start_file(name, options(bytes.len() as u64))?;
        self.zip.write_all(bytes)?;
        self.note(name, Sum::of(bytes), media_type);
        Ok(())
    }

    /// A member of lines, of at most `bound` bytes.
    fn lines(
        &mut self,
        name: &str,
        lines: impl Iterator<Item = Result<Vec<u8>, serde_json::Error>>,
        bound: u64,
    ) -> Result<(), ExportError> {
        self.zip.start_file(name, options(bound))?;
        let (mut hasher, mut length) = (Sha256::new(), 0);
        for line in lines {
            let line = line?;
            hasher.update(&line);
            length += line.len() as u64;
            self.zip.write_all(&line)?;
        }
        self.note(name, Sum { length, sha256: Digest(hash::hex(&hasher.finalize())) }, None);
        Ok(())
    }

    fn note(&mut self, name: &str, sum: Sum, media_type: Option<String>) {
        let Sum { length, sha256 } = sum;
        self.members.push(Member { name: name.to_owned(), length_bytes: length, sha256, media_type });
    }

    /// Writes the manifest and the end. Answers the manifest's digest and the file's length.
    fn finish(mut self, manifest: &Manifest) -> Result<(Digest, u64), ExportError> {
        let mut text = serde_json::to_vec_pretty(manifest)?;
        text.push(b'\n');
        self.zip.start_file(MANIFEST, options(text.len() as u64))?;
        self.zip.write_all(&text)?;
        let mut writer = self.zip.finish()?;
        writer.flush()?;
        Ok((Sum::of(&text).sha256, writer.stream_position()?))
    }
}

/// How members are written. Without a time: the same history gives the same bytes.
fn options(length: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .large_file(length >= LARGE_BYTES)
        .unix_permissions(0o644)
}
