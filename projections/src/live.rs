//! The rows of a live read model as digests, at one event.

use atsre_domain::Position;
use atsre_store::Store;
use futures::TryStreamExt as _;
use sqlx::postgres::Postgres;
use sqlx::{Executor as _, Row as _, Transaction};

use crate::digest::{self, RowDigest};
use crate::error::Error;
use crate::projection::{Projection, Table};
use crate::rebuild::held_position;

/// A snapshot of a live read model: rows and checkpoint commit together, so it shows both at the same event.
pub(crate) struct LiveRows {
    projection: &'static Projection,
    transaction: Transaction<'static, Postgres>,
    position: Position,
}

impl LiveRows {
    /// Takes the snapshot.
    pub(crate) async fn hold(store: &Store, projection: &'static Projection) -> Result<Self, Error> {
        let mut transaction = store.pool().begin().await?;
        transaction
            .execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL timezone = 'UTC'")
            .await?;
        let position = held_position(&mut transaction, projection, "").await?;
        Ok(Self { projection, transaction, position })
    }

    /// The event that the rows are of.
    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// The digests of each table's rows, sorted; none where a table is not there, or a value has none.
    pub(crate) async fn digests(mut self) -> Option<Vec<Vec<RowDigest>>> {
        let mut tables = Vec::new();
        for table in self.projection.tables {
            tables.push(self.of_table(table).await.ok().flatten()?);
        }
        Some(tables)
    }

    async fn of_table(&mut self, table: &Table) -> Result<Option<Vec<RowDigest>>, sqlx::Error> {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let statement = format!("SELECT {} FROM {}.{}", columns.join(", "), self.projection.schema(), table.name);
        // A statement without parameters, because its answer is text, as the values of events are.
        let mut rows = sqlx::raw_sql(&statement).fetch(&mut *self.transaction);
        let mut digests = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let values: Vec<Option<&str>> =
                (0..columns.len()).map(|place| row.try_get_unchecked(place)).collect::<Result<_, _>>()?;
            let Some(digest) = digest::of_row(table, values) else { return Ok(None) };
            digests.push(digest);
        }
        digests.sort_unstable();
        Ok(Some(digests))
    }
}
