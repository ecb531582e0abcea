//! What was erased, as the log says.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Position, StreamId, dataset, experiment};
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::stored_event::COLUMNS;
use crate::{Result, Store, StoredEvent};

/// What was erased from a store: by the digest of an artifact, by the key that sealed it, by the data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasures {
    artifacts: BTreeMap<Digest, Position>,
    keys: BTreeMap<Uuid, Position>,
    datasets: BTreeMap<StreamId, Position>,
}

impl Erasures {
    /// What these events say was erased. Events of other types say nothing, and so do those that cannot be read: a
    /// verification names them.
    #[must_use]
    pub fn of(events: &[StoredEvent]) -> Self {
        let mut erasures = Self::default();
        for event in events {
            match event.decode() {
                Ok(AnyEvent::Dataset(dataset::Event::DatasetErased(erased))) => {
                    let keys = erased.key_ids.iter().filter_map(|key| Uuid::parse_str(key).ok());
                    erasures.keys.extend(keys.map(|key| (key, event.position)));
                    erasures.datasets.insert(event.stream.clone(), event.position);
                    erasures.note(&erased.artifacts, event.position);
                }
                Ok(AnyEvent::Experiment(experiment::Event::InputErased(erased))) => {
                    // By order where it can be: an import has positions of its own.
                    let position = erasures.of_dataset(&erased.dataset).unwrap_or(erased.erased_at_position);
                    erasures.note(&erased.artifacts, position);
                }
                _ => {}
            }
        }
        erasures
    }

    pub(crate) async fn read(pool: &PgPool) -> Result<Self> {
        Ok(Self::of(&events(pool).await?))
    }

    fn note(&mut self, artifacts: &[Digest], position: Position) {
        for digest in artifacts {
            self.artifacts.entry(digest.clone()).or_insert(position);
        }
    }

    /// Where the log has the erasure of an artifact.
    #[must_use]
    pub fn of_artifact(&self, digest: &Digest) -> Option<Position> {
        self.artifacts.get(digest).copied()
    }

    /// Where the log has the destruction of a key.
    #[must_use]
    pub fn of_key(&self, key: Uuid) -> Option<Position> {
        self.keys.get(&key).copied()
    }

    /// Where the log has the last erasure of a data set.
    #[must_use]
    pub fn of_dataset(&self, dataset: &StreamId) -> Option<Position> {
        self.datasets.get(dataset).copied()
    }

    /// The artifacts that were erased.
    #[must_use]
    pub fn artifacts(&self) -> BTreeSet<&Digest> {
        self.artifacts.keys().collect()
    }
}

impl Store {
    /// The events that erased something, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erasure_events(&self) -> Result<Vec<StoredEvent>> {
        events(self.pool()).await
    }
}

async fn events(pool: &PgPool) -> Result<Vec<StoredEvent>> {
    // Plan: the partial index events_erasures, which has a row for each of these few events and for no other.
    let statement = format!(
        "SELECT {COLUMNS} FROM atsre.events e WHERE e.event_type IN ('DatasetErased', 'InputErased') ORDER BY e.position"
    );
    let rows = sqlx::query(&statement).fetch_all(pool).await?;
    rows.iter().map(StoredEvent::from_row).collect()
}
