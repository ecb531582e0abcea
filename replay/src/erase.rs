//! Erases a data set: destroys the keys of its encrypted artifacts, and puts on record that it did.
//!
//! What happened stays: events, hashes, decisions, scores, costs. What was observed, and everything that was made of it, goes
//! with the keys, in this database and in every copy of it. The record comes first and the deed after it, so that a crash in
//! between leaves an erasure that a verification names and that the same request completes.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::dataset::{self, Dataset, Erasure};
use atsre_domain::experiment::{self, Command, Experiment, InputErased};
use atsre_domain::{Digest, Position, StreamId};
use atsre_store::{Envelope, Erasures, ExecuteError, Store};
use serde::Serialize;

use crate::artifacts::{self, Named};

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// The data set's name.
    pub dataset: String,
    /// Its stream.
    pub stream: StreamId,
    /// Where the log has the erasure: the last one, if there are several.
    pub position: Position,
    /// Whether nothing was left to record: it was erased before.
    pub before: bool,
    /// Its erased versions.
    pub versions: Vec<u32>,
    /// The experiments whose input is gone, by the numbers that people know them by.
    pub experiments: Vec<Position>,
    /// Artifacts that cannot be read any more.
    pub artifacts: u64,
    /// Artifacts that an older build stored in the clear: they stay readable.
    pub unencrypted: Vec<Digest>,
    /// Keys that were destroyed now.
    pub keys_destroyed: Vec<String>,
    /// Tables that were dropped now.
    pub tables_dropped: Vec<String>,
}

/// Why a data set is not erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is none of that name.
    #[error("there is no data set {name:?}; there {}", listed(.known))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Somebody still works on it.
    #[error("data set {name:?} is in use: {} not ended; let them end with `atsre resume`, or end them with `atsre cancel`",
        running(.experiments))]
    Running {
        /// The data set's name.
        name: String,
        /// The experiments, by the numbers that people know them by.
        experiments: Vec<Position>,
    },
    /// The data set refused.
    #[error(transparent)]
    Dataset(dataset::Error),
    /// An experiment refused.
    #[error("experiment {stream} did not take note of the erasure; erase again to complete it")]
    Experiment {
        /// Its stream.
        stream: StreamId,
        /// Why.
        source: experiment::Error,
    },
    /// A stream kept changing.
    #[error("the erasure could not be recorded: {0}")]
    Conflict(String),
    /// A read model of an older version could not be emptied.
    #[error("an older read model could not be emptied; erase again to complete it")]
    ReadModel(#[from] atsre_projections::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] atsre_store::Error),
}

impl From<atsre_store::KeyError> for EraseError {
    fn from(error: atsre_store::KeyError) -> Self {
        Self::Store(error.into())
    }
}

fn listed(known: &[String]) -> String {
    match known {
        [] => "is none".to_owned(),
        known => format!("are {}", known.join(", ")),
    }
}

fn running(experiments: &[Position]) -> String {
    let numbers: Vec<String> = experiments.iter().map(ToString::to_string).collect();
    let (noun, verb) = if experiments.len() == 1 { ("experiment", "has") } else { ("experiments", "have") };
    format!("{noun} {} {verb}", numbers.join(", "))
}

/// An experiment on the data set.
struct Concerned {
    stream: StreamId,
    id: Position,
    state: Experiment,
    named: BTreeSet<Digest>,
}

/// Erases every version of a data set that is not erased yet, and completes what an interrupted erasure has left undone. When
/// nothing is left to do, nothing changes. `progress` is told what is being done.
///
/// # Errors
/// [`EraseError::Unknown`] lists the data sets that there are; [`EraseError::Running`] the experiments that must end first.
/// Nothing was changed then.
pub async fn erase(
    store: &Store,
    name: &str,
    why: &str,
    envelope: &Envelope,
    mut progress: impl FnMut(&str),
) -> Result<Erased, EraseError> {
    let stream = find(store, name).await?;
    // Nobody registers a version, opens, forks or imports an experiment on it meanwhile.
    let _hold = store.seize_dataset(&stream).await?;
    let (own, graphs) = named_by_dataset(store, &stream).await?;
    let experiments = concerned(store, &stream).await?;
    let open: Vec<Position> = experiments.iter().filter(|e| e.state.is_open()).map(|e| e.id).collect();
    if !open.is_empty() {
        return Err(EraseError::Running { name: name.to_owned(), experiments: open });
    }
    let all: BTreeSet<Digest> = experiments.iter().flat_map(|e| &e.named).chain(&own).cloned().collect();
    let (sealed, plain) = store.artifacts().sealed_or_plain(&stream, &Vec::from_iter(all)).await?;
    let sealed: BTreeSet<Digest> = sealed.into_iter().collect();
    // Graphs are stored in the clear on purpose: they tell what drives what, not what was observed.
    let unencrypted: Vec<Digest> = plain.into_iter().filter(|digest| !graphs.contains(digest)).collect();
    let keyring = store.artifacts().keyring().clone();
    let keys = keyring.keys(&stream)?;
    let envelope = &Envelope { correlation: stream.0.clone(), ..envelope.clone() };
    progress(&format!("recording the erasure of {name}, on which {} experiments rest", experiments.len()));
    let erasure = Erasure {
        why: why.trim().to_owned(),
        key_ids: keys.iter().map(ToString::to_string).collect(),
        artifacts: own.intersection(&sealed).cloned().collect(),
        unencrypted,
    };
    let command = dataset::Command::Erase(Box::new(erasure));
    let appended = store.execute::<Dataset>(&stream, command, envelope).await.map_err(|error| match error {
        ExecuteError::Rejected(refused) => EraseError::Dataset(refused),
        ExecuteError::Store(error) => EraseError::Store(error),
        conflict @ ExecuteError::Conflict { .. } => EraseError::Conflict(conflict.to_string()),
    })?;
    let versions = erased_versions(store, &stream).await?;
    record_inputs(store, &stream, &experiments, &versions, &sealed, envelope).await?;
    let numbers: Vec<u32> = versions.keys().copied().collect();
    let tables_dropped = store.data().drop_tables(&stream, &numbers).await?;
    let streams: Vec<StreamId> = experiments.iter().map(|e| e.stream.clone()).collect();
    atsre_projections::erase::purge(store, &stream, &numbers, &streams).await?;
    progress("destroying the keys");
    let on_record = Erasures::of(&store.erasure_events().await?);
    let mut keys_destroyed = Vec::new();
    for key in keys {
        if on_record.of_key(key).is_some() && keyring.destroy(&stream, key)? {
            keys_destroyed.push(key.to_string());
        }
    }
    let gone = |e: &&Concerned| e.state.opened.as_ref().is_some_and(|o| versions.contains_key(&o.dataset.version));
    let last = appended.state.erasures.last();
    Ok(Erased {
        dataset: name.to_owned(),
        position: on_record.of_dataset(&stream).unwrap_or_default(),
        before: appended.events.is_empty(),
        versions: numbers,
        experiments: experiments.iter().filter(gone).map(|e| e.id).collect(),
        artifacts: sealed.len() as u64,
        unencrypted: last.map(|erased| erased.unencrypted.clone()).unwrap_or_default(),
        stream,
        keys_destroyed,
        tables_dropped,
    })
}

