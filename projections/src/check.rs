//! Whether a live read model has the rows that a fold of the log gives, without writing that fold anywhere.
//!
//! Whoever reads the log anyway hands its events on. The answer "the same" is proved by a digest of each row; anything
//! else only says that [`crate::compare`] has to look, which names the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Position, Recorded};
use atsre_store::Store;
use tokio::task::JoinSet;

use crate::digest::RowDigest;
use crate::error::Error;
use crate::fold::fold_recorded;
use crate::fresh::FreshRows;
use crate::live::LiveRows;
use crate::projection::Projection;
use crate::row::RowOp;
use crate::schema;

/// Pages that are folded at the same time: a fold mostly waits for the artifacts that its events need.
const AT_ONCE: usize = 4;

/// A live read model, held at the event up to which it was when the check began, and the fold so far.
#[derive(Debug)]
pub struct Check {
    projection: &'static Projection,
    position: Position,
    /// A task, given up when the check is dropped.
    live: JoinSet<Option<Vec<Vec<RowDigest>>>>,
    /// Pages that are being folded, by their number, or none where that failed; given up as well.
    folding: JoinSet<(u64, Option<Page>)>,
    /// Pages that are folded, and wait for one before them.
    folded: BTreeMap<u64, Option<Page>>,
    /// Pages taken, and pages written to the fresh rows.
    taken: u64,
    written: u64,
    fresh: FreshRows,
    sound: BTreeMap<Digest, u64>,
}

/// A page, folded.
#[derive(Debug, Default)]
struct Page {
    operations: Vec<RowOp>,
    /// The artifacts that were read for it and are what their digests say, with their lengths in bytes.
    sound: Vec<(Digest, u64)>,
}

impl Check {
    /// Begins: the live rows are read from here on, as they are now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin(store: &Store, projection: &'static Projection) -> Result<Self, Error> {
        schema::ensure(store, projection).await?;
        let held = LiveRows::hold(store, projection).await?;
        let position = held.position();
        let mut live = JoinSet::new();
        live.spawn(held.digests());
        let (folding, folded) = (JoinSet::new(), BTreeMap::new());
        let (fresh, sound) = (FreshRows::new(projection), BTreeMap::new());
        Ok(Self { projection, position, live, folding, folded, taken: 0, written: 0, fresh, sound })
    }

    /// The projection whose read model it is.
    #[must_use]
    pub const fn projection(&self) -> &'static Projection {
        self.projection
    }

    /// Folds the next events of the log, of all its streams, from its beginning. Those that the live read model has not
    /// seen are left out.
    pub async fn feed(&mut self, store: &Store, events: &Arc<[Arc<Recorded<AnyEvent>>]>) {
        while self.folding.len() + self.folded.len() >= AT_ONCE {
            self.write_next().await;
        }
        let seen = events.partition_point(|event| event.position <= self.position);
        if seen == 0 || self.fresh.is_given_up() {
            return;
        }
        let (store, projection, events, number) = (store.clone(), self.projection, Arc::clone(events), self.taken);
        self.taken += 1;
        self.folding.spawn(async move { (number, fold_page(&store, projection, &events[..seen]).await) });
    }

    /// Waits until a page is folded, and writes those whose turn it is.
    async fn write_next(&mut self) {
        match self.folding.join_next().await {
            Some(Ok((number, page))) => drop(self.folded.insert(number, page)),
            // A fold that ended before its time: what it would have written is not known.
            Some(Err(_)) => self.fresh.give_up(),
            None => self.folded.clear(),
        }
        while let Some(page) = self.folded.remove(&self.written) {
            self.written += 1;
            match page {
                Some(page) => {
                    self.sound.extend(page.sound);
                    self.fresh.write(page.operations);
                }
                // Why is found and told by whoever compares the tables.
                None => self.fresh.give_up(),
            }
        }
    }

    /// Waits until all pages are folded.
    pub async fn settle(&mut self) {
        while !self.folding.is_empty() {
            self.write_next().await;
        }
    }

    /// The artifacts that were read for the pages folded so far and are what their digests say, with their lengths in
    /// bytes; each is told once.
    pub fn take_sound(&mut self) -> BTreeMap<Digest, u64> {
        std::mem::take(&mut self.sound)
    }

    /// Whether both have the same rows. `false` where that is not known: rows differ, or could not be read or folded here.
    pub async fn is_same(mut self) -> bool {
        self.settle().await;
        if self.fresh.is_given_up() {
            return false;
        }
        let live = self.live.join_next().await.and_then(Result::ok).flatten();
        live.is_some() && live == self.fresh.into_digests()
    }
}

async fn fold_page(store: &Store, projection: &'static Projection, events: &[Arc<Recorded<AnyEvent>>]) -> Option<Page> {
    let (mut page, mut rest) = (Page::default(), events);
    while !rest.is_empty() {
        let folded = fold_recorded(store, projection, rest).await.ok()?;
        if folded.poison.is_some() {
            return None;
        }
        page.operations.extend(folded.merged);
        page.sound.extend(folded.sound);
        rest = &rest[folded.events..];
    }
    Some(page)
}
