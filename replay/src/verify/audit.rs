//! The log from its beginning, or from an anchor, to its end.

use std::collections::BTreeSet;
use std::sync::Arc;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Position, Recorded, StreamId};
use atsre_store::{Error, Findings, Head as LogHead, Page, Store, StoredEvent, hash, told};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::anchors::Anchors;
use super::read_models::ReadModels;
use super::{Difference, Erasure, Head, MOST_DIFFERENCES, Options, Since, Thoroughness, Verification, artifacts};
use super::{erasures, implementations, since};
use crate::artifacts::Named;
use crate::chain::Chain;
use crate::lineage::{self, Forks};
use crate::payloads;

/// Events read at once.
const PAGE: usize = 5_000;
/// Pages that may wait for their check.
const AHEAD: usize = 2;

/// Verifies everything but the read models.
pub(super) async fn verify_evidence(
    store: &Store,
    options: &Options<'_>,
    mut read_models: Option<&mut ReadModels>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verification, Error> {
    let mut audit = Audit { anchors: Anchors::new(options), ..Audit::default() };
    if let Err(error) = read_log(store, &mut audit, options, read_models.as_deref_mut(), &mut progress).await {
        let detail =
            format!("the log could not be read to its end, so nothing is known of what follows: {}", told(&error));
        audit.differences.push(Difference::of_log(audit.chain.position, "incomplete", detail));
        return Ok(audit.into_verification());
    }
    let mut named = std::mem::take(&mut audit.named);
    if let Some(read_models) = read_models {
        // Nobody needs to read these a second time.
        let sound = read_models.sound().await;
        named.retain(|digest, naming| {
            sound.get(digest).is_none_or(|found| naming.length_bytes.is_some_and(|said| said != *found))
        });
    }
    let found = artifacts::check(store, named).await?;
    audit.differences.extend(found);
    let (erasures, found) = erasures::check(store).await?;
    audit.differences.extend(found);
    audit.erasures = erasures;
    Ok(audit.into_verification())
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) chain: Chain,
    pub(super) events: u64,
    pub(super) differences: Vec<Difference>,
    pub(super) named: Named,
    pub(super) anchors: Anchors,
    pub(super) since: Option<Since>,
    pub(super) notes: Vec<String>,
    pub(super) erasures: Vec<Erasure>,
}

impl Audit {
    pub(super) fn into_verification(mut self) -> Verification {
        self.differences.sort_by_key(|difference| difference.position);
        if self.differences.len() > MOST_DIFFERENCES {
            let (all, told) = (self.differences.len(), MOST_DIFFERENCES);
            self.notes.push(format!("there are {all} differences; the first {told} are told"));
            self.differences.truncate(told);
        }
        Verification {
            ok: self.differences.is_empty(),
            events: self.events,
            head: Head { position: self.chain.position, log_hash: hash::hex(self.chain.log_hash()) },
            differences: self.differences,
            anchors_checked: self.anchors.checked(),
            erasures: self.erasures,
            since: self.since,
            notes: self.notes,
        }
    }

