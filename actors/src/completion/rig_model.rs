//! The port's implementation through rig-core.

use std::error::Error as _;
use std::time::Duration;

use async_trait::async_trait;
use rig_core::DynModel;
use rig_core::ProviderError;
use rig_core::completion::{CompletionRequest, CompletionResponse, FinishReason};
use rig_core::http_client;
use rig_core::operation;
use rig_core::providers::anthropic::wire::AnthropicConfig;
use rig_core::providers::ollama::OllamaConfig;
use rig_core::providers::ollama::extension::OllamaOptions;
use rig_core::providers::openai::OpenAIConfig;
use rig_core::providers::openai::wire::Auth;

use super::config::{ConfigurationError, Key, LanguageModelConfig, Provider};
use super::model::{Completion, CompletionError, CompletionErrorKind, LanguageModel, Message, Speaker};

/// Tokens of an answer where the protocol demands a number: Anthropic's does.
const OUTPUT_TOKENS: u64 = 8_192;
/// The context window asked of Ollama, in tokens. Its default cuts the prompt off without a word.
const OLLAMA_CONTEXT_TOKENS: u32 = 16_384;
/// Characters of a message: a server may answer an error with a whole page.
const LONGEST_MESSAGE: usize = 400;
/// Characters of an answer that are kept. No plan needs more; a model that repeats itself writes megabytes.
const LONGEST_ANSWER: usize = 200_000;

/// A language model at one of rig-core's providers.
pub struct RigModel {
    config: LanguageModelConfig,
    key: Key,
    endpoint: DynModel<operation::Completion>,
}

impl std::fmt::Debug for RigModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RigModel").field("config", &self.config).field("key", &self.key).finish_non_exhaustive()
    }
}

impl RigModel {
    /// Sets up a model with the key from the environment; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConfigurationError`] where configuration or environment lack something.
    pub fn connect(config: &LanguageModelConfig) -> Result<Self, ConfigurationError> {
        Self::with_environment(config, &|name| std::env::var(name).ok())
    }

    /// The same with another environment.
    ///
    /// # Errors
    /// [`ConfigurationError`] where configuration or environment lack something.
    pub fn with_environment(
        config: &LanguageModelConfig,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigurationError> {
        let address = config.address()?;
        let key = config.key(environment)?;
        let endpoint = match config.provider {
            Provider::Openai => OpenAIConfig::new(key.expose())
                .with_base_url(address)
                .with_auth(Auth::OptionalBearer)
                .client()
                .chat(&config.model)
                .erase(),
            Provider::Anthropic => {
                AnthropicConfig::new(key.expose()).with_base_url(address).client().completion(&config.model).erase()
            }
            Provider::Ollama => OllamaConfig::new()
                .with_base_url(address)
                .with_api_key(key.expose())
                .client()
                .native_completion(&config.model)
                .erase(),
        };
        Ok(Self { config: config.clone(), key, endpoint })
    }

    fn request(&self, dialogue: &[Message]) -> Option<CompletionRequest> {
        let mut turns = dialogue.iter().map(|message| match message.speaker {
            Speaker::User => rig_core::message::Message::user(&message.text),
            Speaker::Assistant => rig_core::message::Message::assistant(&message.text),
        });
        let last = turns.next_back()?;
        let output_tokens = match (self.config.max_output_tokens, self.config.provider) {
            (None, Provider::Anthropic) => Some(OUTPUT_TOKENS),
            (configured, _) => configured,
        };
        let request = CompletionRequest::new(last).messages(turns).max_tokens(output_tokens);
        Some(match self.config.provider {
            Provider::Ollama => request.provider_option(OllamaOptions::default().num_ctx(OLLAMA_CONTEXT_TOKENS)),
            Provider::Openai | Provider::Anthropic => request,
        })
    }

    fn failure(&self, kind: CompletionErrorKind, message: &str) -> CompletionError {
        let scrubbed = self.key.scrub(message);
        let mut message: String =
            scrubbed.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE).collect();
        if scrubbed.chars().nth(LONGEST_MESSAGE).is_some() {
            message.push('…');
        }
        CompletionError { kind, message, retry_after: None }
    }

