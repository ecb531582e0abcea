//! Does a bundle prove what it says? With no database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use atsre_domain::{Digest, Position, StreamId};
use atsre_store::Lineage;
use serde::Serialize;

use super::archive::{Archive, Sum};
use super::evidence::Evidence;
use super::manifest::{FORMAT, FORMAT_VERSION, Manifest, Member, StreamEnd};
use super::record::{Record, anchor_from_line, lineage_from_line, lines};
use super::{
    ALWAYS, ANCHORS, ARTIFACTS, BundleError, EVENTS, LINEAGE, MANIFEST, PUBLIC_KEY, REPORT, artifact_in, belongs,
};
use crate::anchor::{Anchor, VerifyingKey, parse_public_key};
use crate::verify::{Difference, Head};

/// The largest manifest and the largest `anchors.jsonl` that are read.
const LIMIT_BYTES: u64 = 64 << 20;
/// More forks than any experiment's past has: a store takes 32 of each stream.
const MOST_FORKS: usize = 256;

/// What the check of a bundle found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleVerification {
    /// Whether nothing differs.
    pub ok: bool,
    /// The experiment's stream.
    pub experiment: StreamId,
    /// The number that people call it by.
    pub experiment_id: Option<Position>,
    /// The build that wrote the bundle.
    pub build: String,
    /// Where the log ended when the bundle was written, as the manifest says.
    pub head: Head,
    /// The SHA-256 of the manifest, which commits to every byte of the bundle.
    pub manifest: String,
    /// Events verified.
    pub events: u64,
    /// Streams that have events in the bundle.
    pub streams: u64,
    /// Events that follow their neighbour in the log, so that the running hash links the two. The others are sealed
    /// to the running hash that is given before them.
    pub log_links: u64,
    /// Artifacts verified.
    pub artifacts: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// The artifacts that the bundle does not have because they were erased; events in it say so.
    pub erased: Vec<Digest>,
    /// Anchors that name a position whose running hash the bundle tells.
    pub anchors_compared: u64,
    /// Anchors that name another one: nothing is known of those.
    pub anchors_elsewhere: u64,
    /// Anchors that are signed; every signature was checked.
    pub anchors_signed: u64,
    /// What differs, in the order of the log; what is not at one event comes first, at position 0. The kinds are
    /// `hash`, `prev_hash`, `log_hash`, `sequence`, `order`, `time`, `lineage`, `incomplete`, `unreadable`, `artifact`,
    /// `anchor`, `head`, `manifest` (it says something else than the events), `member` (a file of the bundle is missing
    /// or is not what the manifest says) and `extra` (something that does not belong).
    pub differences: Vec<Difference>,
}

/// What of a bundle is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everything.
    Whole,
    /// Everything but the artifacts: what an import keeps.
    Receipt,
}

/// Checks a bundle: every hash, the chain of every stream over its forks, the log's running hash, lineage, artifacts,
/// anchors, and the manifest against every byte of the file. Needs no database and writes nothing.
///
/// # Errors
/// [`BundleError`] when the file cannot be read as a bundle at all. What is wrong inside of one is a difference.
pub fn check(reader: impl Read + Seek) -> Result<BundleVerification, BundleError> {
    let mut archive = Archive::open(reader)?;
    Ok(inspect(&mut archive, Scope::Whole)?.verification)
}

/// A bundle that was checked.
#[derive(Debug)]
pub(super) struct Inspected {
    pub(super) verification: BundleVerification,
    pub(super) manifest: Manifest,
    pub(super) lineage: Vec<Lineage>,
}

