//! What was erased, and whether it is gone.

use std::collections::BTreeMap;

use atsre_domain::dataset::{Dataset, DatasetErased};
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::Experiment;
use atsre_domain::{Digest, Position, StreamId, dataset, experiment};
use atsre_store::{Erasures, Error, Store, StoredEvent, rfc3339};
use serde::Serialize;
use uuid::Uuid;

use super::Difference;

/// An erasure that the log has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// The data set's name.
    pub dataset: String,
    /// Where the log has it.
    pub position: Position,
    /// When it was recorded.
    pub erased_at: String,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub why: String,
    /// The versions of the data set that were erased.
    pub versions: Vec<u32>,
    /// How many artifacts of the data set and its experiments cannot be read any more.
    pub artifacts: u64,
    /// The experiments whose input is gone: how many.
    pub experiments: u64,
    /// Artifacts that an older build stored in the clear: they were not erased.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unencrypted: Vec<Digest>,
}

/// What one erasure took, while it is gathered.
struct Taken {
    told: Erasure,
    stream: StreamId,
    erased: DatasetErased,
    artifacts: std::collections::BTreeSet<Digest>,
}

/// The erasures, in the order of the log.
pub(super) async fn erasures(store: &Store) -> Result<Vec<Erasure>, Error> {
    Ok(gather(store, &store.erasure_events().await?).await?.into_iter().map(Taken::told).collect())
}

/// The erasures, and whether what they say is so: keys, tables, and notes of the experiments; and whether every key that
/// nobody erased is there.
pub(super) async fn check(store: &Store) -> Result<(Vec<Erasure>, Vec<Difference>), Error> {
    let events = store.erasure_events().await?;
    let taken = gather(store, &events).await?;
    let mut differences = Vec::new();
    for taken in &taken {
        differences.extend(left_undone(store, taken).await?);
    }
    differences.extend(lost_keys(store, &Erasures::of(&events)).await?);
    for digest in store.artifacts().altered_copies().await? {
        let detail = format!("a sealed copy of artifact {digest} is not what its key sealed under this digest");
        differences.push(Difference::of_log(Position(0), "artifact", detail));
    }
    Ok((taken.into_iter().map(Taken::told).collect(), differences))
}

impl Taken {
    fn told(self) -> Erasure {
        Erasure { artifacts: self.artifacts.len() as u64, ..self.told }
    }

    fn differs(&self, detail: String) -> Difference {
        let name = &self.told.dataset;
        Difference {
            position: self.told.position,
            stream: Some(self.stream.clone()),
            kind: "erasure",
            detail: format!("{detail}: run `atsre erase {name}` again"),
        }
    }
}

/// What of an event that cannot be read was erased nobody knows: it is named as unreadable.
async fn gather(store: &Store, events: &[StoredEvent]) -> Result<Vec<Taken>, Error> {
    let mut taken: Vec<Taken> = Vec::new();
    for event in events {
        match event.decode() {
            Ok(AnyEvent::Dataset(dataset::Event::DatasetErased(erased))) => {
                let told = Erasure {
                    dataset: name(store, &event.stream).await?,
                    position: event.position,
                    erased_at: rfc3339(event.recorded_at),
                    by: event.envelope().map_or_else(|_| "nobody can tell".to_owned(), |metadata| metadata.actor),
                    why: erased.why.clone(),
                    versions: erased.versions.clone(),
                    artifacts: 0,
                    experiments: 0,
                    unencrypted: erased.unencrypted.clone(),
                };
                let (stream, artifacts) = (event.stream.clone(), erased.artifacts.iter().cloned().collect());
                taken.push(Taken { told, stream, erased, artifacts });
            }
            Ok(AnyEvent::Experiment(experiment::Event::InputErased(input))) => {
                // By order and not by position: an import has positions of its own.
                if let Some(taken) = taken.iter_mut().rfind(|taken| taken.stream == input.dataset) {
                    taken.artifacts.extend(input.artifacts);
                    taken.told.experiments += 1;
                }
            }
            _ => {}
        }
    }
    Ok(taken)
}

/// The data set's name; its stream's where the stream cannot be read.
async fn name(store: &Store, stream: &StreamId) -> Result<String, Error> {
    match store.load::<Dataset>(stream).await {
        Ok(loaded) => {
            let newest = loaded.state.newest().map(|newest| newest.registered.name.clone());
            Ok(newest.unwrap_or_else(|| stream.0.clone()))
        }
        Err(error @ (Error::Unavailable(_) | Error::Refused(_))) => Err(error),
        Err(_) => Ok(stream.0.clone()),
    }
}

/// What an erasure says is gone, and is there.
async fn left_undone(store: &Store, taken: &Taken) -> Result<Vec<Difference>, Error> {
    let mut differences = Vec::new();
    let artifacts = store.artifacts();
    for key in taken.erased.key_ids.iter().filter_map(|key| Uuid::parse_str(key).ok()) {
        let path = artifacts.keyring().path(&taken.stream, key);
        if path.exists() {
            differences
                .push(taken.differs(format!("the key {} was to be destroyed and is still there", path.display())));
        }
    }
    for table in store.data().tables(&taken.stream, &taken.erased.versions).await? {
        differences.push(taken.differs(format!("the table {table} was to be dropped and is still there")));
    }
    for stream in store.experiments_on(&taken.stream).await? {
        // One that cannot be read is named for that.
        let Ok(loaded) = store.load::<Experiment>(&stream).await else { continue };
        let version = loaded.state.opened.as_ref().map(|opened| opened.dataset.version);
        let concerned = version.is_some_and(|version| taken.erased.versions.contains(&version));
        if concerned && loaded.state.input_erased.is_none() {
            differences.push(taken.differs(format!("experiment {stream} does not know that its data are erased")));
        }
    }
    Ok(differences)
}

/// Keys that sealed something, that nothing erased, and that are not there.
async fn lost_keys(store: &Store, erasures: &Erasures) -> Result<Vec<Difference>, Error> {
    let mut differences: BTreeMap<String, Difference> = BTreeMap::new();
    for key in store.artifacts().sealing_keys().await? {
        if key.there || erasures.of_key(key.key).is_some() {
            continue;
        }
        let path = key.path.display().to_string();
        let detail = format!(
            "the key {path} is missing, and nothing in the log erased it: {} artifacts cannot be read; put the file back \
             from your copy",
            key.artifacts
        );
        let difference = Difference { position: Position(0), stream: Some(key.dataset), kind: "key", detail };
        differences.insert(path, difference);
    }
    Ok(differences.into_values().collect())
}
