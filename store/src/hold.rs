//! Who works on a data set and who erases it do not meet: an advisory lock on the data set's stream.

use std::time::Duration;

use atsre_domain::StreamId;
use sqlx::postgres::PgConnection;

use crate::{Error, Result, Store};

/// How long a lock is waited for, and how often it is asked for in that time.
const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 100;

/// Holds a data set as long as it lives; when the process dies, the database lets go of it at once.
#[derive(Debug)]
pub struct Hold {
    // Held for its session, out of the pool, so that nothing else ends it.
    _session: PgConnection,
}

impl Store {
    /// Holds a data set so that nobody erases it meanwhile; others may hold it so as well.
    ///
    /// # Errors
    /// [`Error::InUse`] while somebody erases it; when the database fails.
    pub async fn keep_dataset(&self, dataset: &StreamId) -> Result<Hold> {
        self.hold(dataset, "SELECT pg_try_advisory_lock_shared(hashtextextended($1, 2))").await
    }

    /// Holds a data set so that nobody else holds it meanwhile.
    ///
    /// # Errors
    /// [`Error::InUse`] while somebody else holds it; when the database fails.
    pub async fn seize_dataset(&self, dataset: &StreamId) -> Result<Hold> {
        self.hold(dataset, "SELECT pg_try_advisory_lock(hashtextextended($1, 2))").await
    }

    async fn hold(&self, dataset: &StreamId, statement: &str) -> Result<Hold> {
        let mut session = self.pool().acquire().await?.detach();
        for attempt in 1..=ATTEMPTS {
            let taken: bool = sqlx::query_scalar(statement).bind(&dataset.0).fetch_one(&mut session).await?;
            if taken {
                return Ok(Hold { _session: session });
            }
            if attempt < ATTEMPTS {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(Error::InUse(dataset.clone()))
    }
}