pub(super) fn inspect<R: Read + Seek>(archive: &mut Archive<R>, scope: Scope) -> Result<Inspected, BundleError> {
    let bytes = archive
        .read(MANIFEST, LIMIT_BYTES)
        .map_err(|problem| BundleError::NoManifest(format!("{MANIFEST}: {problem}")))?;
    let manifest = read_manifest(&bytes)?;
    let mut inspection = Inspection { archive, manifest: &manifest, scope, evidence: Evidence::default() };
    let listed = inspection.check_names();
    let lineage = inspection.read_lineage(&listed);
    inspection.evidence.set_lineage(lineage.clone());
    inspection.read_events(&listed);
    let (artifacts, artifact_bytes, erased) = inspection.check_artifacts(&listed);
    let anchors = inspection.read_anchors(&listed);
    inspection.check_rest(&listed);
    let evidence = &mut inspection.evidence;
    evidence.check_streams(&manifest.experiment.stream);
    let compared = evidence.check_anchors(&anchors);
    let key = inspection.read_key(&listed);
    let signed = inspection.evidence.check_signatures(&anchors, key.as_ref());
    inspection.check_statements(anchors.len() as u64);
    let mut evidence = inspection.evidence;
    evidence.differences.sort_by_key(|difference| difference.position);
    let verification = BundleVerification {
        ok: evidence.differences.is_empty(),
        experiment: manifest.experiment.stream.clone(),
        experiment_id: manifest.experiment.id,
        build: manifest.build.clone(),
        head: Head { position: manifest.head.position, log_hash: manifest.head.log_hash.0.clone() },
        manifest: Sum::of(&bytes).sha256.0,
        events: evidence.events,
        streams: evidence.ends().len() as u64,
        log_links: evidence.log_links,
        artifacts,
        artifact_bytes,
        erased,
        anchors_compared: compared,
        anchors_elsewhere: anchors.len() as u64 - compared,
        anchors_signed: signed,
        differences: evidence.differences,
    };
    Ok(Inspected { verification, manifest, lineage })
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, BundleError> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: String,
        format_version: u32,
    }
    let unreadable =
        |error: serde_json::Error| BundleError::NoManifest(format!("{MANIFEST}: it cannot be read: {error}"));
    let version: Version = serde_json::from_slice(bytes).map_err(unreadable)?;
    if version.format != FORMAT {
        return Err(BundleError::NoManifest(format!("{MANIFEST}: its format is {:?}", version.format)));
    }
    if version.format_version != FORMAT_VERSION {
        return Err(BundleError::Format { found: version.format_version, known: FORMAT_VERSION });
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(unreadable)?;
    // Serde reads some values in more than one form; a manifest has one form only.
    let (read, written) = (serde_json::from_slice::<serde_json::Value>(bytes), serde_json::to_value(&manifest));
    if read.map_err(unreadable)? != written.map_err(unreadable)? {
        return Err(BundleError::NoManifest(format!("{MANIFEST}: it is not in the form that the format has")));
    }
    Ok(manifest)
}

/// The members that the manifest lists, by name.
type Listed<'a> = BTreeMap<&'a str, &'a Member>;

struct Inspection<'a, R> {
    archive: &'a mut Archive<R>,
    manifest: &'a Manifest,
    scope: Scope,
    evidence: Evidence,
}

impl<'a, R: Read + Seek> Inspection<'a, R> {
    fn differ(&mut self, kind: &'static str, detail: String) {
        self.evidence.differ(Difference::of_log(Position(0), kind, detail));
    }

