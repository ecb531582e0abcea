//! Following the log: everything once, in order, as it comes.

use atsre_domain::Position;
use tokio::sync::watch;

use crate::{EventLog, Result, StoredEvent, wake};

/// Follows the log from a position. It keeps no checkpoint: who wants to go on after a restart keeps one with
/// [`crate::Checkpoints`].
#[derive(Debug)]
pub struct Follower {
    log: EventLog,
    wake: watch::Receiver<u64>,
    position: Position,
}

impl Follower {
    pub(crate) const fn new(log: EventLog, wake: watch::Receiver<u64>, position: Position) -> Self {
        Self { log, wake, position }
    }

    /// The position of the last event that was handed out.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What has come since, at most `limit` events; empty when nothing has.
    ///
    /// # Errors
    /// [`crate::Error::Incomplete`] when an event is missing. The follower stays where it was and may be asked again.
    pub async fn poll(&mut self, limit: usize) -> Result<Vec<StoredEvent>> {
        // Seen before the read, so that what is appended during it wakes the next wait.
        self.wake.borrow_and_update();
        let events = self.log.read(self.position, limit).await?;
        if let Some(last) = events.last() {
            self.position = last.position;
        }
        Ok(events)
    }

    /// Waits until something has come: at least one event, at most `limit`.
    ///
    /// Safe to cancel: nothing is handed out before it returns.
    ///
    /// # Errors
    /// As [`Follower::poll`].
    pub async fn next(&mut self, limit: usize) -> Result<Vec<StoredEvent>> {
        loop {
            let events = self.poll(limit).await?;
            if !events.is_empty() {
                return Ok(events);
            }
            wake::wait(&mut self.wake).await;
        }
    }
}
