//! Work that is handed out under leases.
//!
//! Delivery is at least once: a lease expires, or its holder dies, and the item is handed out again under a
//! higher epoch. What makes that safe is the epoch: the table refuses a report under an older one, and so do the
//! aggregates.

mod item;

use std::time::Duration;

use atsre_domain::StreamId;
use sqlx::postgres::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

use crate::stored_event::unsigned;
use crate::{Error, Result, wake};
pub(crate) use item::enqueue;
use item::{COLUMNS, millis};
pub use item::{NewWork, WorkItem};

/// The first delay before an item is tried again; it doubles each time.
const BACKOFF: Duration = Duration::from_secs(1);
/// The longest delay.
const BACKOFF_LIMIT: Duration = Duration::from_secs(60);
/// How much of an error is kept.
const ERROR_LIMIT: usize = 4_000;

/// What becomes of an item whose attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It will be tried again after this delay.
    Retry(Duration),
    /// It has been tried often enough: see [`Work::dead`].
    Dead,
}

/// What was freed of leases whose holders are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// How many items are ready again.
    pub ready: u64,
    /// How many have been tried often enough: see [`Work::dead`].
    pub dead: u64,
}

/// The work table.
#[derive(Clone, Debug)]
pub struct Work {
    pool: PgPool,
    wake: watch::Receiver<u64>,
}

impl Work {
    pub(crate) const fn new(pool: PgPool, wake: watch::Receiver<u64>) -> Self {
        Self { pool, wake }
    }