    /// Are there the members that have to be, each listed, and no other?
    fn check_names(&mut self) -> Listed<'a> {
        for oddity in self.archive.oddities().to_vec() {
            self.differ("extra", oddity);
        }
        let mut listed = Listed::new();
        for member in &self.manifest.members {
            let name = member.name.as_str();
            if !belongs(name) {
                self.differ("member", format!("{name}: no member of a bundle has this name"));
            } else if listed.insert(name, member).is_some() {
                self.differ("member", format!("{name}: it is listed more than once"));
            }
        }
        let unlisted: Vec<String> = self
            .archive
            .names()
            .filter(|name| *name != MANIFEST && !listed.contains_key(name))
            .map(|name| format!("{name}: the manifest does not list it"))
            .collect();
        for detail in unlisted {
            self.differ("extra", detail);
        }
        for name in ALWAYS.iter().filter(|name| !listed.contains_key(**name)) {
            self.differ("member", format!("{name}: the manifest does not list it"));
        }
        listed
    }

    /// Whether a member is what the manifest says.
    fn compare(&mut self, member: &Member, found: &Result<Sum, String>) {
        let name = &member.name;
        let detail = match found {
            Ok(sum) if sum.length != member.length_bytes => {
                let (stated, found) = (member.length_bytes, sum.length);
                let more = if found > stated { "more" } else { "less" };
                format!("{name}: the manifest says {stated} bytes, it has {more}")
            }
            Ok(sum) if sum.sha256 != member.sha256 => {
                format!("{name}: the manifest says SHA-256 {}, it has {}", member.sha256, sum.sha256)
            }
            Ok(_) => return,
            Err(problem) => format!("{name}: {problem}"),
        };
        self.differ("member", detail);
    }

    /// The bytes of a small member.
    fn read_small(&mut self, name: &str, listed: &Listed<'a>) -> Vec<u8> {
        let Some(member) = listed.get(name) else { return Vec::new() };
        let bytes = self.archive.read(name, LIMIT_BYTES);
        self.compare(member, &bytes.as_ref().map(|bytes| Sum::of(bytes)).map_err(String::clone));
        bytes.unwrap_or_default()
    }

    fn read_lineage(&mut self, listed: &Listed<'a>) -> Vec<Lineage> {
        let bytes = self.read_small(LINEAGE, listed);
        let mut lineage = Vec::new();
        for (number, line) in lines(&bytes).take(MOST_FORKS) {
            match lineage_from_line(line) {
                Ok(row) => lineage.push(row),
                Err(problem) => self.differ("lineage", format!("line {number} of {LINEAGE}: {problem}")),
            }
        }
        if lines(&bytes).nth(MOST_FORKS).is_some() {
            self.differ("lineage", format!("{LINEAGE} has more than {MOST_FORKS} lines"));
        }
        lineage
    }

    fn read_events(&mut self, listed: &Listed<'a>) {
        let Some(member) = listed.get(EVENTS) else { return };
        let evidence = &mut self.evidence;
        let found = self.archive.lines(EVENTS, member.length_bytes, |number, line| match Record::from_line(line) {
            Ok(record) => evidence.follow(&record),
            Err(problem) => {
                let detail = format!("line {number} of {EVENTS}: {problem}");
                evidence.differ(Difference::of_log(evidence.position(), "unreadable", detail));
            }
        });
        self.compare(member, &found);
    }

    /// Are all artifacts there that events name, as they name them, and no other? Only what events and the manifest say was
    /// erased may be missing. Answers how many there are, their bytes, and what was erased.
    fn check_artifacts(&mut self, listed: &Listed<'a>) -> (u64, u64, Vec<Digest>) {
        let (mut artifacts, mut bytes, mut differences) = (0, 0, Vec::new());
        let mut missing: BTreeSet<Digest> = self.evidence.named.keys().cloned().collect();
        for (name, member) in listed {
            let Some(digest) = artifact_in(name).map(|digest| Digest(digest.to_owned())) else { continue };
            missing.remove(&digest);
            let Some(naming) = self.evidence.named.get(&digest) else {
                differences.push(Difference::of_log(Position(0), "extra", format!("{name}: no event names it")));
                continue;
            };
            let stated = naming.length_bytes.unwrap_or(member.length_bytes);
            // What only the manifest says of an artifact is checked here too; where the bytes are elsewhere, that is all.
            let found = match self.scope {
                Scope::Whole => self.archive.sum(name, member.length_bytes.max(stated)),
                Scope::Receipt => Ok(Sum { length: member.length_bytes, sha256: member.sha256.clone() }),
            };
            let problem = match &found {
                Ok(sum) if sum.sha256 != digest => Some(format!("its bytes have the digest {}", sum.sha256)),
                Ok(sum) if sum.length != stated => {
                    Some(format!("it has {} bytes, the event says {stated}", sum.length))
                }
                Ok(_) => None,
                Err(problem) => Some(problem.clone()),
            };
            if let Some(problem) = problem {
                let (position, stream) = (naming.position, Some(naming.stream.clone()));
                let detail = format!("{}: artifact {digest}: {problem}", naming.event_type);
                differences.push(Difference { position, stream, kind: "artifact", detail });
            }
            artifacts += 1;
            bytes += found.as_ref().map_or(0, |sum| sum.length);
            self.compare(member, &found);
        }
        let erased: Vec<Digest> = missing.intersection(&self.evidence.erased).cloned().collect();
        missing.retain(|digest| !self.evidence.erased.contains(digest));
        if erased != self.manifest.erased {
            let (said, found) = (self.manifest.erased.len(), erased.len());
            let detail = format!(
                "it says {said} artifacts were erased; events say so of {found} that are missing: not the same"
            );
            differences.push(Difference::of_log(Position(0), "manifest", detail));
        }
        for digest in missing {
            let naming = &self.evidence.named[&digest];
            let (position, stream) = (naming.position, Some(naming.stream.clone()));
            let detail = format!("{}: artifact {digest}: it is missing", naming.event_type);
            differences.push(Difference { position, stream, kind: "artifact", detail });
        }
        differences.into_iter().for_each(|difference| self.evidence.differ(difference));
        (artifacts, bytes, erased)
    }

    fn read_anchors(&mut self, listed: &Listed<'a>) -> Vec<Anchor> {
        let bytes = self.read_small(ANCHORS, listed);
        let mut anchors = Vec::new();
        for (number, line) in lines(&bytes) {
            match anchor_from_line(line) {
                Ok(anchor) => anchors.push(anchor),
                Err(problem) => self.differ("anchor", format!("line {number} of {ANCHORS}: {problem}")),
            }
        }
        anchors
    }

    /// The key of the anchors' signatures, where the bundle has one.
    fn read_key(&mut self, listed: &Listed<'a>) -> Option<VerifyingKey> {
        let member = listed.get(PUBLIC_KEY)?;
        let bytes = self.archive.read(PUBLIC_KEY, member.length_bytes).ok()?;
        match std::str::from_utf8(&bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| parse_public_key(text).map_err(|error| error.to_string()))
        {
            Ok(key) => Some(key),
            Err(problem) => {
                self.differ("member", format!("{PUBLIC_KEY}: {problem}"));
                None
            }
        }
    }

    /// The members that nothing is read from.
    fn check_rest(&mut self, listed: &Listed<'a>) {
        for (name, member) in listed {
            let read = [EVENTS, LINEAGE, ANCHORS].contains(name) || name.starts_with(ARTIFACTS);
            if read || (*name == REPORT && self.scope == Scope::Receipt) {
                continue;
            }
            let found = self.archive.sum(name, member.length_bytes);
            self.compare(member, &found);
        }
        let (named, given) = (self.evidence.report.clone(), listed.get(REPORT).map(|member| &member.sha256));
        match (named, given) {
            (None, None) => {}
            (Some(named), None) if self.manifest.erased.contains(&named) => {}
            (Some(_), None) => self.differ("member", format!("{REPORT}: an event names a report, and it is missing")),
            (None, Some(_)) => self.differ("extra", format!("{REPORT}: no event names a report")),
            (Some(named), Some(given)) if named != *given => {
                self.differ("member", format!("{REPORT}: the last report that an event names is {named}"));
            }
            (Some(_), Some(_)) => {}
        }
    }

    /// Does the manifest say what the events say?
    fn check_statements(&mut self, anchors: u64) {
        let manifest = self.manifest;
        let ends = self.evidence.ends();
        let artifacts = || manifest.members.iter().filter(|member| artifact_in(&member.name).is_some());
        let counts = super::Counts {
            events: self.evidence.events,
            streams: ends.len() as u64,
            lineage: self.evidence.forks(),
            artifacts: artifacts().count() as u64,
            artifact_bytes: artifacts().fold(0, |sum, member| member.length_bytes.saturating_add(sum)),
            anchors,
        };
        if counts != manifest.counts {
            self.differ("manifest", format!("it counts {:?}, there are {counts:?}", manifest.counts));
        }
        let id = self.evidence.created_at(&manifest.experiment.stream);
        if id != manifest.experiment.id {
            let (stated, found) = (manifest.experiment.id, id);
            self.differ("manifest", format!("it says the experiment's number is {stated:?}, it is {found:?}"));
        }
        self.check_ends(&ends);
        let head = &manifest.head;
        let last = self.evidence.position();
        if last > head.position {
            let detail = format!("the manifest says the log ends at {}, but there is an event {last}", head.position);
            self.evidence.differ(Difference::of_log(last, "head", detail));
        }
        if self.evidence.log_hash_at(head.position).is_some_and(|found| found != head.log_hash) {
            let detail = "the manifest has another running hash for the log's head than the events".to_owned();
            self.evidence.differ(Difference::of_log(head.position, "head", detail));
        }
    }

    fn check_ends(&mut self, ends: &[StreamEnd]) {
        let key = |end: &StreamEnd| (end.stream_type.clone(), end.stream.clone());
        let found: BTreeMap<_, &StreamEnd> = ends.iter().map(|end| (key(end), end)).collect();
        let mut stated = BTreeSet::new();
        for end in &self.manifest.streams {
            let (kind, position, detail) = match found.get(&key(end)) {
                _ if !stated.insert(key(end)) => {
                    ("manifest", end.last_position, "it lists the stream twice".to_owned())
                }
                Some(found) if *found == end => continue,
                Some(found) if found.last_sequence < end.last_sequence => {
                    let (due, last) = (end.last_sequence, found.last_sequence);
                    ("incomplete", found.last_position, format!("it ends at sequence {due}, the events end at {last}"))
                }
                Some(found) => ("manifest", found.last_position, "it says that the stream ends elsewhere".to_owned()),
                None => {
                    let detail = format!("the manifest says it has {} events, and they are missing", end.events);
                    ("incomplete", end.last_position, detail)
                }
            };
            self.evidence.differ(Difference { position, stream: Some(end.stream.clone()), kind, detail });
        }
        for end in ends.iter().filter(|end| !stated.contains(&key(end))) {
            let detail = "it does not list this stream".to_owned();
            let (position, stream) = (end.last_position, Some(end.stream.clone()));
            self.evidence.differ(Difference { position, stream, kind: "manifest", detail });
        }
    }
}
