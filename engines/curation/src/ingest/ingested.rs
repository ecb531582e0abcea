//! What comes out of a file.

use std::collections::BTreeMap;

use atsre_domain::cleaning::{CellChange, ChangeKind};
use atsre_domain::panel::CovariateKind;
use atsre_domain::table::{Cells, ColumnRole, Inference, Table};
use atsre_domain::{Finite, Frequency, Timestamp};

use super::options::DecimalMark;

/// A file's table with everything that was found out about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingested {
    /// A data set name made from the file's: see [`super::dataset_name_from`].
    pub name: String,
    /// Rows in file order; nothing changed but the types. Sentinels are still numbers here. There is always a
    /// time column (made from the row numbers where the file has none), at most one item column, and a target
    /// unless none is needed.
    pub table: Table,
    /// The distance between two observations.
    pub frequency: Frequency,
    /// What the time axis looks like.
    pub axis: TimeAxis,
    /// When each covariate is known, by column name. Ignored columns have no entry.
    pub covariates: BTreeMap<String, CovariateKind>,
    /// Numbers that seem to stand for a missing value.
    pub sentinels: Vec<Sentinel>,
    /// Everything that was inferred or told, with reasons.
    pub inferences: Vec<Inference>,
    /// What a person should look at, a sentence each.
    pub warnings: Vec<String>,
    /// How the file is written.
    pub format: FileFormat,
}

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFormat {
    /// Bytes of the file.
    pub bytes: u64,
    /// The encoding's name.
    pub encoding: String,
    /// The field delimiter.
    pub delimiter: char,
    /// The decimal mark of its numbers.
    pub decimal: DecimalMark,
    /// Lines before the header that were passed over.
    pub preamble_lines: u64,
    /// Lines below the table that were passed over.
    pub footer_lines: u64,
    /// Rows that held nothing and were left out.
    pub blank_rows: u64,
}

/// What the times look like, over all series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeAxis {
    /// Whether no column holds times, so that the rows were counted: they may be no series at all.
    pub counted: bool,
    /// How many series.
    pub series: u64,
    /// Rows whose time an earlier row of the same series has.
    pub duplicates: u64,
    /// Rows that come after a later time of the same series.
    pub out_of_order: u64,
    /// Whether every series runs backwards.
    pub descending: bool,
    /// Observations that the frequency expects between a series' first and last time, and that are not there.
    pub absent: u64,
    /// Times that do not lie on the regular grid that begins at their series' first time.
    pub off_grid: u64,
    /// The share of steps between neighbouring times that are exactly one period long.
    pub regular_share: f64,
}

/// A number that seems to stand for a missing value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sentinel {
    /// The column.
    pub column: String,
    /// The number.
    pub value: f64,
    /// In how many cells.
    pub count: u64,
    /// Why it is taken for one.
    pub reason: String,
}

impl Ingested {
    /// The target column's name, where there is one.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.table.with_role(ColumnRole::Target).map(|c| c.name.as_str())
    }

    /// The covariates that are known over the horizon.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        let known = self.covariates.iter().filter(|(_, kind)| **kind == CovariateKind::Known);
        known.map(|(name, _)| name.clone()).collect()
    }

    /// The table with every sentinel made missing, and the list of the cells that this changed, by column and
    /// then by row of the file. This is the first step of cleaning; the table as it was read stays as it is.
    #[must_use]
    pub fn without_sentinels(&self) -> (Table, Vec<CellChange>) {
        let sentinels: Vec<(&str, f64)> = self.sentinels.iter().map(|s| (s.column.as_str(), s.value)).collect();
        replace_sentinels(&self.table, &sentinels)
    }
}

/// A table with every such number (column, value) made missing, and the cells that this changed, by column and then
/// by row.
#[must_use]
pub fn replace_sentinels(table: &Table, sentinels: &[(&str, f64)]) -> (Table, Vec<CellChange>) {
    let mut clean = table.clone();
    let mut changes = Vec::new();
    for (name, sentinel) in sentinels {
        let Some(column) = clean.columns.iter_mut().find(|c| c.name == *name) else { continue };
        let Cells::Numbers(values) = &mut column.cells else { continue };
        for (row, value) in values.iter_mut().enumerate().filter(|(_, v)| **v == *sentinel) {
            changes.push(CellChange {
                item_id: item_at(table, row),
                time: time_at(table, row),
                column: (*name).to_owned(),
                kind: ChangeKind::SentinelToMissing,
                before: Finite::of(*value),
                after: None,
                method: format!("{sentinel} stands for a missing value"),
            });
            *value = f64::NAN;
        }
    }
    (clean, changes)
}

/// The name of a row's series; empty where there is only one.
fn item_at(table: &Table, row: usize) -> String {
    match table.with_role(ColumnRole::Item).map(|c| &c.cells) {
        Some(Cells::Categories { levels, codes }) => {
            let code = codes.get(row).map_or(usize::MAX, |c| *c as usize);
            levels.get(code).cloned().unwrap_or_default()
        }
        Some(Cells::Times(_) | Cells::Numbers(_)) | None => String::new(),
    }
}

fn time_at(table: &Table, row: usize) -> Timestamp {
    match table.with_role(ColumnRole::Time).map(|c| &c.cells) {
        Some(Cells::Times(times)) => times.get(row).copied().unwrap_or_default(),
        Some(Cells::Numbers(_) | Cells::Categories { .. }) | None => Timestamp::default(),
    }
}
