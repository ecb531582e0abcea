//! The adaptive lasso (Zou 2006), its penalty chosen by the Bayesian information criterion.

use super::lars::lasso_path;
use crate::linear::Cholesky;

/// Cross-products of predictors with each other and with the target, all standardised.
pub(super) struct Problem<'a> {
    pub(super) rows: usize,
    /// The correlation of two predictors.
    pub(super) between: &'a dyn Fn(usize, usize) -> f64,
    /// The correlation of each predictor with the target.
    pub(super) with_target: &'a [f64],
}

/// Which predictors stay; `None` where they are collinear.
///
/// The predictors are scaled by their least squares coefficients. Along the lasso path of what results, the criterion is
/// `RSS/σ² + ln(n) · k`, where σ² is the unbiased noise variance of the full model and k the number of coefficients that are not zero
/// (Zou, Hastie and Tibshirani 2007).
pub(super) fn select(problem: &Problem<'_>) -> Option<Vec<bool>> {
    let size = problem.with_target.len();
    let (rows, right) = (problem.rows as f64, problem.with_target);
    let weights = Cholesky::new(size, problem.between)?.solve(right);
    let explained: f64 = weights.iter().zip(right).map(|(w, r)| w * r).sum();
    let noise = rows * (1.0 - explained).max(f64::EPSILON) / (rows - size as f64 - 1.0);
    let sizes: Vec<f64> = weights.iter().map(|w| w.abs()).collect();
    let gram: Vec<f64> = (0..size * size)
        .map(|k| (k / size, k % size))
        .map(|(i, j)| rows * sizes[i] * sizes[j] * (problem.between)(i, j))
        .collect();
    let scaled: Vec<f64> = right.iter().zip(&sizes).map(|(r, w)| rows * r * w).collect();
    let mut best: Option<(f64, &Vec<f64>)> = None;
    let knots = lasso_path(size, &gram, &scaled, problem.rows);
    for knot in &knots {
        let fitted: f64 =
            (0..size).map(|i| knot[i] * (0..size).map(|j| gram[i * size + j] * knot[j]).sum::<f64>()).sum();
        let residual = rows - 2.0 * knot.iter().zip(&scaled).map(|(b, r)| b * r).sum::<f64>() + fitted;
        let kept = knot.iter().filter(|b| b.abs() > f64::EPSILON).count();
        let criterion = residual / noise + rows.ln() * kept as f64;
        if best.is_none_or(|(least, _)| criterion < least) {
            best = Some((criterion, knot));
        }
    }
    let chosen = best.map_or_else(|| vec![0.0; size], |(_, knot)| knot.clone());
    Some(chosen.iter().zip(&sizes).map(|(b, w)| (b * w).abs() > 0.0).collect())
}
