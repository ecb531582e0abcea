//! The manifest: what a bundle says of itself, and what every other member has to be.

use atsre_domain::{Digest, Position, Sequence, StreamId};
use serde::{Deserialize, Serialize};

/// What [`Manifest::format`] says.
pub(super) const FORMAT: &str = "atsre evidence bundle";
/// The version that this build writes and reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What kind of file this is.
    pub format: String,
    /// The version of the format.
    pub format_version: u32,
    /// The build that wrote the bundle.
    pub build: String,
    /// Whose history it is.
    pub experiment: Subject,
    /// Where the log ended when the bundle was written.
    pub head: LogEnd,
    /// How much there is of each.
    pub counts: Counts,
    /// Where each stream ends, by type and name.
    pub streams: Vec<StreamEnd>,
    /// The artifacts that events name and that were erased, by digest: the bundle does not have them, and events in it say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<Digest>,
    /// Every other member.
    pub members: Vec<Member>,
}

/// Whose history it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The experiment's stream.
    pub stream: StreamId,
    /// The number that people call it by: the position of its first own event. A fork without an event of its own has
    /// none.
    pub id: Option<Position>,
}

/// Where a log ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEnd {
    /// The last position.
    pub position: Position,
    /// The running hash after it.
    pub log_hash: Digest,
}

/// How much there is of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Streams that have events of their own in the bundle.
    pub streams: u64,
    /// Forks.
    pub lineage: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// Anchors.
    pub anchors: u64,
}

/// Where a stream ends in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamEnd {
    /// Its type.
    pub stream_type: String,
    /// Its name.
    pub stream: StreamId,
    /// How many events of its own there are.
    pub events: u64,
    /// The sequence of the last one.
    pub last_sequence: Sequence,
    /// The position of the last one.
    pub last_position: Position,
    /// The hash of the last one.
    pub last_hash: Digest,
}

/// What a member has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name in the zip file.
    pub name: String,
    /// Its length, uncompressed.
    pub length_bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Digest,
    /// The media type of an artifact, as the store had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}
