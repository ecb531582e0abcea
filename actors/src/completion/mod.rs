//! Asking a language model for a plan.
//!
//! [`LanguageModel`] is the port; [`RigModel`] is the one implementation, through rig-core, for every endpoint that
//! speaks OpenAI's chat protocol, for Anthropic and for Ollama. [`converse`] is the dialogue: the prompt, the answer,
//! its checks, at most two corrections. It records every request before it is made and every outcome after it, through
//! a [`Recorder`]; what an answer must be is decided in `atsre_domain::policy::llm`, not here.

mod config;
mod converse;
mod model;
mod rig_model;

pub use config::{ConfigurationError, LanguageModelConfig, Provider};
pub use converse::{Agreed, Conversation, ConverseError, Recorder, Request, converse};
pub use model::{Completion, CompletionError, CompletionErrorKind, LanguageModel, Message, Speaker};
pub use rig_model::RigModel;
