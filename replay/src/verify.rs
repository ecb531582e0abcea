//! Is the log whole and unaltered, and do the read models say what it says?

use std::collections::BTreeMap;

use atsre_domain::{Digest, Position, Sequence, StreamId};
use atsre_projections::{PROJECTIONS, compare};
use atsre_store::hash::{self, Hash};
use atsre_store::{Error, Store, StoredEvent};
use serde::Serialize;

use crate::artifacts::{self, Named};
use crate::chain::Chain;

/// Events read at once.
const PAGE: usize = 10_000;
/// Differences that are kept; the count goes on.
const MOST_DIFFERENCES: usize = 1_000;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The event, or the last one before the place.
    pub position: Position,
    /// The stream, where it is one stream's.
    pub stream: Option<StreamId>,
    /// What kind: `hash`, `prev_hash`, `log_hash`, `sequence`, `gap`, `time`, `head`, `incomplete`, `unreadable`, `artifact`,
    /// `anchor`, `read_model`.
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

impl Difference {
    pub(crate) fn at(event: &StoredEvent, kind: &'static str, detail: String) -> Self {
        let detail = format!("{} {}: {detail}", event.stream_type, event.event_type);
        Self { position: event.position, stream: Some(event.stream.clone()), kind, detail }
    }

    fn of_log(position: Position, kind: &'static str, detail: String) -> Self {
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
    mut progress: impl FnMut(u64, u64),
) -> Result<Verification, atsre_projections::Error> {
    let mut audit = Audit::default();
    if let Err(error) = read_log(store, &mut audit, &mut progress).await {
        let detail = format!("the log could not be read to its end, so nothing is known of what follows: {}", told(&error));
        audit.differences.push(Difference::of_log(audit.chain.position, "incomplete", detail));
        return Ok(audit.into_verification(None));
    }
    audit.check_anchors(anchors);
    check_artifacts(store, &mut audit).await?;
    let head = store.log().head().await?;
    // A log that cannot be folded has said so already; its read models cannot be compared with anything.
    if audit.differences.is_empty() {
        for projection in PROJECTIONS {
            let comparison = match compare(store, projection).await {
                Ok(comparison) => comparison,
                Err(atsre_projections::Error::Stopped { position, message, .. }) => {
                    audit.differences.push(Difference::of_log(position, "unreadable", message));
                    continue;
                }
                Err(error) => return Err(error),
            };
            for row in comparison.differences {
                let detail = format!("the row {} of table {} is {} in read model {}", row.key, row.table, row.kind, comparison.name);
                audit.differences.push(Difference::of_log(comparison.position, "read_model", detail));
            }
        }
    }
    Ok(audit.into_verification(Some(head.position)))
}

/// Verifies one stream, the prefix that it shares with its parents included, and the artifacts that it names.
///
/// # Errors
/// When the store does not answer.
pub async fn verify_stream(store: &Store, stream_type: &str, stream: &StreamId) -> Result<Verification, Error> {
    let mut audit = Audit::default();
    let statement = store.log().read_stream(stream_type, stream).await;
    let events = match statement {
        Ok(events) => events,
        Err(Error::BrokenStream { expected, found, .. }) => {
            let detail = format!("sequence {expected} was due and {found} came: events are missing between them");
            audit.differences.push(Difference { position: Position(0), stream: Some(stream.clone()), kind: "gap", detail });
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
            let detail = format!("its content gives {}, the record says {}", hash::hex(&computed), hash::hex(&event.hash));
            audit.differences.push(Difference::at(event, "hash", detail));
        }
        previous = Some(event.hash);
        audit.events += 1;
        audit.chain.position = event.position;
    }
    let (found, named) = read_payloads(&events);
    audit.differences.extend(found);
    audit.named = named;
    check_artifacts(store, &mut audit).await?;
    let head = store.log().head().await?;
    let mut verification = audit.into_verification(None);
    verification.head = Head { position: head.position, log_hash: hash::hex(&head.log_hash) };
    Ok(verification)
}

#[derive(Default)]
struct Audit {
    chain: Chain,
    events: u64,
    differences: Vec<Difference>,
    named: Named,
    /// The running hash at each position that an anchor may name, kept for all: 40 bytes an event.
    log_hashes: Vec<Hash>,
}

impl Audit {
    fn into_verification(mut self, head: Option<Position>) -> Verification {
        if let Some(head) = head.filter(|head| *head < self.chain.position) {
            let detail = format!("the log's head says {head}, but there is an event {}", self.chain.position);
            self.differences.push(Difference::of_log(self.chain.position, "head", detail));
        }
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
            let place = usize::try_from(anchor.position).ok().and_then(|p| p.checked_sub(1));
            let found = place.and_then(|place| self.log_hashes.get(place)).map(|hash| hash::hex(hash));
            let detail = match found {
                Some(found) if found == anchor.log_hash => continue,
                Some(found) => format!("the anchor says {}, the log says {found}", anchor.log_hash),
                None => "the anchor names a position that the log does not have: its tail was cut".to_owned(),
            };
            self.differences.push(Difference::of_log(Position(anchor.position), "anchor", detail));
        }
    }
}

