//! The read models against a fresh fold.

use std::collections::BTreeMap;
use std::sync::Arc;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Recorded};
use atsre_projections::{Check, Error, PROJECTIONS, compare};
use atsre_store::{Store, told};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Difference, Verification};

/// Pages that may wait for their fold.
const AHEAD: usize = 2;

type Page = Arc<[Arc<Recorded<AnyEvent>>]>;

/// The read models, folded anew from the events that the audit reads, while it goes on: in a task of its own, so that
/// neither waits for the other.
#[derive(Debug)]
pub(super) struct ReadModels {
    store: Store,
    /// Closed when there are no more.
    pages: Option<mpsc::Sender<Page>>,
    /// One task, given up with this.
    folding: JoinSet<Vec<Check>>,
    /// What the task has left, when it has ended.
    checks: Vec<Check>,
}

impl ReadModels {
    /// Begins, with the live read models as they are now.
    pub(super) async fn begin(store: &Store) -> Result<Self, Error> {
        let mut checks = Vec::new();
        for projection in PROJECTIONS {
            checks.push(Check::begin(store, projection).await?);
        }
        let (pages, waiting) = mpsc::channel(AHEAD);
        let mut folding = JoinSet::new();
        folding.spawn(fold(store.clone(), checks, waiting));
        Ok(Self { store: store.clone(), pages: Some(pages), folding, checks: Vec::new() })
    }

    /// Folds the next events of the log.
    pub(super) async fn feed(&mut self, events: Vec<Arc<Recorded<AnyEvent>>>) {
        if let Some(pages) = &self.pages {
            // Nobody takes it where the task has ended before its time: then nothing is proved, and the tables are compared.
            let _ = pages.send(Arc::from(events)).await;
        }
    }

    /// Waits until everything is folded.
    async fn settle(&mut self) {
        self.pages = None;
        if let Some(Ok(checks)) = self.folding.join_next().await {
            self.checks = checks;
        }
    }

    /// The artifacts that were read for the folds and are what their digests say, with their lengths in bytes.
    pub(super) async fn sound(&mut self) -> BTreeMap<Digest, u64> {
        self.settle().await;
        let mut sound = BTreeMap::new();
        for check in &mut self.checks {
            sound.append(&mut check.take_sound());
        }
        sound
    }

    /// Adds the rows that differ. A check that does not prove a read model to be the same is followed by a comparison in
    /// the database, which names the rows.
    pub(super) async fn compare(mut self, verification: &mut Verification) -> Result<(), Error> {
        // What cannot be read or has holes cannot be folded, and has been named.
        let foldable =
            |difference: &Difference| !matches!(difference.kind, "incomplete" | "gap" | "unreadable" | "head");
        if !verification.differences.iter().all(foldable) {
            verification.notes.push("the read models were not compared: the log cannot be folded".to_owned());
            return Ok(());
        }
        self.settle().await;
        let mut same = Vec::new();
        for check in self.checks {
            let name = check.projection().name;
            if check.is_same().await {
                same.push(name);
            }
        }
        let sound = verification.ok;
        for projection in PROJECTIONS.iter().filter(|projection| !same.contains(&projection.name)) {
            let comparison = match compare(&self.store, projection).await {
                Ok(comparison) => comparison,
                // What is wrong with the evidence has been named; that it cannot be folded follows.
                Err(error) if !sound => {
                    let name = projection.name;
                    verification.notes.push(format!("read model {name} could not be compared: {}", told(&error)));
                    continue;
                }
                Err(Error::Stopped { position, message, .. }) => {
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
        Ok(())
    }
}

async fn fold(store: Store, mut checks: Vec<Check>, mut pages: mpsc::Receiver<Page>) -> Vec<Check> {
    while let Some(page) = pages.recv().await {
        for check in &mut checks {
            check.feed(&store, &page).await;
        }
    }
    for check in &mut checks {
        check.settle().await;
    }
    checks
}
