//! What happened in an experiment, in order, with causes.

use atsre_domain::{Position, Sequence, StreamId};
use atsre_store::{Error, Store, hash, rfc3339};
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
        for event in store.log().read_stream("dataset", &dataset).await? {
            if event.envelope()?.correlation_id == experiment.0 {
                events.push(event);
            }
        }
    }
    events.sort_by_key(|event| event.position);
    events
        .into_iter()
        .map(|event| {
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
        })
        .collect()
}
