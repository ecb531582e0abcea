//! The rows of one item laid out on its regular axis.

use atsre_domain::Frequency;
use atsre_domain::cleaning::{CellChange, ChangeKind};
use atsre_domain::finite::Finite;
use atsre_domain::identity::Timestamp;
use atsre_domain::table::{Cells, Column};

use super::CleaningError;
use super::axis::Axis;

/// Reordered and shifted rows are listed one by one up to this many a series; the notes always say how many.
pub(crate) const LISTED_ROWS: usize = 1_000;

/// An axis may have this many times more points than there are rows, and [`SPARSE_SLACK`] more.
const SPARSE_FACTOR: u64 = 20;
const SPARSE_SLACK: u64 = 1_000;

/// A column of the table as numbers.
pub(crate) enum Source<'a> {
    Numbers(&'a [f64]),
    /// Categories, with the rank of each level in alphabetical order, so that the numbers do not depend on the
    /// order of the rows.
    Levels {
        codes: &'a [u32],
        ranks: Vec<u32>,
        names: Vec<String>,
    },
}

impl<'a> Source<'a> {
    /// The column as numbers, where it holds numbers or categories.
    pub(crate) fn of(column: &'a Column) -> Option<Self> {
        match &column.cells {
            Cells::Numbers(values) => Some(Self::Numbers(values)),
            Cells::Categories { levels, codes } => {
                let mut order: Vec<u32> = (0..levels.len() as u32).collect();
                order.sort_by(|a, b| levels[*a as usize].cmp(&levels[*b as usize]));
                let mut ranks = vec![0; levels.len()];
                for (rank, level) in order.iter().enumerate() {
                    ranks[*level as usize] = rank as u32;
                }
                let names = order.iter().map(|level| levels[*level as usize].clone()).collect();
                Some(Self::Levels { codes, ranks, names })
            }
            Cells::Times(_) => None,
        }
    }

    /// The value of a row; NaN where it is missing or infinite.
    pub(crate) fn value(&self, row: u32) -> f64 {
        match self {
            Self::Numbers(values) => {
                let value = values[row as usize];
                if value.is_finite() { value } else { f64::NAN }
            }
            Self::Levels { codes, ranks, .. } => {
                ranks.get(codes[row as usize] as usize).map_or(f64::NAN, |rank| f64::from(*rank))
            }
        }
    }

    /// The names of the levels, in the order of their numbers.
    pub(crate) fn names(&self) -> Option<&[String]> {
        match self {
            Self::Numbers(_) => None,
            Self::Levels { names, .. } => Some(names),
        }
    }

    fn describe(&self, value: f64) -> String {
        match self {
            Self::Numbers(_) => value.to_string(),
            Self::Levels { names, .. } => names[value as usize].clone(),
        }
    }

