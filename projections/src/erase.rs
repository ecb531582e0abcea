//! What an erasure takes out of read models that nobody shows any more.
//!
//! A new version of a read model is built beside the old one, which stays until somebody drops it, and no event reaches it
//! any more. What it holds of erased data has to go all the same.

use atsre_domain::StreamId;
use atsre_store::Store;

use crate::error::Error;
use crate::{PROJECTIONS, datasets, experiments};

/// Takes the forecasts of these experiments and the profiles of these versions of a data set out of every older or half-built
/// version of the read models. The newest ones follow the log.
///
/// # Errors
/// When the store does not answer.
pub async fn purge(store: &Store, dataset: &StreamId, versions: &[u32], experiments: &[StreamId]) -> Result<(), Error> {
    let current: Vec<String> = PROJECTIONS.iter().map(|projection| projection.schema()).collect();
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname <> ALL($1) AND ( \
           (n.nspname ~ ('^' || $2 || '_v[0-9]+(_building)?$') AND c.relname = 'forecasts') OR \
           (n.nspname ~ ('^' || $3 || '_v[0-9]+(_building)?$') AND c.relname = 'datasets')) ORDER BY 1, 2",
    )
    .bind(current)
    .bind(experiments::EXPERIMENTS.name)
    .bind(datasets::DATASETS.name)
    .fetch_all(store.pool())
    .await?;
    let experiments: Vec<&str> = experiments.iter().map(|stream| stream.0.as_str()).collect();
    let versions: Vec<i32> = versions.iter().filter_map(|version| i32::try_from(*version).ok()).collect();
    for (schema, table) in tables {
        // The names are of the form that the question asked for: plain letters, digits and underscores.
        if table == "forecasts" {
            let statement = format!("DELETE FROM {schema}.{table} WHERE stream = ANY($1)");
            sqlx::query(&statement).bind(&experiments).execute(store.pool()).await?;
        } else {
            let statement =
                format!("UPDATE {schema}.{table} SET statistics = NULL WHERE stream = $1 AND version = ANY($2)");
            sqlx::query(&statement).bind(&dataset.0).bind(&versions).execute(store.pool()).await?;
        }
    }
    Ok(())
}
