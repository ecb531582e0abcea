//! Is the log whole and unaltered, and do the read models say what it says?

use std::collections::BTreeMap;

use atsre_domain::{Digest, Position, Sequence, StreamId};
use atsre_projections::{PROJECTIONS, compare};
use atsre_store::hash::{self, Hash};
use atsre_store::{Error, Store, StoredEvent, told};
use serde::Serialize;

use crate::artifacts::{Named, Naming};
use crate::chain::{Beginnings, Chain};
use crate::{lineage, payloads};

/// Events read at once.
const PAGE: usize = 5_000;
/// Differences that are told.
const MOST_DIFFERENCES: usize = 1_000;
/// Artifacts fetched in one round trip: so many, and so many bytes.
const FETCH: usize = 512;
const FETCH_BYTES: u64 = 64 << 20;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The event, or the last one before the place.
    pub position: Position,
    /// The stream, where it is one stream's.
    pub stream: Option<StreamId>,
    /// What kind: `hash`, `prev_hash`, `log_hash`, `sequence`, `gap`, `time`, `head`, `lineage`, `incomplete`, `unreadable`,
    /// `artifact`, `anchor`, `read_model`.
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

impl Difference {
    pub(crate) fn at(event: &StoredEvent, kind: &'static str, detail: String) -> Self {
        let detail = format!("{} {}: {detail}", event.stream_type, event.event_type);
        Self { position: event.position, stream: Some(event.stream.clone()), kind, detail }
    }

    pub(crate) fn of_log(position: Position, kind: &'static str, detail: String) -> Self {
        Self { position, stream: None, kind, detail }
    }
}

/// Where the log ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The last position.
    pub position: Position,
    /// The running hash there.
    pub log_hash: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing differs.
    pub ok: bool,
    /// Events verified.
    pub events: u64,
    /// Where the log ends.
    pub head: Head,
    /// What differs, in the order of the log; read models last.
    pub differences: Vec<Difference>,
}

/// An anchor: what the log's running hash was at a position, kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Anchor {
    /// The position.
    pub position: u64,
    /// The running hash there, in hexadecimal.
    pub log_hash: String,
}

/// Verifies the whole log, its artifacts, the anchors given, and every read model against a fresh fold. `progress` is told
/// how many events are done and how many there are.
///
/// # Errors
/// Only when the read models cannot be looked at; a log that cannot be read to its end is a difference, `incomplete`.
pub async fn verify(
    store: &Store,
    anchors: &[Anchor],
    progress: impl FnMut(u64, u64),
) -> Result<Verification, atsre_projections::Error> {
    let mut verification = verify_log(store, anchors, progress).await?;
    // A log that cannot be folded has said so already; its read models cannot be compared with anything.
    if !verification.ok {
        return Ok(verification);
    }
    for projection in PROJECTIONS {
        let comparison = match compare(store, projection).await {
            Ok(comparison) => comparison,
            Err(atsre_projections::Error::Stopped { position, message, .. }) => {
                verification.differences.push(Difference::of_log(position, "unreadable", message));
                continue;
            }
            Err(error) => return Err(error),
        };
        for row in comparison.differences {
            let (key, table, kind, name) = (row.key, row.table, row.kind, &comparison.name);
            let detail = format!("the row {key} of table {table} is {kind} in read model {name}");
            verification.differences.push(Difference::of_log(comparison.position, "read_model", detail));
        }
    }
    verification.ok = verification.differences.is_empty();
    Ok(verification)
}

/// As [`verify`], without the read models: the log, its artifacts and the anchors given.
///
/// # Errors
/// When the store does not answer after the log was read.
pub async fn verify_log(
    store: &Store,
    anchors: &[Anchor],
    mut progress: impl FnMut(u64, u64),
) -> Result<Verification, Error> {
    let anchored = anchors.iter().map(|anchor| (anchor.position, None)).collect();
    let mut audit = Audit { anchored, ..Audit::default() };
    if let Err(error) = read_log(store, &mut audit, &mut progress).await {
        let detail =
            format!("the log could not be read to its end, so nothing is known of what follows: {}", told(&error));
        audit.differences.push(Difference::of_log(audit.chain.position, "incomplete", detail));
        return Ok(audit.into_verification());
    }
    audit.check_anchors(anchors);
    check_artifacts(store, &mut audit).await?;
    Ok(audit.into_verification())
}

/// Verifies one stream, the prefix that it shares with its parents included, and the artifacts that it names. Whether
/// events were cut off its end, only [`verify`] can tell.
///
/// # Errors
/// When the store does not answer.
pub async fn verify_stream(store: &Store, stream_type: &str, stream: &StreamId) -> Result<Verification, Error> {
    let mut audit = Audit::default();
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
    let mut previous: Option<Hash> = None;
    for event in &events {
        let expected = previous.unwrap_or_else(|| hash::genesis(stream_type, &event.stream.0));
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
        previous = Some(event.hash);
        audit.events += 1;
    }
    let (found, named) = payloads::read(&events);
    audit.differences.extend(found);
    audit.named = named;
    check_artifacts(store, &mut audit).await?;
    let head = store.log().head().await?;
    let mut verification = audit.into_verification();
    verification.head = Head { position: head.position, log_hash: hash::hex(&head.log_hash) };
    Ok(verification)
}

#[derive(Default)]
struct Audit {
    chain: Chain,
    events: u64,
    differences: Vec<Difference>,
    named: Named,
    /// The running hash at each position that an anchor names, once that is reached.
    anchored: BTreeMap<u64, Option<Hash>>,
}

