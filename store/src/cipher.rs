//! Bytes under a key: XChaCha20-Poly1305 (Arciszewski, draft-irtf-cfrg-xchacha-03, 2020), the digest authenticated with them.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use rand::TryRngCore as _;

use crate::error::KeyError;
use crate::hash::Hash;
use crate::keyring::Key;

/// A nonce's length. It is drawn: with 24 bytes, two alike are not to be expected under any number of artifacts.
const NONCE_BYTES: usize = 24;

/// The nonce, then the bytes encrypted and authenticated.
pub(crate) fn seal(key: &Key, digest: &Hash, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut nonce = [0; NONCE_BYTES];
    rand::rngs::OsRng.try_fill_bytes(&mut nonce).map_err(KeyError::Randomness)?;
    let cipher = XChaCha20Poly1305::new((&key.secret).into());
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: bytes, aad: digest })
        .map_err(|_| KeyError::TooLong(bytes.len()))?;
    let mut whole = Vec::with_capacity(NONCE_BYTES + sealed.len());
    whole.extend_from_slice(&nonce);
    whole.extend_from_slice(&sealed);
    Ok(whole)
}

/// The bytes; `None` when they were not sealed with this key under this digest, or were altered since.
pub(crate) fn open(key: &Key, digest: &Hash, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let cipher = XChaCha20Poly1305::new((&key.secret).into());
    cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: digest }).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key { id: uuid::Uuid::nil(), secret: [byte; 32] }
    }

    #[test]
    fn what_was_sealed_comes_back_and_nothing_else_does() {
        let (digest, other) = ([7; 32], [8; 32]);
        for bytes in [&b""[..], b"a", &[0; 100_000]] {
            let sealed = seal(&key(1), &digest, bytes).unwrap();
            assert_eq!(sealed.len(), bytes.len() + NONCE_BYTES + 16);
            assert_eq!(open(&key(1), &digest, &sealed).unwrap(), bytes);
            assert_ne!(sealed, seal(&key(1), &digest, bytes).unwrap(), "never the same nonce");
            assert_eq!(open(&key(2), &digest, &sealed), None, "another key");
            assert_eq!(open(&key(1), &other, &sealed), None, "another digest");
            for place in [0, NONCE_BYTES, sealed.len() - 1] {
                let mut altered = sealed.clone();
                altered[place] ^= 1;
                assert_eq!(open(&key(1), &digest, &altered), None, "byte {place} altered");
            }
            assert_eq!(open(&key(1), &digest, &sealed[..sealed.len() - 1]), None, "cut off");
        }
        assert_eq!(open(&key(1), &digest, b"short"), None);
    }
}
