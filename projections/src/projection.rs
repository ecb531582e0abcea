//! What makes a projection.

use std::collections::BTreeMap;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Digest, Recorded};
use serde_json::Value;

use crate::row::RowOp;

/// A table of a projection.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name inside the projection's schema.
    pub name: &'static str,
    /// The columns of its primary key.
    pub key: &'static [&'static str],
    /// The column by which it is partitioned, a day a partition.
    pub partitioned_by: Option<&'static str>,
}

/// The JSON artifacts that a batch of events needs, by digest.
pub type Artifacts = BTreeMap<Digest, Value>;

/// A projection: pure functions and the shape of its tables.
pub struct Projection {
    /// The name that people give to `atsre rebuild`.
    pub name: &'static str,
    /// The name in the supervision tree and of the checkpoint.
    pub child: &'static str,
    /// The type of the streams that it is made of. Events of others pass it by, and one of them that cannot be read
    /// does not stop it.
    pub stream_type: &'static str,
    /// The version: any change of tables or of `apply` is a new one, in a new schema.
    pub version: u32,
    /// The tables.
    pub tables: &'static [Table],
    /// Makes the tables; `{schema}` stands for the schema.
    pub tables_sql: &'static str,
    /// Makes the views in schema `read`; `{schema}` stands for the schema.
    pub views_sql: &'static str,
    /// The artifacts that an event's rows are made of.
    pub needs: fn(&AnyEvent) -> Vec<Digest>,
    /// The rows that an event writes.
    pub apply: fn(&Recorded<AnyEvent>, &Artifacts) -> Vec<RowOp>,
}

impl std::fmt::Debug for Projection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Projection").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}

impl Projection {
    /// The schema that holds its tables.
    #[must_use]
    pub fn schema(&self) -> String {
        format!("{}_v{}", self.name, self.version)
    }

    /// A table by name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// A moment as `timestamptz` reads it.
#[must_use]
pub fn moment(at: atsre_domain::Timestamp) -> Value {
    atsre_store::rfc3339(at).into()
}
