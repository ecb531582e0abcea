//! Raw and clean data as tables, in and out by binary `COPY`.
//!
//! A version of a data set is one table that is never overwritten: schema `raw` holds what was uploaded, schema
//! `clean` the panels that engines compute on. Uploaded names never become SQL as they are: tables are named after
//! the data set's stream, columns by a plain form of their header, and the register `data_tables` keeps the rest.

mod clean;
mod copy;
mod erase;
mod names;
mod raw;

use atsre_domain::StreamId;
use serde_json::Value;
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, Executor as _, Row as _};

use crate::error::is_unique_violation;
use crate::{Error, Result};
use copy::{Encoder, Source};
pub use raw::TimeAxis;

/// What a row of a table may weigh: a page less its header. Postgres moves text out of line, numbers never.
const ROW_LIMIT_BYTES: usize = 8_100;
/// How often a table's making is tried when someone else makes it at the same time.
const ATTEMPTS: u32 = 3;

/// The raw and clean data tables.
#[derive(Clone, Debug)]
pub struct Data {
    pool: PgPool,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Moment,
    Number,
    Text,
}

impl Kind {
    const fn sql(self) -> &'static str {
        match self {
            Self::Integer => "bigint",
            Self::Moment => "timestamptz",
            Self::Number => "double precision",
            Self::Text => "text",
        }
    }

    /// What a value takes in its row: 18 bytes for text, which is then a pointer to elsewhere.
    const fn width(self) -> usize {
        if matches!(self, Self::Text) { 18 } else { 8 }
    }
}

/// A table to make: which version of what, and what goes in.
struct Upload<'a> {
    schema: &'static str,
    dataset: &'a StreamId,
    version: u32,
    columns: Vec<(String, Kind)>,
    description: Value,
    source: &'a dyn Source,
}

/// A table as the register knows it.
struct Registered {
    schema: String,
    name: String,
    rows: usize,
    description: Value,
}

impl Data {
    pub(crate) const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The qualified name of the raw table of a version of a data set, if it has been written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn raw_table(&self, dataset: &StreamId, version: u32) -> Result<Option<String>> {
        Ok(self.find("raw", dataset, version).await?.map(|(name, _)| format!("raw.{name}")))
    }

