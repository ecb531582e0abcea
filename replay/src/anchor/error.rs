//! What can be wrong with anchors, their key and their file.

use std::path::PathBuf;

use atsre_domain::Position;

/// What is wrong with an anchor, a key or a file of anchors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is not secret any more.
    #[error("{} can be read by others (mode {mode:04o}): take it back with `chmod 600`, and if others may have read it, \
        remove it so that a new key is made", path.display())]
    Exposed {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds something else.
    #[error("{} is not an anchor key: {detail}; restore it from your copy, or remove it so that a new key is made", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What it should be.
        detail: String,
    },
    /// A public key that is none.
    #[error("not a public ed25519 key: {0}")]
    PublicKey(String),
    /// The system has no randomness to give.
    #[error("no key could be drawn, because the system gives no random bytes")]
    Randomness(#[source] rand::rand_core::OsError),
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
    /// A line of the anchors file that is no anchor.
    #[error("{} line {line} is not an anchor: {detail}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// Nobody signed it.
    #[error("the anchor at {position} is not signed")]
    Unsigned {
        /// The anchor's position.
        position: Position,
    },
    /// Another key signed it.
    #[error("the anchor at {position} is signed by the key {found}, not by {expected}")]
    OtherKey {
        /// The anchor's position.
        position: Position,
        /// The public key that should have signed.
        expected: String,
        /// The public key that did.
        found: String,
    },
    /// The signature is not one of what the anchor says.
    #[error("the anchor at {position} was changed after it was signed, or its signature is forged")]
    Signature {
        /// The anchor's position.
        position: Position,
    },
    /// The log's head and its last event differ.
    #[error("the log's head and event {position} do not say the same, so nothing was signed: run a verification")]
    Contradiction {
        /// The head's position.
        position: Position,
    },
    /// The store did not answer.
    #[error("the log's head could not be read")]
    Store(#[from] atsre_store::Error),
}