    /// The value of several rows at one moment: the mean of numbers, the most frequent category (the first in
    /// alphabetical order of several); and, where the rows differ, their smallest value and how they were merged.
    /// The values are sorted first, so that the order of the rows does not matter.
    fn merge(&self, rows: &[u32]) -> (f64, Option<(f64, String)>) {
        let mut values: Vec<f64> = rows.iter().map(|r| self.value(*r)).filter(|v| !v.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let (Some(smallest), Some(largest)) = (values.first().copied(), values.last().copied()) else {
            return (f64::NAN, None);
        };
        if smallest == largest {
            return (smallest, None);
        }
        let words: Vec<String> = values.iter().take(5).map(|v| self.describe(*v)).collect();
        let list = if values.len() > 5 { format!("{}, …", words.join(", ")) } else { words.join(", ") };
        match self {
            Self::Numbers(_) => {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                (mean, Some((smallest, format!("mean of {} rows at one time: {list}", values.len()))))
            }
            Self::Levels { .. } => {
                let mut best = (0, smallest);
                for run in values.chunk_by(|a, b| a == b) {
                    if run.len() > best.0 {
                        best = (run.len(), run[0]);
                    }
                }
                (best.1, Some((smallest, format!("most frequent of {} rows at one time: {list}", values.len()))))
            }
        }
    }
}

/// Where the rows of one item stand on its axis.
pub(crate) struct Layout {
    /// The item's name.
    pub(crate) item_id: String,
    /// The moments of the axis.
    pub(crate) times: Vec<i64>,
    /// Table rows in order of time.
    rows: Vec<u32>,
    /// For each moment, where its rows stand in `rows`: from this index up to the next entry's.
    starts: Vec<u32>,
    /// Rows that stood after a later row.
    pub(crate) out_of_order: usize,
    /// Whether the rows stood newest first.
    pub(crate) newest_first: bool,
    /// Rows that stood beside the axis.
    pub(crate) shifted: usize,
    /// Rows moved in order or in time.
    pub(crate) changes: Vec<CellChange>,
}

impl Layout {
    /// Sorts the rows of one item and finds their axis.
    pub(crate) fn of(
        item_id: String,
        mut rows: Vec<u32>,
        times: &[i64],
        frequency: Frequency,
        time_column: &str,
    ) -> Result<Self, CleaningError> {
        let time = |row: &u32| times[*row as usize];
        let newest_first = rows.len() > 1
            && rows.windows(2).all(|w| time(&w[0]) >= time(&w[1]))
            && time(&rows[0]) > time(&rows[rows.len() - 1]);
        let mut changes = Vec::new();
        let mut out_of_order = 0;
        if !newest_first {
            let mut latest = i64::MIN;
            for row in &rows {
                if time(row) < latest {
                    out_of_order += 1;
                    if changes.len() < LISTED_ROWS {
                        changes.push(reordered(&item_id, time_column, *row, time(row)));
                    }
                }
                latest = latest.max(time(row));
            }
        }
        if newest_first || out_of_order > 0 {
            rows.sort_by_key(|row| (time(row), *row));
        }
        let own: Vec<i64> = rows.iter().map(time).collect();
        let axis = Axis::fit(frequency, &own);
        let first = own.first().map_or(0, |t| axis.slot(*t));
        let last = own.last().map_or(0, |t| axis.slot(*t));
        let slots = (last - first) as u64 + 1;
        if slots > SPARSE_FACTOR * rows.len() as u64 + SPARSE_SLACK {
            let frequency = frequency_in_words(frequency);
            return Err(CleaningError::SparseAxis { item: item_id, rows: rows.len(), slots, frequency });
        }
        let axis_times: Vec<i64> = (first..=last).map(|slot| axis.time(slot)).collect();
        let mut starts = Vec::with_capacity(axis_times.len() + 1);
        let mut shifted = 0;
        let mut listed = 0;
        for (index, moment) in own.iter().enumerate() {
            let slot = (axis.slot(*moment) - first) as usize;
            while starts.len() <= slot {
                starts.push(index as u32);
            }
            if axis_times[slot] != *moment {
                shifted += 1;
                if listed < LISTED_ROWS {
                    listed += 1;
                    changes.push(moved(&item_id, time_column, *moment, axis_times[slot]));
                }
            }
        }
        starts.push(own.len() as u32);
        Ok(Self { item_id, times: axis_times, rows, starts, out_of_order, newest_first, shifted, changes })
    }

    fn rows_at(&self, slot: usize) -> &[u32] {
        &self.rows[self.starts[slot] as usize..self.starts[slot + 1] as usize]
    }

    /// Whether the axis has a moment here that the table has no row for.
    pub(crate) fn is_absent(&self, slot: usize) -> bool {
        self.starts[slot] == self.starts[slot + 1]
    }

    /// The moments that several rows share.
    pub(crate) fn shared(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.times.len()).filter(|slot| self.starts[slot + 1] - self.starts[*slot] > 1)
    }

    /// A column's values on the axis, NaN where there is no row, and the changes that merging rows made.
    pub(crate) fn gather(&self, name: &str, source: &Source<'_>, changes: &mut Vec<CellChange>) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.times.len());
        for slot in 0..self.times.len() {
            let value = match self.rows_at(slot) {
                [] => f64::NAN,
                [row] => source.value(*row),
                several => {
                    let (value, merged) = source.merge(several);
                    if let Some((before, method)) = merged {
                        changes.push(CellChange {
                            item_id: self.item_id.clone(),
                            time: Timestamp(self.times[slot]),
                            column: name.to_owned(),
                            kind: ChangeKind::MergedDuplicate,
                            before: Finite::of(before),
                            after: Finite::of(value),
                            method,
                        });
                    }
                    value
                }
            };
            values.push(value);
        }
        values
    }

    /// The number of rows at a moment.
    pub(crate) fn count_at(&self, slot: usize) -> usize {
        self.rows_at(slot).len()
    }
}

fn frequency_in_words(frequency: Frequency) -> String {
    format!("points, one {frequency}")
}

fn reordered(item_id: &str, time_column: &str, row: u32, time: i64) -> CellChange {
    CellChange {
        item_id: item_id.to_owned(),
        time: Timestamp(time),
        column: time_column.to_owned(),
        kind: ChangeKind::Reordered,
        before: Finite::of(time as f64),
        after: Finite::of(time as f64),
        method: format!("data row {} stood after a later row; the rows were sorted by time", row + 1),
    }
}

fn moved(item_id: &str, time_column: &str, from: i64, to: i64) -> CellChange {
    CellChange {
        item_id: item_id.to_owned(),
        time: Timestamp(to),
        column: time_column.to_owned(),
        kind: ChangeKind::Reordered,
        before: Finite::of(from as f64),
        after: Finite::of(to as f64),
        method: "the row stood beside the regular axis and was moved to its nearest point".to_owned(),
    }
}
