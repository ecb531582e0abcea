//! Anchors: what the log's running hash was at a position, signed, and kept outside the database.
//!
//! Whoever may write everything in the database can rewrite the log with all its hashes. An anchor that was taken before
//! tells: the log must still have that running hash at that position, hence be the same up to there. The signature says
//! who took it and when, so that an anchor cannot be made up afterwards by somebody without the key.

mod error;
mod file;
mod key;
mod policy;

use atsre_domain::{Position, Timestamp};
use atsre_store::hash::{self, Hash};
use atsre_store::{Store, rfc3339};
use chrono::DateTime;
use ed25519_dalek::Signature;
pub use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

pub use error::Error;
pub use file::AnchorFile;
pub use key::AnchorKey;
pub use policy::due;

/// What every signed text begins with, so that a signature of this key under something else is never taken for one.
const DOMAIN: &[u8; 16] = b"ATSRE anchor v1\n";

/// What the log's running hash was at a position.
///
/// As JSON: `{"position":…,"log_hash":"…","anchored_at":"…","public_key":"…","signature":"…"}`, bytes in hexadecimal, the
/// time in RFC 3339 with microseconds. The last three are there together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Anchor {
    /// The position; 0 for the empty log.
    pub position: Position,
    /// The running hash there.
    pub log_hash: Hash,
    /// Who says so; `None` for an anchor that nobody signed.
    pub signed: Option<Signed>,
}

/// An anchor's signature and what it covers besides position and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// When it was signed, by the clock of the machine that did.
    pub anchored_at: Timestamp,
    /// Whose signature it says it is. Anybody can make a key: compare this one with the one you trust.
    pub public_key: VerifyingKey,
    /// The signature (ed25519, RFC 8032) of [`message`].
    pub signature: Signature,
}

/// What is signed: 64 bytes, every field at its place and of one length, so that it can be read in one way only. "ATSRE
/// anchor v1\n", the position (u64), the running hash (32 bytes), and the time (i64, microseconds since 1970, UTC); numbers
/// big-endian.
#[must_use]
pub fn message(position: Position, log_hash: &Hash, anchored_at: Timestamp) -> [u8; 64] {
    let mut message = [0; 64];
    message[..16].copy_from_slice(DOMAIN);
    message[16..24].copy_from_slice(&position.0.to_be_bytes());
    message[24..56].copy_from_slice(log_hash);
    message[56..].copy_from_slice(&anchored_at.0.to_be_bytes());
    message
}

/// Signs where the log ends now. The event there must bear the head out: what contradicts itself is not signed.
///
/// # Errors
/// When the store does not answer, or the log's head is not what its last event says.
pub async fn anchor_now(store: &Store, key: &AnchorKey, now: Timestamp) -> Result<Anchor, Error> {
    let head = store.log().head().await?;
    if log_hash_at(store, head.position).await? != Some(head.log_hash) {
        return Err(Error::Contradiction { position: head.position });
    }
    Ok(key.sign(head.position, head.log_hash, now))
}

/// Signs what the log's running hash was at a position that it has.
///
/// # Errors
/// When the store does not answer, or the log has no such position.
pub async fn anchor_at(store: &Store, key: &AnchorKey, position: Position, now: Timestamp) -> Result<Anchor, Error> {
    match log_hash_at(store, position).await? {
        Some(log_hash) => Ok(key.sign(position, log_hash, now)),
        None => Err(Error::Contradiction { position }),
    }
}

/// Whether the log says at the anchor's position what the anchor says. This looks at one event; that the log leads there
/// without a break, [`verify`](crate::verify()) finds.
///
/// # Errors
/// When the store does not answer.
pub async fn holds(store: &Store, anchor: &Anchor) -> Result<bool, atsre_store::Error> {
    Ok(log_hash_at(store, anchor.position).await? == Some(anchor.log_hash))
}

