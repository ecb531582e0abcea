//! Only what came after an anchor.

use atsre_domain::{Position, Timestamp};
use atsre_store::{Error, Store, hash};
use ed25519_dalek::VerifyingKey;
use serde::Serialize;

use super::Difference;
use super::anchors::signature_problem;
use super::audit::Audit;
use crate::anchor::Anchor;
use crate::chain::Chain;

/// The anchor after which the log was verified, and what was left out for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Since {
    /// The anchor's position.
    pub position: Position,
    /// Its running hash.
    pub log_hash: String,
    /// What was not looked at.
    pub not_looked_at: Vec<String>,
}

/// Puts the audit at an anchor: its signature is checked first, then that the log has it; the chain goes on from what the
/// anchor says.
pub(super) async fn begin(
    store: &Store,
    audit: &mut Audit,
    anchor: &Anchor,
    trusted: &[VerifyingKey],
) -> Result<(), Error> {
    let position = anchor.position;
    let differs = |detail: String| Difference::of_log(position, "anchor", detail);
    if let Some(problem) = signature_problem(anchor, trusted) {
        audit.differences.push(differs(problem));
    } else if anchor.signed.is_none() {
        audit.notes.push("the anchor that this verification begins at is not signed".to_owned());
    } else if trusted.is_empty() {
        audit.notes.push("no trusted key was given for the anchor that this verification begins at".to_owned());
    }
    let mut chain = Chain::after(position, anchor.log_hash, Timestamp(i64::MIN));
    if position.0 > 0 {
        match store.log().event(position).await {
            Ok(event) => {
                chain = Chain::after(position, anchor.log_hash, event.recorded_at);
                if event.log_hash != anchor.log_hash {
                    let (said, found) = (hash::hex(&anchor.log_hash), hash::hex(&event.log_hash));
                    audit.differences.push(differs(format!("the anchor says {said}, the log says {found}")));
                }
            }
            Err(Error::NotFound(_)) => {
                let detail = "the anchor names a position that the log does not have: its tail was cut";
                audit.differences.push(differs(detail.to_owned()));
                // Nothing came after it.
                let head = store.log().head().await?;
                chain = Chain::after(head.position, head.log_hash, Timestamp(i64::MIN));
            }
            Err(error) => return Err(error),
        }
    } else if anchor.log_hash != hash::empty_log() {
        audit.differences.push(differs("the anchor is of the empty log, and its hash is not".to_owned()));
    }
    audit.chain = chain;
    audit.since = Some(Since {
        position,
        log_hash: hash::hex(&anchor.log_hash),
        not_looked_at: vec![
            format!(
                "the content and the hashes of events 1 to {position}, but for the last one of each stream that went on"
            ),
            format!("artifacts that only events up to {position} name"),
            "read models: a fresh fold needs the whole log".to_owned(),
        ],
    });
    Ok(())
}
