//! Evidence bundles: an experiment's whole history in one file, for whoever has no access to the database.
//!
//! [`export`] writes one; [`check`] verifies one with no database; [`import`] restores one into another store, and
//! [`check_import`] compares what was restored with the receipt that the import kept. Each bundle also carries
//! `check_bundle.py`, an independent checker that needs nothing but Python 3, and `README.txt`, which says how to check
//! it with `unzip` and `sha256sum`.
//!
//! # What is in it
//!
//! A zip file with these members:
//!
//! | member | what it holds |
//! | --- | --- |
//! | `manifest.json` | which experiment, which build, where the log ended, where each stream ends, and length and SHA-256 of every other member ([`Manifest`]) |
//! | `events.jsonl` | each event as it is stored, by position: of the experiment, of its ancestors up to the fork, of its data sets |
//! | `lineage.jsonl` | the forks back to the roots |
//! | `artifacts/SHA-256` | every artifact that these events name |
//! | `anchors.jsonl` | the anchors that were given, byte for byte |
//! | `report.html` | the experiment's last report, where it has one |
//! | `public_key` | the key of the anchors' signatures, where one was given |
//! | `README.txt`, `check_bundle.py` | how to check it without this program |
//!
//! # What a check proves
//!
//! Each event's hash seals its content and the event before it in its stream; an event's line also carries the log's
//! running hash before and after it, which seals its position. So an alteration of anything but the end shows by
//! itself. That nothing was cut off the end, or that not everything from some event on was rewritten with new hashes,
//! only something outside the bundle can tell: an anchor, or the manifest's own SHA-256 ([`ExportSummary::manifest`]),
//! which commits to every byte. Of signed anchors the signature is
//! checked, and that it is of the key that the bundle names.
//!
//! # What positions mean after an import
//!
//! The receiving log gives its own positions, times and hashes. Positions inside of payloads and metadata are kept byte
//! for byte, and so go on meaning the log that they came from: `causation_id` in the metadata, `PlanProposed.graph`, and
//! `ReportPublished.anchor_position` with `anchor_log_hash`. The receipt, an artifact of media type
//! [`RECEIPT_MEDIA_TYPE`], keeps the original positions and hashes. The tables of raw and clean data are not part of a
//! bundle; the uploaded file and the clean panel are, as artifacts.

mod archive;
mod check;
mod contents;
mod error;
mod evidence;
mod export;
mod import;
mod manifest;
mod record;

pub(crate) use contents::{Contents, open};

pub use check::{BundleVerification, check};
pub use error::{BundleError, ExportError, ImportError};
pub use export::{ExportOptions, ExportSummary, export};
pub use import::{ImportSummary, RECEIPT_MEDIA_TYPE, check_import, import, receipts};
pub use manifest::{Counts, LogEnd, Manifest, Member, StreamEnd, Subject};

const MANIFEST: &str = "manifest.json";
const EVENTS: &str = "events.jsonl";
const LINEAGE: &str = "lineage.jsonl";
const ANCHORS: &str = "anchors.jsonl";
const REPORT: &str = "report.html";
const PUBLIC_KEY: &str = "public_key";
const README: &str = "README.txt";
const CHECKER: &str = "check_bundle.py";
const ARTIFACTS: &str = "artifacts/";
/// Members that every bundle has, besides the manifest.
const ALWAYS: [&str; 5] = [EVENTS, LINEAGE, ANCHORS, README, CHECKER];
/// The type of an experiment's stream.
const EXPERIMENT: &str = "experiment";
/// The type of a data set's stream.
const DATASET: &str = "dataset";

/// The digest in the name of an artifact's member.
fn artifact_in(name: &str) -> Option<&str> {
    name.strip_prefix(ARTIFACTS).filter(|digest| record::is_digest(digest))
}

/// Whether a bundle may have a member of this name.
fn belongs(name: &str) -> bool {
    ALWAYS.contains(&name) || [REPORT, PUBLIC_KEY].contains(&name) || artifact_in(name).is_some()
}
