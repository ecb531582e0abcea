//! The schema of a read model's version, and the views of schema `read` that people and programs go through.

use std::time::Duration;

use atsre_store::{Checkpoints, Store};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::error::Error;
use crate::projection::Projection;

/// How long the views are waited for at a time. Far below Postgres' `deadlock_timeout`, so that it is always the swap
/// that gives way to readers and never the other way round.
const LOCK_TIMEOUT: &str = "50ms";
/// How often the swap asks for the views before it gives up.
const LOCK_ATTEMPTS: u32 = 300;
/// How long it leaves the readers alone in between.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Makes the schema with its tables, and the views where there are none yet, in one transaction. Of two nodes that
/// start at once, the second waits for the first.
pub(crate) async fn ensure(store: &Store, projection: &Projection) -> Result<(), Error> {
    let schema = projection.schema();
    if exists(store, &schema).await? {
        return Ok(());
    }
    let mut transaction = store.pool().begin().await?;
    transaction.execute("SET LOCAL lock_timeout = '60s'").await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))")
        .bind(&schema)
        .execute(&mut *transaction)
        .await?;
    if exists(store, &schema).await? {
        return Ok(());
    }
    make(&mut transaction, projection, &schema).await?;
    // Empty tables have seen nothing, whatever a checkpoint of tables that somebody has dropped may say.
    Checkpoints::reset_in(&mut transaction, projection.child, projection.version).await?;
    set_checkpoint(&mut transaction, projection, 0).await?;
    if views_there(&mut transaction, projection).await? == 0 {
        point_views(&mut transaction, projection, &schema).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn exists(store: &Store, schema: &str) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL").bind(schema).fetch_one(store.pool()).await?)
}

/// Makes a schema with a projection's empty tables, in the caller's transaction.
pub(crate) async fn make(connection: &mut PgConnection, projection: &Projection, schema: &str) -> Result<(), Error> {
    let timescale: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
        .fetch_one(&mut *connection)
        .await?;
    let tables: String = projection.tables.iter().map(|table| table.create(schema, !timescale)).collect();
    let indexes = projection.indexes_sql.replace("{schema}", schema);
    let mut statements = format!("CREATE SCHEMA {schema}; {tables} {indexes}");
    for table in projection.tables.iter().filter(|_| timescale) {
        if let Some(column) = table.partitioned_by {
            statements.push_str(&format!("SELECT create_hypertable('{schema}.{}', '{column}');", table.name));
        }
    }
    connection.execute(sqlx::raw_sql(&statements)).await?;
    Ok(())
}

/// Sets a checkpoint, in the caller's transaction.
pub(crate) async fn set_checkpoint(
    connection: &mut PgConnection,
    projection: &Projection,
    position: u64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO atsre.checkpoints (name, version, position) VALUES ($1, $2, $3) \
         ON CONFLICT (name, version) DO UPDATE SET position = EXCLUDED.position, updated_at = clock_timestamp()",
    )
    .bind(projection.child)
    .bind(i64::from(projection.version))
    .bind(i64::try_from(position).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

/// A new version of a read model is built beside the one that the views show. Once it has caught up, this points the
/// views at it.
pub(crate) async fn show(store: &Store, projection: &Projection) -> Result<(), Error> {
    let schema = projection.schema();
    let mut connection = store.pool().acquire().await?;
    if elsewhere(&mut connection, projection, &schema).await? == 0 {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    point_views(&mut transaction, projection, &schema).await?;
    transaction.commit().await?;
    Ok(())
}

/// Points the views of schema `read` at a schema, in the caller's transaction.
pub(crate) async fn point_views(
    connection: &mut PgConnection,
    projection: &Projection,
    schema: &str,
) -> Result<(), Error> {
    lock_views(connection, projection).await?;
    let create = projection.views_sql.replace("{schema}", schema);
    // Where only columns at the end are new, the views stay the same views, and what was built upon them stays too.
    let replace = create.replace("CREATE VIEW", "CREATE OR REPLACE VIEW");
    let mut attempt = connection.begin().await?;
    match attempt.execute(sqlx::raw_sql(&replace)).await {
        Ok(_) => attempt.commit().await?,
        Err(sqlx::Error::Database(_)) => {
            attempt.rollback().await?;
            let drop: String = views(projection).map(|view| format!("DROP VIEW IF EXISTS read.{view};")).collect();
            connection.execute(sqlx::raw_sql(&format!("{drop}{create}"))).await?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Locks the views that are there, and through them the tables under them, until the end of the transaction. Readers
/// take them in an order of their own, so waiting for one while holding another could be a deadlock: whenever one is
/// not free at once, all are given back and asked for again.
async fn lock_views(connection: &mut PgConnection, projection: &Projection) -> Result<(), Error> {
    let there: Vec<String> = sqlx::query_scalar(
        "SELECT 'read.' || viewname::text FROM pg_views WHERE schemaname = 'read' AND viewname::text = ANY($1) ORDER BY 1",
    )
    .bind(views(projection).collect::<Vec<_>>())
    .fetch_all(&mut *connection)
    .await?;
    if there.is_empty() {
        return Ok(());
    }
    let lock = format!(
        "SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout = '60s';",
        there.join(", ")
    );
    let mut attempts = 1;
    loop {
        let mut attempt = connection.begin().await?;
        match attempt.execute(sqlx::raw_sql(&lock)).await {
            Ok(_) => {
                attempt.commit().await?;
                return Ok(());
            }
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) && attempts < LOCK_ATTEMPTS =>
            {
                attempt.rollback().await?;
                attempts += 1;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Postgres' code for a lock that was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// How many of the projection's views are there.
async fn views_there(connection: &mut PgConnection, projection: &Projection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM pg_views WHERE schemaname = 'read' AND viewname::text = ANY($1)")
        .bind(views(projection).collect::<Vec<_>>())
        .fetch_one(connection)
        .await?)
}

/// How many of the projection's views show no table of this schema. Asked of the catalogue's rows alone: a view's
/// definition cannot be written out while a swap drops the tables that it names.
async fn elsewhere(connection: &mut PgConnection, projection: &Projection, schema: &str) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM pg_class v JOIN pg_namespace n ON n.oid = v.relnamespace AND n.nspname = 'read' \
         WHERE v.relname::text = ANY($1) AND NOT EXISTS ( \
           SELECT FROM pg_rewrite r \
           JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass \
           JOIN pg_class t ON t.oid = d.refobjid \
           JOIN pg_namespace s ON s.oid = t.relnamespace \
           WHERE r.ev_class = v.oid AND s.nspname::text = $2)",
    )
    .bind(views(projection).collect::<Vec<_>>())
    .bind(schema)
    .fetch_one(connection)
    .await?)
}

/// The views that a projection makes.
pub(crate) fn views(projection: &Projection) -> impl Iterator<Item = &'static str> {
    projection.views_sql.split("CREATE VIEW read.").skip(1).filter_map(|rest| rest.split_whitespace().next())
}
