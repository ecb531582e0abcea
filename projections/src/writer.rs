//! Writes merged row operations, a statement for each table and set of columns.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Executor as _, PgConnection};

use crate::cell::{Cell, Columns};
use crate::error::Error;
use crate::projection::{Projection, Table};
use crate::row::{Merged, RowChange};

/// Rows in one statement.
const CHUNK: usize = 5_000;

/// Rows by the columns that they set.
type ByColumns<'a> = BTreeMap<Vec<&'static str>, Vec<(&'a [Cell], &'a Columns)>>;

/// Writes a batch in the caller's transaction.
pub(crate) async fn write(
    connection: &mut PgConnection,
    projection: &Projection,
    schema: &str,
    merged: Merged,
) -> Result<(), Error> {
    for (name, deletions, rows) in merged.into_tables() {
        let table = projection.table(name).unwrap_or_else(|| unreachable!("{name} is a table of {}", projection.name));
        for key in &deletions {
            let statement = delete_statement(schema, table, key.len());
            let mut query = sqlx::query(&statement);
            for part in key {
                query = query.bind(part.as_deref());
            }
            query.execute(&mut *connection).await?;
        }
        make_partitions(connection, schema, table, &rows).await?;
        let (mut updates, mut upserts) = (ByColumns::new(), ByColumns::new());
        for RowChange { key, update, upsert } in &rows {
            for (columns, into) in [(update, &mut updates), (upsert, &mut upserts)] {
                let Some(columns) = columns else { continue };
                into.entry(columns.keys().copied().collect()).or_default().push((key, columns));
            }
        }
        // Updates first: a row that is made in this batch has its updates merged in already.
        for (columns, rows) in updates {
            execute(connection, &update_statement(schema, table, &columns), table, &columns, &rows).await?;
        }
        for (columns, rows) in upserts {
            execute(connection, &upsert_statement(schema, table, &columns), table, &columns, &rows).await?;
        }
    }
    Ok(())
}

async fn execute(
    connection: &mut PgConnection,
    statement: &str,
    table: &Table,
    columns: &[&'static str],
    rows: &[(&[Cell], &Columns)],
) -> Result<(), Error> {
    for chunk in rows.chunks(CHUNK) {
        let mut query = sqlx::query(statement);
        for place in 0..table.key.len() {
            query = query.bind(chunk.iter().map(|(key, _)| key[place].as_deref()).collect::<Vec<_>>());
        }
        for name in columns {
            query = query.bind(chunk.iter().map(|(_, row)| row[name].as_deref()).collect::<Vec<_>>());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// The rows of a statement: text arrays, side by side. Postgres makes columns of their own types of them, which is
/// several times as fast as taking JSON objects apart.
fn unnested(table: &Table, columns: &[&str]) -> String {
    let places: Vec<String> = (1..=table.key.len() + columns.len()).map(|n| format!("${n}::text[]")).collect();
    let names: Vec<&str> = table.key.iter().chain(columns).copied().collect();
    format!("unnest({}) AS r ({})", places.join(", "), names.join(", "))
}

fn upsert_statement(schema: &str, table: &Table, columns: &[&str]) -> String {
    let all: Vec<&str> = table.key.iter().chain(columns).copied().collect();
    let values: Vec<String> = all.iter().map(|c| format!("r.{c}::{}", table.sql_type(c))).collect();
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = EXCLUDED.{c}")).collect();
    format!(
        "INSERT INTO {schema}.{} ({}) SELECT {} FROM {} ON CONFLICT ({}) DO UPDATE SET {}",
        table.name,
        all.join(", "),
        values.join(", "),
        unnested(table, columns),
        table.key.join(", "),
        set.join(", ")
    )
}

fn update_statement(schema: &str, table: &Table, columns: &[&str]) -> String {
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = r.{c}::{}", table.sql_type(c))).collect();
    let on: Vec<String> = table.key.iter().map(|c| format!("t.{c} = r.{c}::{}", table.sql_type(c))).collect();
    format!(
        "UPDATE {schema}.{} t SET {} FROM {} WHERE {}",
        table.name,
        set.join(", "),
        unnested(table, columns),
        on.join(" AND ")
    )
}

/// Takes the rows away whose key begins with so many columns.
fn delete_statement(schema: &str, table: &Table, columns: usize) -> String {
    let on: Vec<String> =
        (1..).zip(&table.key[..columns]).map(|(n, c)| format!("{c} = ${n}::text::{}", table.sql_type(c))).collect();
    format!("DELETE FROM {schema}.{} WHERE {}", table.name, on.join(" AND "))
}

/// Makes the partitions for the days of these rows, where the table has partitions of its own (a hypertable makes
/// them itself) and they are not there yet.
async fn make_partitions(
    connection: &mut PgConnection,
    schema: &str,
    table: &Table,
    rows: &[RowChange],
) -> Result<(), Error> {
    let Some(column) = table.partitioned_by else { return Ok(()) };
    let Some(place) = table.key.iter().position(|name| *name == column) else { return Ok(()) };
    let days: BTreeSet<chrono::NaiveDate> =
        rows.iter().filter_map(|row| row.key.get(place)?.as_ref()?.get(..10)?.parse().ok()).collect();
    let days: Vec<chrono::NaiveDate> = days.into_iter().collect();
    let qualified = format!("{schema}.{}", table.name);
    let missing: Vec<chrono::NaiveDate> = sqlx::query_scalar(
        "SELECT day FROM unnest($2::date[]) AS day \
         WHERE (SELECT relkind = 'p' FROM pg_class WHERE oid = $1::regclass) \
           AND to_regclass($1 || to_char(day, '_YYYYMMDD')) IS NULL ORDER BY day",
    )
    .bind(&qualified)
    .bind(days)
    .fetch_all(&mut *connection)
    .await?;
    for day in missing {
        let partition = format!("{qualified}_{}", day.format("%Y%m%d"));
        let after = day + chrono::Days::new(1);
        // Attached, not made in place: that would lock readers of the whole table out.
        let statements = format!(
            "CREATE TABLE {partition} (LIKE {qualified} INCLUDING ALL); \
             ALTER TABLE {qualified} ATTACH PARTITION {partition} FOR VALUES FROM ('{day}') TO ('{after}');"
        );
        connection.execute(sqlx::raw_sql(&statements)).await?;
    }
    Ok(())
}
