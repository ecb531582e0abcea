//! Identifiers and coordinates. A bare number or string never names a thing.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// An event's place in the whole log: gapless, from 1, in the order of commits.
    Position(u64)
}
number! {
    /// An event's place in its own stream: gapless, from 1.
    Sequence(u64)
}
number! {
    /// A trial's number inside its experiment, from 1. A fork shares numbers with its parent.
    TrialNumber(u32)
}
number! {
    /// The term of a lease. An outcome that names an older epoch comes from a worker that has lost its lease.
    Epoch(u32)
}
number! {
    /// Which attempt at a trial, from 1.
    Attempt(u32)
}
number! {
    /// A moment: microseconds since 1970-01-01T00:00:00 UTC.
    Timestamp(i64)
}

impl Timestamp {
    /// The moment so many milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0 + millis as i64 * 1000)
    }

    /// Milliseconds from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        let micros = self.0 - earlier.0;
        if micros < 0 { 0 } else { micros as u64 / 1000 }
    }
}

/// The source of every random draw: 64 bits, recorded before they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of one attempt at one trial: `blake3(experiment seed ‖ trial ‖ attempt)`, so that only the
    /// experiment's seed is ever drawn.
    #[must_use]
    pub fn for_trial(self, trial: TrialNumber, attempt: Attempt) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(&trial.0.to_le_bytes());
        hasher.update(&attempt.0.to_le_bytes());
        let mut bytes = [0_u8; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(bytes))
    }
}

/// The name of a stream inside the log. For experiments and nodes a UUIDv7; for a data set the UUIDv5 of its
/// name, so that two uploads under one name meet in one stream. Held as text: the domain gives it no meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub String);

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_draws_from_its_own_seed() {
        let root = Seed(7);
        let first = root.for_trial(TrialNumber(1), Attempt(1));
        assert_eq!(first, root.for_trial(TrialNumber(1), Attempt(1)));
        assert_ne!(first, root.for_trial(TrialNumber(1), Attempt(2)));
        assert_ne!(first, root.for_trial(TrialNumber(2), Attempt(1)));
        assert_ne!(first, Seed(8).for_trial(TrialNumber(1), Attempt(1)));
    }
}
