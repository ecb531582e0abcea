//! Writes merged row operations, a statement for each table and set of columns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sqlx::{Executor as _, PgConnection};

use crate::error::Error;
use crate::projection::{Projection, Table};
use crate::row::{Merged, RowChange};

/// Rows in one statement.
const CHUNK: usize = 5_000;

/// Rows as the JSON objects that a statement takes, by the columns that they set.
type ByColumns = BTreeMap<Vec<String>, Vec<Map<String, Value>>>;

/// Writes a batch in the caller's transaction.
pub(crate) async fn write(
    connection: &mut PgConnection,
    projection: &Projection,
    schema: &str,
    merged: Merged,
) -> Result<(), Error> {
    for (name, rows) in merged.into_tables() {
        let table = projection.table(name).unwrap_or_else(|| unreachable!("{name} is a table of {}", projection.name));
        make_partitions(connection, schema, table, &rows).await?;
        let (mut updates, mut upserts) = (ByColumns::new(), ByColumns::new());
        for RowChange { key, update, upsert } in rows {
            for (columns, into) in [(update, &mut updates), (upsert, &mut upserts)] {
                let Some(mut columns) = columns else { continue };
                let names = columns.keys().cloned().collect();
                columns.extend(table.key.iter().map(|name| (*name).to_owned()).zip(key.iter().cloned()));
                into.entry(names).or_default().push(columns);
            }
        }
        // Updates first: a row that is made in this batch has its updates merged in already.
        for (columns, rows) in updates {
            execute(connection, &update_statement(schema, table, &columns), &rows).await?;
        }
        for (columns, rows) in upserts {
            execute(connection, &upsert_statement(schema, table, &columns), &rows).await?;
        }
    }
    Ok(())
}

async fn execute(connection: &mut PgConnection, statement: &str, rows: &[Map<String, Value>]) -> Result<(), Error> {
    for chunk in rows.chunks(CHUNK) {
        let json = serde_json::to_string(chunk)
            .unwrap_or_else(|error| unreachable!("JSON values have string keys and finite numbers only: {error}"));
        sqlx::query(statement).bind(json).execute(&mut *connection).await?;
    }
    Ok(())
}

fn upsert_statement(schema: &str, table: &Table, columns: &[String]) -> String {
    let key = table.key.join(", ");
    let all: Vec<&str> = table.key.iter().copied().chain(columns.iter().map(String::as_str)).collect();
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = EXCLUDED.{c}")).collect();
    let name = table.name;
    let all = all.join(", ");
    format!(
        "INSERT INTO {schema}.{name} ({all}) SELECT {all} FROM json_populate_recordset(NULL::{schema}.{name}, $1::json) \
         ON CONFLICT ({key}) DO UPDATE SET {}",
        set.join(", ")
    )
}

fn update_statement(schema: &str, table: &Table, columns: &[String]) -> String {
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = r.{c}")).collect();
    let on: Vec<String> = table.key.iter().map(|c| format!("t.{c} = r.{c}")).collect();
    let name = table.name;
    format!(
        "UPDATE {schema}.{name} t SET {} FROM json_populate_recordset(NULL::{schema}.{name}, $1::json) r WHERE {}",
        set.join(", "),
        on.join(" AND ")
    )
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
        rows.iter().filter_map(|row| row.key.get(place)?.as_str()?.get(..10)?.parse().ok()).collect();
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
