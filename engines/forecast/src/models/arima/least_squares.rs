//! Nonlinear least squares by Levenberg and Marquardt's method (Marquardt 1963), with a parabola along
//! each step and a secant estimate of the curvature that it leaves out.

use pulp::{Simd, WithSimd};

use super::curvature::Curvature;
use super::polynomial::BOUND;
use crate::linear::Cholesky;
use crate::models::vectors;

/// Distance of the two points of a derivative.
const DIFFERENCE: f64 = 1e-5;
/// Below this share of the diagonal, rounding decides where a step goes in a flat valley.
const LEAST_DAMPING: f64 = 3e-4;
/// No step moves a parameter further.
const LONGEST_STEP: f64 = 1.0;
/// A step is taken as long enough within this share of it.
const NEAR: f64 = 0.2;
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
    /// Writes the derivatives by each parameter, `current` being the residuals there.
    fn slopes(&mut self, parameters: &[f64], current: &[f64], slopes: &mut [Vec<f64>]) {
        by_differences(self, parameters, current, slopes);
    }
}

/// The derivatives by differences.
pub(super) fn by_differences<R: Residuals + ?Sized>(
    residuals: &mut R,
    parameters: &[f64],
    current: &[f64],
    slopes: &mut [Vec<f64>],
) {
    let mut other = Vec::with_capacity(current.len());
    let mut trial = parameters.to_vec();
    residuals.hold(true);
    for (i, slope) in slopes.iter_mut().enumerate() {
        let step = if parameters[i] > 0.0 { -DIFFERENCE } else { DIFFERENCE };
        trial[i] = parameters[i] + step;
        let valid = residuals.evaluate(&trial, &mut other).is_finite();
        trial[i] = parameters[i];
        slope.clear();
        slope.extend(other.iter().zip(current).map(|(b, a)| if valid { (b - a) / step } else { 0.0 }));
    }
    residuals.hold(false);
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
    let mut rest = Curvature::new(count);
    for _ in 0..effort.steps {
        let stale: Vec<f64> = slopes.iter().map(|slope| dot(slope, &current)).collect();
        residuals.slopes(parameters, &current, &mut slopes);
        let mut gram = vec![0.0; count * count];
        let mut gradient = vec![0.0; count];
        vectors::run(Products { slopes: &slopes, current: &current, gram: &mut gram, gradient: &mut gradient });
        rest.learn(&gradient, &stale);
        let before = sum;
        for _ in 0..ATTEMPTS {
            let damped = |mut system: Vec<f64>| {
                (0..count)
                    .for_each(|i| system[i * count + i] += damping * gram[i * count + i] + 1e-10 * before.max(1e-300));
                Cholesky::new(system, count)
            };
            let whole = if rest.helps { damped(rest.added_to(&gram)) } else { None };
            let Some(factor) = whole.or_else(|| damped(gram.clone())) else {
                damping *= 10.0;
                continue;
            };
            let step = factor.solve(&gradient);
            for ((to, from), step) in trial.iter_mut().zip(&*parameters).zip(&step) {
                *to = (from - step.clamp(-LONGEST_STEP, LONGEST_STEP)).clamp(-BOUND, BOUND);
            }
            let candidate = residuals.evaluate(&trial, &mut other);
            if candidate < sum {
                let start = parameters.to_vec();
                let moved: Vec<f64> = trial.iter().zip(&start).map(|(to, from)| to - from).collect();
                let share = share_of_step(sum, candidate, 2.0 * dot(&gradient, &moved));
                parameters.copy_from_slice(&trial);
                std::mem::swap(&mut current, &mut other);
                sum = candidate;
                damping = (damping * 0.2).max(LEAST_DAMPING);
                if (share - 1.0).abs() > NEAR {
                    for (to, (from, by)) in trial.iter_mut().zip(start.iter().zip(&moved)) {
                        *to = (from + share * by).clamp(-BOUND, BOUND);
                    }
                    let candidate = residuals.evaluate(&trial, &mut other);
                    if candidate < sum {
                        sum = candidate;
                        parameters.copy_from_slice(&trial);
                        std::mem::swap(&mut current, &mut other);
                    }
                }
                let whole = parameters.iter().zip(&start).map(|(to, from)| to - from);
                rest.moved(whole, &gram, &gradient, 0.5 * (sum - before));
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

/// The upper half of JᵀJ, and Jᵀr.
struct Products<'a> {
    slopes: &'a [Vec<f64>],
    current: &'a [f64],
    gram: &'a mut [f64],
    gradient: &'a mut [f64],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let count = self.slopes.len();
        for (i, slope) in self.slopes.iter().enumerate() {
            for (value, other) in self.gram[i * count + i..].iter_mut().zip(&self.slopes[i..]) {
                *value = dot(slope, other);
            }
            self.gradient[i] = dot(slope, self.current);
        }
    }
}

/// Where on the way of a step, 0 at its start and 1 at its end, the parabola through both sums with this slope at the
/// start has its minimum. What the Gauss–Newton matrix leaves out makes steps too long or too short by a factor.
fn share_of_step(start: f64, end: f64, slope: f64) -> f64 {
    let curvature = end - start - slope;
    let share = -0.5 * slope / curvature;
    if share.is_finite() && curvature > 0.0 { share.clamp(0.2, 3.0) } else { 1.0 }
}

/// The inner product, in four lanes whose order never changes.
#[inline(always)]
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

    /// Madsen, Nielsen and Tingleff (2004), example 3.5: near the minimum at 0, Gauss–Newton steps shrink the distance
    /// by a factor of λ.
    struct Bent(f64);

    impl Residuals for Bent {
        fn length(&self) -> usize {
            2
        }
        fn evaluate(&mut self, parameters: &[f64], out: &mut Vec<f64>) -> f64 {
            let x = parameters[0];
            out.clear();
            out.extend([x + 1.0, self.0 * x * x + x - 1.0]);
            out.iter().map(|v| v * v).sum()
        }
        fn hold(&mut self, _hold: bool) {}
    }

    #[test]
    fn large_residuals_do_not_slow_the_last_steps() {
        for bend in [0.9, -0.9] {
            let mut parameters = [1.0];
            minimise(&mut Bent(bend), &mut parameters, Effort { steps: 9, tolerance: 0.0 });
            assert!(parameters[0].abs() < 1e-4, "{bend}: {parameters:?}");
        }
    }
}
