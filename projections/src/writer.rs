//! Writes merged row operations, a statement a table, and makes schemas and views.

use std::collections::{BTreeMap, BTreeSet};

use atsre_store::Store;
use serde_json::{Map, Value};
use sqlx::{Executor as _, PgConnection};

use crate::error::Error;
use crate::projection::{Projection, Table};
use crate::resources;
use crate::row::{Change, Merged};

/// Rows in one statement.
const CHUNK: usize = 5_000;

/// Makes the schema with its empty tables.
pub(crate) async fn make_schema(store: &Store, projection: &Projection, schema: &str) -> Result<(), Error> {
    let timescale: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
        .fetch_one(store.pool())
        .await?;
    let partition = if timescale { "" } else { " PARTITION BY RANGE (log_time)" };
    let tables = projection
        .tables_sql
        .replace("{samples}", resources::SAMPLES_SQL)
        .replace("{partition_by_log_time}", partition)
        .replace("{schema}", schema);
    let mut statements = format!("CREATE SCHEMA {schema}; {tables}");
    for table in projection.tables.iter().filter(|t| timescale && t.partitioned_by.is_some()) {
        let column = table.partitioned_by.unwrap_or_default();
        statements.push_str(&format!("SELECT create_hypertable('{schema}.{}', '{column}');", table.name));
    }
    store.pool().execute(sqlx::raw_sql(&statements)).await?;
    Ok(())
}

/// Points the views of schema `read` at a schema, in the caller's transaction.
pub(crate) async fn point_views(connection: &mut PgConnection, projection: &Projection, schema: &str) -> Result<(), Error> {
    let mut statements = String::new();
    for view in views(projection) {
        statements.push_str(&format!("DROP VIEW IF EXISTS read.{view};"));
    }
    statements.push_str(&projection.views_sql.replace("{schema}", schema));
    connection.execute(sqlx::raw_sql(&statements)).await?;
    Ok(())
}

/// The views that a projection makes.
pub(crate) fn views(projection: &Projection) -> impl Iterator<Item = &'static str> {
    projection.views_sql.split("CREATE VIEW read.").skip(1).filter_map(|rest| rest.split_whitespace().next())
}

/// Writes a batch in the caller's transaction.
pub(crate) async fn write(
    connection: &mut PgConnection,
    projection: &Projection,
    schema: &str,
    merged: Merged,
) -> Result<(), Error> {
    for (name, rows) in merged.into_tables() {
        let table = projection.table(name).unwrap_or_else(|| unreachable!("{name} is a table of {}", projection.name));
        if let Some(column) = table.partitioned_by {
            make_partitions(connection, schema, table, column, &rows).await?;
        }
        let mut upserts: BTreeMap<Vec<String>, Vec<Value>> = BTreeMap::new();
        let mut updates: BTreeMap<Vec<String>, Vec<Value>> = BTreeMap::new();
        for (key, change) in rows {
            let (into, columns) = match change {
                Change::Upsert(columns) => (&mut upserts, columns),
                Change::Update(columns) => (&mut updates, columns),
            };
            let names: Vec<String> = columns.keys().cloned().collect();
            into.entry(names).or_default().push(row(table, key, columns));
        }
        for (columns, rows) in upserts {
            for chunk in rows.chunks(CHUNK) {
                upsert(connection, schema, table, &columns, chunk).await?;
            }
        }
        for (columns, rows) in updates {
            update(connection, schema, table, &columns, &rows).await?;
        }
    }
    Ok(())
}

fn row(table: &Table, key: Vec<Value>, mut columns: Map<String, Value>) -> Value {
    columns.extend(table.key.iter().map(|name| (*name).to_owned()).zip(key));
    Value::Object(columns)
}

async fn upsert(
    connection: &mut PgConnection,
    schema: &str,
    table: &Table,
    columns: &[String],
    rows: &[Value],
) -> Result<(), Error> {
    let key = table.key.join(", ");
    let all: Vec<&str> = table.key.iter().copied().chain(columns.iter().map(String::as_str)).collect();
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = EXCLUDED.{c}")).collect();
    let name = table.name;
    let all = all.join(", ");
    let statement = format!(
        "INSERT INTO {schema}.{name} ({all}) SELECT {all} FROM jsonb_populate_recordset(NULL::{schema}.{name}, $1) \
         ON CONFLICT ({key}) DO UPDATE SET {}",
        set.join(", ")
    );
    sqlx::query(&statement).bind(Value::Array(rows.to_vec())).execute(connection).await?;
    Ok(())
}

async fn update(
    connection: &mut PgConnection,
    schema: &str,
    table: &Table,
    columns: &[String],
    rows: &[Value],
) -> Result<(), Error> {
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = r.{c}")).collect();
    let on: Vec<String> = table.key.iter().map(|c| format!("t.{c} = r.{c}")).collect();
    let name = table.name;
    let statement = format!(
        "UPDATE {schema}.{name} t SET {} FROM jsonb_populate_recordset(NULL::{schema}.{name}, $1) r WHERE {}",
        set.join(", "),
        on.join(" AND ")
    );
    sqlx::query(&statement).bind(Value::Array(rows.to_vec())).execute(connection).await?;
    Ok(())
}

/// Makes the partitions for the days of these rows.
async fn make_partitions(
    connection: &mut PgConnection,
    schema: &str,
    table: &Table,
    column: &str,
    rows: &[(Vec<Value>, Change)],
) -> Result<(), Error> {
    let partitioned: bool = sqlx::query_scalar("SELECT relkind = 'p' FROM pg_class WHERE oid = $1::regclass")
        .bind(format!("{schema}.{}", table.name))
        .fetch_one(&mut *connection)
        .await?;
    let place = table.key.iter().position(|name| *name == column);
    let Some(place) = place.filter(|_| partitioned) else { return Ok(()) };
    let days: BTreeSet<chrono::NaiveDate> = rows
        .iter()
        .filter_map(|(key, _)| key.get(place)?.as_str()?.get(..10)?.parse().ok())
        .collect();
    for day in days {
        let after = day + chrono::Days::new(1);
        let partition = format!("{}_{}", table.name, day.format("%Y%m%d"));
        let statement = format!(
            "CREATE TABLE IF NOT EXISTS {schema}.{partition} PARTITION OF {schema}.{} FOR VALUES FROM ('{day}') TO ('{after}')",
            table.name
        );
        connection.execute(statement.as_str()).await?;
    }
    Ok(())
}
