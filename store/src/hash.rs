//! The two hash chains, as the database's trigger computes them.
//!
//! This is a second implementation on purpose: the database writes, this verifies, and a differential test
//! keeps the two equal (`migrations/0001_create_event_log.sql` holds the first).

use sha2::{Digest as _, Sha256};

use crate::StoredEvent;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The `prev_hash` of a stream's first event: binds the chain to the stream's name.
#[must_use]
pub fn genesis(stream_type: &str, stream: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    frame(&mut hasher, stream_type);
    frame(&mut hasher, stream);
    hasher.finalize().into()
}

/// The running hash of an empty log.
#[must_use]
pub fn empty_log() -> Hash {
    Sha256::digest([0x02]).into()
}

/// The hash of one event, taken over its stored bytes and the hash before it in its stream.
///
/// Neither the position nor the stream's name goes in, so a stream keeps its hashes when it is exported,
/// imported or forked.
#[must_use]
pub fn event_hash(prev_hash: &Hash, event: &StoredEvent) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x01]);
    hasher.update(prev_hash);
    hasher.update(event.sequence.0.to_be_bytes());
    frame(&mut hasher, &event.event_type);
    frame(&mut hasher, &event.event_version);
    frame(&mut hasher, &event.payload);
    frame(&mut hasher, &event.metadata);
    hasher.update(event.recorded_at.0.to_be_bytes());
    hasher.finalize().into()
}

/// The running hash of the log after the event at `position`.
#[must_use]
pub fn log_hash(previous: &Hash, position: u64, event_hash: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x02]);
    hasher.update(previous);
    hasher.update(position.to_be_bytes());
    hasher.update(event_hash);
    hasher.finalize().into()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a hexadecimal SHA-256; `None` when it is not one.
#[must_use]
pub fn from_hex(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0_u8; 32];
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

/// A length prefix, without which two neighbouring fields could trade bytes.
fn frame(hasher: &mut Sha256, field: &str) {
    hasher.update((field.len() as u64).to_be_bytes());
    hasher.update(field.as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_cannot_trade_bytes() {
        assert_ne!(genesis("ab", "c"), genesis("a", "bc"));
    }

    #[test]
    fn hexadecimal_goes_both_ways() {
        let hash = empty_log();
        assert_eq!(from_hex(&hex(&hash)).unwrap(), hash);
        assert_eq!(from_hex("zz"), None);
        assert_eq!(from_hex(&"+1".repeat(32)), None, "a sign is not a digit");
    }
}
