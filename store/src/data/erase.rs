//! The end of raw and clean tables.

use atsre_domain::StreamId;
use sqlx::Executor as _;

use super::{Data, names};
use crate::Result;

impl Data {
    /// The tables of these versions of a data set that are there, with their schemas.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tables(&self, dataset: &StreamId, versions: &[u32]) -> Result<Vec<String>> {
        let tables = self.registered_tables(dataset, versions).await?;
        Ok(tables.into_iter().map(|(schema, name)| format!("{schema}.{name}")).collect())
    }

    /// Drops the raw and clean tables of these versions of a data set, and forgets them; answers which there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_tables(&self, dataset: &StreamId, versions: &[u32]) -> Result<Vec<String>> {
        let tables = self.registered_tables(dataset, versions).await?;
        let mut dropped = Vec::new();
        for (schema, name) in tables {
            let mut transaction = self.pool.begin().await?;
            let qualified = format!("{}.{}", names::quote(&schema), names::quote(&name));
            transaction.execute(format!("DROP TABLE IF EXISTS {qualified}").as_str()).await?;
            sqlx::query("DELETE FROM atsre.data_tables WHERE table_schema = $1 AND table_name = $2")
                .bind(&schema)
                .bind(&name)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            dropped.push(format!("{schema}.{name}"));
        }
        Ok(dropped)
    }

    async fn registered_tables(&self, dataset: &StreamId, versions: &[u32]) -> Result<Vec<(String, String)>> {
        let versions: Vec<i64> = versions.iter().map(|version| i64::from(*version)).collect();
        // A clean table that an experiment asked for is kept under the data set's name with the wish after it.
        Ok(sqlx::query_as(
            "SELECT table_schema, table_name FROM atsre.data_tables \
             WHERE (stream = $1 OR starts_with(stream, $1 || ' ')) AND version = ANY($2) \
             ORDER BY table_schema, version",
        )
        .bind(&dataset.0)
        .bind(versions)
        .fetch_all(&self.pool)
        .await?)
    }
}
