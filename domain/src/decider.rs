//! The shape every aggregate has: decide, then evolve.

use crate::identity::{Position, Sequence, StreamId, Timestamp};

/// An aggregate: a value that decides on commands and evolves by events, and does nothing else.
pub trait Decider: Default + Clone + Send + Sync + 'static {
    /// The stream type in the log, such as `experiment`.
    const TYPE: &'static str;
    /// What it can be asked.
    type Command: Send + Sync + 'static;
    /// What can have happened to it.
    type Event: Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static;
    /// Why it refuses.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Decides; never performs. A repeated command decides on nothing (`Ok(vec![])`).
    ///
    /// # Errors
    /// When the command does not fit the state.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// Applies a fact. Total: no errors, no rules.
    fn evolve(&mut self, event: &Self::Event);

    /// The state after these events.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.evolve(event);
        }
        state
    }
}

/// An event as the log holds it. The envelope is evidence: `evolve` never reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<E> {
    /// Its place in the log.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in that stream.
    pub sequence: Sequence,
    /// When the log took it.
    pub recorded_at: Timestamp,
    /// What happened.
    pub event: E,
}
