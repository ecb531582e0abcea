//! Does a linear non-Gaussian model without hidden causes fit?

use statrs::function::erf::erfc;

use super::gaussianity::jarque_bera;
use super::linearity::{dependence, regress};
use crate::independence::Correlation;
use crate::lingam::{Prior, direct};

/// Rows that are looked at, at most; more only cost time.
const ROWS_MAX: usize = 2_000;
/// More columns than this are not looked at.
pub(super) const COLUMNS_MAX: usize = 40;
/// Rows for each column below which nothing can be told.
const ROWS_EACH: usize = 10;
/// The level at which normality, linearity and independence are rejected, corrected for the number of columns.
pub(super) const LEVEL: f64 = 0.001;

/// What was found out about columns.
pub(super) struct Fit {
    /// Columns of whose disturbance normality is rejected: of what those before it in the order leave of it.
    pub(super) non_gaussian: usize,
    pub(super) columns: usize,
    /// The smallest p-value of linearity, corrected for their number, each column regressed on those before it in
    /// DirectLiNGAM's order.
    pub(super) linearity: f64,
    /// The smallest p-value of independence of what these regressions leave, corrected.
    pub(super) independence: f64,
    /// Rows that were looked at.
    pub(super) rows: usize,
}

impl Fit {
    /// At most one disturbance is normal, without which the order could not be told (Shimizu et al. 2006).
    pub(super) fn identifies(&self) -> bool {
        self.columns > 1 && self.non_gaussian + 1 >= self.columns
    }

    pub(super) fn linear(&self) -> bool {
        self.linearity > LEVEL
    }

    pub(super) fn independent(&self) -> bool {
        self.independence > LEVEL
    }
}

/// Every so many rows of complete columns, so that at most [`ROWS_MAX`] are left.
pub(super) fn thinned(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let rows = columns.first().map_or(0, Vec::len);
    columns.iter().map(|c| c.iter().copied().step_by(rows.div_ceil(ROWS_MAX).max(1)).collect()).collect()
}

/// The smallest p-value, corrected for their number, that two columns do not correlate.
pub(super) fn correlated(columns: &[Vec<f64>]) -> f64 {
    let correlation = Correlation::of_columns(columns);
    let rows = columns.first().map_or(0, Vec::len) as f64;
    let pairs = || (0..columns.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let strongest = pairs().map(|(i, j)| correlation.get(i, j).abs()).fold(0.0_f64, f64::max);
    let z = strongest.min(1.0 - f64::EPSILON).atanh() * (rows - 3.0).max(0.0).sqrt();
    (erfc(z / std::f64::consts::SQRT_2) * pairs().count() as f64).min(1.0)
}

/// How many of the columns are not normal.
fn non_gaussian(columns: &[Vec<f64>]) -> usize {
    let level = LEVEL / columns.len().max(1) as f64;
    let rejected = |column: &&Vec<f64>| {
        crate::vectors::standardised(column).is_some_and(|(values, _)| jarque_bera(&values).1 < level)
    };
    columns.iter().filter(rejected).count()
}

/// Fits DirectLiNGAM; `None` where it cannot be: too many columns, too few rows, collinear columns.
pub(super) fn fit(columns: &[Vec<f64>]) -> Option<Fit> {
    let rows = columns.first().map_or(0, Vec::len);
    if columns.len() > COLUMNS_MAX || rows < ROWS_EACH * columns.len() {
        return None;
    }
    let order = direct(columns, &Prior::Nothing).ok()?.order;
    let (mut smallest, mut residuals) = (1.0_f64, Vec::new());
    for (place, column) in order.iter().enumerate() {
        let before: Vec<&[f64]> = order[..place].iter().map(|c| columns[*c].as_slice()).collect();
        let regressed = regress(&columns[*column], &before)?;
        smallest = smallest.min(regressed.reset);
        residuals.push(regressed.residual);
    }
    Some(Fit {
        non_gaussian: non_gaussian(&residuals),
        columns: columns.len(),
        linearity: (smallest * columns.len() as f64).min(1.0),
        independence: dependence(&residuals),
        rows,
    })
}

/// The smallest p-value of linearity, corrected, of each column regressed on all others: what jointly normal columns cannot
/// reject.
pub(super) fn linearity_among(columns: &[Vec<f64>]) -> Option<f64> {
    let rows = columns.first().map_or(0, Vec::len);
    if columns.len() < 2 || columns.len() > COLUMNS_MAX || rows < ROWS_EACH * columns.len() {
        return None;
    }
    let mut smallest = 1.0_f64;
    for (k, column) in columns.iter().enumerate() {
        let others: Vec<&[f64]> =
            columns.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, c)| c.as_slice()).collect();
        smallest = smallest.min(regress(column, &others)?.reset);
    }
    Some((smallest * columns.len() as f64).min(1.0))
}
