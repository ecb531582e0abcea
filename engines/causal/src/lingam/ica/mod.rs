//! ICA-LiNGAM.

mod assignment;
mod eigen;
mod fast_ica;
mod sequence;

use super::prior::{Prior, Rules};
use super::table::Table;
use super::{Lingam, LingamError, weights};

/// How [`ica`](ica()) runs.
#[derive(Clone, Debug, PartialEq)]
pub struct IcaSettings {
    /// The matrix that the fixed-point iteration starts from; `None`: standard normal numbers drawn with `seed`.
    pub start: Option<Vec<Vec<f64>>>,
    /// Seed of the start.
    pub seed: u64,
    /// Iterations at most.
    pub max_iterations: usize,
    /// What is known beforehand. The components' order is followed as far as knowledge lets it be; [`Prior::Edges`] is an
    /// invariant of the edges, and of known paths the ones that order columns are kept.
    pub prior: Prior,
}

impl Default for IcaSettings {
    fn default() -> Self {
        Self { start: None, seed: 0, max_iterations: 1000, prior: Prior::Nothing }
    }
}

/// A model and the independent components it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct IcaLingam {
    /// The model.
    pub model: Lingam,
    /// The unmixing matrix: one row for each component, of unit variance, over the centred columns.
    pub unmixing: Vec<Vec<f64>>,
    /// Iterations run.
    pub iterations: usize,
    /// Whether they ended because nothing changed any more.
    pub converged: bool,
}

/// The linear non-Gaussian acyclic model of columns (`columns[column][row]`), from an independent component analysis
/// (Shimizu et al. 2006, algorithms A to C; FastICA, Hyvärinen 1999).
///
/// # Errors
/// [`LingamError`]: columns that are ragged, not finite, constant, collinear or too short; a start of the wrong shape; components
/// that give no order.
pub fn ica(columns: &[Vec<f64>], settings: &IcaSettings) -> Result<IcaLingam, LingamError> {
    let size = columns.len();
    let rules = Rules::compile(&settings.prior, size)?;
    let table = Table::new(columns, super::direct::ROWS_BEYOND)?;
    let start = match &settings.start {
        Some(rows) if rows.len() == size && rows.iter().all(|r| r.len() == size && r.iter().all(|v| v.is_finite())) => {
            rows.concat()
        }
        Some(_) => return Err(LingamError::Shape { what: "finite starting matrix", size }),
        None => fast_ica::drawn_start(size, settings.seed),
    };
    let found = fast_ica::unmix(&table, start, settings.max_iterations);
    let order = allowed(sequence::of_unmixing(size, &found.unmixing)?, &rules);
    let model = weights::estimate(&table, order, &rules)?;
    let unmixing = found.unmixing.chunks(size.max(1)).map(<[f64]>::to_vec).collect();
    Ok(IcaLingam { model, unmixing, iterations: found.iterations, converged: found.converged })
}

/// The order nearest to `order` that knowledge allows: of the columns that may come next, the one that comes first in it.
fn allowed(order: Vec<usize>, rules: &Rules) -> Vec<usize> {
    let mut left = order;
    let mut kept = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let candidates = rules.candidates(&left).candidates;
        // Something may always come next, because known orders have no cycle.
        let place = left.iter().position(|column| candidates.contains(column)).unwrap_or(0);
        kept.push(left.remove(place));
    }
    kept
}
