//! A read model as of a moment: the same projection, run up to an event, into tables that nobody else ever sees.

use atsre_store::{Store, StoredEvent};
use serde_json::Value;
use sqlx::Executor as _;

use crate::error::Error;
use crate::fold::fold;
use crate::projection::Projection;
use crate::{PROJECTIONS, schema, writer};

/// The schemas of the tables and of the views. They are made inside a transaction that is rolled back, so that two
/// questions at a time do not meet.
const TABLES: &str = "as_of_tables";
const VIEWS: &str = "as_of_views";

/// The rows of a view of schema `read`, as JSON objects, as these events alone would make them. Give the events of
/// the streams in question up to the moment in question, in the order of the log.
///
/// # Errors
/// [`Error::Unknown`] when there is no such view; when an event cannot be projected, or the store does not answer.
pub async fn rows_as_of(store: &Store, view: &str, events: &[StoredEvent]) -> Result<Vec<Value>, Error> {
    let projection = projection_of(view)?;
    let events: Vec<StoredEvent> =
        events.iter().filter(|event| event.stream_type == projection.stream_type).cloned().collect();
    let mut transaction = store.pool().begin().await?;
    schema::make(&mut transaction, projection, TABLES).await?;
    let views = projection.views_sql.replace("read.", &format!("{VIEWS}.")).replace("{schema}", TABLES);
    transaction.execute(sqlx::raw_sql(&format!("CREATE SCHEMA {VIEWS}; {views}"))).await?;
    let mut rest = events.as_slice();
    while !rest.is_empty() {
        let folded = fold(store, projection, rest).await?;
        rest = &rest[folded.events..];
        if let (Some(message), Some(event)) = (folded.poison, rest.first()) {
            let name = projection.name.to_owned();
            return Err(Error::Stopped { name, position: event.position, message });
        }
        writer::write(&mut transaction, projection, TABLES, folded.merged).await?;
    }
    let rows = sqlx::query_scalar(&format!("SELECT to_jsonb(r) FROM {VIEWS}.{view} r ORDER BY r"))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    Ok(rows)
}

fn projection_of(view: &str) -> Result<&'static Projection, Error> {
    let found = PROJECTIONS.iter().find(|projection| schema::views(projection).any(|name| name == view));
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = PROJECTIONS.iter().flat_map(|projection| schema::views(projection)).collect();
        Error::Unknown { name: view.to_owned(), known: known.join(", ") }
    })
}
