//! Who signs the anchors in reports: a key outside the database, which agents do not hold.

use std::fmt;
use std::sync::Arc;

use atsre_domain::identity::Position;

/// An anchor's signature, as the file of anchors has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorSignature {
    /// When it was signed, in RFC 3339.
    pub anchored_at: String,
    /// The public key (ed25519), in hexadecimal.
    pub public_key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

type Sign = dyn Fn(Position, [u8; 32]) -> Result<AnchorSignature, String> + Send + Sync;

/// Signs the running hash of the log at a position, and keeps the anchor outside the database; or says why it cannot.
#[derive(Clone)]
pub struct AnchorSigner(Arc<Sign>);

impl AnchorSigner {
    /// One that signs so. It may wait for a disk.
    pub fn new(sign: impl Fn(Position, [u8; 32]) -> Result<AnchorSignature, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(sign))
    }

    /// Signs.
    ///
    /// # Errors
    /// Why it cannot, in words.
    pub fn sign(&self, position: Position, log_hash: [u8; 32]) -> Result<AnchorSignature, String> {
        (self.0)(position, log_hash)
    }
}

impl fmt::Debug for AnchorSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnchorSigner").finish_non_exhaustive()
    }
}
