//! What can go wrong with the store, by what the caller can do about it.

use std::path::PathBuf;

use atsre_domain::event::DecodeError;
use atsre_domain::{Digest, Position, StreamId};

use crate::cluster;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer, or not in time: back off and try again.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused a statement: a bug, or a missing privilege.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
    /// A read of the log ended before the log did. What was read so far must not be taken for the whole.
    #[error("reading the log is incomplete: event {expected} was due, {}, the log ends at {head}",
        .found.map_or_else(|| "nothing came".to_owned(), |p| format!("event {p} came")))]
    Incomplete {
        /// The position that was due next.
        expected: Position,
        /// The position that came in its place, if any came.
        found: Option<Position>,
        /// Where the log ends, as far as is known.
        head: Position,
        /// The database error that cut the read, if there was one.
        source: Option<sqlx::Error>,
    },
    /// A stream has a hole or two events at one place.
    #[error("stream {stream} is broken: sequence {expected} was due and {found} came")]
    BrokenStream {
        /// The stream.
        stream: StreamId,
        /// The sequence that was due.
        expected: u64,
        /// The sequence that came.
        found: u64,
    },
    /// Stored evidence cannot be what was written. Stop, and run a verification.
    #[error("{what} is corrupt: {detail}")]
    Corrupt {
        /// What is corrupt, with its name.
        what: String,
        /// How that shows.
        detail: String,
    },
    /// A stored event that this build cannot read.
    #[error("event {position} of stream {stream} cannot be read")]
    Unreadable {
        /// The stream.
        stream: StreamId,
        /// The event's position.
        position: Position,
        /// Why.
        source: DecodeError,
    },
    /// Someone else moved a checkpoint first; the transaction was rolled back.
    #[error("checkpoint {name} version {version} is not at {expected}: another runner has moved it")]
    CheckpointMoved {
        /// The checkpoint's name.
        name: String,
        /// Its version.
        version: u32,
        /// Where it was expected.
        expected: Position,
    },
    /// The lease has passed to someone else; what was done under it must not be reported.
    #[error("the lease on work item {item} is no longer held")]
    LeaseLost {
        /// The work item.
        item: uuid::Uuid,
    },
    /// No artifact has this digest.
    #[error("no artifact has the digest {0}")]
    NoArtifact(Digest),
    /// The artifact cannot be read any more, and the log says since when: no fault, and nothing brings it back.
    #[error("artifact {digest} was erased with its data set at position {position}")]
    Erased {
        /// The artifact.
        digest: Digest,
        /// Where the log has the erasure of the data set.
        position: Position,
    },
    /// The data set was erased and has no version that is not: nothing more can be stored for it.
    #[error("the data set {dataset} was erased at position {position}: register its file again to begin a new version")]
    ErasedDataset {
        /// The data set's stream.
        dataset: StreamId,
        /// Where the log has the erasure.
        position: Position,
    },
    /// Somebody erases the data set, or works on it, and did not finish in time.
    #[error("the data set {0} is in use by another process: try again when that is done")]
    InUse(StreamId),
    /// The key of a data set cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No such stream, position or table.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The input cannot be stored as it is.
    #[error("{0}")]
    Unstorable(String),
    /// The same name already stands for other content, and stored data are never overwritten.
    #[error("{0} already holds other data")]
    Occupied(String),
    /// The database's schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The private cluster could not be started.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// What is wrong with the key of a data set.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key is not secret any more.
    #[error("{} can be read by others (mode {mode:04o}): take it back with `chmod 600`", path.display())]
    Exposed {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{} is not the key of a data set: {detail}; restore it from your copy", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What it should be.
        detail: String,
    },
    /// The system has no randomness to give.
    #[error("nothing could be encrypted, because the system gives no random bytes")]
    Randomness(#[source] rand::rand_core::OsError),
    /// More bytes than the cipher takes under one nonce.
    #[error("{0} bytes are too many to be encrypted at once")]
    TooLong(usize),
    /// A file could not be read or written.
    #[error("could not {action} {}", path.display())]
    Files {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// A result of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

/// Whether trying again later can help: lost connections, timeouts, a server that starts or stops, locks not
/// granted in time, deadlocks and serialisation failures.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") || {
                matches!(code.as_ref(), "40001" | "40P01" | "55P03" | "25P03")
            }
        }),
        _ => false,
    }
}

/// Whether the statement broke a unique constraint.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("23505"))
}

/// Why a command had no effect.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E: std::error::Error> {
    /// The aggregate refused it. Nothing was stored.
    #[error(transparent)]
    Rejected(E),
    /// Others kept writing to the stream first, as often as the store tries. Nothing was stored.
    #[error("stream {stream} kept changing: gave up after {attempts} attempts")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// How many attempts were made.
        attempts: u32,
    },
    /// The store failed. Whether the events were stored is unknown; a repeated command changes nothing.
    #[error(transparent)]
    Store(#[from] Error),
}

/// An error with its causes, in one line.
#[must_use]
pub fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
