//! The Bayesian information criterion of linear Gaussian models.

use std::cell::RefCell;

use crate::columns::{ColumnsError, complete_rows};
use crate::independence::Correlation;
use crate::pattern::Pattern;

/// What is left of a variable below this share of its variance is rounding: it is a linear function of the others.
const DETERMINED: f64 = 1e-13;

/// Data that cannot be scored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// The columns do not form a complete table, or have fewer than 2 rows.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// The penalty is negative or not finite.
    #[error("penalty {0} is not a number from 0")]
    Penalty(f64),
}

/// `−n/2 (1 + ln σ²) − λ (parents + 1) ln n` for each node, σ² the residual variance (divisor n) of its regression on its
/// parents; higher is better. λ = 1/2 is Schwarz's criterion.
#[derive(Debug)]
pub struct GaussianBic {
    correlation: Correlation,
    log_variance: Vec<f64>,
    rows: f64,
    penalty: f64,
    scratch: RefCell<Vec<f64>>,
}

impl GaussianBic {
    /// The score over `columns` with penalty λ.
    ///
    /// # Errors
    /// [`ScoreError`] where a value is missing, lengths differ, there are fewer than 2 rows or λ is no number from 0.
    pub fn new(columns: &[Vec<f64>], penalty: f64) -> Result<Self, ScoreError> {
        let rows = complete_rows(columns, 2)?;
        if !(penalty.is_finite() && penalty >= 0.0) {
            return Err(ScoreError::Penalty(penalty));
        }
        Ok(Self {
            correlation: Correlation::of_columns(columns),
            log_variance: columns.iter().map(|c| log_variance(c)).collect(),
            rows: rows as f64,
            penalty,
            scratch: RefCell::default(),
        })
    }

    /// Number of variables.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.correlation.size()
    }

    /// The score of one node with its parents.
    #[must_use]
    pub fn local(&self, node: usize, parents: &[usize]) -> f64 {
        let left = self.left(node, parents).0;
        let likelihood = -0.5 * self.rows * (1.0 + self.log_variance[node] + left.ln());
        likelihood - self.penalty * (parents.len() + 1) as f64 * self.rows.ln()
    }

    /// How much the score of `node` rises when the last of `parents` joins the others.
    #[must_use]
    pub fn gain(&self, node: usize, parents: &[usize]) -> f64 {
        let (with, without) = self.left(node, parents);
        -0.5 * self.rows * (with / without).ln() - self.penalty * self.rows.ln()
    }

    /// The score of a directed acyclic graph.
    #[must_use]
    pub fn of_graph(&self, graph: &Pattern) -> f64 {
        let parents = |y: usize| graph.neighbours(y).filter(|x| graph.directed(*x, y)).collect::<Vec<_>>();
        (0..graph.nodes()).map(|y| self.local(y, &parents(y))).sum()
    }

    /// The share of the variance of `node` that `parents` leave, and that all but the last leave. A parent that those
    /// before it determine explains nothing more.
    fn left(&self, node: usize, parents: &[usize]) -> (f64, f64) {
        let size = parents.len();
        let mut lower = self.scratch.borrow_mut();
        lower.clear();
        lower.resize((size + 1) * size, 0.0);
        let (mut left, mut before) = (1.0, 1.0);
        for (row, variable) in parents.iter().chain([&node]).enumerate() {
            let mut own = 1.0;
            for column in 0..row.min(size) {
                let (above, at) = lower.split_at_mut(row * size);
                let other = &above[column * size..=column * size + column];
                let mut value = self.known(*variable, parents[column]);
                value -= at[..column].iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
                at[column] = if other[column] > 0.0 { value / other[column] } else { 0.0 };
                own -= at[column] * at[column];
                if row == size && column + 1 == size {
                    before = own + at[column] * at[column];
                }
            }
            if row < size {
                lower[row * size + row] = if own > DETERMINED { own.sqrt() } else { 0.0 };
            } else {
                left = own;
            }
        }
        let floor = |share: f64| share.max(f64::EPSILON);
        if size == 0 { (1.0, 1.0) } else { (floor(left), floor(before)) }
    }

    /// A correlation; a constant correlates with nothing.
    fn known(&self, i: usize, j: usize) -> f64 {
        let value = self.correlation.get(i, j);
        if value.is_nan() { 0.0 } else { value }
    }
}

/// The logarithm of the variance, whatever the magnitude of the values; that of the smallest positive variance for a constant.
fn log_variance(values: &[f64]) -> f64 {
    let scale = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if scale <= 0.0 {
        return f64::EPSILON.ln();
    }
    let count = values.len() as f64;
    let mean = values.iter().map(|v| v / scale).sum::<f64>() / count;
    let variance = values.iter().map(|v| (v / scale - mean).powi(2)).sum::<f64>() / count;
    if variance > 0.0 { variance.ln() + 2.0 * scale.ln() } else { f64::EPSILON.ln() }
}