/// The stream of the data set of this name.
async fn find(store: &Store, name: &str) -> Result<StreamId, EraseError> {
    let mut known = Vec::new();
    for summary in store.log().streams("dataset").await? {
        let dataset = store.load::<Dataset>(&summary.stream).await?.state;
        let Some(newest) = dataset.newest() else { continue };
        if newest.registered.name == name {
            return Ok(summary.stream);
        }
        known.push(newest.registered.name.clone());
    }
    known.sort();
    Err(EraseError::Unknown { name: name.to_owned(), known })
}

/// The artifacts that the data set's events name, and those among them that are causal graphs.
async fn named_by_dataset(
    store: &Store,
    stream: &StreamId,
) -> Result<(BTreeSet<Digest>, BTreeSet<Digest>), EraseError> {
    let (mut named, mut graphs) = (Named::new(), Named::new());
    for event in store.log().read_stream("dataset", stream).await? {
        artifacts::collect(&event, &mut named)?;
        if event.event_type == "GraphDiscovered" {
            artifacts::collect(&event, &mut graphs)?;
        }
    }
    Ok((named.into_keys().collect(), graphs.into_keys().collect()))
}

async fn concerned(store: &Store, dataset: &StreamId) -> Result<Vec<Concerned>, EraseError> {
    let mut experiments = Vec::new();
    for stream in store.experiments_on(dataset).await? {
        let state = store.load::<Experiment>(&stream).await?.state;
        let events = store.log().read_stream("experiment", &stream).await?;
        let mut named = Named::new();
        for event in events.iter().filter(|event| event.payload.contains("digest")) {
            artifacts::collect(event, &mut named)?;
        }
        let own = events.iter().find(|event| event.stream == stream);
        let id = own.map(|event| event.position).unwrap_or_default();
        experiments.push(Concerned { stream, id, state, named: named.into_keys().collect() });
    }
    Ok(experiments)
}

/// The erased versions, each with where and why it was erased.
async fn erased_versions(store: &Store, stream: &StreamId) -> Result<BTreeMap<u32, (Position, String)>, EraseError> {
    let mut versions = BTreeMap::new();
    for event in store.log().read_stream("dataset", stream).await? {
        if let dataset::Event::DatasetErased(erased) = event.recorded::<dataset::Event>()?.event {
            versions.extend(erased.versions.iter().map(|version| (*version, (event.position, erased.why.clone()))));
        }
    }
    Ok(versions)
}

/// Every experiment on an erased version takes note of it, once.
async fn record_inputs(
    store: &Store,
    dataset: &StreamId,
    experiments: &[Concerned],
    versions: &BTreeMap<u32, (Position, String)>,
    sealed: &BTreeSet<Digest>,
    envelope: &Envelope,
) -> Result<(), EraseError> {
    for Concerned { stream, state, named, .. } in experiments {
        let version = state.opened.as_ref().and_then(|opened| versions.get(&opened.dataset.version));
        let (Some((position, why)), None) = (version, &state.input_erased) else { continue };
        let erased = InputErased {
            dataset: dataset.clone(),
            why: why.clone(),
            erased_at_position: *position,
            artifacts: named.intersection(sealed).cloned().collect(),
        };
        let envelope = Envelope { correlation: stream.0.clone(), causation: Some(*position), ..envelope.clone() };
        let command = Command::EraseInput(Box::new(erased));
        store.execute::<Experiment>(stream, command, &envelope).await.map_err(|error| match error {
            ExecuteError::Rejected(source) => EraseError::Experiment { stream: stream.clone(), source },
            ExecuteError::Store(error) => EraseError::Store(error),
            conflict @ ExecuteError::Conflict { .. } => EraseError::Conflict(conflict.to_string()),
        })?;
    }
    Ok(())
}