/// Reads and checks the whole log: while one page is checked, the next is read.
async fn read_log(store: &Store, audit: &mut Audit, progress: &mut impl FnMut(u64, u64)) -> Result<(), Error> {
    let begins = fork_points(store).await?;
    let mut page = store.log().scan(Position(0), PAGE).await?;
    loop {
        let head = page.head;
        let events = std::mem::take(&mut page.events);
        let Some(last) = events.last().map(|event| event.position) else {
            check_end(audit, &head);
            return Ok(());
        };
        let full = events.len() == PAGE;
        let checked = tokio::task::spawn_blocking({
            let begins = begins.clone();
            let mut state = std::mem::take(audit);
            move || {
                check_page(&mut state, &events, &begins);
                state
            }
        });
        let next = if full { Some(store.log().scan(last, PAGE).await) } else { None };
        *audit = checked.await.map_err(|error| Error::Corrupt { what: "the audit".to_owned(), detail: error.to_string() })?;
        progress(audit.events, head.position.0);
        match next {
            Some(next) => page = next?,
            None => {
                check_end(audit, &head);
                return Ok(());
            }
        }
    }
}

/// The head must be the last event: a tail that was cut, or a read that broke off, shows here.
fn check_end(audit: &mut Audit, head: &atsre_store::Head) {
    if audit.chain.position < head.position {
        let detail = format!("the log's head says {}, the last event is {}: the tail is missing", head.position, audit.chain.position);
        audit.differences.push(Difference::of_log(audit.chain.position, "incomplete", detail));
    } else if audit.chain.position == head.position && *audit.chain.log_hash() != head.log_hash {
        let detail = "the log's head has another running hash than the last event".to_owned();
        audit.differences.push(Difference::of_log(head.position, "head", detail));
    }
}

fn check_page(audit: &mut Audit, events: &[StoredEvent], begins: &BTreeMap<StreamId, (Sequence, Hash)>) {
    let half = events.len() / 2;
    let (first, second) = events.split_at(half);
    // Hashing and reading payloads need nothing of each other; payloads cost more, so they are read on two threads.
    let (found, named) = std::thread::scope(|scope| {
        let other = scope.spawn(|| read_payloads(second));
        for event in events {
            audit.chain.follow(event, begins, &mut audit.differences);
            audit.log_hashes.push(event.log_hash);
        }
        let (mut found, mut named) = read_payloads(first);
        let (more, others) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        found.extend(more);
        for (digest, by) in others {
            named.entry(digest).or_insert(by);
        }
        (found, named)
    });
    audit.differences.extend(found);
    for (digest, by) in named {
        audit.named.entry(digest).or_insert(by);
    }
    audit.events += events.len() as u64;
}

fn read_payloads(events: &[StoredEvent]) -> (Vec<Difference>, Named) {
    let (mut differences, mut named) = (Vec::new(), Named::new());
    for event in events {
        if let Err(error) = event.decode() {
            differences.push(Difference::at(event, "unreadable", told(&error)));
        }
        // Most payloads name no artifact; telling so from the text is cheaper than building a tree of values.
        if event.payload.contains("digest")
            && let Ok(payload) = event.json()
        {
            artifacts::collect(event, &payload, &mut named);
        }
    }
    (differences, named)
}

/// For each fork, the sequence and hash that its first own event follows.
async fn fork_points(store: &Store) -> Result<BTreeMap<StreamId, (Sequence, Hash)>, Error> {
    let mut points = BTreeMap::new();
    for summary in store.log().streams("experiment").await? {
        if let Some((parent, sequence)) = store.parent(&summary.stream).await? {
            let shared = store.log().read_stream("experiment", &parent).await?;
            if let Some(event) = shared.iter().find(|event| event.sequence == sequence) {
                points.insert(summary.stream, (sequence, event.hash));
            }
        }
    }
    Ok(points)
}

async fn check_artifacts(store: &Store, audit: &mut Audit) -> Result<(), Error> {
    for (digest, (event, length)) in std::mem::take(&mut audit.named) {
        if let Some(detail) = artifact_problem(store, &digest, length).await? {
            audit.differences.push(Difference::at(&event, "artifact", detail));
        }
    }
    audit.differences.sort_by_key(|difference| difference.position);
    Ok(())
}

async fn artifact_problem(store: &Store, digest: &Digest, length: Option<u64>) -> Result<Option<String>, Error> {
    match store.artifacts().get(digest).await {
        Ok(bytes) => {
            let found = bytes.len() as u64;
            let wrong = length.filter(|length| *length != found);
            Ok(wrong.map(|length| format!("artifact {digest} has {found} bytes, the event says {length}")))
        }
        Err(Error::NoArtifact(_)) => Ok(Some(format!("artifact {digest} is missing"))),
        Err(Error::Corrupt { detail, .. }) => Ok(Some(format!("artifact {digest} is not what its digest says: {detail}"))),
        Err(error) => Err(error),
    }
}

fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
