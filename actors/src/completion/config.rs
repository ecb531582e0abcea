//! Which language model to ask, and where its key comes from.

use std::fmt;
use std::time::Duration;

use rig_core::http_client::Uri;
use serde::{Deserialize, Serialize};

/// The variable that is looked at before the provider's own.
const COMMON_KEY_VARIABLE: &str = "ATSRE_LLM_KEY";
/// How long one answer may take, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// OpenAI, and every endpoint that speaks its chat protocol: `POST {base_url}/chat/completions`.
    Openai,
    /// Anthropic's messages: `POST {base_url}/v1/messages`.
    Anthropic,
    /// An Ollama daemon: `POST {base_url}/api/chat`.
    Ollama,
}

impl Provider {
    /// The name in events and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
        }
    }

    /// Where it is reached, unless the configuration says otherwise.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Openai => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com",
            Self::Ollama => "http://localhost:11434",
        }
    }

    const fn key_variable(self) -> &'static str {
        match self {
            Self::Openai => "OPENAI_API_KEY",
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Ollama => "OLLAMA_API_KEY",
        }
    }
}

/// Which language model to ask. It never holds a key, only the name of the environment variable that does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// Who answers.
    pub provider: Provider,
    /// The model's name at the provider.
    pub model: String,
    /// Where it is reached, where that is not the provider's own address.
    #[serde(default)]
    pub base_url: Option<String>,
    /// How long one answer may take.
    #[serde(default = "default_timeout", rename = "timeout_seconds", with = "seconds")]
    pub timeout: Duration,
    /// The environment variable that holds the key. Where it is not named: `ATSRE_LLM_KEY`, then the provider's usual
    /// one, but the latter only for the provider's own address, so that its key never goes elsewhere by accident.
    #[serde(default)]
    pub key_variable: Option<String>,
    /// Tokens that an answer may have, where the provider's default does not serve.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
}

/// The configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// The address is not one.
    #[error("the address {address:?} of the language model cannot be used: {problem}")]
    Address {
        /// The address, without what could be a secret in it.
        address: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// There is no key.
    #[error("the key of the language model is missing: set the environment variable {variable}")]
    MissingKey {
        /// The variable.
        variable: String,
    },
    /// The key cannot be sent.
    #[error("the key in the environment variable {variable} has characters that no header can carry")]
    UnusableKey {
        /// The variable.
        variable: String,
    },
    /// The model has no name.
    #[error("the language model has no name: set `model`")]
    MissingModel,
    /// The time is too short.
    #[error("the timeout of the language model is zero: set `timeout_seconds`")]
    ZeroTimeout,
}

impl LanguageModelConfig {
    /// A model at its provider's own address, with the usual timeout and the usual variable for the key.
    #[must_use]
    pub fn new(provider: Provider, model: impl Into<String>) -> Self {
        Self {
            provider,
            model: model.into(),
            base_url: None,
            timeout: TIMEOUT,
            key_variable: None,
            max_output_tokens: None,
        }
    }

