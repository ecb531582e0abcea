//! How far back to look.

use super::columns::Frame;
use super::moments::Moments;
use crate::linear::Cholesky;

/// The longest lag that is ever chosen unasked.
const LAG_MAX: usize = 12;
/// Nodes of the window at most: tests grow with a power of them.
const NODES_MAX: usize = 56;

/// The longest lag worth looking at: enough rows for each regressor, and a window that stays affordable.
pub(crate) fn longest(columns: usize, rows: usize) -> usize {
    let affordable = (NODES_MAX / columns.max(1)).saturating_sub(1);
    LAG_MAX.min(affordable).min(rows / (10 * columns.max(1))).max(1)
}

/// The lag of the vector autoregression with the smallest Bayesian information criterion, Σ n ln σ̂² + k ln n over the columns
/// (Schwarz 1978), among 1 to `longest`, all judged on the same rows.
pub(crate) fn choose(frame: &Frame, longest: usize) -> usize {
    let moments = Moments::of_frame(frame, longest);
    let (correlation, rows) = (moments.correlation(None), moments.rows() as f64);
    let columns = frame.names.len();
    let past = columns * longest;
    // The past is ordered by lag, so one factor serves every shorter autoregression.
    let Some(factor) = Cholesky::new(past, |i, j| correlation.get(columns + i, columns + j)) else { return 1 };
    let mut criterion = vec![0.0; longest + 1];
    for column in 0..columns {
        let right: Vec<f64> = (0..past).map(|k| correlation.get(column, columns + k)).collect();
        let explained = factor.forward(&right);
        let mut left = 1.0;
        for lag in 1..=longest {
            left -= explained[columns * (lag - 1)..columns * lag].iter().map(|w| w * w).sum::<f64>();
            criterion[lag] += rows * left.max(f64::MIN_POSITIVE).ln() + (columns * lag) as f64 * rows.ln();
        }
    }
    (1..=longest).min_by(|a, b| criterion[*a].total_cmp(&criterion[*b])).unwrap_or(1)
}
