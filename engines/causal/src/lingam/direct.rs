//! DirectLiNGAM.

use super::prior::{Prior, Rules};
use super::table::Table;
use super::{Lingam, LingamError, order, weights};

/// Rows asked for beyond the number of columns: enough for the noise variance of the fullest regression.
pub(super) const ROWS_BEYOND: usize = 2;

/// The linear non-Gaussian acyclic model of columns (`columns[column][row]`), by DirectLiNGAM with the pairwise measure
/// (Shimizu et al. 2011; Hyvärinen and Smith 2013). Weights come from an adaptive lasso with the Bayesian information
/// criterion (Zou 2006), then ordinary least squares.
///
/// Cost: at most `columns³/3` comparisons of `rows` values each; mostly about a fifth of them, since a candidate is given up
/// as soon as another cannot be worse.
///
/// # Errors
/// [`LingamError`]: columns that are ragged, not finite, constant, collinear or too short; knowledge that contradicts itself.
pub fn direct(columns: &[Vec<f64>], prior: &Prior) -> Result<Lingam, LingamError> {
    let rules = Rules::compile(prior, columns.len())?;
    let table = Table::new(columns, ROWS_BEYOND)?;
    let order = order::search(&table, &rules);
    weights::estimate(&table, order, &rules)
}
