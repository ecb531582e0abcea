//! Row operations, and how those of a batch are merged before they are written.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// What an event does to one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowOp {
    /// The table, without its schema.
    pub table: &'static str,
    /// The key's columns, in the order of the table's key.
    pub key: Vec<Value>,
    /// What happens.
    pub change: Change,
}

/// What happens to a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is there with these columns from now on; other columns of a row that was there stay as they were.
    Upsert(Map<String, Value>),
    /// These columns change; nothing happens where the row is not there.
    Update(Map<String, Value>),
}

/// The columns of a JSON object literal.
#[must_use]
pub fn columns(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => unreachable!("columns are written as an object, not as {other}"),
    }
}

/// What a batch does to one row: the update first, then the upsert. That order is the events': what comes after an
/// upsert is merged into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowChange {
    /// The key's columns.
    pub key: Vec<Value>,
    /// The columns that change where the row is there.
    pub update: Option<Map<String, Value>>,
    /// The columns with which the row is there afterwards.
    pub upsert: Option<Map<String, Value>>,
}

/// The operations of a batch, merged: at most one update and one upsert for each row, so that the result does not
/// depend on where a batch begins or ends.
#[derive(Debug, Default)]
pub struct Merged {
    tables: Vec<MergedTable>,
    rows: usize,
}

#[derive(Debug)]
struct MergedTable {
    name: &'static str,
    /// In the order of the first operation on each.
    rows: Vec<RowChange>,
    /// By the key's JSON text; only looked up, never gone through.
    places: HashMap<String, usize>,
}

impl Merged {
    /// Adds an operation after those added before.
    pub fn add(&mut self, op: RowOp) {
        let table = match self.tables.iter().position(|table| table.name == op.table) {
            Some(place) => &mut self.tables[place],
            None => {
                self.tables.push(MergedTable { name: op.table, rows: Vec::new(), places: HashMap::new() });
                let last = self.tables.len() - 1;
                &mut self.tables[last]
            }
        };
        let place = *table.places.entry(key_text(&op.key)).or_insert_with(|| {
            table.rows.push(RowChange { key: op.key, ..RowChange::default() });
            self.rows += 1;
            table.rows.len() - 1
        });
        let row = &mut table.rows[place];
        match op.change {
            Change::Update(columns) => match &mut row.upsert {
                Some(upsert) => upsert.extend(columns),
                None => row.update.get_or_insert_default().extend(columns),
            },
            Change::Upsert(columns) => row.upsert.get_or_insert_default().extend(columns),
        }
    }

    /// Table by table, in the order of the first operation on each, the changes of its rows.
    pub fn into_tables(self) -> impl Iterator<Item = (&'static str, Vec<RowChange>)> {
        self.tables.into_iter().map(|table| (table.name, table.rows))
    }

    /// How many rows are changed.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

fn key_text(key: &[Value]) -> String {
    use std::fmt::Write as _;
    key.iter().fold(String::with_capacity(64), |mut text, value| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{value},");
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn op(key: u64, change: Change) -> RowOp {
        RowOp { table: "trials", key: vec![json!(key)], change }
    }

    fn update(value: Value) -> Change {
        Change::Update(columns(value))
    }

    fn upsert(value: Value) -> Change {
        Change::Upsert(columns(value))
    }

    fn merge(changes: Vec<Change>) -> RowChange {
        let mut merged = Merged::default();
        changes.into_iter().for_each(|change| merged.add(op(1, change)));
        assert_eq!(merged.rows(), 1);
        merged.into_tables().next().unwrap().1.remove(0)
    }

    #[test]
    fn what_follows_an_upsert_is_merged_into_it() {
        let row = merge(vec![
            upsert(json!({ "status": "QUEUED", "model": "theta" })),
            update(json!({ "status": "RUNNING" })),
            upsert(json!({ "attempt": 2 })),
        ]);
        assert_eq!(row.update, None);
        assert_eq!(row.upsert, Some(columns(json!({ "status": "RUNNING", "model": "theta", "attempt": 2 }))));
    }

    #[test]
    fn an_update_before_an_upsert_stays_an_update() {
        let row = merge(vec![update(json!({ "status": "FAILED" })), upsert(json!({ "model": "theta" }))]);
        assert_eq!(row.update, Some(columns(json!({ "status": "FAILED" }))), "the row may not be there");
        assert_eq!(row.upsert, Some(columns(json!({ "model": "theta" }))));
    }

    #[test]
    fn rows_with_different_keys_are_kept_apart() {
        let mut merged = Merged::default();
        merged.add(op(1, update(json!({ "status": "RUNNING" }))));
        merged.add(op(11, update(json!({ "status": "COMPLETED" }))));
        let keys: Vec<_> = merged.into_tables().next().unwrap().1.into_iter().map(|row| row.key).collect();
        assert_eq!(keys, [vec![json!(1)], vec![json!(11)]]);
    }
}