    /// The qualified name of the clean table of a version of a data set, if it has been written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clean_table(&self, dataset: &StreamId, version: u32) -> Result<Option<String>> {
        Ok(self.find("clean", dataset, version).await?.map(|(name, _)| format!("clean.{name}")))
    }

    async fn find(&self, schema: &str, dataset: &StreamId, version: u32) -> Result<Option<(String, Vec<u8>)>> {
        Ok(sqlx::query_as(
            "SELECT table_name, digest FROM atsre.data_tables WHERE table_schema = $1 AND stream = $2 AND version = $3",
        )
        .bind(schema)
        .bind(&dataset.0)
        .bind(i64::from(version))
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Makes and fills a table in one transaction; the same data again change nothing.
    async fn upload(&self, upload: &Upload<'_>) -> Result<String> {
        check_width(upload)?;
        for _ in 0..ATTEMPTS {
            if let Some((name, digest)) = self.find(upload.schema, upload.dataset, upload.version).await? {
                return if Encoder::digest(upload.source, &upload.description)? == digest.as_slice() {
                    Ok(format!("{}.{name}", upload.schema))
                } else {
                    Err(Error::Occupied(format!("{}.{name}", upload.schema)))
                };
            }
            match self.fill(upload).await {
                Err(Error::Refused(error)) if is_taken(&error) => {}
                other => return other,
            }
        }
        Err(Error::Occupied(format!("version {} of data set {}", upload.version, upload.dataset)))
    }

    async fn fill(&self, upload: &Upload<'_>) -> Result<String> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        let taken: Vec<String> = sqlx::query_scalar("SELECT table_name FROM atsre.data_tables WHERE table_schema = $1")
            .bind(upload.schema)
            .fetch_all(&mut *transaction)
            .await?;
        let name = names::table(upload.schema, upload.dataset, upload.version, &taken);
        let qualified = format!("{}.{}", upload.schema, names::quote(&name));
        let columns: Vec<String> =
            upload.columns.iter().map(|(column, kind)| format!("{} {}", names::quote(column), kind.sql())).collect();
        transaction.execute(format!("CREATE TABLE {qualified} ({})", columns.join(", ")).as_str()).await?;
        // The table is of this transaction, so its rows may be born frozen: nobody will have to visit them again.
        let mut copy =
            transaction.copy_in_raw(&format!("COPY {qualified} FROM STDIN WITH (FORMAT binary, FREEZE)")).await?;
        let mut encoder = Encoder::new(upload.source, &upload.description);
        let digest = loop {
            match encoder.next_chunk() {
                Ok(Some(chunk)) => {
                    copy.send(chunk).await?;
                }
                Ok(None) => break encoder.finish(),
                Err(error) => {
                    copy.abort("a value cannot be stored").await?;
                    return Err(error);
                }
            }
        };
        let copied = copy.finish().await?;
        if copied != upload.source.rows() as u64 {
            let detail = format!("{copied} of {} rows were taken", upload.source.rows());
            return Err(Error::Corrupt { what: qualified, detail });
        }
        sqlx::query(
            "INSERT INTO atsre.data_tables (table_schema, table_name, stream, version, row_count, digest, description) \
             VALUES ($1, $2, $3, $4, $5, $6, $7::text::json)",
        )
        .bind(upload.schema)
        .bind(&name)
        .bind(&upload.dataset.0)
        .bind(i64::from(upload.version))
        .bind(i64::try_from(copied).unwrap_or(i64::MAX))
        .bind(digest.as_slice())
        .bind(upload.description.to_string())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(format!("{}.{name}", upload.schema))
    }

    /// What the register knows of a table, by its name with or without the schema.
    async fn registered(&self, schema: &'static str, table: &str) -> Result<Registered> {
        let name = table.strip_prefix(schema).and_then(|rest| rest.strip_prefix('.')).unwrap_or(table);
        let row = sqlx::query(
            "SELECT table_name, row_count, description::text AS description FROM atsre.data_tables \
             WHERE table_schema = $1 AND table_name = $2",
        )
        .bind(schema)
        .bind(name)
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| Error::NotFound(format!("table {schema}.{name}")))?;
        let description: String = row.try_get("description")?;
        Ok(Registered {
            schema: schema.to_owned(),
            name: row.try_get("table_name")?,
            rows: usize::try_from(row.try_get::<i64, _>("row_count")?).unwrap_or(0),
            description: serde_json::from_str(&description).map_err(|error| Error::Corrupt {
                what: format!("table {schema}.{name}"),
                detail: error.to_string(),
            })?,
        })
    }
}

impl Registered {
    fn corrupt(&self, detail: impl Into<String>) -> Error {
        Error::Corrupt { what: format!("table {}.{}", self.schema, self.name), detail: detail.into() }
    }

    /// Its own description, in the type that wrote it.
    fn describe<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.description.clone()).map_err(|error| self.corrupt(error.to_string()))
    }
}

fn check_width(upload: &Upload<'_>) -> Result<()> {
    let width: usize =
        24 + upload.columns.len().div_ceil(8) + upload.columns.iter().map(|(_, kind)| kind.width()).sum::<usize>();
    if width > ROW_LIMIT_BYTES {
        return Err(Error::Unstorable(format!(
            "a table of {} columns is wider than a row of the database ({width} bytes of {ROW_LIMIT_BYTES}): \
             leave columns out, or turn the table from wide to long",
            upload.columns.len()
        )));
    }
    Ok(())
}

/// Whether someone else has just made the table.
fn is_taken(error: &sqlx::Error) -> bool {
    is_unique_violation(error)
        || matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("42P07"))
}