    /// Where the model is reached, checked, without a slash at its end.
    ///
    /// # Errors
    /// [`ConfigurationError::Address`], [`ConfigurationError::MissingModel`] or [`ConfigurationError::ZeroTimeout`].
    pub(super) fn address(&self) -> Result<String, ConfigurationError> {
        if self.model.trim().is_empty() {
            return Err(ConfigurationError::MissingModel);
        }
        if self.timeout.is_zero() {
            return Err(ConfigurationError::ZeroTimeout);
        }
        let address = self.base_url.as_deref().unwrap_or(self.provider.base_url()).trim_end_matches('/');
        // An address stands in messages and events, so it must not carry a password or a token.
        let shown = address.rsplit_once('@').map_or(address, |(_, host)| host);
        let shown = shown.split_once('?').map_or(shown, |(path, _)| path);
        let refuse = |problem| ConfigurationError::Address { address: shown.to_owned(), problem };
        let uri: Uri = address.parse().map_err(|_| refuse("it is not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(refuse("it must begin with http:// or https://"));
        }
        match uri.authority() {
            None => return Err(refuse("it names no host")),
            Some(authority) if authority.as_str().contains('@') => {
                return Err(refuse("it must not hold a user or password"));
            }
            Some(_) => {}
        }
        if uri.query().is_some() {
            return Err(refuse("it must not have a query"));
        }
        Ok(address.to_owned())
    }

    /// The key, looked up by variable name; empty where none is needed.
    ///
    /// # Errors
    /// [`ConfigurationError::MissingKey`] or [`ConfigurationError::UnusableKey`].
    pub(super) fn key(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Key, ConfigurationError> {
        let at_home = self.base_url.as_deref().is_none_or(|url| url.trim_end_matches('/') == self.provider.base_url());
        let names: Vec<&str> = match &self.key_variable {
            Some(named) => vec![named],
            None if at_home => vec![COMMON_KEY_VARIABLE, self.provider.key_variable()],
            None => vec![COMMON_KEY_VARIABLE],
        };
        let found = names.iter().find_map(|name| {
            let value = environment(name)?.trim().to_owned();
            (!value.is_empty()).then_some((*name, value))
        });
        match found {
            Some((_, key)) if key.chars().all(|c| c.is_ascii_graphic()) => Ok(Key(key)),
            Some((variable, _)) => Err(ConfigurationError::UnusableKey { variable: variable.to_owned() }),
            // A local server and an Ollama daemon usually want none; a key that was named is wanted.
            None if self.key_variable.is_none() && (!at_home || self.provider == Provider::Ollama) => {
                Ok(Key(String::new()))
            }
            None => {
                let variable = self.key_variable.as_deref().unwrap_or(self.provider.key_variable());
                Err(ConfigurationError::MissingKey { variable: variable.to_owned() })
            }
        }
    }
}

/// A key. It is shown nowhere, and blotted out of every text that passes by.
#[derive(Clone)]
pub(super) struct Key(String);

impl Key {
    /// The key itself, for the client alone.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The text without the key.
    pub(super) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "[key]") }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

const fn default_timeout() -> Duration {
    TIMEOUT
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn environment(set: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn at(base_url: &str) -> LanguageModelConfig {
        LanguageModelConfig { base_url: Some(base_url.to_owned()), ..LanguageModelConfig::new(Provider::Openai, "m") }
    }

    #[test]
    fn the_providers_key_does_not_go_to_another_address() {
        let both = environment(&[("OPENAI_API_KEY", "sk-home")]);
        let home = LanguageModelConfig::new(Provider::Openai, "m");
        assert_eq!(home.key(&both).unwrap().expose(), "sk-home");
        assert_eq!(at("http://127.0.0.1:8000/v1").key(&both).unwrap().expose(), "");
        let named =
            LanguageModelConfig { key_variable: Some("OPENAI_API_KEY".to_owned()), ..at("http://127.0.0.1:8000/v1") };
        assert_eq!(named.key(&both).unwrap().expose(), "sk-home", "whoever names it means it");
    }

    #[test]
    fn a_missing_key_is_named_and_a_broken_one_is_not_shown() {
        let missing = LanguageModelConfig::new(Provider::Anthropic, "m").key(&environment(&[])).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the key of the language model is missing: set the environment variable ANTHROPIC_API_KEY"
        );
        let broken = LanguageModelConfig::new(Provider::Openai, "m")
            .key(&environment(&[("ATSRE_LLM_KEY", "sk\nsecret")]))
            .unwrap_err();
        assert!(!broken.to_string().contains("secret"));
        assert!(LanguageModelConfig::new(Provider::Ollama, "m").key(&environment(&[])).is_ok());
    }

    #[test]
    fn an_address_is_checked_and_its_secrets_are_not_repeated() {
        assert_eq!(at("http://127.0.0.1:8000/v1/").address().unwrap(), "http://127.0.0.1:8000/v1");
        for (url, problem) in [
            ("ftp://host", "must begin with"),
            ("http://me:hunter2@host/v1", "user or password"),
            ("https://host/v1?token=hunter2", "query"),
            ("not a url", "not a URL"),
        ] {
            let message = at(url).address().unwrap_err().to_string();
            assert!(message.contains(problem), "{url}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_configuration_file_has_its_timeout_in_seconds_and_no_place_for_a_key() {
        let read: LanguageModelConfig =
            serde_json::from_str(r#"{ "provider": "ollama", "model": "qwen3", "timeout_seconds": 5 }"#).unwrap();
        assert_eq!(
            read,
            LanguageModelConfig {
                timeout: Duration::from_secs(5),
                ..LanguageModelConfig::new(Provider::Ollama, "qwen3")
            }
        );
        assert!(
            serde_json::from_str::<LanguageModelConfig>(r#"{ "provider": "openai", "model": "m", "key": "sk" }"#)
                .is_err()
        );
    }
}
