//! A column while its role is being decided.

use atsre_domain::panel::CovariateKind;
use atsre_domain::table::ColumnRole;

use super::cells::{Misfit, Tally, Values};
use super::moment::clock;
use super::time_format::TimeFormat;

/// The most categories of a covariate; beyond them a column is free text.
const MOST_LEVELS: usize = 1_000;

/// A column with what is known of it so far.
#[derive(Debug)]
pub(super) struct Draft {
    /// Its place in the file, from 0.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) values: Values,
    pub(super) tally: Tally,
    /// A column of numbers in which this cell is none.
    pub(super) spoilt: Option<(Misfit, u64)>,
    pub(super) role: ColumnRole,
    pub(super) kind: CovariateKind,
    /// Why it has this role.
    pub(super) reason: String,
}

impl Draft {
    pub(super) fn rows(&self) -> usize {
        match &self.values {
            Values::None => 0,
            Values::Numbers(values) => values.len(),
            Values::Moments(values) => values.len(),
            Values::Words { codes, .. } => codes.len(),
        }
    }

    /// Whether every cell is missing.
    pub(super) fn is_blank(&self) -> bool {
        self.tally.missing == self.rows() as u64
    }

    /// Its numbers, if it holds any.
    pub(super) fn numbers(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Numbers(values) => Some(values),
            Values::None | Values::Moments(_) | Values::Words { .. } => None,
        }
    }

    /// One code for each distinct value, for columns of words and of numbers.
    pub(super) fn codes(&self) -> Vec<u32> {
        match &self.values {
            Values::Words { codes, .. } => codes.clone(),
            Values::Numbers(values) => {
                let mut distinct: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
                distinct.sort_unstable();
                distinct.dedup();
                let code = |v: &f64| distinct.binary_search(&v.to_bits()).map_or(u32::MAX, |i| i as u32);
                values.iter().map(code).collect()
            }
            Values::None | Values::Moments(_) => Vec::new(),
        }
    }

    /// Words or whole numbers without gaps, of which some repeat.
    pub(super) fn is_item_like(&self, rows: usize) -> bool {
        match &self.values {
            Values::Words { levels, .. } => self.tally.missing == 0 && levels.len() * 2 <= rows.max(2),
            Values::Numbers(values) => values.iter().all(|v| v.fract() == 0.0) && self.only_value().is_none(),
            Values::None | Values::Moments(_) => false,
        }
    }

    /// The value that all cells have which are not missing.
    pub(super) fn only_value(&self) -> Option<f64> {
        let values = self.numbers()?;
        let mut present = values.iter().filter(|v| !v.is_nan());
        let first = *present.next()?;
        present.all(|v| *v == first).then_some(first)
    }

    /// Whether the values go up by one from row to row within each series.
    pub(super) fn counts_rows(&self, codes: Option<&[u32]>) -> bool {
        let Some(values) = self.numbers().filter(|v| v.len() > 2) else { return false };
        let items = codes.and_then(|c| c.iter().max()).map_or(1, |m| *m as usize + 1);
        let mut last = vec![f64::NAN; items];
        values.iter().enumerate().all(|(row, value)| {
            let slot = &mut last[codes.map_or(0, |c| c[row] as usize)];
            let good = value.fract() == 0.0 && (slot.is_nan() || *value == *slot + 1.0);
            *slot = *value;
            good
        })
    }

    /// Gives a role for what the cells are; candidates for the target stay covariates.
    pub(super) fn judge(&mut self, codes: Option<&[u32]>) {
        let (role, reason) = match &self.values {
            _ if self.is_blank() => (ColumnRole::Ignored, "every cell is empty".to_owned()),
            Values::Moments(_) => (ColumnRole::Ignored, "a second column of times".to_owned()),
            Values::Words { .. } if self.spoilt.is_some() => {
                (ColumnRole::Ignored, "numbers and words are mixed in it".to_owned())
            }
            Values::Words { levels, .. } if levels.iter().take(100).all(|l| is_time(l.as_bytes())) => {
                (ColumnRole::Ignored, "a second column of times".to_owned())
            }
            Values::Words { levels, .. } if levels.len() == 1 && self.tally.missing == 0 => {
                (ColumnRole::Ignored, format!("always `{}`", super::error::shorten(&levels[0])))
            }
            Values::Words { levels, codes }
                if is_free_text(levels.len(), codes.len() - self.tally.missing as usize) =>
            {
                (ColumnRole::Ignored, format!("free text: {} different values", levels.len()))
            }
            Values::Words { levels, .. } => (ColumnRole::Covariate, format!("{} categories", levels.len())),
            Values::Numbers(_) if is_index_name(&self.name) && self.counts_rows(codes) => {
                (ColumnRole::Ignored, "it counts the rows".to_owned())
            }
            Values::Numbers(_) => match self.only_value() {
                Some(value) => (ColumnRole::Ignored, format!("always {value}")),
                None => (ColumnRole::Covariate, "numbers".to_owned()),
            },
            Values::None => (ColumnRole::Ignored, "not read".to_owned()),
        };
        self.role = role;
        self.reason = reason;
    }
}

/// Names of columns that number rows. A series that happens to go up by one under another name is a series.
fn is_index_name(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "index", "idx", "step", "id", "no", "no.", "nr", "nr.", "row", "row_id", "n", "obs", "time_idx", "instant",
        "record",
    ];
    let lower = name.to_lowercase();
    NAMES.contains(&lower.as_str()) || lower.starts_with("unnamed") || lower.starts_with("column_")
}

fn is_time(word: &[u8]) -> bool {
    TimeFormat::recognise(word).is_some() || clock(word).is_some()
}

const fn is_free_text(levels: usize, present: usize) -> bool {
    levels > MOST_LEVELS || (present > 20 && levels * 2 > present)
}
