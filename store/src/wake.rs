//! Waking who waits: one connection listens for everybody in the process.
//!
//! A notification is a hint, and hints get lost (a connection breaks, a process stalls). Whoever waits looks for
//! itself each [`POLL`] anyway.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often to look without having been woken.
pub(crate) const POLL: Duration = Duration::from_secs(1);

/// The channels that the triggers notify.
const EVENTS: &str = "events";
const WORK: &str = "work";

/// Counts notifications; a change of the count is what wakes.
#[derive(Debug)]
pub(crate) struct Waker {
    events: watch::Sender<u64>,
    work: watch::Sender<u64>,
}

impl Waker {
    pub(crate) fn new() -> Self {
        Self { events: watch::Sender::new(0), work: watch::Sender::new(0) }
    }

    pub(crate) fn events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    pub(crate) fn work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Wakes who follows events: this process has just appended some, and need not wait for the database to say so.
    pub(crate) fn appended(&self) {
        self.events.send_modify(|count| *count += 1);
    }

    fn notified(&self, channel: &str) {
        match channel {
            EVENTS => self.appended(),
            _ => self.work.send_modify(|count| *count += 1),
        }
    }

    async fn forward(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all([EVENTS, WORK]).await?;
        loop {
            match listener.try_recv().await? {
                Some(notification) => self.notified(notification.channel()),
                None => [EVENTS, WORK].iter().for_each(|channel| self.notified(channel)),
            }
        }
    }

    /// Listens until the store is dropped. A lost connection is made again by the listener itself; what came in
    /// between is lost, which is why everybody is woken then.
    pub(crate) fn listen(self: &Arc<Self>, pool: &PgPool) -> JoinHandle<()> {
        let waker = Arc::clone(self);
        let pool = pool.clone();
        tokio::spawn(async move {
            loop {
                if let Err(error) = waker.forward(&pool).await {
                    tracing::debug!(%error, "the listening connection was lost");
                }
                if pool.is_closed() {
                    return;
                }
                [EVENTS, WORK].iter().for_each(|channel| waker.notified(channel));
                tokio::time::sleep(POLL).await;
            }
        })
    }
}

/// Waits for a change, or for as long as one poll.
pub(crate) async fn wait(receiver: &mut watch::Receiver<u64>) {
    if let Ok(Err(_closed)) = tokio::time::timeout(POLL, receiver.changed()).await {
        // The store is gone; do not spin.
        tokio::time::sleep(POLL).await;
    }
}
