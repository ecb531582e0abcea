//! The first stage: from the raw table to a panel on a regular axis.

use std::collections::BTreeMap;

use atsre_domain::Frequency;
use atsre_domain::cleaning::{CellChange, ChangeKind};
use atsre_domain::finite::Finite;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::identity::Timestamp;
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_domain::table::{Cells, Column, ColumnRole, Table};
use rayon::prelude::*;

use super::gather::{Layout, Source};
use super::{CleaningError, Regularised};

/// Puts a table on a regular axis: rows are sorted by time, rows that share a moment are merged (numbers by
/// their mean, categories by the most frequent one), rows beside the axis are moved to its nearest point, and
/// absent rows are inserted as missing, for each item by itself and by the calendar where the frequency asks
/// for it. The result does not depend on the order of the rows, but for the list of rows that stood out of order.
///
/// `target` is the column to forecast. The covariates are the columns with that role; those in `known` are known
/// over the horizon, those that are constant within each of several items are static, the others are known only
/// up to the origin. Rows after an item's last observed target value stay as the horizon's rows where they carry
/// a known covariate. A time of `i64::MIN` and an item of code `u32::MAX` are missing; their rows are left out.
///
/// # Errors
/// [`CleaningError`] where columns are absent or of the wrong type, nothing is observed, or the frequency does
/// not fit the data.
pub fn regularise(
    table: &Table,
    frequency: Frequency,
    target: &str,
    known: &[String],
) -> Result<Regularised, CleaningError> {
    if frequency.multiple == 0 {
        return Err(CleaningError::ZeroFrequency);
    }
    let mut notes = Vec::new();
    let columns = Columns::of(table, target, known)?;
    let (time_name, times) = times_of(table, frequency)?;
    let items = rows_by_item(table, &times, &mut notes)?;
    let drafts: Vec<Draft> = items
        .into_par_iter()
        .map(|(id, rows)| Layout::of(id, rows, &times, frequency, &time_name).map(|layout| Draft::of(layout, &columns)))
        .collect::<Result<_, _>>()?;

    let kinds = columns.kinds(&drafts, known);
    let finished: Vec<Option<(Series, Vec<CellChange>, Trimmed)>> =
        drafts.par_iter().map(|draft| draft.finish(&columns, &kinds)).collect();
    describe(&drafts, &finished, &mut notes);
    let mut series = Vec::with_capacity(finished.len());
    let mut changes = Vec::new();
    for (one, listed, _) in finished.into_iter().flatten() {
        series.push(one);
        changes.extend(listed);
    }
    if series.is_empty() {
        return Err(CleaningError::NothingObserved(target.to_owned()));
    }
    let covariates = columns
        .covariates
        .iter()
        .zip(&kinds)
        .map(|((name, source), kind)| Covariate {
            name: name.clone(),
            kind: *kind,
            levels: source.names().map(<[String]>::to_vec),
        })
        .collect();
    Ok(Regularised { panel: Panel { target: target.to_owned(), frequency, covariates, series }, changes, notes })
}

/// The columns that carry values.
struct Columns<'a> {
    target_name: String,
    target: Source<'a>,
    covariates: Vec<(String, Source<'a>)>,
}

