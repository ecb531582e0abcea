//! What makes a projection.

use std::collections::BTreeMap;

use atsre_domain::event::AnyEvent;
use atsre_domain::{ArtifactRef, Digest, Recorded};

use crate::row::RowOp;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in Postgres, such as `bigint[]`.
    pub sql_type: &'static str,
    /// Whether each row has a value in it.
    pub required: bool,
}

/// A column in which each row has a value.
#[must_use]
pub const fn required(name: &'static str, sql_type: &'static str) -> Column {
    Column { name, sql_type, required: true }
}

/// A column that may be empty.
#[must_use]
pub const fn optional(name: &'static str, sql_type: &'static str) -> Column {
    Column { name, sql_type, required: false }
}

/// A table of a projection.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name inside the projection's schema.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// The columns of its primary key.
    pub key: &'static [&'static str],
    /// The column by which it is partitioned, a day a partition.
    pub partitioned_by: Option<&'static str>,
}

impl Table {
    /// The statement that makes it; partitioned where it says so and `partitions` are wanted.
    #[must_use]
    pub fn create(&self, schema: &str, partitions: bool) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("{} {}{}", c.name, c.sql_type, if c.required { " NOT NULL" } else { "" }))
            .collect();
        let partition = match self.partitioned_by {
            Some(column) if partitions => format!(" PARTITION BY RANGE ({column})"),
            _ => String::new(),
        };
        let (name, columns, key) = (self.name, columns.join(", "), self.key.join(", "));
        format!("CREATE TABLE {schema}.{name} ({columns}, PRIMARY KEY ({key})){partition};")
    }

    /// The type of a column.
    ///
    /// # Panics
    /// When there is no such column: the projection that names it declares it.
    #[must_use]
    pub fn sql_type(&self, name: &str) -> &'static str {
        let column = self.columns.iter().find(|column| column.name == name);
        column.map_or_else(|| unreachable!("{name} is a column of {}", self.name), |column| column.sql_type)
    }
}

/// The artifacts that an event needs, by digest.
pub type Artifacts<'a> = BTreeMap<Digest, &'a [u8]>;

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
    /// The tables in which a fork has rows for what it shares with its parent. In the others those rows are the
    /// parent's, and found by their id.
    pub inherited: &'static [&'static str],
    /// Makes the indexes besides the primary keys; `{schema}` stands for the schema.
    pub indexes_sql: &'static str,
    /// Makes the views in schema `read`; `{schema}` stands for the schema.
    pub views_sql: &'static str,
    /// The artifacts that an event's rows are made of.
    pub needs: fn(&AnyEvent) -> Vec<ArtifactRef>,
    /// The rows that an event writes, or why an artifact of its cannot be read.
    pub apply: fn(&Recorded<AnyEvent>, &Artifacts<'_>) -> Result<Vec<RowOp>, String>,
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
