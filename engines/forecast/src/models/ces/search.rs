//! The search for the parameters: least squares by Levenberg and Marquardt (Marquardt 1963) inside the box, with exact
//! derivatives.

use super::sensitivity::{MOST, Squares};

/// Evaluations from one start, at most.
const EVALUATIONS: usize = 60;
/// The damping to begin with, and where the search gives up.
const FIRST_DAMPING: f64 = 1e-2;
const LARGEST_DAMPING: f64 = 1e8;

/// The best point found from `start` inside the box, with its sum of squares, or none where that is not finite from the
/// beginning. The search ends once the logarithm of the sum falls by less than `tolerance`.
pub(super) fn least_squares(
    start: &[f64],
    low: &[f64],
    high: &[f64],
    tolerance: f64,
    mut squares: impl FnMut(&[f64]) -> Squares,
) -> Option<(Vec<f64>, f64)> {
    let mut x = start.to_vec();
    let mut here = squares(&x);
    if !finite(&here, x.len()) {
        return None;
    }
    let mut damping = FIRST_DAMPING;
    for _ in 1..EVALUATIONS {
        if here.sum <= 0.0 || damping > LARGEST_DAMPING {
            break;
        }
        // A parameter at its limit that the gradient presses outwards stays there.
        let free: Vec<usize> = (0..x.len())
            .filter(|i| !(x[*i] <= low[*i] && here.gradient[*i] > 0.0 || x[*i] >= high[*i] && here.gradient[*i] < 0.0))
            .collect();
        let Some(step) = step(&here, &free, damping) else {
            damping *= 10.0;
            continue;
        };
        let mut next = x.clone();
        free.iter().zip(&step).for_each(|(i, s)| next[*i] = (next[*i] + s).clamp(low[*i], high[*i]));
        if next == x {
            break;
        }
        let there = squares(&next);
        if finite(&there, x.len()) && there.sum < here.sum {
            let gain = (here.sum / there.sum).ln();
            (x, here) = (next, there);
            // A strongly damped step gains little however far the end is.
            if gain < tolerance && damping <= 1.0 {
                break;
            }
            damping = (0.1 * damping).max(1e-12);
        } else {
            damping *= 8.0;
        }
    }
    Some((x, here.sum))
}

fn finite(squares: &Squares, parameters: usize) -> bool {
    let numbers = squares.gradient[..parameters].iter().chain(squares.curvature[..parameters].iter().flatten());
    squares.sum.is_finite() && numbers.copied().all(f64::is_finite)
}

/// Solves the damped normal equations of the free parameters by Cholesky; none where they are not positive definite.
fn step(squares: &Squares, free: &[usize], damping: f64) -> Option<Vec<f64>> {
    let k = free.len();
    let mut l = [[0.0; MOST]; MOST];
    for i in 0..k {
        for j in 0..=i {
            let (a, b) = (free[i].max(free[j]), free[i].min(free[j]));
            let damped = if i == j { 1.0 + damping } else { 1.0 };
            let inner: f64 = (0..j).map(|t| l[i][t] * l[j][t]).sum();
            let value = squares.curvature[a][b] * damped - inner;
            l[i][j] = if i == j {
                if value <= 0.0 || !value.is_finite() {
                    return None;
                }
                value.sqrt()
            } else {
                value / l[j][j]
            };
        }
    }
    let mut x: Vec<f64> = free.iter().map(|i| -squares.gradient[*i]).collect();
    for i in 0..k {
        let inner: f64 = (0..i).map(|t| l[i][t] * x[t]).sum();
        x[i] = (x[i] - inner) / l[i][i];
    }
    for i in (0..k).rev() {
        let inner: f64 = (i + 1..k).map(|t| l[t][i] * x[t]).sum();
        x[i] = (x[i] - inner) / l[i][i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}
