//! The rows that a fold of events makes, kept in memory as digests: what a table would hold, without writing it.

use std::collections::HashMap;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::cell::{Cell, Columns};
use crate::digest::{self, RowDigest};
use crate::projection::{Projection, Table};
use crate::row::{Change, RowOp};

/// A projection's rows. They can be given up, where an event cannot be projected or a value has no digest; the tables
/// are then to be compared by Postgres.
#[derive(Debug)]
pub(crate) struct FreshRows {
    tables: Vec<FreshTable>,
    given_up: bool,
}

#[derive(Debug)]
struct FreshTable {
    table: &'static Table,
    /// By the first column of the key and then by the whole key: an operation may delete all rows under the first.
    groups: HashMap<Cell, HashMap<RowDigest, FreshRow>>,
}

#[derive(Debug)]
enum FreshRow {
    /// It was written whole, as most are, and its values are not needed any more.
    Whole(RowDigest),
    /// Its values so far, in the order of the table's columns.
    Open(Box<[Cell]>),
}

impl FreshRows {
    pub(crate) fn new(projection: &'static Projection) -> Self {
        let table = |table| FreshTable { table, groups: HashMap::new() };
        Self { tables: projection.tables.iter().map(table).collect(), given_up: false }
    }

    /// Forgets everything: what follows is not folded.
    pub(crate) fn give_up(&mut self) {
        self.tables.clear();
        self.given_up = true;
    }

    pub(crate) const fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Does what writing these operations would do.
    pub(crate) fn write(&mut self, operations: Vec<RowOp>) {
        for RowOp { table, key, change } in operations {
            let Some(fresh) = self.tables.iter_mut().find(|fresh| fresh.table.name == table) else { continue };
            let done = match change {
                Change::Delete => fresh.delete(&key),
                Change::Update(columns) => fresh.update(&key, &columns),
                Change::Upsert(columns) => fresh.upsert(&key, &columns),
            };
            if done.is_none() {
                return self.give_up();
            }
        }
    }

    /// The digests of each table's rows, sorted; none where a value has none.
    pub(crate) fn into_digests(self) -> Option<Vec<Vec<RowDigest>>> {
        if self.given_up {
            return None;
        }
        self.tables.into_iter().map(FreshTable::into_digests).collect()
    }
}

impl FreshTable {
    /// None where it cannot be done: rows are found under the first column of their key, or by all of it.
    fn delete(&mut self, key: &[Cell]) -> Option<()> {
        match key {
            [first] => drop(self.groups.remove(first)),
            [first, ..] if key.len() == self.table.key.len() => {
                let digest = self.key_digest(key)?;
                if let Some(group) = self.groups.get_mut(first) {
                    group.remove(&digest);
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn update(&mut self, key: &[Cell], columns: &Columns) -> Option<()> {
        let (table, place) = (self.table, self.key_digest(key)?);
        if let Some(row) = self.groups.get_mut(key.first()?).and_then(|group| group.get_mut(&place)) {
            set(row.open()?, table, columns);
        }
        Some(())
    }

    fn upsert(&mut self, key: &[Cell], columns: &Columns) -> Option<()> {
        let (table, place) = (self.table, self.key_digest(key)?);
        let of_key = |name: &str| table.key.iter().position(|column| *column == name).and_then(|at| key[at].as_ref());
        let group = match self.groups.get_mut(key.first()?) {
            Some(group) => group,
            None => self.groups.entry(key.first()?.clone()).or_default(),
        };
        if columns.len() + key.len() == table.columns.len() {
            let value = |name: &str| columns.get(name).map_or_else(|| of_key(name), Option::as_ref);
            let values = table.columns.iter().map(|column| value(column.name).map(String::as_str));
            group.insert(place, FreshRow::Whole(digest::of_row(table, values)?));
            return Some(());
        }
        let row = group.entry(place).or_insert_with(|| {
            FreshRow::Open(table.columns.iter().map(|column| of_key(column.name).cloned()).collect())
        });
        set(row.open()?, table, columns);
        Some(())
    }

    fn key_digest(&self, key: &[Cell]) -> Option<RowDigest> {
        let columns = self.table.key.iter().filter_map(|name| self.table.columns.iter().find(|c| c.name == *name));
        digest::of_values(columns.zip(key.iter().map(Option::as_deref)))
    }

    fn into_digests(self) -> Option<Vec<RowDigest>> {
        let table = self.table;
        let (mut digests, mut open) = (Vec::new(), Vec::new());
        for row in self.groups.into_values().flat_map(HashMap::into_values) {
            match row {
                FreshRow::Whole(digest) => digests.push(digest),
                FreshRow::Open(values) => open.push(values),
            }
        }
        // Nothing else is left to do at this point, so that all cores are free for it.
        let of_row = |values: Box<[Cell]>| digest::of_row(table, values.iter().map(Option::as_deref));
        digests.extend(open.into_par_iter().map(of_row).collect::<Option<Vec<RowDigest>>>()?);
        digests.par_sort_unstable();
        Some(digests)
    }
}

impl FreshRow {
    /// Its values, where they are still known.
    fn open(&mut self) -> Option<&mut [Cell]> {
        match self {
            Self::Whole(_) => None,
            Self::Open(values) => Some(values),
        }
    }
}

fn set(values: &mut [Cell], table: &Table, columns: &Columns) {
    for (column, value) in table.columns.iter().zip(values) {
        if let Some(changed) = columns.get(column.name) {
            value.clone_from(changed);
        }
    }
}
