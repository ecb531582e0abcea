//! What a history is decided again from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use atsre_domain::dataset::Dataset;
use atsre_domain::experiment::{self, Experiment};
use atsre_domain::{Decider as _, Digest, Position, StreamId};
use atsre_store::{Error, Store, StoredEvent};

use crate::bundle::{self, BundleError};

/// The recorded events of an experiment and of its data, with the artifacts that decisions were made from.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The experiment.
    pub experiment: StreamId,
    /// The experiment's events, those shared with its ancestors first, and those of its data, by position.
    pub(super) events: Vec<StoredEvent>,
    /// Profiles, panels, readings and answers, by digest.
    pub(super) artifacts: BTreeMap<Digest, Vec<u8>>,
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The store does not answer, or has no such experiment.
    #[error(transparent)]
    Store(#[from] Error),
    /// The file is not a bundle that can be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle was altered: nothing that is read from it would prove anything.
    #[error("the bundle does not verify: {0}")]
    DoesNotVerify(String),
}

impl Evidence {
    /// The evidence in a store.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such experiment; when the store does not answer.
    pub async fn from_store(store: &Store, experiment: &StreamId) -> Result<Self, EvidenceError> {
        let mut events = store.log().read_stream(Experiment::TYPE, experiment).await?;
        if events.is_empty() {
            return Err(Error::NotFound(format!("experiment {experiment}")).into());
        }
        let end = events.last().map_or(Position(0), |event| event.position);
        for dataset in datasets(&events) {
            let of_data = store.log().read_stream(Dataset::TYPE, &dataset).await?;
            events.extend(of_data.into_iter().filter(|event| event.position <= end));
        }
        events.sort_by_key(|event| event.position);
        let digests: Vec<Digest> = needed(&events).into_iter().collect();
        let artifacts = store.artifacts().get_sound(&digests).await?;
        Ok(Self { experiment: experiment.clone(), events, artifacts })
    }

    /// The evidence in a bundle, which is verified first.
    ///
    /// # Errors
    /// [`EvidenceError::Bundle`] when it cannot be read; [`EvidenceError::DoesNotVerify`] when it was altered.
    pub fn from_bundle(reader: impl Read + Seek) -> Result<Self, EvidenceError> {
        let contents = bundle::open(reader, needed)?;
        let bundle::Contents { verification, experiment, lineage, mut events, artifacts } = contents;
        if let Some(first) = verification.differences.first() {
            return Err(EvidenceError::DoesNotVerify(format!("{}: {}", first.kind, first.detail)));
        }
        // A bundle holds each ancestor up to the fork.
        let mut line = BTreeSet::from([experiment.clone()]);
        let mut child = &experiment;
        while let Some(fork) = lineage.iter().find(|fork| fork.stream_type == Experiment::TYPE && fork.child == *child)
        {
            if !line.insert(fork.parent.clone()) {
                break;
            }
            child = &fork.parent;
        }
        events.retain(|event| event.stream_type == Dataset::TYPE || line.contains(&event.stream));
        events.sort_by_key(|event| event.position);
        Ok(Self { experiment, events, artifacts })
    }
}

/// The data sets that an experiment works on.
fn datasets(events: &[StoredEvent]) -> BTreeSet<StreamId> {
    let opened = events.iter().filter_map(|stored| match stored.recorded().ok()?.event {
        experiment::Event::ExperimentOpened(opened) => Some(opened.dataset.stream),
        _ => None,
    });
    opened.collect()
}

/// The artifacts that decisions were made from.
fn needed(events: &[StoredEvent]) -> BTreeSet<Digest> {
    let mut digests = BTreeSet::new();
    for stored in events.iter().filter(|stored| stored.stream_type == Experiment::TYPE) {
        match stored.recorded().map(|recorded| recorded.event) {
            Ok(experiment::Event::PlanProposed(plan)) => {
                digests.extend([plan.profile, plan.panel]);
                digests.extend(plan.inputs.map(|inputs| inputs.digest));
            }
            Ok(experiment::Event::CompletionRequested(request)) => {
                digests.insert(request.prompt.digest);
            }
            Ok(experiment::Event::CompletionReceived(received)) => {
                digests.insert(received.answer.digest);
            }
            _ => {}
        }
    }
    digests
}
