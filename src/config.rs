//! Configuration: defaults, then `atsre.toml`, then the environment, then flags.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use atsre_actors::completion::{LanguageModelConfig, Provider};
use serde::Deserialize;

use crate::cli::Cli;
use crate::error::Failure;

/// The file's name, looked for in the working folder and then in the home folder.
const FILE: &str = "atsre.toml";

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where ATSRE keeps its database, its reports and its settings.
    pub home: PathBuf,
    /// A Postgres database to use in place of the private one.
    pub database_url: Option<String>,
    /// The agents.
    pub agents: Agents,
    /// The language model.
    pub language_model: Option<LanguageModelConfig>,
}

/// `[agents]` of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Agents {
    /// Trials that run at the same time on this node; the number of cores where absent.
    pub parallel_trials: Option<u32>,
    /// How long a worker may be silent, in seconds.
    pub heartbeat_timeout_s: f64,
    /// The time between two kept samples, in seconds.
    pub sample_interval_s: f64,
    /// The power assumed for one busy core where nothing measures it, in milliwatts.
    pub core_milliwatts: u32,
}

impl Default for Agents {
    fn default() -> Self {
        // 10 W is what a server core draws under load; the report says that it is an estimate.
        Self { parallel_trials: None, heartbeat_timeout_s: 30.0, sample_interval_s: 1.0, core_milliwatts: 10_000 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    home: Option<PathBuf>,
    database_url: Option<String>,
    agents: Agents,
    language_model: Option<LanguageModelConfig>,
}

impl Config {
    /// The configuration for this command line.
    ///
    /// # Errors
    /// When a configuration file cannot be read.
    pub fn load(cli: &Cli) -> Result<Self, Failure> {
        let default_home = cli.home.clone().unwrap_or_else(default_home);
        let file = [PathBuf::from(FILE), default_home.join(FILE)]
            .into_iter()
            .find(|path| path.is_file())
            .map(|path| read(&path))
            .transpose()?
            .unwrap_or_default();
        let home = cli.home.clone().or(file.home).unwrap_or(default_home);
        let home = std::path::absolute(&home).with_context(|| format!("{} cannot be made absolute", home.display()))?;
        let database_url = cli.database_url.clone().or(file.database_url);
        let language_model = language_model(file.language_model)?;
        Ok(Self { home, database_url, agents: file.agents, language_model })
    }

    /// Where reports are written for people.
    #[must_use]
    pub fn report_folder(&self) -> PathBuf {
        self.home.join("reports")
    }

    /// The watched folder.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.home.join("inbox")
    }

    /// Trials that run at the same time on this node.
    #[must_use]
    pub fn parallel_trials(&self) -> u32 {
        self.agents.parallel_trials.unwrap_or_else(cores).max(1)
    }
}

impl Agents {
    /// How long a worker may be silent.
    #[must_use]
    pub fn heartbeat_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.heartbeat_timeout_s.max(1.0))
    }

    /// The time between two kept samples: at most ten a second.
    #[must_use]
    pub fn sample_interval(&self) -> Duration {
        Duration::from_secs_f64(self.sample_interval_s.clamp(0.1, 60.0))
    }
}

/// The processor cores of this machine.
#[must_use]
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX))
}

/// `[language_model]` of the file, with `ATSRE_LLM_PROVIDER`, `ATSRE_LLM_MODEL` and `ATSRE_LLM_BASE_URL` over it. The key
/// stays in the environment, under the name that the configuration gives.
fn language_model(file: Option<LanguageModelConfig>) -> Result<Option<LanguageModelConfig>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut config = match (file, variable("ATSRE_LLM_PROVIDER")) {
        (None, None) => return Ok(None),
        (Some(config), None) => config,
        (file, Some(name)) => {
            let provider: Provider = serde_json::from_value(serde_json::Value::String(name.clone())).map_err(|_| {
                Failure::usage(format!(
                    "ATSRE_LLM_PROVIDER: {name:?} is not a provider; use openai, anthropic or ollama"
                ))
            })?;
            match file {
                Some(config) => LanguageModelConfig { provider, ..config },
                None => LanguageModelConfig::new(provider, String::new()),
            }
        }
    };
    if let Some(model) = variable("ATSRE_LLM_MODEL") {
        config.model = model;
    }
    if let Some(base_url) = variable("ATSRE_LLM_BASE_URL") {
        config.base_url = Some(base_url);
    }
    Ok(Some(config))
}

fn read(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(toml::from_str(&text).with_context(|| format!("{} is not a valid configuration", path.display()))?)
}

fn default_home() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share")));
    data.map_or_else(|| PathBuf::from(".atsre"), |data| data.join("atsre"))
}
