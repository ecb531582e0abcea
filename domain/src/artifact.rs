//! Big things are artifacts: bytes stored once under their SHA-256; an event carries only the reference.

use serde::{Deserialize, Serialize};

/// The SHA-256 of some bytes, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What an event says of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// The SHA-256 of the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub length_bytes: u64,
    /// The media type, such as `application/json`.
    pub media_type: String,
}
