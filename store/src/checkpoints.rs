//! How far each follower has come. A checkpoint moves in the transaction that does what it stands for.

use atsre_domain::Position;
use sqlx::postgres::{PgConnection, PgPool};

use crate::stored_event::{signed, unsigned};
use crate::work::{self, NewWork};
use crate::{Error, Result};

/// How far each follower has come, by name and version.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pool: PgPool,
}

impl Checkpoints {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The position of the last event that was dealt with; 0 for a name that is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn position(&self, name: &str, version: u32) -> Result<Position> {
        let position: Option<i64> =
            sqlx::query_scalar("SELECT position FROM atsre.checkpoints WHERE name = $1 AND version = $2")
                .bind(name)
                .bind(i64::from(version))
                .fetch_optional(&self.pool)
                .await?;
        Ok(Position(unsigned(position.unwrap_or(0))))
    }

    /// All checkpoints by name and version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all(&self) -> Result<Vec<(String, u32, Position)>> {
        let rows: Vec<(String, i32, i64)> =
            sqlx::query_as("SELECT name, version, position FROM atsre.checkpoints ORDER BY name, version")
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|(name, version, at)| (name, version.unsigned_abs(), Position(unsigned(at)))).collect())
    }

    /// Moves a checkpoint and hands out the work that the events between called for, in one transaction: the
    /// outbox. Work that was handed out before is not handed out again.
    ///
    /// # Errors
    /// [`Error::CheckpointMoved`] when it is not at `from` any more; nothing is stored then.
    pub async fn advance(
        &self,
        name: &str,
        version: u32,
        from: Position,
        to: Position,
        items: &[NewWork],
    ) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        advance(&mut transaction, name, version, from, to).await?;
        work::enqueue(&mut transaction, items).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Moves a checkpoint in the caller's transaction, by compare and swap.
    ///
    /// # Errors
    /// [`Error::CheckpointMoved`] when it is not at `from` any more: roll back.
    pub async fn advance_in(
        connection: &mut PgConnection,
        name: &str,
        version: u32,
        from: Position,
        to: Position,
    ) -> Result<()> {
        advance(connection, name, version, from, to).await
    }

    /// Forgets a checkpoint, so that its follower begins anew; in the caller's transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reset_in(connection: &mut PgConnection, name: &str, version: u32) -> Result<()> {
        sqlx::query("DELETE FROM atsre.checkpoints WHERE name = $1 AND version = $2")
            .bind(name)
            .bind(i64::from(version))
            .execute(connection)
            .await?;
        Ok(())
    }
}

async fn advance(connection: &mut PgConnection, name: &str, version: u32, from: Position, to: Position) -> Result<()> {
    if from.0 == 0 {
        sqlx::query(
            "INSERT INTO atsre.checkpoints (name, version, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
        )
        .bind(name)
        .bind(i64::from(version))
        .execute(&mut *connection)
        .await?;
    }
    let moved = sqlx::query(
        "UPDATE atsre.checkpoints SET position = $4, updated_at = clock_timestamp() \
         WHERE name = $1 AND version = $2 AND position = $3",
    )
    .bind(name)
    .bind(i64::from(version))
    .bind(signed(from.0))
    .bind(signed(to.0))
    .execute(connection)
    .await?
    .rows_affected();
    if moved == 1 { Ok(()) } else { Err(Error::CheckpointMoved { name: name.to_owned(), version, expected: from }) }
}
