//! A recorder that keeps what it is told.

use std::sync::Mutex;

use async_trait::async_trait;
use atsre_actors::completion::{Completion, CompletionError, Recorder, Request};

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Before a call.
    Requested { provider: String, model: String, prompt: String, attempt: u32 },
    /// After an answer.
    Received { tokens: (Option<u64>, Option<u64>), latency_ms: u64, problems: Vec<String> },
    /// After none.
    Failed { kind: &'static str, message: String, latency_ms: u64 },
}

/// It cannot record.
#[derive(Debug, thiserror::Error)]
#[error("the store is down")]
pub struct Down;

/// The recorder.
#[derive(Debug, Default)]
pub struct Memory {
    records: Mutex<Vec<Record>>,
    down: bool,
}

impl Memory {
    /// One that cannot record.
    pub fn out_of_order() -> Self {
        Self { down: true, ..Self::default() }
    }

    fn note(&self, record: Record) -> Result<(), Down> {
        if self.down {
            return Err(Down);
        }
        self.records.lock().expect("no test panics while it holds the records").push(record);
        Ok(())
    }

    /// Everything, in order.
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().expect("no test panics while it holds the records").clone()
    }

    /// `requested`, `received`, `rejected` or the kind of failure, in order.
    pub fn course(&self) -> Vec<&'static str> {
        let name = |record: &Record| match record {
            Record::Requested { .. } => "requested",
            Record::Received { problems, .. } if problems.is_empty() => "received",
            Record::Received { .. } => "rejected",
            Record::Failed { kind, .. } => kind,
        };
        self.records().iter().map(name).collect()
    }
}

#[async_trait]
impl Recorder for Memory {
    type Error = Down;

    async fn requested(&self, request: Request<'_>) -> Result<(), Down> {
        self.note(Record::Requested {
            provider: request.provider.to_owned(),
            model: request.model.to_owned(),
            prompt: request.prompt.to_owned(),
            attempt: request.attempt,
        })
    }

    async fn received(&self, completion: &Completion, latency_ms: u64, problems: &[String]) -> Result<(), Down> {
        let tokens = (completion.input_tokens, completion.output_tokens);
        self.note(Record::Received { tokens, latency_ms, problems: problems.to_vec() })
    }

    async fn failed(&self, error: &CompletionError, latency_ms: u64) -> Result<(), Down> {
        self.note(Record::Failed { kind: error.kind.name(), message: error.message.clone(), latency_ms })
    }
}
