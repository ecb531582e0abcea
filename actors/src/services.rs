//! What every agent is given: the store, the node it runs on, the clock, and the settings.

use std::path::PathBuf;
use std::time::Duration;

use atsre_domain::dataset::{self, Dataset};
use atsre_domain::experiment::{self, Experiment, ExperimentOpened};
use atsre_domain::identity::{Position, StreamId, Timestamp};
use atsre_domain::panel::Panel;
use atsre_domain::process::Agent;
use atsre_store::{Envelope, Store};

use crate::completion::LanguageModelConfig;
use crate::error::AgentError;
use crate::signer::AnchorSigner;

/// The settings of the agents.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program that runs a trial, and its arguments.
    pub worker_program: PathBuf,
    /// The arguments of the worker program.
    pub worker_arguments: Vec<String>,
    /// How long a worker may be silent.
    pub heartbeat_timeout: Duration,
    /// The time between two kept samples.
    pub sample_interval: Duration,
    /// The power assumed for one busy core where nothing measures it, in milliwatts.
    pub core_milliwatts: u32,
    /// Trials that run at the same time on this node.
    pub parallel_trials: u32,
    /// Where reports are written for people.
    pub report_folder: PathBuf,
    /// The language model, where one is configured.
    pub language_model: Option<LanguageModelConfig>,
}

/// What every agent is given.
#[derive(Debug)]
pub struct Services {
    /// The store.
    pub store: Store,
    /// This node's stream.
    pub node: StreamId,
    /// The build: version and source revision.
    pub build: String,
    /// The settings.
    pub settings: Settings,
    /// The clock.
    pub clock: fn() -> Timestamp,
    /// Who signs the anchors in reports.
    pub signer: AnchorSigner,
}

impl Services {
    /// The name under which an agent of this node holds leases.
    #[must_use]
    pub fn owner(&self, agent: Agent) -> String {
        format!("{}/{}", self.node, agent.name())
    }

    /// The envelope of a command: who, because of what, and when.
    #[must_use]
    pub fn envelope(&self, actor: &str, correlation: &StreamId, causation: Option<Position>) -> Envelope {
        Envelope {
            actor: actor.to_owned(),
            correlation: correlation.0.clone(),
            causation,
            build: self.build.clone(),
            occurred_at: (self.clock)(),
        }
    }

    /// Issues a command to an experiment.
    ///
    /// # Errors
    /// When the experiment refuses or the store does not answer.
    pub async fn command(
        &self,
        agent: Agent,
        stream: &StreamId,
        causation: Position,
        command: experiment::Command,
    ) -> Result<(), AgentError> {
        let envelope = self.envelope(agent.name(), stream, Some(causation));
        self.store.execute::<Experiment>(stream, command, &envelope).await?;
        Ok(())
    }

    /// Issues a command to a data set on behalf of an experiment.
    ///
    /// # Errors
    /// When the data set refuses or the store does not answer.
    pub async fn dataset_command(
        &self,
        agent: Agent,
        stream: &StreamId,
        experiment: &StreamId,
        causation: Position,
        command: dataset::Command,
    ) -> Result<(), AgentError> {
        let envelope = self.envelope(agent.name(), experiment, Some(causation));
        self.store.execute::<Dataset>(stream, command, &envelope).await?;
        Ok(())
    }

    /// An experiment with what it was opened with.
    ///
    /// # Errors
    /// When it was never opened, or the store does not answer.
    pub async fn experiment(&self, stream: &StreamId) -> Result<(Experiment, ExperimentOpened), AgentError> {
        let experiment = self.store.load::<Experiment>(stream).await?.state;
        let opened = experiment
            .opened
            .clone()
            .ok_or_else(|| AgentError::Missing(format!("experiment {stream} was never opened")))?;
        Ok((experiment, opened))
    }

    /// The version of the data set that an experiment works on, with the clean table that it asked for.
    ///
    /// # Errors
    /// When it is not there, or the store does not answer.
    pub async fn version(
        &self,
        experiment: &Experiment,
        opened: &ExperimentOpened,
    ) -> Result<dataset::Version, AgentError> {
        let dataset = self.store.load::<Dataset>(&opened.dataset.stream).await?.state;
        let missing = || {
            AgentError::Missing(format!("data set {} has no version {}", opened.dataset.name, opened.dataset.version))
        };
        let version = dataset.version(opened.dataset.version).ok_or_else(missing)?;
        Ok(version.seen_with(&experiment.constraints.discovery.cleaning).into_owned())
    }

    /// The clean panel that a version's trials compute on.
    ///
    /// # Errors
    /// When it was not made yet, is damaged, or the store does not answer.
    pub async fn panel(&self, version: &dataset::Version) -> Result<Panel, AgentError> {
        let cleaned =
            version.cleaned.as_ref().ok_or_else(|| AgentError::Missing("the data are not clean yet".to_owned()))?;
        let bytes = self.store.artifacts().get(&cleaned.panel_digest).await?;
        Ok(rmp_serde::from_slice(&bytes)?)
    }

    /// The experiment's clock: the time now less the time in which no node ran, so that a night's power cut
    /// does not spend the budget.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn active_now(&self, opened: &ExperimentOpened) -> Result<Timestamp, AgentError> {
        let down = self.store.downtime_since(opened.opened_at).await?;
        Ok(Timestamp((self.clock)().0 - down.as_micros() as i64))
    }

    /// What is left of an experiment's wall time, in milliseconds.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn remaining_ms(&self, opened: &ExperimentOpened) -> Result<u64, AgentError> {
        let spent = self.active_now(opened).await?.millis_since(opened.opened_at);
        Ok(opened.budget.wall_ms.saturating_sub(spent))
    }
}

/// Runs an engine off the agents' threads. Its panic is the agent's panic: the guardian builds the agent anew, and
/// the work is tried again.
pub async fn compute<T: Send + 'static>(engine: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(engine).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            // The runtime is shutting down and took the task with it: this future is not polled again.
            Err(_) => std::future::pending().await,
        },
    }
}