/// The running hash that is stored at a position; `None` past the end.
pub(crate) async fn log_hash_at(store: &Store, position: Position) -> Result<Option<Hash>, atsre_store::Error> {
    if position.0 == 0 {
        return Ok(Some(hash::empty_log()));
    }
    match store.log().event(position).await {
        Ok(event) => Ok(Some(event.log_hash)),
        Err(atsre_store::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A public key out of its hexadecimal form.
///
/// # Errors
/// When it is not one.
pub fn parse_public_key(text: &str) -> Result<VerifyingKey, Error> {
    let bytes =
        hash::from_hex(text.trim()).ok_or_else(|| Error::PublicKey("it is not 64 hexadecimal digits".into()))?;
    VerifyingKey::from_bytes(&bytes).map_err(|error| Error::PublicKey(error.to_string()))
}

/// A public key's hexadecimal form.
#[must_use]
pub fn public_key_text(key: &VerifyingKey) -> String {
    hash::hex(key.as_bytes())
}

impl Anchor {
    /// An anchor that nobody signed.
    #[must_use]
    pub const fn unsigned(position: Position, log_hash: Hash) -> Self {
        Self { position, log_hash, signed: None }
    }

    /// Whether this key signed this anchor.
    ///
    /// # Errors
    /// [`Error::Unsigned`], [`Error::OtherKey`], or [`Error::Signature`] when the signature is not one of what the anchor
    /// says.
    pub fn verify_signature(&self, key: &VerifyingKey) -> Result<(), Error> {
        let signed = self.signed.as_ref().ok_or(Error::Unsigned { position: self.position })?;
        if signed.public_key != *key {
            let (expected, found) = (public_key_text(key), public_key_text(&signed.public_key));
            return Err(Error::OtherKey { position: self.position, expected, found });
        }
        // Strict: refuses the malleable and weak forms that RFC 8032 leaves open.
        key.verify_strict(&message(self.position, &self.log_hash, signed.anchored_at), &signed.signature)
            .map_err(|_| Error::Signature { position: self.position })
    }

    /// When it was taken, where that is signed.
    #[must_use]
    pub fn anchored_at(&self) -> Option<Timestamp> {
        self.signed.as_ref().map(|signed| signed.anchored_at)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    position: u64,
    log_hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchored_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl From<Anchor> for Wire {
    fn from(anchor: Anchor) -> Self {
        let signed = anchor.signed.as_ref();
        Self {
            position: anchor.position.0,
            log_hash: hash::hex(&anchor.log_hash),
            anchored_at: signed.map(|signed| rfc3339(signed.anchored_at)),
            public_key: signed.map(|signed| public_key_text(&signed.public_key)),
            signature: signed.map(|signed| hash::hex(&signed.signature.to_bytes())),
        }
    }
}

impl TryFrom<Wire> for Anchor {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let log_hash = hash::from_hex(&wire.log_hash).ok_or("log_hash is not a SHA-256 in hexadecimal")?;
        let signed = match (wire.anchored_at, wire.public_key, wire.signature) {
            (None, None, None) => None,
            (Some(at), Some(key), Some(signature)) => Some(Signed {
                anchored_at: moment(&at).ok_or("anchored_at is not a time in RFC 3339 with microseconds in UTC")?,
                public_key: parse_public_key(&key).map_err(|error| error.to_string())?,
                signature: signature_from_hex(&signature).ok_or("signature is not 128 hexadecimal digits")?,
            }),
            _ => return Err("anchored_at, public_key and signature belong together, and not all are there".to_owned()),
        };
        Ok(Self { position: Position(wire.position), log_hash, signed })
    }
}

/// Only the one spelling that is written: another one would be an edit that the signature does not tell.
fn moment(text: &str) -> Option<Timestamp> {
    let at = Timestamp(DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros());
    (rfc3339(at) == text).then_some(at)
}

fn signature_from_hex(text: &str) -> Option<Signature> {
    let (first, second) = text.split_at_checked(64)?;
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&hash::from_hex(first)?);
    bytes[32..].copy_from_slice(&hash::from_hex(second)?);
    Some(Signature::from_bytes(&bytes))
}
