//! Read models anew from the events: built beside the live one, compared with it, swapped in one transaction.

use atsre_domain::Position;
use atsre_store::Store;
use serde::Serialize;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::error::Error;
use crate::fold::fold;
use crate::projection::{Projection, Table};
use crate::row::Merged;
use crate::runner::{self, BATCH};
use crate::{schema, writer};

/// Differing rows that are named.
const MOST_DIFFERENCES: i64 = 20;

/// A row that differs between the live read model and a fresh build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The row's key, as JSON; `*` where the whole table is meant.
    pub key: String,
    /// `missing` from the live table, `extra` in it, `changed`, or `unreadable`: the table was dropped or altered.
    pub kind: String,
}

/// The live read model against a fresh build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The projection.
    pub name: String,
    /// Rows of the fresh build, over all tables.
    pub rows: u64,
    /// A digest of the fresh build's rows.
    pub digest: String,
    /// Whether the live rows differ.
    pub differs: bool,
    /// The differing rows, at most 20 a table.
    pub differences: Vec<Difference>,
    /// Up to which event both were compared.
    pub position: Position,
}

/// Builds a projection anew beside the live one and compares the two at the same position; nothing is changed.
///
/// # Errors
/// When an event cannot be projected, or the store does not answer.
pub async fn compare(store: &Store, projection: &'static Projection) -> Result<Comparison, Error> {
    build_and(store, projection, false).await
}

/// Builds a projection anew and swaps it in; readers see the old rows or the new ones, never neither.
///
/// # Errors
/// When an event cannot be projected, or the store does not answer.
pub async fn rebuild(store: &Store, projection: &'static Projection) -> Result<Comparison, Error> {
    build_and(store, projection, true).await
}

async fn build_and(store: &Store, projection: &'static Projection, swap: bool) -> Result<Comparison, Error> {
    schema::ensure(store, projection).await?;
    let scratch = format!("{}_building", projection.schema());
    // One build of a projection at a time. The lock belongs to a connection of its own, so that it goes with it,
    // however this ends; what an interrupted build left behind goes when the next one begins.
    let mut lock = store.pool().acquire().await?.detach();
    lock.execute("SET lock_timeout = 0").await?;
    sqlx::query("SELECT pg_advisory_lock(hashtextextended($1, 1))").bind(&scratch).execute(&mut lock).await?;
    let drop_scratch = format!("DROP SCHEMA IF EXISTS {scratch} CASCADE");
    let mut transaction = store.pool().begin().await?;
    transaction.execute(drop_scratch.as_str()).await?;
    schema::make(&mut transaction, projection, &scratch).await?;
    transaction.commit().await?;
    let outcome = build(store, projection, &scratch, swap).await;
    let dropped = store.pool().execute(drop_scratch.as_str()).await;
    lock.close().await?;
    let comparison = outcome?;
    dropped?;
    if swap {
        runner::catch_up(store, projection).await?;
        schema::show(store, projection).await?;
    }
    Ok(comparison)
}

