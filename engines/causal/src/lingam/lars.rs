//! The lasso path by least angle regression (Efron, Hastie, Johnstone and Tibshirani 2004), from cross-products alone.

use crate::linear::Cholesky;

/// Where the largest correlation per row falls below this, the path has ended: the float32 machine epsilon, which the
/// implementation that answers are compared with uses.
const ALPHA_MIN: f64 = 1.192_092_9e-7;
/// A pivot below this means that a predictor repeats the active ones; it is passed over.
const DEGENERATE: f64 = 1e-7;
const STEPS_MAX: usize = 500;
const TINY: f64 = 1.175_494_4e-38;

/// The coefficients at every knot of the path, from none to the least squares solution.
pub(super) fn lasso_path(size: usize, gram: &[f64], right: &[f64], rows: usize) -> Vec<Vec<f64>> {
    let mut coefficients = vec![0.0; size];
    let mut knots = vec![coefficients.clone()];
    let mut covariance = right.to_vec();
    let mut active: Vec<usize> = Vec::new();
    let mut signs: Vec<f64> = Vec::new();
    let mut out = vec![false; size];
    let mut dropped = false;
    let mut previous = f64::INFINITY;
    loop {
        let inactive: Vec<usize> = (0..size).filter(|j| !out[*j] && !active.contains(j)).collect();
        let mut best: Option<usize> = None;
        for j in &inactive {
            if best.is_none_or(|b| covariance[*j].abs() > covariance[b].abs()) {
                best = Some(*j);
            }
        }
        let largest = best.map_or(0.0, |b| covariance[b].abs());
        let alpha = largest / rows as f64;
        if alpha <= ALPHA_MIN || knots.len() > STEPS_MAX || alpha.is_nan() {
            return knots;
        }
        if let Some(entering) = best.filter(|_| !dropped) {
            active.push(entering);
            signs.push(covariance[entering].signum());
            let pivot = pivot(size, gram, &active);
            if pivot < DEGENERATE {
                active.pop();
                signs.pop();
                out[entering] = true;
                continue;
            }
        }
        if alpha > previous {
            return knots;
        }
        previous = alpha;
        let Some(factor) = Cholesky::new(active.len(), |i, j| gram[active[i] * size + active[j]]) else {
            return knots;
        };
        let mut direction = factor.solve(&signs);
        let unit = 1.0 / direction.iter().zip(&signs).map(|(d, s)| d * s).sum::<f64>().sqrt();
        direction.iter_mut().for_each(|d| *d *= unit);
        let inactive: Vec<usize> = inactive.into_iter().filter(|j| !out[*j] && !active.contains(j)).collect();
        let slope = |j: usize| active.iter().zip(&direction).map(|(a, d)| gram[a * size + j] * d).sum::<f64>();
        let slopes: Vec<f64> = inactive.iter().map(|j| slope(*j)).collect();
        let mut step = largest / unit;
        for (j, s) in inactive.iter().zip(&slopes) {
            for meeting in
                [(largest - covariance[*j]) / (unit - s + TINY), (largest + covariance[*j]) / (unit + s + TINY)]
            {
                if meeting > 0.0 && meeting < step {
                    step = meeting;
                }
            }
        }
        let mut leaving = f64::INFINITY;
        for (a, d) in active.iter().zip(&direction) {
            let zero = -coefficients[*a] / (d + TINY);
            if zero > 0.0 && zero < leaving {
                leaving = zero;
            }
        }
        dropped = leaving < step;
        if dropped {
            step = leaving;
        }
        let gone: Vec<usize> = active
            .iter()
            .zip(&direction)
            .filter(|(a, d)| dropped && (-coefficients[**a] / (**d + TINY)).total_cmp(&leaving).is_eq())
            .map(|(a, _)| *a)
            .collect();
        for (a, d) in active.iter().zip(&direction) {
            coefficients[*a] = if gone.contains(a) { 0.0 } else { coefficients[*a] + step * d };
        }
        for (j, s) in inactive.iter().zip(&slopes) {
            covariance[*j] -= step * s;
        }
        for a in &gone {
            let at = active.iter().position(|v| v == a).unwrap_or(0);
            active.remove(at);
            signs.remove(at);
            let fitted: f64 = (0..size).map(|k| gram[a * size + k] * coefficients[k]).sum();
            covariance[*a] = right[*a] - fitted;
        }
        knots.push(coefficients.clone());
    }
}

/// The last diagonal entry of the Cholesky factor of the active predictors.
fn pivot(size: usize, gram: &[f64], active: &[usize]) -> f64 {
    let Some((entering, before)) = active.split_last() else { return 0.0 };
    let own = gram[entering * size + entering];
    let Some(factor) = Cholesky::new(before.len(), |i, j| gram[before[i] * size + before[j]]) else { return 0.0 };
    let explained: Vec<f64> = before.iter().map(|b| gram[b * size + entering]).collect();
    (own - factor.forward(&explained).iter().map(|v| v * v).sum::<f64>()).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orthogonal_design_is_thresholded_softly() {
        // given: orthonormal predictors with correlations 3, −2, 1
        let gram = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        // when
        let knots = lasso_path(3, &gram, &[3.0, -2.0, 1.0], 1);
        // then: each knot subtracts the next correlation
        let wanted = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [2.0, -1.0, 0.0], [3.0, -2.0, 1.0]];
        assert_eq!(knots.len(), 4);
        for (knot, want) in knots.iter().zip(wanted) {
            assert!(knot.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12), "{knots:?}");
        }
    }
}
