//! Nonlinear least squares by Levenberg and Marquardt's method (Marquardt 1963), derivatives by differences.

use super::polynomial::BOUND;
use crate::linear::Cholesky;

/// Distance of the two points of a derivative.
const DIFFERENCE: f64 = 1e-5;
/// Below this share of the diagonal, rounding decides where a step goes in a flat valley.
const LEAST_DAMPING: f64 = 3e-4;
/// No step moves a parameter further.
const LONGEST_STEP: f64 = 1.0;
/// Attempts to shorten a step that does not lower the sum.
const ATTEMPTS: usize = 7;

/// A function whose squares are summed.
pub(super) trait Residuals {
    /// How many there are.
    fn length(&self) -> usize;
    /// Writes them and returns the sum of their squares; infinite where the parameters are unusable.
    fn evaluate(&mut self, parameters: &[f64], out: &mut Vec<f64>) -> f64;
    /// Whether switches of the algorithm inside stay where they are.
    fn hold(&mut self, hold: bool);
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Steps at most.
    pub(super) steps: usize,
    /// The fall of n/2 · log of the sum, near that of a log-likelihood, below which it is not worth another step.
    pub(super) tolerance: f64,
}

/// Moves `parameters` to a minimum of the sum of squares, which is returned.
pub(super) fn minimise(residuals: &mut impl Residuals, parameters: &mut [f64], effort: Effort) -> f64 {
    let (count, length) = (parameters.len(), residuals.length());
    let mut current = Vec::with_capacity(length);
    let mut sum = residuals.evaluate(parameters, &mut current);
    if count == 0 || !sum.is_finite() {
        return sum;
    }
    let mut other = Vec::with_capacity(length);
    let mut slopes: Vec<Vec<f64>> = vec![Vec::with_capacity(length); count];
    let mut trial = parameters.to_vec();
    let mut damping = 1e-2;
    for _ in 0..effort.steps {
        residuals.hold(true);
        for (i, slope) in slopes.iter_mut().enumerate() {
            trial.copy_from_slice(parameters);
            let step = if parameters[i] > 0.0 { -DIFFERENCE } else { DIFFERENCE };
            trial[i] += step;
            let valid = residuals.evaluate(&trial, &mut other).is_finite();
            slope.clear();
            slope.extend(other.iter().zip(&current).map(|(b, a)| if valid { (b - a) / step } else { 0.0 }));
        }
        residuals.hold(false);
        let mut gram = vec![0.0; count * count];
        let mut gradient = vec![0.0; count];
        for i in 0..count {
            for j in i..count {
                gram[i * count + j] = dot(&slopes[i], &slopes[j]);
            }
            gradient[i] = dot(&slopes[i], &current);
        }
        let before = sum;
        for _ in 0..ATTEMPTS {
            let mut system = gram.clone();
            (0..count)
                .for_each(|i| system[i * count + i] += damping * gram[i * count + i] + 1e-10 * before.max(1e-300));
            let Some(factor) = Cholesky::new(system, count) else {
                damping *= 10.0;
                continue;
            };
            let step = factor.solve(&gradient);
            for ((to, from), step) in trial.iter_mut().zip(&*parameters).zip(&step) {
                *to = (from - step.clamp(-LONGEST_STEP, LONGEST_STEP)).clamp(-BOUND, BOUND);
            }
            let candidate = residuals.evaluate(&trial, &mut other);
            if candidate < sum {
                sum = candidate;
                parameters.copy_from_slice(&trial);
                std::mem::swap(&mut current, &mut other);
                damping = (damping * 0.2).max(LEAST_DAMPING);
                break;
            }
            damping *= 8.0;
        }
        let gained = 0.5 * length as f64 * (before / sum.max(f64::MIN_POSITIVE)).ln();
        if gained.is_nan() || gained <= effort.tolerance || sum <= 1e-26 * length as f64 {
            break;
        }
    }
    sum
}

/// The inner product, in four lanes whose order never changes.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (first, second) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = first.remainder().iter().zip(second.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in first.zip(second) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Banana;

    impl Residuals for Banana {
        fn length(&self) -> usize {
            2
        }
        fn evaluate(&mut self, parameters: &[f64], out: &mut Vec<f64>) -> f64 {
            out.clear();
            out.extend([10.0 * (parameters[1] - parameters[0] * parameters[0]), 1.0 - parameters[0]]);
            out.iter().map(|v| v * v).sum()
        }
        fn hold(&mut self, _hold: bool) {}
    }

    #[test]
    fn rosenbrocks_valley_is_walked_to_its_end() {
        let mut parameters = [-1.2, 1.0];
        let sum = minimise(&mut Banana, &mut parameters, Effort { steps: 100, tolerance: 1e-12 });
        assert!(sum < 1e-15 && (parameters[0] - 1.0).abs() < 1e-6, "{parameters:?}");
    }
}