    fn accept(&self, response: &CompletionResponse) -> Result<Completion, CompletionError> {
        if let Some(refusal) = &response.error {
            return Err(self.failure(CompletionErrorKind::Refused, refusal));
        }
        let finish = response.finish_reason();
        if finish == Some(FinishReason::ContentFilter) {
            return Err(self.failure(CompletionErrorKind::Refused, "the provider filtered the answer"));
        }
        let text = response.text();
        if text.trim().is_empty() {
            return Err(self.failure(CompletionErrorKind::Rubbish, "the answer is empty"));
        }
        // The end holds the JSON.
        let surplus = text.chars().count().saturating_sub(LONGEST_ANSWER);
        let kept: String = text.chars().skip(surplus).collect();
        Ok(Completion {
            text: self.key.scrub(&kept),
            input_tokens: response.usage.input_tokens,
            output_tokens: response.usage.output_tokens,
            truncated: finish == Some(FinishReason::Length),
        })
    }

    fn explain(&self, error: &ProviderError) -> CompletionError {
        use CompletionErrorKind as K;
        match error {
            ProviderError::Http(cause) => self.failure(transport(cause), &chain(cause)),
            ProviderError::Request(_) | ProviderError::Url(_) | ProviderError::UnsupportedOption(_) => {
                self.failure(K::Refused, &error.to_string())
            }
            other => match other.provider_response_status().map(|status| status.as_u16()) {
                Some(status) => {
                    let body = other.provider_response_body().unwrap_or_default();
                    let kind = by_status(status);
                    let retry_after = other.provider_response_headers().and_then(retry_after);
                    CompletionError { retry_after, ..self.failure(kind, &format!("status {status}: {body}")) }
                }
                None => self.failure(K::Rubbish, &other.to_string()),
            },
        }
    }
}

/// 4xx is the provider's no, and so are the statuses that mean "later"; any other status with an error is a server
/// that broke.
const fn by_status(status: u16) -> CompletionErrorKind {
    match status {
        400..=499 | 503 => CompletionErrorKind::Refused,
        _ => CompletionErrorKind::Rubbish,
    }
}

/// Whether the reply had begun when the connection failed. reqwest says so only in its words; the tests with a refused
/// connection, a closed one and half a body hold them.
fn transport(error: &http_client::Error) -> CompletionErrorKind {
    match error {
        http_client::Error::Instance(cause) if cause.to_string().starts_with("error sending request") => {
            CompletionErrorKind::Unreachable
        }
        _ => CompletionErrorKind::Rubbish,
    }
}

fn chain(error: &http_client::Error) -> String {
    let mut text = match error {
        http_client::Error::Instance(cause) => cause.to_string(),
        other => other.to_string(),
    };
    let mut source = match error {
        http_client::Error::Instance(cause) => cause.source(),
        other => other.source(),
    };
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn retry_after(headers: &http_client::HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[async_trait]
impl LanguageModel for RigModel {
    fn provider(&self) -> &str {
        self.config.provider.name()
    }

    fn model(&self) -> &str {
        &self.config.model
    }

    async fn complete(&self, dialogue: &[Message], limit: Duration) -> Result<Completion, CompletionError> {
        let Some(request) = self.request(dialogue) else {
            return Err(self.failure(CompletionErrorKind::Refused, "there is nothing to ask"));
        };
        let limit = limit.min(self.config.timeout);
        // Dropping the call closes its connection.
        match tokio::time::timeout(limit, self.endpoint.call(request)).await {
            Err(_) => {
                let message = format!("no whole answer within {:.1} s", limit.as_secs_f64());
                Err(self.failure(CompletionErrorKind::Timeout, &message))
            }
            Ok(Err(error)) => Err(self.explain(&error)),
            Ok(Ok(response)) => self.accept(&response),
        }
    }
}
