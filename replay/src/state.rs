//! What was known of an experiment at a moment.

use atsre_domain::dataset::{self, Dataset};
use atsre_domain::experiment::{self, Experiment};
use atsre_domain::{Decider as _, Position, StreamId, TrialNumber};
use atsre_store::{Error, Store, StoredEvent};

/// An experiment and its data as they stood at a position of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct AsOf {
    /// The position asked for.
    pub at: Position,
    /// The last event of the experiment, or of its data, up to there.
    pub last: Position,
    /// The moment of that event.
    pub recorded_at: atsre_domain::Timestamp,
    /// The number that people knew the experiment by: that of an ancestor, before the fork.
    pub experiment_id: Position,
    /// The experiment.
    pub experiment: Experiment,
    /// The version of the data set that it works on; none before it was registered.
    pub version: Option<dataset::Version>,
    /// The position that created each trial, and so is its id.
    pub trial_ids: Vec<(TrialNumber, Position)>,
}

impl AsOf {
    /// The id of a trial.
    #[must_use]
    pub fn trial_id(&self, number: TrialNumber) -> Option<Position> {
        self.trial_ids.iter().rev().find(|(known, _)| *known == number).map(|(_, id)| *id)
    }
}

/// Everything that was known of an experiment when the log ended at `at`.
///
/// # Errors
/// [`Error::NotFound`] when the experiment began later; when the store does not answer.
pub async fn as_of(store: &Store, stream: &StreamId, at: Position) -> Result<AsOf, Error> {
    let events = own_events(store, stream, at).await?;
    let Some(last) = events.last() else {
        return Err(Error::NotFound(format!("experiment {stream} at position {at}")));
    };
    let (mut last, mut recorded_at) = (last.position, last.recorded_at);
    let mut experiment = Experiment::default();
    let (mut experiment_id, mut trial_ids) = (Position(0), Vec::new());
    for stored in &events {
        let event = stored.recorded::<experiment::Event>()?.event;
        match &event {
            experiment::Event::ExperimentOpened(_) | experiment::Event::ExperimentForked(_) => {
                experiment_id = stored.position;
            }
            experiment::Event::TrialQueued(e) => trial_ids.push((e.trial, stored.position)),
            experiment::Event::EnsembleBuilt(e) => trial_ids.push((e.trial, stored.position)),
            _ => {}
        }
        experiment.evolve(&event);
    }
    let mut version = None;
    if let Some(opened) = &experiment.opened {
        let mut dataset = Dataset::default();
        for stored in dataset_events(store, &opened.dataset.stream, at).await? {
            dataset.evolve(&stored.recorded::<dataset::Event>()?.event);
            if stored.position > last {
                (last, recorded_at) = (stored.position, stored.recorded_at);
            }
        }
        let cleaning = &experiment.constraints.discovery.cleaning;
        version = dataset.version(opened.dataset.version).map(|version| version.seen_with(cleaning).into_owned());
    }
    Ok(AsOf { at, last, recorded_at, experiment_id, experiment, version, trial_ids })
}

/// The events up to a position from which read models of an experiment and its data are made: under the names of the
/// streams that they are in, those of the experiment from its own or, before the fork, from an ancestor's.
///
/// # Errors
/// When the store does not answer.
pub async fn events_as_of(store: &Store, stream: &StreamId, at: Position) -> Result<Vec<StoredEvent>, Error> {
    let shared_and_own = own_events(store, stream, at).await?;
    let Some(now_in) = shared_and_own.last().map(|event| event.stream.clone()) else { return Ok(Vec::new()) };
    let dataset = as_of(store, stream, at).await?.experiment.opened.map(|opened| opened.dataset.stream);
    let mut events: Vec<StoredEvent> = shared_and_own.into_iter().filter(|event| event.stream == now_in).collect();
    if let Some(dataset) = dataset {
        events.extend(dataset_events(store, &dataset, at).await?);
    }
    events.sort_by_key(|event| event.position);
    Ok(events)
}

async fn own_events(store: &Store, stream: &StreamId, at: Position) -> Result<Vec<StoredEvent>, Error> {
    let mut events = store.log().read_stream(Experiment::TYPE, stream).await?;
    events.retain(|event| event.position <= at);
    Ok(events)
}

async fn dataset_events(store: &Store, stream: &StreamId, at: Position) -> Result<Vec<StoredEvent>, Error> {
    let mut events = store.log().read_stream(Dataset::TYPE, stream).await?;
    events.retain(|event| event.position <= at);
    Ok(events)
}