    /// Hands out work outside of a checkpoint; see [`crate::Checkpoints::advance`] for the usual way.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(&self, items: &[NewWork]) -> Result<u64> {
        let mut transaction = self.pool.begin().await?;
        let added = enqueue(&mut transaction, items).await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// Takes what is due, of the given kinds and at most `limit`, under leases of `ttl`. `owner` is the node's key, or
    /// that and more after a `/`. Items whose lease has expired are due as well. The oldest come first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(&self, owner: &str, kinds: &[&str], limit: u32, ttl: Duration) -> Result<Vec<WorkItem>> {
        // Items that expired on their last attempt end here; `dead` reports them.
        sqlx::query(
            "UPDATE atsre.work_items SET state = 'dead', lease_owner = NULL, lease_expires_at = NULL, ended_at = clock_timestamp(), \
                    last_error = coalesce(last_error, 'the lease of the last attempt expired') \
             WHERE state = 'leased' AND lease_expires_at <= now() AND attempt >= max_attempts AND kind = ANY ($1)",
        )
        .bind(kinds)
        .execute(&self.pool)
        .await?;
        let statement = format!(
            "WITH due AS MATERIALIZED ( \
               SELECT id FROM atsre.work_items \
               WHERE kind = ANY ($1) AND ((state = 'ready' AND run_after <= now()) \
                     OR (state = 'leased' AND lease_expires_at <= now() AND attempt < max_attempts)) \
               ORDER BY run_after, position, ordinal, id LIMIT $2 FOR UPDATE SKIP LOCKED) \
             UPDATE atsre.work_items w SET state = 'leased', attempt = w.attempt + 1, lease_owner = $3, \
                    lease_epoch = w.lease_epoch + 1, lease_expires_at = clock_timestamp() + $4 * interval '1 millisecond' \
             FROM due WHERE w.id = due.id RETURNING {COLUMNS}"
        );
        let rows = sqlx::query(&statement)
            .bind(kinds)
            .bind(i64::from(limit))
            .bind(owner)
            .bind(millis(ttl))
            .fetch_all(&self.pool)
            .await?;
        let mut items = rows.iter().map(WorkItem::from_row).collect::<Result<Vec<_>>>()?;
        items.sort_by_key(|item| (item.position, item.id));
        Ok(items)
    }

    /// Prolongs a lease. A worker stops trusting its lease a margin before `ttl` after its last heartbeat, by its
    /// own monotonic clock.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when it has passed to someone else: stop.
    pub async fn heartbeat(&self, item: &WorkItem, ttl: Duration) -> Result<()> {
        let held = sqlx::query(
            "UPDATE atsre.work_items SET lease_expires_at = clock_timestamp() + $3 * interval '1 millisecond' \
             WHERE id = $1 AND lease_epoch = $2 AND state = 'leased'",
        )
        .bind(item.id)
        .bind(i64::from(item.epoch.0))
        .bind(millis(ttl))
        .execute(&self.pool)
        .await?;
        ensure_held(item, held.rows_affected())
    }

    /// Reports an item as done. Reporting it again under the same epoch changes nothing.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the lease has passed to someone else.
    pub async fn complete(&self, item: &WorkItem) -> Result<()> {
        let done = sqlx::query(
            "UPDATE atsre.work_items SET state = 'done', lease_owner = NULL, lease_expires_at = NULL, \
                    ended_at = coalesce(ended_at, clock_timestamp()) \
             WHERE id = $1 AND lease_epoch = $2 AND state IN ('leased', 'done')",
        )
        .bind(item.id)
        .bind(i64::from(item.epoch.0))
        .execute(&self.pool)
        .await?;
        ensure_held(item, done.rows_affected())
    }

    /// Reports that an attempt has failed. It is tried again after an exponential delay with full jitter, for which
    /// the caller draws `jitter` from 0 to 1; after the last attempt it is dead.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the lease has passed to someone else.
    pub async fn fail(&self, item: &WorkItem, error: &str, jitter: f64) -> Result<Failed> {
        let delay = backoff(item.attempt, jitter);
        let state = self.end_attempt(item, error, delay, false).await?;
        Ok(if state == "dead" { Failed::Dead } else { Failed::Retry(delay) })
    }

    /// Reports that trying again cannot help: the item is dead at once.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the lease has passed to someone else.
    pub async fn give_up(&self, item: &WorkItem, error: &str) -> Result<()> {
        self.end_attempt(item, error, Duration::ZERO, true).await.map(|_| ())
    }

    async fn end_attempt(&self, item: &WorkItem, error: &str, delay: Duration, for_good: bool) -> Result<String> {
        let state: Option<String> = sqlx::query_scalar(
            "UPDATE atsre.work_items SET state = CASE WHEN $5 OR attempt >= max_attempts THEN 'dead' ELSE 'ready' END, \
                    ended_at = CASE WHEN $5 OR attempt >= max_attempts THEN clock_timestamp() END, \
                    run_after = clock_timestamp() + $4 * interval '1 millisecond', last_error = $3, \
                    lease_owner = NULL, lease_expires_at = NULL \
             WHERE id = $1 AND lease_epoch = $2 AND state = 'leased' RETURNING state",
        )
        .bind(item.id)
        .bind(i64::from(item.epoch.0))
        .bind(storable(error))
        .bind(millis(delay))
        .bind(for_good)
        .fetch_optional(&self.pool)
        .await?;
        state.ok_or(Error::LeaseLost { item: item.id })
    }

    /// Hands an item back untried, as on an orderly stop: it is ready at once and the attempt does not count.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when the lease has passed to someone else.
    pub async fn hand_back(&self, item: &WorkItem) -> Result<()> {
        let held = sqlx::query(
            "UPDATE atsre.work_items SET state = 'ready', attempt = attempt - 1, run_after = clock_timestamp(), \
                    lease_owner = NULL, lease_expires_at = NULL \
             WHERE id = $1 AND lease_epoch = $2 AND state = 'leased'",
        )
        .bind(item.id)
        .bind(i64::from(item.epoch.0))
        .execute(&self.pool)
        .await?;
        ensure_held(item, held.rows_affected())
    }

    /// Frees the leases of nodes that are gone, at once: those whose sign of life ([`crate::NodeLock`]) nobody holds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_orphans(&self) -> Result<Released> {
        let mut transaction = self.pool.begin().await?;
        let nodes: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT split_part(lease_owner, '/', 1) FROM atsre.work_items WHERE state = 'leased' ORDER BY 1",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut gone = Vec::new();
        for node in nodes {
            let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))")
                .bind(&node)
                .fetch_one(&mut *transaction)
                .await?;
            if free {
                gone.push(node);
            }
        }
        let states: Vec<String> = sqlx::query_scalar(
            "UPDATE atsre.work_items SET state = CASE WHEN attempt >= max_attempts THEN 'dead' ELSE 'ready' END, \
                    ended_at = CASE WHEN attempt >= max_attempts THEN clock_timestamp() END, \
                    run_after = clock_timestamp(), lease_owner = NULL, lease_expires_at = NULL, \
                    last_error = 'the node that held the lease is gone' \
             WHERE state = 'leased' AND split_part(lease_owner, '/', 1) = ANY ($1) RETURNING state",
        )
        .bind(gone)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let dead = states.iter().filter(|state| *state == "dead").count() as u64;
        Ok(Released { ready: states.len() as u64 - dead, dead })
    }

    /// Frees what `owner` holds: it was built anew after a crash and knows nothing of it. The attempts count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release(&self, owner: &str) -> Result<u64> {
        let released = sqlx::query(
            "UPDATE atsre.work_items SET state = CASE WHEN attempt >= max_attempts THEN 'dead' ELSE 'ready' END, \
                    ended_at = CASE WHEN attempt >= max_attempts THEN clock_timestamp() END, \
                    run_after = clock_timestamp(), lease_owner = NULL, lease_expires_at = NULL, \
                    last_error = 'the agent that held the lease crashed' \
             WHERE state = 'leased' AND lease_owner = $1",
        )
        .bind(owner)
        .execute(&self.pool)
        .await?;
        Ok(released.rows_affected())
    }

    /// What has been tried often enough and nobody has taken note of yet, oldest first. Record the failure as an
    /// event, then [`Work::acknowledge`] it; who dies in between finds it here again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead(&self, kinds: &[&str]) -> Result<Vec<WorkItem>> {
        let statement = format!(
            "SELECT {COLUMNS} FROM atsre.work_items w \
             WHERE w.state = 'dead' AND NOT w.acknowledged AND w.kind = ANY ($1) ORDER BY w.position, w.ordinal, w.id"
        );
        sqlx::query(&statement).bind(kinds).fetch_all(&self.pool).await?.iter().map(WorkItem::from_row).collect()
    }

    /// Takes note of a dead item: its failure has been recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn acknowledge(&self, id: Uuid) -> Result<()> {
        sqlx::query("UPDATE atsre.work_items SET acknowledged = true WHERE id = $1 AND state = 'dead'")
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// How many items of a stream are not at their end: ready, leased, or dead without anybody having noticed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_items(&self, stream: &StreamId) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM atsre.work_items \
             WHERE stream = $1 AND (state IN ('ready', 'leased') OR (state = 'dead' AND NOT acknowledged))",
        )
        .bind(&stream.0)
        .fetch_one(&self.pool)
        .await?;
        Ok(unsigned(count))
    }

    /// Takes back what has not begun: ready items of a stream that nobody needs any more. Says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withdraw(&self, stream: &StreamId) -> Result<u64> {
        let withdrawn = sqlx::query(
            "UPDATE atsre.work_items SET state = 'done', ended_at = clock_timestamp(), last_error = 'withdrawn' \
             WHERE stream = $1 AND state = 'ready'",
        )
        .bind(&stream.0)
        .execute(&self.pool)
        .await?;
        Ok(withdrawn.rows_affected())
    }

    /// Deletes items that ended more than `age` ago and need no attention. Says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self, age: Duration) -> Result<u64> {
        let swept = sqlx::query(
            "DELETE FROM atsre.work_items WHERE (state = 'done' OR (state = 'dead' AND acknowledged)) \
             AND ended_at < now() - $1 * interval '1 millisecond'",
        )
        .bind(millis(age))
        .execute(&self.pool)
        .await?;
        Ok(swept.rows_affected())
    }

    /// Waits until work may have been handed out, or for a second: then claim.
    pub async fn wait(&mut self) {
        wake::wait(&mut self.wake).await;
    }
}

/// Exponential delay with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): uniform between nothing and
/// the doubled delay, so that items that failed together do not come back together.
fn backoff(attempt: u32, jitter: f64) -> Duration {
    let ceiling = BACKOFF.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(16))).min(BACKOFF_LIMIT);
    ceiling.mul_f64(if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 1.0 })
}

fn ensure_held(item: &WorkItem, rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(Error::LeaseLost { item: item.id }) }
}

/// An error's text as the database takes it: not too long, and without the one character that it does not know.
fn storable(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(ERROR_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_jitter_spreads_them() {
        assert_eq!(backoff(1, 1.0), BACKOFF);
        assert_eq!(backoff(3, 1.0), BACKOFF * 4);
        assert_eq!(backoff(60, 1.0), BACKOFF_LIMIT);
        assert_eq!(backoff(3, 0.0), Duration::ZERO);
        assert_eq!(backoff(2, f64::NAN), BACKOFF * 2);
    }
}
