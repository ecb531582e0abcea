//! Is the log whole and unaltered, and do the read models say what it says?

mod anchors;
mod artifacts;
mod audit;
mod erasures;
mod implementations;
mod read_models;
mod since;
mod stream;

use atsre_domain::{Position, StreamId};
use atsre_store::{Error, Store, StoredEvent};
use ed25519_dalek::VerifyingKey;
use serde::Serialize;

pub use crate::anchor::Anchor;
pub use erasures::Erasure;
use read_models::ReadModels;
pub use since::Since;
pub use stream::verify_stream;

/// Differences that are told.
const MOST_DIFFERENCES: usize = 1_000;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The event, or the last one before the place.
    pub position: Position,
    /// The stream, where it is one stream's.
    pub stream: Option<StreamId>,
    /// What kind: `hash`, `prev_hash`, `log_hash`, `sequence`, `gap`, `time`, `head`, `lineage`, `incomplete`, `unreadable`,
    /// `artifact`, `key` (that of a data set is lost), `erasure` (what was erased is still there), `anchor`, `trigger`,
    /// `implementations`, `read_model`.
    pub kind: &'static str,
    /// In words.
    pub detail: String,
}

impl Difference {
    pub(crate) fn at(event: &StoredEvent, kind: &'static str, detail: String) -> Self {
        let detail = format!("{} {}: {detail}", event.stream_type, event.event_type);
        Self { position: event.position, stream: Some(event.stream.clone()), kind, detail }
    }

    pub(crate) fn of_log(position: Position, kind: &'static str, detail: String) -> Self {
        Self { position, stream: None, kind, detail }
    }
}

/// Where the log ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The last position.
    pub position: Position,
    /// The running hash there.
    pub log_hash: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether nothing differs.
    pub ok: bool,
    /// Events verified.
    pub events: u64,
    /// Where the log ends.
    pub head: Head,
    /// What differs, in the order of the log; read models last.
    pub differences: Vec<Difference>,
    /// Anchors whose signature, where they have one, and whose position were looked at.
    pub anchors_checked: u64,
    /// What was erased, when, by whom and why: no differences.
    pub erasures: Vec<Erasure>,
    /// For a verification of what came after an anchor: which, and what was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    /// What does not make the answer "differs", but should be known with it.
    pub notes: Vec<String>,
}

/// How much is looked at. Each includes what stands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thoroughness {
    /// The log by this program alone: chains, order, lineage, triggers, anchors, and every artifact.
    Log,
    /// Besides, the database recomputes every hash with its own functions, and the two answers are compared.
    Recomputed,
    /// Besides, every read model is compared with a fresh fold.
    #[default]
    Everything,
}

/// What to verify, and against what. The default is everything there is, against nothing outside the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Anchors that the log must bear out.
    pub anchors: &'a [Anchor],
    /// The public keys whose anchors count. With none, a signature is checked against the key that the anchor itself names,
    /// which shows that it was not edited, but not who made it.
    pub trusted: &'a [VerifyingKey],
    /// Verify only what came after this anchor.
    pub since: Option<&'a Anchor>,
    /// How much is looked at.
    pub thoroughness: Thoroughness,
}

/// Verifies the whole log, its artifacts, the anchors given, and every read model against a fresh fold. `progress` is told
/// how many events are done and how many there are.
///
/// # Errors
/// Only when the read models cannot be looked at; a log that cannot be read to its end is a difference, `incomplete`.
pub async fn verify(
    store: &Store,
    anchors: &[Anchor],
    progress: impl FnMut(u64, u64),
) -> Result<Verification, atsre_projections::Error> {
    verify_with(store, &Options { anchors, ..Options::default() }, progress).await
}

/// As [`verify`], as far as the options say.
///
/// # Errors
/// As [`verify`].
pub async fn verify_with(
    store: &Store,
    options: &Options<'_>,
    progress: impl FnMut(u64, u64),
) -> Result<Verification, atsre_projections::Error> {
    // A fold of read models needs the log from its beginning.
    let mut read_models = match options.since {
        None if options.thoroughness == Thoroughness::Everything => Some(ReadModels::begin(store).await?),
        _ => None,
    };
    let mut verification = audit::verify_evidence(store, options, read_models.as_mut(), progress).await?;
    if let Some(read_models) = read_models {
        read_models.compare(&mut verification).await?;
    }
    Ok(verification)
}

/// As [`verify`], but by this program alone ([`Thoroughness::Log`]): the log, its artifacts and the anchors given.
///
/// # Errors
/// When the store does not answer after the log was read.
pub async fn verify_log(
    store: &Store,
    anchors: &[Anchor],
    progress: impl FnMut(u64, u64),
) -> Result<Verification, Error> {
    let options = Options { anchors, thoroughness: Thoroughness::Log, ..Options::default() };
    audit::verify_evidence(store, &options, None, progress).await
}