impl<'a> Columns<'a> {
    fn of(table: &'a Table, target: &str, known: &[String]) -> Result<Self, CleaningError> {
        let column = table
            .columns
            .iter()
            .find(|c| c.name == target)
            .ok_or_else(|| CleaningError::UnknownTarget(target.to_owned()))?;
        let Cells::Numbers(values) = &column.cells else {
            return Err(CleaningError::TargetNotNumeric(target.to_owned()));
        };
        let covariates: Vec<(String, Source<'a>)> = table
            .columns
            .iter()
            .filter(|c| matches!(c.role, ColumnRole::Covariate | ColumnRole::Target) && c.name != target)
            .filter_map(|c| Source::of(c).map(|source| (c.name.clone(), source)))
            .collect();
        for name in known {
            if !covariates.iter().any(|(covariate, _)| covariate == name) {
                return Err(CleaningError::UnknownCovariate(name.clone()));
            }
        }
        Ok(Self { target_name: target.to_owned(), target: Source::Numbers(values), covariates })
    }

    fn kinds(&self, drafts: &[Draft], known: &[String]) -> Vec<CovariateKind> {
        let constant_within = |covariate: usize| {
            drafts.len() > 1
                && drafts.iter().all(|d| is_constant(&d.covariates[covariate]))
                && drafts.iter().any(|d| d.covariates[covariate].iter().any(|v| !v.is_nan()))
                && drafts.iter().any(|d| d.covariates[covariate].len() > 1)
        };
        self.covariates
            .iter()
            .enumerate()
            .map(|(index, (name, _))| {
                if known.contains(name) {
                    CovariateKind::Known
                } else if constant_within(index) {
                    CovariateKind::Static
                } else {
                    CovariateKind::Past
                }
            })
            .collect()
    }
}

fn is_constant(values: &[f64]) -> bool {
    let mut observed = values.iter().filter(|v| !v.is_nan());
    let first = observed.next();
    observed.all(|v| Some(v) == first)
}

fn times_of(table: &Table, frequency: Frequency) -> Result<(String, Vec<i64>), CleaningError> {
    let steps = frequency.unit == FrequencyUnit::Step;
    let Some(column) = table.with_role(ColumnRole::Time) else {
        if !steps {
            return Err(CleaningError::NoTimeColumn);
        }
        return Ok((String::from("row"), steps_within_items(table, i64::from(frequency.multiple))));
    };
    let times = match &column.cells {
        Cells::Times(times) => times.iter().map(|t| t.0).collect(),
        Cells::Numbers(numbers) if steps && numbers.iter().all(|n| n.is_nan() || n.fract() == 0.0) => {
            numbers.iter().map(|n| if n.is_nan() { i64::MIN } else { *n as i64 }).collect()
        }
        Cells::Numbers(_) | Cells::Categories { .. } => return Err(CleaningError::NotTimes(column.name.clone())),
    };
    Ok((column.name.clone(), times))
}

/// Without a time column, the rows of each item are its steps, in the order of the file.
fn steps_within_items(table: &Table, multiple: i64) -> Vec<i64> {
    match table.with_role(ColumnRole::Item).map(|c: &Column| &c.cells) {
        Some(Cells::Categories { codes, levels }) => {
            let mut next = vec![0; levels.len() + 1];
            codes
                .iter()
                .map(|code| {
                    let slot = &mut next[(*code as usize).min(levels.len())];
                    *slot += multiple;
                    *slot - multiple
                })
                .collect()
        }
        Some(Cells::Numbers(numbers)) => {
            let mut next: BTreeMap<u64, i64> = BTreeMap::new();
            numbers
                .iter()
                .map(|number| {
                    let slot = next.entry(number.to_bits()).or_insert(0);
                    *slot += multiple;
                    *slot - multiple
                })
                .collect()
        }
        Some(Cells::Times(_)) | None => (0..table.rows() as i64).map(|row| row * multiple).collect(),
    }
}

/// The rows of each item in file order; the items in order of their names.
fn rows_by_item(
    table: &Table,
    times: &[i64],
    notes: &mut Vec<String>,
) -> Result<Vec<(String, Vec<u32>)>, CleaningError> {
    let mut without_time = 0_u64;
    let mut without_item = 0_u64;
    let mut dated = |row: usize| {
        let present = times[row] != i64::MIN;
        without_time += u64::from(!present);
        present
    };
    let items: BTreeMap<String, Vec<u32>> = match table.with_role(ColumnRole::Item) {
        None => BTreeMap::from([(String::new(), (0..times.len()).filter(|r| dated(*r)).map(|r| r as u32).collect())]),
        Some(column) => match &column.cells {
            Cells::Categories { levels, codes } => {
                let mut rows: Vec<Vec<u32>> = vec![Vec::new(); levels.len()];
                for (row, code) in codes.iter().enumerate() {
                    match rows.get_mut(*code as usize) {
                        Some(own) if dated(row) => own.push(row as u32),
                        Some(_) => {}
                        None => without_item += 1,
                    }
                }
                levels.iter().cloned().zip(rows).collect()
            }
            Cells::Numbers(numbers) => {
                let mut rows: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
                for (row, number) in numbers.iter().enumerate() {
                    if number.is_nan() {
                        without_item += 1;
                    } else if dated(row) {
                        rows.entry(number.to_bits()).or_default().push(row as u32);
                    }
                }
                rows.into_iter().map(|(bits, rows)| (f64::from_bits(bits).to_string(), rows)).collect()
            }
            Cells::Times(_) => return Err(CleaningError::NotItems(column.name.clone())),
        },
    };
    if without_time > 0 {
        notes.push(format!("{without_time} rows without a time were left out"));
    }
    if without_item > 0 {
        notes.push(format!("{without_item} rows without an item were left out"));
    }
    Ok(items.into_iter().filter(|(_, rows)| !rows.is_empty()).collect())
}

/// One item on its axis, before it is known which covariates are static.
struct Draft {
    layout: Layout,
    target: Vec<f64>,
    covariates: Vec<Vec<f64>>,
    merged: Vec<CellChange>,
}

/// Rows left out at the ends of a series.
struct Trimmed {
    leading: usize,
    trailing: usize,
    horizon: usize,
    inserted: usize,
}

impl Draft {
    fn of(layout: Layout, columns: &Columns<'_>) -> Self {
        let mut merged = Vec::new();
        let target = layout.gather(&columns.target_name, &columns.target, &mut merged);
        let differing: Vec<i64> = merged.iter().map(|c| c.time.0).collect();
        let covariates =
            columns.covariates.iter().map(|(name, source)| layout.gather(name, source, &mut merged)).collect();
        for slot in layout.shared() {
            let time = layout.times[slot];
            if differing.binary_search(&time).is_err() {
                let method =
                    format!("{} rows at one time with the same target, merged into one", layout.count_at(slot));
                let value = Finite::of(target[slot]);
                let kind = ChangeKind::MergedDuplicate;
                merged.push(change(&layout.item_id, time, &columns.target_name, kind, value, value, method));
            }
        }
        Self { layout, target, covariates, merged }
    }

