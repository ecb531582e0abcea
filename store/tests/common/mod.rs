//! A small aggregate to write with, so that these tests are of the store and of nothing else.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use atsre_domain::event::{DecodeError, EncodedEvent, WireEvent};
use atsre_domain::{Decider, StreamId, Timestamp};
use atsre_store::{Envelope, Store};
use serde_json::{Value, json};

/// Adds up notes, and refuses an empty one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    pub notes: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Command {
    /// Write these notes, whatever is there.
    Write(Vec<String>),
    /// Write this note once: a repetition changes nothing.
    WriteOnce(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct NoteWritten {
    pub text: String,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a note must say something")]
pub struct Empty;

impl Decider for Ledger {
    const TYPE: &'static str = "ledger";
    type Command = Command;
    type Event = NoteWritten;
    type Error = Empty;

    fn decide(&self, command: Command) -> Result<Vec<NoteWritten>, Empty> {
        let texts = match command {
            Command::WriteOnce(text) if self.notes.contains(&text) => vec![],
            Command::WriteOnce(text) => vec![text],
            Command::Write(texts) => texts,
        };
        if texts.iter().any(String::is_empty) {
            return Err(Empty);
        }
        Ok(texts.into_iter().map(|text| NoteWritten { text }).collect())
    }

    fn evolve(&mut self, event: &NoteWritten) {
        self.notes.push(event.text.clone());
    }
}

impl WireEvent for NoteWritten {
    const STREAM_TYPE: &'static str = "ledger";

    fn event_type(&self) -> &'static str {
        "NoteWritten"
    }

    fn event_version(&self) -> u32 {
        1
    }

    fn encode(&self) -> EncodedEvent {
        EncodedEvent { event_type: "NoteWritten", event_version: 1, payload: json!({ "text": self.text }) }
    }

    fn decode(event_type: &str, event_version: u32, payload: Value) -> Result<Self, DecodeError> {
        if event_type != "NoteWritten" {
            return Err(DecodeError::UnknownType { stream_type: "ledger".into(), event_type: event_type.into() });
        }
        if event_version != 1 {
            return Err(DecodeError::UnknownVersion { event_type: event_type.into(), found: event_version, newest: 1 });
        }
        Ok(Self { text: payload["text"].as_str().unwrap_or_default().to_owned() })
    }
}

pub fn envelope() -> Envelope {
    Envelope {
        actor: "tester".into(),
        correlation: "correlation".into(),
        causation: None,
        build: "test".into(),
        occurred_at: Timestamp(1_700_000_000_123_456),
    }
}

pub async fn write(store: &Store, stream: &StreamId, notes: &[&str]) {
    let notes = notes.iter().map(|note| (*note).to_owned()).collect();
    store.execute::<Ledger>(stream, Command::Write(notes), &envelope()).await.unwrap();
}

pub fn stream(name: &str) -> StreamId {
    StreamId(name.to_owned())
}
