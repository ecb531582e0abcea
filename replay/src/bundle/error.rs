//! What can go wrong with bundles, by what the caller can do about it.

use atsre_domain::{Position, StreamId};

use super::BundleVerification;
use crate::verify::Difference;

/// Why a file could not be read as a bundle at all. What is wrong inside of one that can is told as [`Difference`]s.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Reading the file failed.
    #[error("the file could not be read")]
    Io(#[from] std::io::Error),
    /// The file is not a zip file, or one that was cut off.
    #[error("the file is not a bundle: it is not a zip file, or it was cut off")]
    NotABundle(#[source] zip::result::ZipError),
    /// There is no manifest, or it is not one.
    #[error("the file is not a bundle: {0}")]
    NoManifest(String),
    /// A later build wrote it.
    #[error(
        "the bundle has format version {found} and this build reads version {known}: use the build that wrote it, \
             or a later one"
    )]
    Format {
        /// The version that it has.
        found: u32,
        /// The version that this build reads.
        known: u32,
    },
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such experiment.
    #[error("experiment {0} does not exist")]
    NoExperiment(StreamId),
    /// The history does not verify, and a bundle is evidence: run a verification of the log.
    #[error("the history does not verify and is not exported: {}", first(.0))]
    DoesNotVerify(Vec<Difference>),
    /// A line of the anchors that were given is not an anchor.
    #[error("line {line} of the anchors cannot be read: {detail}")]
    Anchors {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// The store did not answer, or not as it should: an artifact may be missing or damaged.
    #[error(transparent)]
    Store(#[from] atsre_store::Error),
    /// Writing failed.
    #[error("the bundle could not be written")]
    Write(#[from] zip::result::ZipError),
    /// Something could not be put into JSON.
    #[error("the bundle's JSON could not be written")]
    Json(#[from] serde_json::Error),
}

impl From<std::io::Error> for ExportError {
    fn from(error: std::io::Error) -> Self {
        Self::Write(zip::result::ZipError::Io(error))
    }
}

/// Why a bundle was not imported. Nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read as a bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle does not verify.
    #[error("the bundle does not verify and is not imported: {}", first(&.0.differences))]
    DoesNotVerify(Box<BundleVerification>),
    /// The bundle has an event that this build cannot read.
    #[error("the bundle has an event that this build cannot read: import it with the build that wrote it")]
    Unreadable(#[source] atsre_store::Error),
    /// The store has other content under the name of one of the bundle's streams.
    #[error("{0} already holds other data in this store: the bundle can only be imported into another one")]
    Occupied(String),
    /// The data set was erased in this store after the bundle was written.
    #[error(
        "the data set {dataset} was erased in this store at position {position}: importing the bundle would bring it back"
    )]
    Erased {
        /// The data set's stream.
        dataset: StreamId,
        /// Where this log has the erasure.
        position: Position,
    },
    /// The store failed.
    #[error(transparent)]
    Store(atsre_store::Error),
}

impl From<atsre_store::Error> for ImportError {
    fn from(error: atsre_store::Error) -> Self {
        match error {
            atsre_store::Error::Occupied(what) => Self::Occupied(what),
            other => Self::Store(other),
        }
    }
}

fn first(differences: &[Difference]) -> String {
    let Some(first) = differences.first() else { return "no difference is named".to_owned() };
    format!("{} at position {}: {} ({} in all)", first.kind, first.position, first.detail, differences.len())
}