    /// The series from its first observed target value to its last, and its changes; none without a target value.
    fn finish(&self, columns: &Columns<'_>, kinds: &[CovariateKind]) -> Option<(Series, Vec<CellChange>, Trimmed)> {
        let first = self.target.iter().position(|v| !v.is_nan())?;
        let last = self.target.iter().rposition(|v| !v.is_nan())?;
        let known = |index: &usize| kinds[*index] == CovariateKind::Known;
        let end = (0..kinds.len())
            .filter(known)
            .filter_map(|index| self.covariates[index].iter().rposition(|v| !v.is_nan()))
            .fold(last, usize::max);
        let reach = |kind: CovariateKind| if kind == CovariateKind::Known { end } else { last };
        let covariates =
            self.covariates.iter().zip(kinds).map(|(values, kind)| values[first..=reach(*kind)].to_vec()).collect();

        let (from, until) = (self.layout.times[first], self.layout.times[end]);
        let moved = self.layout.changes.iter().chain(&self.merged);
        let mut changes: Vec<CellChange> = moved.filter(|c| c.time.0 >= from && c.time.0 <= until).cloned().collect();
        let mut inserted = 0;
        for slot in (first..=end).filter(|slot| self.layout.is_absent(*slot)) {
            inserted += 1;
            let time = self.layout.times[slot];
            let mut insert = |column: &str| {
                let method = "the row was absent and was inserted as missing".to_owned();
                changes.push(change(&self.layout.item_id, time, column, ChangeKind::InsertedGap, None, None, method));
            };
            if slot <= last {
                insert(&columns.target_name);
            }
            for ((name, _), kind) in columns.covariates.iter().zip(kinds) {
                if slot <= reach(*kind) {
                    insert(name);
                }
            }
        }
        changes.sort_by_key(|c| c.time);
        let series = Series {
            item_id: self.layout.item_id.clone(),
            times: self.layout.times[first..=end].iter().map(|t| Timestamp(*t)).collect(),
            target: self.target[first..=last].to_vec(),
            covariates,
        };
        let trimmed =
            Trimmed { leading: first, trailing: self.layout.times.len() - 1 - end, horizon: end - last, inserted };
        Some((series, changes, trimmed))
    }
}

fn change(
    item_id: &str,
    time: i64,
    column: &str,
    kind: ChangeKind,
    before: Option<Finite>,
    after: Option<Finite>,
    method: String,
) -> CellChange {
    CellChange {
        item_id: item_id.to_owned(),
        time: Timestamp(time),
        column: column.to_owned(),
        kind,
        before,
        after,
        method,
    }
}

fn describe(drafts: &[Draft], finished: &[Option<(Series, Vec<CellChange>, Trimmed)>], notes: &mut Vec<String>) {
    let mut note = |count: usize, text: &str| {
        if count > 0 {
            notes.push(format!("{count} {text}"));
        }
    };
    let sum = |figure: fn(&Trimmed) -> usize| finished.iter().flatten().map(|(_, _, t)| figure(t)).sum::<usize>();
    note(drafts.iter().filter(|d| d.layout.newest_first).count(), "series stood newest first and were turned round");
    note(drafts.iter().map(|d| d.layout.out_of_order).sum(), "rows stood out of order and were sorted by time");
    note(
        drafts.iter().map(|d| d.layout.shifted).sum(),
        "rows stood beside the regular axis and were moved to its nearest point",
    );
    note(drafts.iter().map(|d| d.layout.shared().count()).sum(), "moments had several rows, which were merged");
    note(sum(|t| t.inserted), "rows were absent from the regular axis and were inserted as missing");
    let sparse = finished.iter().flatten().filter(|(series, _, t)| 2 * t.inserted > series.times.len()).count();
    note(sparse, "series lack more than half of the rows that their frequency asks for: check the frequency");
    note(sum(|t| t.leading), "rows before the first observed target value were left out");
    note(sum(|t| t.trailing), "rows after the last observed target value were left out");
    note(
        sum(|t| t.horizon),
        "rows after the last observed target value are the horizon's, with covariates known ahead",
    );
    note(finished.iter().filter(|f| f.is_none()).count(), "items without any observed target value were left out");
}
