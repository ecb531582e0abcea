//! A sign of life that cannot outlive its owner: a session's advisory lock on the node's key.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::sync::Mutex;

use crate::{Result, Store};

/// A node's sign of life. As long as it is held, nobody takes the node's leases from it before they expire; when the
/// process dies, the database lets go of it at once, and [`crate::Work::release_orphans`] frees the leases.
#[derive(Debug)]
pub struct NodeLock {
    node: String,
    store: Store,
    session: Mutex<PgConnection>,
}

impl NodeLock {
    /// The node whose sign of life this is.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Makes sure that the lock is still held, taking it anew when its session was lost (the database was restarted).
    /// Says whether it is held now. Call it at each heartbeat.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn renew(&self) -> Result<bool> {
        let mut session = self.session.lock().await;
        if session.ping().await.is_ok() {
            return Ok(true);
        }
        match take(&self.store, &self.node).await? {
            Some(fresh) => {
                *session = fresh;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

impl Store {
    /// Takes the sign of life of a node; `None` when another process has it. The node's key is the first part of
    /// each lease owner, up to a `/`.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn lock_node(&self, node: &str) -> Result<Option<NodeLock>> {
        let session = take(self, node).await?;
        Ok(session.map(|session| NodeLock { node: node.to_owned(), store: self.clone(), session: Mutex::new(session) }))
    }
}

/// A session of its own, out of the pool, so that nothing else ends it.
async fn take(store: &Store, node: &str) -> Result<Option<PgConnection>> {
    let mut session = store.pool().acquire().await?.detach();
    let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
        .bind(node)
        .fetch_one(&mut session)
        .await?;
    Ok(taken.then_some(session))
}