    /// Checks a page, and gives its events as far as they could be read.
    fn check_page(&mut self, events: &[StoredEvent], forks: &Forks) -> Vec<Arc<Recorded<AnyEvent>>> {
        // Hashing and reading payloads need nothing of each other; payloads cost more, so they are read on two threads.
        let (first, second) = events.split_at(events.len() / 3);
        let (mut read, more) = std::thread::scope(|scope| {
            let other = scope.spawn(|| payloads::read(second));
            for event in events {
                self.chain.follow(event, forks, &mut self.differences);
                self.anchors.pass(event.position, &event.log_hash);
            }
            let read = payloads::read(first);
            (read, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.differences.extend(read.differences.into_iter().chain(more.differences));
        for (digest, naming) in read.named.into_iter().chain(more.named) {
            self.named.entry(digest).or_insert(naming);
        }
        self.events += events.len() as u64;
        read.events.extend(more.events);
        read.events
    }

    /// The head must be the last event: a tail that was cut, or a read that broke off, shows here.
    fn check_end(&mut self, head: &LogHead) {
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

    /// Makes the streams of these events known that began before the anchor from which the log is read.
    async fn remember(&mut self, store: &Store, events: &[StoredEvent], after: Position) -> Result<(), Error> {
        let unknown: BTreeSet<(String, StreamId)> = events
            .iter()
            .filter(|event| !self.chain.knows(&event.stream_type, &event.stream))
            .map(|event| (event.stream_type.clone(), event.stream.clone()))
            .collect();
        for last in store.last_before(&Vec::from_iter(unknown), after).await? {
            self.chain.remember(last);
        }
        Ok(())
    }
}

/// Reads and checks the log and everything that stands beside it in the database.
async fn read_log(
    store: &Store,
    audit: &mut Audit,
    options: &Options<'_>,
    read_models: Option<&mut ReadModels>,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), Error> {
    let forks = Arc::new(lineage::forks(store).await?);
    audit.differences.extend(lineage::check(store, &forks, forks.keys()).await?);
    if let Some(anchor) = options.since {
        since::begin(store, audit, anchor, options.trusted).await?;
    }
    let after = audit.chain.position;
    audit.anchors.look_up(store, after).await?;
    // The database's own answer is found meanwhile; it is given up when this function is left early.
    let mut own_answer = JoinSet::new();
    let head = store.log().head().await?.position;
    if options.thoroughness >= Thoroughness::Recomputed {
        let (store, start) = (store.clone(), *audit.chain.log_hash());
        own_answer.spawn(async move { store.sql_findings(after, head, Some(start)).await });
    }
    read_events(store, audit, &forks, after, read_models, progress).await?;
    if options.since.is_none() {
        for (child, fork) in forks.iter().filter(|(child, fork)| !audit.chain.knows(&fork.stream_type, child)) {
            audit.notes.push(format!("stream {child} is a fork of {} that has no event of its own yet", fork.parent));
        }
    }
    let answer: Option<Result<Findings, Error>> = own_answer.join_next().await.map(|joined| {
        joined.unwrap_or_else(|error| Err(Error::Corrupt { what: "SQL's answer".into(), detail: error.to_string() }))
    });
    if let Some(answer) = answer {
        let found = implementations::compare(answer, &audit.differences, after, head);
        audit.differences.extend(found);
    }
    let sealing = store.sealing().await?;
    let end = audit.chain.position;
    audit.differences.extend(sealing.problems.into_iter().map(|detail| Difference::of_log(end, "trigger", detail)));
    if !sealing.touched.is_empty() {
        audit.notes.push(format!(
            "changed after their tables were made, as by disabling and enabling them or by restoring a backup: {}",
            sealing.touched.join(", ")
        ));
    }
    let (found, notes) = audit.anchors.compare();
    audit.differences.extend(found);
    audit.notes.extend(notes);
    Ok(())
}

/// Reads the log from a position to its end: while one page is checked, the next ones are read.
async fn read_events(
    store: &Store,
    audit: &mut Audit,
    forks: &Arc<Forks>,
    after: Position,
    mut read_models: Option<&mut ReadModels>,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), Error> {
    let (sender, mut pages) = mpsc::channel(AHEAD);
    // One task, given up when this function is left early.
    let mut reading = JoinSet::new();
    reading.spawn(read_pages(store.clone(), after, sender));
    while let Some(page) = pages.recv().await {
        let Page { head, events } = page?;
        let end = events.len() < PAGE;
        if !events.is_empty() {
            if after.0 > 0 {
                audit.remember(store, &events, after).await?;
            }
            let checked = tokio::task::spawn_blocking({
                let forks = Arc::clone(forks);
                let mut audit = std::mem::take(audit);
                move || {
                    let read = audit.check_page(&events, &forks);
                    (audit, read)
                }
            });
            let (checked, read) = checked
                .await
                .map_err(|error| Error::Corrupt { what: "the audit".to_owned(), detail: error.to_string() })?;
            *audit = checked;
            if let Some(read_models) = &mut read_models {
                read_models.feed(read).await;
            }
            progress(audit.events, head.position.0 - after.0.min(head.position.0));
        }
        if end {
            audit.check_end(&head);
            return Ok(());
        }
    }
    Err(Error::Corrupt { what: "the audit".to_owned(), detail: "the reading ended before the log".to_owned() })
}

/// Reads page after page, the last of which is not full.
async fn read_pages(store: Store, after: Position, pages: mpsc::Sender<Result<Page, Error>>) {
    let mut last = after;
    loop {
        let page = store.log().scan(last, PAGE).await;
        let next = page.as_ref().ok().filter(|page| page.events.len() == PAGE).and_then(|page| page.events.last());
        let next = next.map(|event| event.position);
        if pages.send(page).await.is_err() {
            return;
        }
        match next {
            Some(next) => last = next,
            None => return,
        }
    }
}