impl Audit {
    fn into_verification(mut self) -> Verification {
        self.differences.sort_by_key(|difference| difference.position);
        self.differences.truncate(MOST_DIFFERENCES);
        Verification {
            ok: self.differences.is_empty(),
            events: self.events,
            head: Head { position: self.chain.position, log_hash: hash::hex(self.chain.log_hash()) },
            differences: self.differences,
        }
    }

    fn check_anchors(&mut self, anchors: &[Anchor]) {
        for anchor in anchors {
            let detail = match self.anchored.get(&anchor.position).copied().flatten().map(|hash| hash::hex(&hash)) {
                Some(found) if found == anchor.log_hash => continue,
                Some(found) => format!("the anchor says {}, the log says {found}", anchor.log_hash),
                None => "the anchor names a position that the log does not have: its tail was cut".to_owned(),
            };
            self.differences.push(Difference::of_log(Position(anchor.position), "anchor", detail));
        }
    }

    fn check_page(&mut self, events: &[StoredEvent], beginnings: &Beginnings) {
        // Hashing and reading payloads need nothing of each other; payloads cost more, so they are read on two threads.
        let (first, second) = events.split_at(events.len() / 3);
        let (found, named) = std::thread::scope(|scope| {
            let other = scope.spawn(|| payloads::read(second));
            for event in events {
                self.chain.follow(event, beginnings, &mut self.differences);
                if let Some(anchored) = self.anchored.get_mut(&event.position.0) {
                    *anchored = Some(event.log_hash);
                }
            }
            let (mut found, mut named) = payloads::read(first);
            let (more, others) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            found.extend(more);
            others.into_iter().for_each(|(digest, naming)| {
                named.entry(digest).or_insert(naming);
            });
            (found, named)
        });
        self.differences.extend(found);
        for (digest, naming) in named {
            self.named.entry(digest).or_insert(naming);
        }
        self.events += events.len() as u64;
    }

    /// The head must be the last event: a tail that was cut, or a read that broke off, shows here.
    fn check_end(&mut self, head: &atsre_store::Head) {
        let last = self.chain.position;
        let (kind, detail) = match last.cmp(&head.position) {
            std::cmp::Ordering::Less => {
                let end = head.position;
                ("incomplete", format!("the log's head says {end}, the last event is {last}: the tail is missing"))
            }
            std::cmp::Ordering::Greater => {
                ("head", format!("the log's head says {}, but there is an event {last}", head.position))
            }
            std::cmp::Ordering::Equal if *self.chain.log_hash() != head.log_hash => {
                ("head", "the log's head has another running hash than the last event".to_owned())
            }
            std::cmp::Ordering::Equal => return,
        };
        self.differences.push(Difference::of_log(last, kind, detail));
    }
}

/// Reads and checks the whole log: while one page is checked, the next is read.
async fn read_log(store: &Store, audit: &mut Audit, progress: &mut impl FnMut(u64, u64)) -> Result<(), Error> {
    let (beginnings, found) = lineage::beginnings(store).await?;
    audit.differences.extend(found);
    let mut page = store.log().scan(Position(0), PAGE).await?;
    loop {
        let (head, events) = (page.head, page.events);
        let Some(last) = events.last().map(|event| event.position) else {
            audit.check_end(&head);
            return Ok(());
        };
        let full = events.len() == PAGE;
        let checked = tokio::task::spawn_blocking({
            let beginnings = beginnings.clone();
            let mut audit = std::mem::take(audit);
            move || {
                audit.check_page(&events, &beginnings);
                audit
            }
        });
        let next = if full { Some(store.log().scan(last, PAGE).await) } else { None };
        *audit = checked
            .await
            .map_err(|error| Error::Corrupt { what: "the audit".to_owned(), detail: error.to_string() })?;
        progress(audit.events, head.position.0);
        match next {
            Some(next) => page = next?,
            None => {
                audit.check_end(&head);
                return Ok(());
            }
        }
    }
}

async fn check_artifacts(store: &Store, audit: &mut Audit) -> Result<(), Error> {
    let named: Vec<(Digest, Naming)> = std::mem::take(&mut audit.named).into_iter().collect();
    let mut rest = named.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fitting(rest));
        rest = later;
        let digests: Vec<Digest> = now.iter().map(|(digest, _)| digest.clone()).collect();
        let sound = store.artifacts().get_sound(&digests).await?;
        for (digest, naming) in now {
            let length = sound.get(digest).map(|bytes| bytes.len() as u64);
            if length.is_some() && naming.length_bytes.is_none_or(|said| Some(said) == length) {
                continue;
            }
            if let Some(detail) = artifact_problem(store, digest, naming.length_bytes).await? {
                audit.differences.push(Difference {
                    position: naming.position,
                    stream: Some(naming.stream.clone()),
                    kind: "artifact",
                    detail: format!("{}: {detail}", naming.event_type),
                });
            }
        }
    }
    Ok(())
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

async fn artifact_problem(store: &Store, digest: &Digest, length: Option<u64>) -> Result<Option<String>, Error> {
    match store.artifacts().get(digest).await {
        Ok(bytes) => {
            let found = bytes.len() as u64;
            let wrong = length.filter(|length| *length != found);
            Ok(wrong.map(|length| format!("artifact {digest} has {found} bytes, the event says {length}")))
        }
        Err(Error::NoArtifact(_)) => Ok(Some(format!("artifact {digest} is missing"))),
        Err(Error::Corrupt { detail, .. }) => {
            Ok(Some(format!("artifact {digest} is not what its digest says: {detail}")))
        }
        Err(error) => Err(error),
    }
}
