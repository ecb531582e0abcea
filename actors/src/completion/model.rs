//! The port: a model that continues a dialogue.

use std::time::Duration;

use async_trait::async_trait;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// This system.
    User,
    /// The model.
    Assistant,
}

/// One turn of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said; never blank, because providers refuse that.
    pub text: String,
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text, without the reasoning that a provider reports apart from it.
    pub text: String,
    /// Tokens read, where the provider says.
    pub input_tokens: Option<u64>,
    /// Tokens written, where the provider says.
    pub output_tokens: Option<u64>,
    /// Whether the provider cut the answer at its limit of output tokens.
    pub truncated: bool,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionErrorKind {
    /// It took too long.
    Timeout,
    /// There is no connection, or it broke before an answer began.
    Unreachable,
    /// The provider said no: the key, the model's name, a limit, the content.
    Refused,
    /// What came back is not the protocol's: HTML, half a body, an internal error.
    Rubbish,
}

impl CompletionErrorKind {
    /// The name in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Rubbish => "rubbish",
        }
    }
}

/// A model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .kind.name())]
pub struct CompletionError {
    /// Why.
    pub kind: CompletionErrorKind,
    /// What was seen; free of the key, at most some hundred characters.
    pub message: String,
    /// When the provider wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// A language model.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The provider's name, such as `openai`.
    fn provider(&self) -> &str;

    /// The model's name at the provider.
    fn model(&self) -> &str;

    /// Continues a dialogue whose last message is the user's. Ends within `limit`, whatever the provider does, and may
    /// end earlier by the model's own timeout.
    ///
    /// # Errors
    /// [`CompletionError`] where there is no answer.
    async fn complete(&self, dialogue: &[Message], limit: Duration) -> Result<Completion, CompletionError>;
}
