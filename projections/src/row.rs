//! Row operations, and how those of a batch are merged before they are written.

use std::collections::HashMap;

use crate::cell::{Cell, Columns};

/// What an event does to one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowOp {
    /// The table, without its schema.
    pub table: &'static str,
    /// The key's columns, in the order of the table's key.
    pub key: Vec<Cell>,
    /// What happens.
    pub change: Change,
}

/// What happens to a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is there with these columns from now on; other columns of a row that was there stay as they were.
    Upsert(Columns),
    /// These columns change; nothing happens where the row is not there.
    Update(Columns),
}

/// What a batch does to one row: the update first, then the upsert. That order is the events': what comes after an
/// upsert is merged into it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowChange {
    /// The key's columns.
    pub key: Vec<Cell>,
    /// The columns that change where the row is there.
    pub update: Option<Columns>,
    /// The columns with which the row is there afterwards.
    pub upsert: Option<Columns>,
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
    /// By the key's text; only looked up, never gone through.
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

/// The parts with their lengths, so that no two keys have the same text.
fn key_text(key: &[Cell]) -> String {
    use std::fmt::Write as _;
    key.iter().flatten().fold(String::with_capacity(64), |mut text, part| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}:{part}", part.len());
        text
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn op(key: u64, change: Change) -> RowOp {
        RowOp { table: "trials", key: vec![Some(key.to_string())], change }
    }

    fn columns<const N: usize>(values: [(&'static str, &str); N]) -> Columns {
        values.into_iter().map(|(name, value)| (name, Some(value.to_owned()))).collect()
    }

    fn update<const N: usize>(values: [(&'static str, &str); N]) -> Change {
        Change::Update(columns(values))
    }

    fn upsert<const N: usize>(values: [(&'static str, &str); N]) -> Change {
        Change::Upsert(columns(values))
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
            upsert([("status", "QUEUED"), ("model", "theta")]),
            update([("status", "RUNNING")]),
            upsert([("attempt", "2")]),
        ]);
        assert_eq!(row.update, None);
        assert_eq!(row.upsert, Some(columns([("status", "RUNNING"), ("model", "theta"), ("attempt", "2")])));
    }

    #[test]
    fn an_update_before_an_upsert_stays_an_update() {
        let row = merge(vec![update([("status", "FAILED")]), upsert([("model", "theta")])]);
        assert_eq!(row.update, Some(columns([("status", "FAILED")])), "the row may not be there");
        assert_eq!(row.upsert, Some(columns([("model", "theta")])));
    }

    #[test]
    fn rows_with_different_keys_are_kept_apart() {
        let mut merged = Merged::default();
        merged.add(op(1, update([("status", "RUNNING")])));
        merged.add(op(11, update([("status", "COMPLETED")])));
        let keys: Vec<_> = merged.into_tables().next().unwrap().1.into_iter().map(|row| row.key).collect();
        assert_eq!(keys, [[Some("1".to_owned())], [Some("11".to_owned())]]);
    }
}
