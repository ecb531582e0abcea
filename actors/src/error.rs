//! Why an agent's work fails.

use atsre_domain::event::DecodeError;
use atsre_domain::{dataset, experiment, node};
use atsre_store::ExecuteError;

/// Why a piece of work failed.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The store did not answer.
    #[error("the store did not do it")]
    Store(#[from] atsre_store::Error),
    /// The experiment refused.
    #[error("the experiment refused")]
    Experiment(#[from] ExecuteError<experiment::Error>),
    /// What is asked does not fit the experiment.
    #[error(transparent)]
    Refused(#[from] experiment::Error),
    /// The data set refused.
    #[error("the data set refused")]
    Dataset(#[from] ExecuteError<dataset::Error>),
    /// The node refused.
    #[error("the node refused")]
    Node(#[from] ExecuteError<node::Error>),
    /// An event cannot be read.
    #[error("an event cannot be read")]
    Decode(#[from] DecodeError),
    /// The data cannot be read.
    #[error("the data cannot be read")]
    Ingest(#[from] atsre_curation::ingest::IngestError),
    /// The data cannot be cleaned.
    #[error("the data cannot be cleaned")]
    Cleaning(#[from] atsre_curation::cleaning::CleaningError),
    /// No causal graph can be found.
    #[error("no causal graph can be found")]
    Causal(#[from] atsre_causal::discover::DiscoverError),
    /// The forecasts cannot be combined.
    #[error("the forecasts cannot be combined")]
    Forecast(#[from] atsre_forecast::ForecastError),
    /// JSON that should be ours is not.
    #[error("an artifact does not have the shape it should")]
    Json(#[from] serde_json::Error),
    /// MessagePack that should be ours is not.
    #[error("a panel artifact does not have the shape it should")]
    Panel(#[from] rmp_serde::decode::Error),
    /// A panel cannot be written.
    #[error("a panel cannot be encoded")]
    EncodePanel(#[from] rmp_serde::encode::Error),
    /// A file cannot be read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The report cannot be drawn.
    #[error("the report cannot be drawn")]
    Report(#[from] crate::report::RenderError),
    /// Something that must be there is not.
    #[error("{0}")]
    Missing(String),
}

impl AgentError {
    /// Whether trying again cannot help: the data or the decision are what they are.
    #[must_use]
    pub const fn is_hopeless(&self) -> bool {
        matches!(
            self,
            Self::Cleaning(_)
                | Self::Ingest(_)
                | Self::Decode(_)
                | Self::Store(atsre_store::Error::Erased { .. } | atsre_store::Error::ErasedDataset { .. })
        )
    }

    /// The whole chain in one line.
    #[must_use]
    pub fn told(&self) -> String {
        atsre_store::told(self)
    }
}
