//! The columns and rows that can take part.

use crate::discover::assemble::{SAME, drop_duplicates};
use crate::discover::{DiscoverError, DiscoverOptions, LeftOut, TestChoice};
use crate::independence::Correlation;

/// Complete rows below which no test is worth asking.
const ROWS_MIN: usize = 10;
/// Columns that are equal to the last digits: what the reference cannot invert.
const EQUAL: f64 = 1.0 - 1e-12;
/// A column of numbers that are missing more often than this is left out.
const MISSING_MAX: f64 = 0.4;

/// Columns that vary and do not repeat each other.
pub(in crate::discover) struct Table {
    pub(in crate::discover) names: Vec<String>,
    /// NaN is missing; nothing is where the test wants complete rows.
    pub(in crate::discover) columns: Vec<Vec<f64>>,
    pub(in crate::discover) left_out: Vec<LeftOut>,
}

impl Table {
    pub(in crate::discover) fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The rows without a missing value.
    pub(in crate::discover) fn complete(&self) -> Vec<Vec<f64>> {
        let whole: Vec<usize> = complete_rows(&self.columns);
        if whole.len() == self.rows() {
            return self.columns.clone();
        }
        self.columns.iter().map(|c| whole.iter().map(|r| c[*r]).collect()).collect()
    }
}

fn complete_rows(columns: &[Vec<f64>]) -> Vec<usize> {
    let rows = columns.first().map_or(0, Vec::len);
    (0..rows).filter(|r| columns.iter().all(|c| c[*r].is_finite())).collect()
}

pub(in crate::discover) fn check_shape(columns: &[String], data: &[Vec<f64>]) -> Result<(), DiscoverError> {
    let length = data.first().map_or(0, Vec::len);
    if let Some((column, values)) = columns.iter().zip(data).find(|(_, v)| v.len() != length) {
        return Err(DiscoverError::Ragged { column: column.clone(), rows: values.len(), expected: length });
    }
    if columns.len() != data.len() {
        let column = columns.get(data.len()).cloned().unwrap_or_else(|| format!("number {}", columns.len()));
        return Err(DiscoverError::Ragged { column, rows: 0, expected: length });
    }
    match columns.iter().enumerate().find(|(k, name)| columns[..*k].contains(name)) {
        Some((_, name)) => Err(DiscoverError::Repeated(name.clone())),
        None => Ok(()),
    }
}

/// Leaves out what says nothing: constants, repetitions and, unless each test looks for its own rows, incomplete rows.
pub(super) fn prepare(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
    reasons: &mut Vec<String>,
) -> Result<Table, DiscoverError> {
    let length = data.first().map_or(0, Vec::len);
    let mut table = Table { names: columns.to_vec(), columns: data.to_vec(), left_out: Vec::new() };
    for value in table.columns.iter_mut().flatten().filter(|v| !v.is_finite()) {
        *value = f64::NAN;
    }
    leave_out_empty(&mut table, options);
    let whole = complete_rows(&table.columns);
    // With many gaps each test looks for its own rows, unless the caller or the algorithm wants others.
    let scattered = 2 * whole.len() < length;
    let gaps = options.test == Some(TestChoice::MissingFisherZ)
        || (scattered
            && options.test.is_none()
            && options.algorithm.is_none_or(|a| a.asks_tests())
            && !options.compatible());
    let needed = ROWS_MIN.max(table.names.len() + 5);
    let rows = if gaps { length } else { whole.len() };
    if rows < needed {
        return Err(DiscoverError::TooFewRows { rows, columns: table.names.len(), max_lag: 0, needed });
    }
    reasons.push(format!("{} of {length} rows are complete", whole.len()));
    if !gaps {
        table.columns = table.complete();
    }
    leave_out(&mut table, options, |values| {
        let mut there = values.iter().filter(|v| !v.is_nan());
        let first = there.next();
        (first.is_none() || there.all(|v| first.is_some_and(|f| f.total_cmp(v).is_eq())))
            .then(|| "it is constant".to_owned())
    });
    let same = if options.compatible() { EQUAL } else { SAME };
    let correlation = Correlation::of_columns(&table.complete());
    for (column, why) in drop_duplicates(&table.names, options.target.as_deref(), &correlation, same).into_iter().rev()
    {
        table.columns.remove(column);
        table.left_out.push(LeftOut { column: table.names.remove(column), why });
    }
    for out in &table.left_out {
        if options.target.as_ref() == Some(&out.column) {
            return Err(DiscoverError::Target { target: out.column.clone(), why: out.why.clone() });
        }
        reasons.push(format!("{} takes no part: {}", out.column, out.why));
    }
    Ok(table)
}

/// A column that is mostly missing would leave no row complete.
fn leave_out_empty(table: &mut Table, options: &DiscoverOptions) {
    leave_out(table, options, |values| {
        let share = values.iter().filter(|v| v.is_nan()).count() as f64 / values.len().max(1) as f64;
        (share > MISSING_MAX).then(|| format!("{:.0} % of it is missing", 100.0 * share))
    });
}

fn leave_out(table: &mut Table, options: &DiscoverOptions, why: impl Fn(&[f64]) -> Option<String>) {
    for column in (0..table.names.len()).rev() {
        let required = options.target.as_ref() == Some(&table.names[column]);
        if let Some(why) = why(&table.columns[column])
            && (!required || why.contains("constant"))
        {
            table.columns.remove(column);
            table.left_out.push(LeftOut { column: table.names.remove(column), why });
        }
    }
}
