//! What happened in an experiment, in order, with causes.

use std::collections::BTreeSet;

use atsre_domain::{Position, Sequence, StreamId};
use atsre_store::{Error, Store, StoredEvent, hash, rfc3339};
use serde::Serialize;
use serde_json::Value;

/// An event as an auditor reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// The stream it belongs to: the experiment's, or its data set's.
    pub stream: StreamId,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of its payload.
    pub version: u32,
    /// When it was recorded.
    pub recorded_at: String,
    /// Who decided: an agent, a person or a policy.
    pub actor: String,
    /// The position of the event that it answers.
    pub causation: Option<Position>,
    /// Its hash in the stream's chain.
    pub hash: String,
    /// What happened.
    pub payload: Value,
}

/// The type of the event with which a data set ends.
const ERASED: &str = "DatasetErased";

/// The history of an experiment: its own events, and those of its data set that it caused.
///
/// # Errors
/// When the stream is broken, or the store does not answer.
pub async fn history(store: &Store, experiment: &StreamId) -> Result<Vec<HistoryEvent>, Error> {
    let mut events = store.log().read_stream("experiment", experiment).await?;
    let dataset = events
        .iter()
        .find(|event| event.event_type == "ExperimentOpened")
        .map(|event| event.json())
        .transpose()?
        .and_then(|payload| Some(StreamId(payload.pointer("/dataset/stream")?.as_str()?.to_owned())));
    if let Some(dataset) = dataset {
        // What a fork shares with its ancestors was done to the data in their name.
        let of: BTreeSet<String> = events.iter().map(|event| event.stream.0.clone()).collect();
        let last = events.last().map_or(Position(0), |event| event.position);
        let erased = events.iter().any(|event| event.event_type == "InputErased");
        for event in store.log().read_stream("dataset", &dataset).await? {
            let named = event.envelope()?.correlation_id;
            let theirs = named == experiment.0 || (of.contains(&named) && event.position <= last);
            // What ended the data is part of what happened to the experiment, whoever asked for it.
            if theirs || (event.event_type == ERASED && erased) {
                events.push(event);
            }
        }
    }
    events.sort_by_key(|event| event.position);
    events.into_iter().map(told).collect()
}

/// The chain of causes of an event, the event itself last. It begins with what nothing in the log caused: what a person
/// asked for, or a file that came in.
///
/// # Errors
/// [`Error::NotFound`] when there is no such position; when the store does not answer.
pub async fn why(store: &Store, position: Position) -> Result<Vec<HistoryEvent>, Error> {
    let mut chain = Vec::new();
    let mut next = Some(position);
    while let Some(position) = next {
        let event = told(store.log().event(position).await?)?;
        // A cause lies before its effect; anything else is an altered record, and following it might never end.
        next = event.causation.filter(|cause| *cause < position);
        chain.push(event);
    }
    // Where an experiment began, its data did before.
    let opened = chain.last().filter(|first| first.event_type == "ExperimentOpened");
    let dataset = opened.and_then(|first| first.payload.pointer("/dataset/stream")?.as_str().map(str::to_owned));
    if let Some(dataset) = dataset {
        let registered = store.log().read_stream("dataset", &StreamId(dataset)).await?;
        let before = chain.last().map_or(Position(0), |first| first.position);
        let newest =
            registered.into_iter().rfind(|event| event.event_type == "DatasetRegistered" && event.position < before);
        if let Some(registered) = newest {
            chain.push(told(registered)?);
        }
    }
    chain.reverse();
    Ok(chain)
}

fn told(event: StoredEvent) -> Result<HistoryEvent, Error> {
    let metadata = event.envelope()?;
    Ok(HistoryEvent {
        position: event.position,
        sequence: event.sequence,
        event_type: event.event_type.clone(),
        version: event.version(),
        recorded_at: rfc3339(event.recorded_at),
        causation: metadata.causation(),
        actor: metadata.actor,
        hash: hash::hex(&event.hash),
        payload: event.json()?,
        stream: event.stream,
    })
}
