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
    /// It is not there any more. The key may be the first columns of the table's key: then none of the rows under it is.
    Delete,
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
/// depend on where a batch begins or ends. Deletions come first: they take what was there before the batch with them, and
/// what came earlier in the batch is not in it any more.
#[derive(Debug, Default)]
pub struct Merged {
    tables: Vec<MergedTable>,
    rows: usize,
}

#[derive(Debug)]
struct MergedTable {
    name: &'static str,
    /// The keys, or their first columns, of rows that go.
    deletions: Vec<Vec<Cell>>,
    /// In the order of the first operation on each.
    rows: Vec<RowChange>,
    /// By the key's text; only looked up, never gone through.
    places: HashMap<String, usize>,
}

/// Where the operations of a batch are gathered.
pub(crate) trait Gather: Default {
    /// Adds an operation after those added before.
    fn add(&mut self, op: RowOp);
    /// How many rows they are of, or more.
    fn rows(&self) -> usize;
}

impl Gather for Merged {
    fn add(&mut self, op: RowOp) {
        self.add(op);
    }

    fn rows(&self) -> usize {
        self.rows()
    }
}

/// As they come, for whoever does one after another.
impl Gather for Vec<RowOp> {
    fn add(&mut self, op: RowOp) {
        self.push(op);
    }

    fn rows(&self) -> usize {
        self.len()
    }
}

impl Merged {
    /// Adds an operation after those added before.
    pub fn add(&mut self, op: RowOp) {
        let table = match self.tables.iter().position(|table| table.name == op.table) {
            Some(place) => &mut self.tables[place],
            None => {
                self.tables.push(MergedTable {
                    name: op.table,
                    deletions: Vec::new(),
                    rows: Vec::new(),
                    places: HashMap::new(),
                });
                let last = self.tables.len() - 1;
                &mut self.tables[last]
            }
        };
        if op.change == Change::Delete {
            self.rows += 1;
            self.rows -= table.delete(op.key);
            return;
        }
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
            Change::Delete => {}
        }
    }

    /// Table by table, in the order of the first operation on each, its deletions and the changes of its rows.
    pub fn into_tables(self) -> impl Iterator<Item = (&'static str, Vec<Vec<Cell>>, Vec<RowChange>)> {
        self.tables.into_iter().map(|table| (table.name, table.deletions, table.rows))
    }

    /// How many rows are changed, a deletion counted as one.
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

impl MergedTable {
    /// Forgets what the batch did to the rows under this key, and notes that those that were there go. Answers how many rows
    /// were forgotten.
    fn delete(&mut self, key: Vec<Cell>) -> usize {
        let before = self.rows.len();
        self.rows.retain(|row| !row.key.starts_with(&key));
        if self.rows.len() < before {
            self.places = (0..).zip(&self.rows).map(|(place, row)| (key_text(&row.key), place)).collect();
        }
        self.deletions.push(key);
        before - self.rows.len()
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
        merged.into_tables().next().unwrap().2.remove(0)
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
    fn a_deletion_takes_what_came_before_it_and_not_what_comes_after() {
        let mut merged = Merged::default();
        let at = |first: &str, second: u64, change| {
            let key = vec![Some(first.to_owned()), Some(second.to_string())];
            RowOp { table: "forecasts", key, change }
        };
        merged.add(at("a", 1, upsert([("value", "1")])));
        merged.add(at("b", 1, upsert([("value", "2")])));
        merged.add(at("a", 2, update([("value", "3")])));
        merged.add(RowOp { table: "forecasts", key: vec![Some("a".to_owned())], change: Change::Delete });
        assert_eq!(merged.rows(), 2, "one row and one deletion");
        merged.add(at("a", 2, upsert([("value", "4")])));
        merged.add(at("b", 1, update([("value", "5")])));
        assert!(merged.rows() == 3 && !merged.is_empty());
        let (_, deletions, rows) = merged.into_tables().next().unwrap();
        assert_eq!(deletions, [[Some("a".to_owned())]]);
        let upserts: Vec<_> = rows.into_iter().map(|row| row.upsert.unwrap()).collect();
        assert_eq!(upserts, [columns([("value", "5")]), columns([("value", "4")])]);
    }

    #[test]
    fn rows_with_different_keys_are_kept_apart() {
        let mut merged = Merged::default();
        merged.add(op(1, update([("status", "RUNNING")])));
        merged.add(op(11, update([("status", "COMPLETED")])));
        let keys: Vec<_> = merged.into_tables().next().unwrap().2.into_iter().map(|row| row.key).collect();
        assert_eq!(keys, [[Some("1".to_owned())], [Some("11".to_owned())]]);
    }
}