async fn build(store: &Store, projection: &Projection, scratch: &str, swap: bool) -> Result<Comparison, Error> {
    // The bulk without holding anything; then only what came meanwhile is left.
    let mut at = Position(0);
    loop {
        let live = store.checkpoints().position(projection.child, projection.version).await?;
        let reached = fold_into(store, projection, scratch, at, live, None).await?;
        if reached == at || live.0 - reached.0.min(live.0) < BATCH as u64 {
            at = reached;
            break;
        }
        at = reached;
    }
    let mut transaction = store.pool().begin().await?;
    let live = if swap {
        // From here on the live runner waits: what is compared and swapped is of one moment.
        transaction.execute("SET LOCAL lock_timeout = '60s'").await?;
        held_position(&mut transaction, projection, " FOR UPDATE").await?
    } else {
        // Rows and checkpoint commit together, so one snapshot shows both at the same event, and nobody waits.
        transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        held_position(&mut transaction, projection, "").await?
    };
    let at = fold_into(store, projection, scratch, at, live, Some(&mut transaction)).await?;
    let comparison = compare_schemas(&mut transaction, projection, scratch, at).await?;
    if swap {
        let schema = projection.schema();
        schema::point_views(&mut transaction, projection, scratch).await?;
        let statements = format!("DROP SCHEMA {schema} CASCADE; ALTER SCHEMA {scratch} RENAME TO {schema};");
        transaction.execute(sqlx::raw_sql(&statements)).await?;
        schema::set_checkpoint(&mut transaction, projection, at.0).await?;
        // What stopped the projection may be mended by now: a rebuild is how one says that somebody has looked.
        sqlx::query("DELETE FROM atsre.projection_failures WHERE name = $1")
            .bind(projection.child)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(comparison)
}

pub(crate) async fn held_position(
    connection: &mut PgConnection,
    projection: &Projection,
    lock: &str,
) -> Result<Position, Error> {
    let statement = format!("SELECT position FROM atsre.checkpoints WHERE name = $1 AND version = $2{lock}");
    let held: Option<i64> = sqlx::query_scalar(&statement)
        .bind(projection.child)
        .bind(i64::from(projection.version))
        .fetch_optional(connection)
        .await?;
    Ok(Position(held.map_or(0, i64::unsigned_abs)))
}

/// Projects the events after `from` up to `until` into a schema, in the transaction given or in transactions of its
/// own. Answers how far the log went.
async fn fold_into(
    store: &Store,
    projection: &Projection,
    schema: &str,
    from: Position,
    until: Position,
    mut within: Option<&mut PgConnection>,
) -> Result<Position, Error> {
    let mut at = from;
    while at < until {
        let most = usize::try_from(until.0 - at.0).unwrap_or(BATCH).min(BATCH);
        let page = store.log().read_type(at, most, projection.stream_type).await?;
        if page.reached == at {
            break;
        }
        let mut rest = page.events.as_slice();
        while !rest.is_empty() {
            let folded = fold(store, projection, rest).await?;
            let later = &rest[folded.events..];
            if let (Some(message), Some(event)) = (folded.poison, later.first()) {
                let name = projection.name.to_owned();
                return Err(Error::Stopped { name, position: event.position, message });
            }
            write(store, projection, schema, folded.merged, within.as_deref_mut()).await?;
            rest = later;
        }
        at = page.reached;
    }
    Ok(at)
}

async fn write(
    store: &Store,
    projection: &Projection,
    schema: &str,
    merged: Merged,
    within: Option<&mut PgConnection>,
) -> Result<(), Error> {
    if merged.is_empty() {
        return Ok(());
    }
    if let Some(connection) = within {
        return writer::write(connection, projection, schema, merged).await;
    }
    let mut transaction = store.pool().begin().await?;
    transaction.execute("SET LOCAL synchronous_commit = off").await?;
    writer::write(&mut transaction, projection, schema, merged).await?;
    transaction.commit().await?;
    Ok(())
}

async fn compare_schemas(
    connection: &mut PgConnection,
    projection: &Projection,
    fresh: &str,
    position: Position,
) -> Result<Comparison, Error> {
    let live = projection.schema();
    let (mut rows, mut digests, mut differences) = (0, Vec::new(), Vec::new());
    for table in projection.tables {
        // The sum of the rows' hashes does not depend on their order, and needs no sorting.
        let row = sqlx::query(&format!(
            "SELECT count(*) AS rows, coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0)::text AS digest \
             FROM {fresh}.{} t",
            table.name
        ))
        .fetch_one(&mut *connection)
        .await?;
        rows += row.try_get::<i64, _>("rows")?.unsigned_abs();
        digests.push(format!("{}:{}", table.name, row.try_get::<String, _>("digest")?));
        // A savepoint, because a statement that fails would end the transaction.
        let mut attempt = connection.begin().await?;
        match table_differences(&mut attempt, table, &live, fresh).await {
            Ok(found) => {
                attempt.commit().await?;
                differences.extend(found);
            }
            Err(error) if is_of_shape(&error) => {
                attempt.rollback().await?;
                let (table, key) = (table.name.to_owned(), "*".to_owned());
                differences.push(Difference { table, key, kind: "unreadable".to_owned() });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Comparison {
        name: projection.name.to_owned(),
        rows,
        digest: digests.join(" "),
        differs: !differences.is_empty(),
        differences,
        position,
    })
}

async fn table_differences(
    connection: &mut PgConnection,
    table: &Table,
    live: &str,
    fresh: &str,
) -> Result<Vec<Difference>, sqlx::Error> {
    let key = |alias: &str| {
        let columns: Vec<String> = table.key.iter().map(|c| format!("'{c}', {alias}.{c}")).collect();
        format!("jsonb_build_object({})::text", columns.join(", "))
    };
    let name = table.name;
    let on: Vec<String> = table.key.iter().map(|c| format!("l.{c} = f.{c}")).collect();
    let first = table.key[0];
    let statement = format!(
        "SELECT CASE WHEN l.{first} IS NULL THEN {} ELSE {} END AS key, \
                CASE WHEN l.{first} IS NULL THEN 'missing' WHEN f.{first} IS NULL THEN 'extra' ELSE 'changed' END AS kind \
         FROM {live}.{name} l FULL JOIN {fresh}.{name} f ON {} \
         WHERE l.{first} IS NULL OR f.{first} IS NULL OR l::text IS DISTINCT FROM f::text ORDER BY 1 LIMIT {MOST_DIFFERENCES}",
        key("f"),
        key("l"),
        on.join(" AND ")
    );
    let rows = sqlx::query(&statement).fetch_all(connection).await?;
    rows.iter()
        .map(|row| Ok(Difference { table: name.to_owned(), key: row.try_get("key")?, kind: row.try_get("kind")? }))
        .collect()
}

/// Whether the tables do not have the shape that this build gave them: one was dropped or altered by hand.
fn is_of_shape(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| code.starts_with("42"))
}
