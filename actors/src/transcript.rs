//! The record of a dialogue with a language model: the request before each call, the outcome after it.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use atsre_domain::artifact::ArtifactRef;
use atsre_domain::experiment::{Command, CompletionFailed, CompletionReceived, CompletionRequested};
use atsre_domain::identity::StreamId;
use atsre_domain::process::Agent;
use atsre_store::WorkItem;

use crate::completion::{Completion, CompletionError, Recorder, Request};
use crate::error::AgentError;
use crate::services::Services;

/// Writes the dialogue to the experiment's stream, and its texts to artifacts.
pub(crate) struct Transcript<'a> {
    services: &'a Services,
    item: &'a WorkItem,
    /// The data set, which prompts and answers may quote.
    dataset: StreamId,
    /// The number of the request that was made last.
    request: AtomicU32,
}

impl<'a> Transcript<'a> {
    /// Goes on after the requests that the experiment has made already. One without an outcome was interrupted by a
    /// crash: whether it was answered is unknown, and that is recorded.
    pub(crate) async fn begin(services: &'a Services, item: &'a WorkItem) -> Result<Self, AgentError> {
        let (experiment, opened) = services.experiment(&item.stream).await?;
        let last = experiment.completions.keys().next_back().copied().unwrap_or(0);
        let transcript = Self { services, item, dataset: opened.dataset.stream, request: AtomicU32::new(last) };
        for (request, _) in experiment.completions.iter().filter(|(_, answered)| !**answered) {
            let message = "the node stopped before an answer was recorded".to_owned();
            let failed = CompletionFailed { request: *request, kind: "interrupted".to_owned(), message, latency_ms: 0 };
            transcript.command(Command::FailCompletion(Box::new(failed))).await?;
        }
        Ok(transcript)
    }

    async fn keep(&self, text: &str) -> Result<ArtifactRef, AgentError> {
        let artifacts = self.services.store.artifacts();
        Ok(artifacts.put_for(&self.dataset, text.as_bytes(), "text/plain; charset=utf-8").await?)
    }

    async fn command(&self, command: Command) -> Result<(), AgentError> {
        self.services.command(Agent::Planner, &self.item.stream, self.item.position, command).await
    }
}

#[async_trait]
impl Recorder for Transcript<'_> {
    type Error = AgentError;

    async fn requested(&self, request: Request<'_>) -> Result<(), AgentError> {
        let prompt = self.keep(request.prompt).await?;
        let number = self.request.fetch_add(1, Ordering::Relaxed) + 1;
        let requested = CompletionRequested {
            request: number,
            purpose: "plan".to_owned(),
            provider: request.provider.to_owned(),
            model: request.model.to_owned(),
            prompt,
            attempt: request.attempt,
        };
        self.command(Command::RequestCompletion(Box::new(requested))).await
    }

    async fn received(&self, completion: &Completion, latency_ms: u64, problems: &[String]) -> Result<(), AgentError> {
        let answer = self.keep(&completion.text).await?;
        let received = CompletionReceived {
            request: self.request.load(Ordering::Relaxed),
            answer,
            input_tokens: completion.input_tokens,
            output_tokens: completion.output_tokens,
            latency_ms,
            problems: problems.to_vec(),
        };
        self.command(Command::ReceiveCompletion(Box::new(received))).await
    }

    async fn failed(&self, error: &CompletionError, latency_ms: u64) -> Result<(), AgentError> {
        let failed = CompletionFailed {
            request: self.request.load(Ordering::Relaxed),
            kind: error.kind.name().to_owned(),
            message: error.message.clone(),
            latency_ms,
        };
        self.command(Command::FailCompletion(Box::new(failed))).await
    }
}
