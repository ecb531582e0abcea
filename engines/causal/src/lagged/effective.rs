//! How many independent rows autocorrelated rows are worth.

use super::columns::Frame;
use super::moments::Moments;
use crate::knowledge::Window;
use crate::linear::Cholesky;

/// The factor by which the variance of each two nodes' correlation exceeds that of independent rows:
/// `1 + 2 Σ ρ_x(k) ρ_y(k)` (Bartlett 1946), at least 1, where ρ are the autocorrelations of what each column's own past
/// (lags 1 to L) leaves over. The own past is among what PC conditions on, so this is what its tests face at the end;
/// the raw autocorrelations would deny it nearly all power. Row-major over the window's nodes.
pub(crate) fn inflation(frame: &Frame, moments: &Moments, window: Window) -> Vec<f64> {
    let autocorrelation: Vec<Vec<f64>> =
        (0..window.columns()).map(|c| residual_autocorrelation(frame, moments, window, c)).collect();
    let nodes = window.nodes();
    let mut factors = vec![1.0; nodes * nodes];
    for (k, factor) in factors.iter_mut().enumerate() {
        let (x, y) = (&autocorrelation[window.column(k / nodes)], &autocorrelation[window.column(k % nodes)]);
        let sum: f64 = x.iter().zip(y).map(|(a, b)| a * b).sum();
        *factor = (1.0 + 2.0 * sum).max(1.0);
    }
    factors
}

/// Autocorrelations at lags 1 to ⌊10 log₁₀ n⌋ of a column's residuals on its own past.
fn residual_autocorrelation(frame: &Frame, moments: &Moments, window: Window, column: usize) -> Vec<f64> {
    let lags = window.max_lag();
    let correlation = moments.correlation(None);
    let at = |i: usize, j: usize| correlation.get(window.node(column, i), window.node(column, j));
    let right: Vec<f64> = (1..=lags).map(|lag| at(0, lag)).collect();
    let weights =
        Cholesky::new(lags, |i, j| at(i + 1, j + 1)).map_or_else(|| vec![0.0; lags], |factor| factor.solve(&right));
    let most = (10.0 * (moments.rows() as f64).log10()).floor().max(0.0) as usize;
    let (mut products, mut square) = (vec![0.0; most], 0.0);
    for series in &frame.series {
        let values = &series[column];
        let residuals: Vec<f64> = (lags..values.len())
            .map(|t| values[t] - weights.iter().enumerate().map(|(k, w)| w * values[t - 1 - k]).sum::<f64>())
            .map(|v| if v.is_nan() { 0.0 } else { v })
            .collect();
        square += residuals.iter().map(|v| v * v).sum::<f64>();
        for (k, product) in products.iter_mut().enumerate() {
            *product += residuals.iter().zip(residuals.iter().skip(k + 1)).map(|(a, b)| a * b).sum::<f64>();
        }
    }
    products.iter().map(|p| if square > 0.0 { p / square } else { 0.0 }).collect()
}
