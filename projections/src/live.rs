//! The rows of a live read model as digests, at one event.

use atsre_domain::Position;
use atsre_store::Store;
use futures::TryStreamExt as _;
use sqlx::Executor as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;

use crate::copied::Rows;
use crate::digest::{self, RowDigest};
use crate::error::Error;
use crate::projection::{Projection, Table};
use crate::rebuild::held_position;

/// A snapshot of a live read model: rows and checkpoint commit together, so it shows both at the same event.
pub(crate) struct LiveRows {
    projection: &'static Projection,
    /// In a transaction that ends with it.
    connection: PoolConnection<Postgres>,
    position: Position,
}

impl LiveRows {
    /// Takes the snapshot.
    pub(crate) async fn hold(store: &Store, projection: &'static Projection) -> Result<Self, Error> {
        let mut connection = store.pool().acquire().await?;
        // The driver loses count of the answers when a copy is refused or left early: whoever got this connection next
        // would read the answers to somebody else's questions.
        connection.close_on_drop();
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL timezone = 'UTC'").await?;
        let position = held_position(&mut connection, projection, "").await?;
        Ok(Self { projection, connection, position })
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
        let (columns, schema, name) = (columns.join(", "), self.projection.schema(), table.name);
        // A partitioned table is copied through a query only.
        let statement = format!("COPY (SELECT {columns} FROM {schema}.{name}) TO STDOUT");
        let mut bytes = self.connection.copy_out_raw(&statement).await?;
        let (mut rows, mut digests, mut known) = (Rows::default(), Vec::new(), true);
        // To its end, whatever comes: the connection is of use only then.
        while let Some(chunk) = bytes.try_next().await? {
            rows.push(&chunk);
            while let (true, Some(values)) = (known, rows.next_row()) {
                match digest::of_row(table, values.iter().map(Option::as_deref)) {
                    Some(digest) if values.len() == table.columns.len() => digests.push(digest),
                    Some(_) | None => known = false,
                }
            }
        }
        digests.sort_unstable();
        Ok((known && rows.is_empty()).then_some(digests))
    }
}
