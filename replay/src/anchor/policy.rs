//! When the next anchor is due.

use std::time::Duration;

use atsre_domain::{Position, Timestamp};

use super::Anchor;

/// Whether an anchor is due: after so many events, or after so long, whichever comes first. A log that did not grow since
/// the last anchor needs no other one; a log that never had one needs one as soon as it has an event.
#[must_use]
pub fn due(last: Option<&Anchor>, head: Position, now: Timestamp, every_events: u64, every: Duration) -> bool {
    let anchored = last.map_or(0, |last| last.position.0);
    let grown = head.0.saturating_sub(anchored);
    if grown == 0 {
        return false;
    }
    // Who cannot say when it was taken, was taken long ago.
    let Some(at) = last.and_then(Anchor::anchored_at) else { return true };
    // A clock that was set back gives nothing to count; the events still do.
    let passed = u128::from(now.0.saturating_sub(at.0).max(0).unsigned_abs());
    grown >= every_events || passed >= every.as_micros()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ed25519_dalek::{Signature, SigningKey};

    const MINUTE: i64 = 60_000_000;
    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn anchor(position: u64, minute: i64) -> Anchor {
        let public_key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let anchored_at = Timestamp(minute * MINUTE);
        let signed = super::super::Signed { anchored_at, public_key, signature: Signature::from_bytes(&[0; 64]) };
        Anchor { position: Position(position), log_hash: [0; 32], signed: Some(signed) }
    }

    #[test]
    fn an_anchor_is_due_after_so_many_events_or_so_long() {
        let last = anchor(1_000, 100);
        let due = |head, minute| due(Some(&last), Position(head), Timestamp(minute * MINUTE), 1_000, TEN_MINUTES);
        assert!(!due(1_999, 109), "neither enough events nor enough time");
        assert!(due(2_000, 100), "a thousand events at once");
        assert!(due(1_001, 110), "one event, ten minutes later");
        assert!(!due(1_000, 10_000), "nothing has happened");
        assert!(!due(900, 10_000), "a log that shrank is for a verification to tell");
        assert!(!due(1_001, 50), "the clock was set back");
        assert!(due(2_000, 50), "the clock was set back, but events count");
    }

    #[test]
    fn the_first_event_is_anchored_at_once() {
        let due = |last: Option<&Anchor>, head| due(last, Position(head), Timestamp(0), 1_000, TEN_MINUTES);
        assert!(!due(None, 0));
        assert!(due(None, 1));
        assert!(due(Some(&Anchor::unsigned(Position(5), [0; 32])), 6), "nobody knows how old that one is");
    }
}
