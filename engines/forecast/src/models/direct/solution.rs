//! Ridge regression of all steps at once, with the penalty that forecasts held-out windows best.

use super::form::{Anchor, Form};
use super::moments::{Equations, Moments};
use crate::linear::Cholesky;

/// Penalties tried, relative to the lags' mean square.
const PENALTIES: [f64; 9] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.2, 1.0, 10.0];
/// Steps of the horizon by which penalties are judged.
const JUDGED: usize = 24;

/// The least that a weight costs a window.
const ROUNDING: f64 = 1e-10;

/// What to solve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) anchor: Anchor,
    pub(super) intercept: bool,
    pub(super) penalty: Option<f64>,
}

/// The weights: forecast of step h = anchor + intercept(h) + Σ w(lag, h) (value − anchor).
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) form: Form,
    pub(super) penalty: f64,
    /// A row a lag, a column a step.
    pub(super) weights: Vec<f64>,
    pub(super) intercepts: Vec<f64>,
    /// The mean squared error of each step: on held-out windows where there are, else on the training ones.
    pub(super) errors: Vec<f64>,
}

/// The equations in one form's features, ready for several penalties.
struct Prepared {
    features: Option<(Vec<f64>, usize)>,
    costs: Option<Vec<f64>>,
    lags: usize,
    steps: usize,
    system: Vec<f64>,
    right: Vec<f64>,
    /// The mean square of a lag, and what rounding alone may cost.
    unit: f64,
    least: f64,
}

impl Prepared {
    fn new(form: Form, equations: &Equations) -> Self {
        let (lags, steps) = (equations.lags, equations.horizon);
        let trace: f64 = (0..lags).map(|i| equations.gram[i * lags + i]).sum();
        let features = form.features(lags);
        let (system, right) = match &features {
            None => (equations.gram.clone(), equations.products.clone()),
            Some((features, count)) => {
                let half = transposed_product(features, *count, &equations.gram, lags);
                let right = transposed_product(features, *count, &equations.products, steps);
                (product(&half, *count, lags, features, *count), right)
            }
        };
        Self {
            features,
            costs: form.costs(lags),
            lags,
            steps,
            system,
            right,
            unit: (trace / lags as f64).max(0.0),
            // Series have unit variance: below this share of it there is nothing but rounding.
            least: ROUNDING * equations.count.max(1.0),
        }
    }

    /// Weights on the lags; none where the system is singular.
    fn solve(&self, penalty: f64) -> Option<Vec<f64>> {
        let strength = penalty * self.unit + self.least;
        let order = self.features.as_ref().map_or(self.lags, |(_, count)| *count);
        let mut system = self.system.clone();
        match &self.costs {
            Some(costs) => system.iter_mut().zip(costs).for_each(|(s, c)| *s += strength * c),
            None => (0..order).for_each(|i| system[i * order + i] += strength),
        }
        let mut weights = self.right.clone();
        Cholesky::new(system, order)?.solve_many(&mut weights, self.steps);
        Some(match &self.features {
            None => weights,
            Some((features, count)) => product(features, self.lags, *count, &weights, self.steps),
        })
    }
}

/// Solves with the best of the forms and penalties.
///
/// `fit` and `held` are the moments of earlier and of later windows: candidates are fitted on the first and judged on
/// the second, and the winner is fitted on both. None where every system is singular.
pub(super) fn solve(task: Task, forms: &[Form], fit: &Moments, held: &Moments, horizon: usize) -> Option<Weights> {
    let stride = horizon.div_ceil(JUDGED).max(1);
    let judged: Vec<usize> = (0..horizon).rev().step_by(stride).collect();
    let every: Vec<usize> = (0..horizon).collect();
    let enough = held.count() >= 1.0 && fit.count() >= 2.0;
    let penalties: Vec<f64> = task.penalty.map_or_else(|| PENALTIES.to_vec(), |p| vec![p]);
    let first = (*forms.first()?, penalties[penalties.len() / 2]);
    let mut best = (f64::INFINITY, first);
    if enough && (forms.len() > 1 || penalties.len() > 1) {
        let learn = fit.equations(task.anchor, &judged, task.intercept);
        let judge = held.equations(task.anchor, &judged, false);
        let sums = held.equations(task.anchor, &judged, true);
        for form in forms {
            let prepared = Prepared::new(*form, &learn);
            for penalty in &penalties {
                let Some(weights) = prepared.solve(*penalty) else { continue };
                let intercepts = intercepts(&learn, &weights);
                let errors = errors(&judge, &sums, &weights, &intercepts);
                // Each step counts by its share of what there is to explain.
                let score: f64 = errors.iter().zip(&judge.squares).map(|(e, s)| e / s.max(1e-300)).sum();
                if score < best.0 {
                    best = (score, (*form, *penalty));
                }
            }
        }
    }
    let (form, penalty) = best.1;
    let all = fit.clone().plus(held).equations(task.anchor, &every, task.intercept);
    let prepared = Prepared::new(form, &all);
    let weights = prepared.solve(penalty).or_else(|| prepared.solve(1.0))?;
    let intercepts_all = intercepts(&all, &weights);
    let errors = if enough {
        let learn = fit.equations(task.anchor, &every, task.intercept);
        let judge = held.equations(task.anchor, &every, false);
        let sums = held.equations(task.anchor, &every, true);
        let earlier = Prepared::new(form, &learn).solve(penalty).unwrap_or_else(|| weights.clone());
        errors(&judge, &sums, &earlier, &intercepts(&learn, &earlier))
    } else {
        let whole = fit.clone().plus(held);
        let judge = whole.equations(task.anchor, &every, false);
        let sums = whole.equations(task.anchor, &every, true);
        errors(&judge, &sums, &weights, &intercepts_all)
    };
    Some(Weights { form, penalty, weights, intercepts: intercepts_all, errors })
}

fn intercepts(equations: &Equations, weights: &[f64]) -> Vec<f64> {
    let mut intercepts = equations.step_means.clone();
    for (row, mean) in weights.chunks_exact(equations.horizon.max(1)).zip(&equations.lag_means) {
        intercepts.iter_mut().zip(row).for_each(|(c, w)| *c -= w * mean);
    }
    intercepts
}

/// Mean squared errors by step of y − c − w'x, from uncentred moments and the means.
fn errors(judge: &Equations, sums: &Equations, weights: &[f64], intercepts: &[f64]) -> Vec<f64> {
    let (lags, steps) = (judge.lags, judge.horizon);
    let mut errors = judge.squares.clone();
    let applied = product(&judge.gram, lags, lags, weights, steps);
    for i in 0..lags {
        let row = i * steps..(i + 1) * steps;
        let parts = weights[row.clone()].iter().zip(&applied[row.clone()]).zip(&judge.products[row]);
        for (error, ((w, g), b)) in errors.iter_mut().zip(parts) {
            *error += w * (g - 2.0 * b);
        }
    }
    for (h, error) in errors.iter_mut().enumerate() {
        let explained: f64 = (0..lags).map(|i| weights[i * steps + h] * sums.lag_means[i]).sum();
        let left = sums.step_means[h] - explained;
        *error = (*error / judge.count + intercepts[h] * (intercepts[h] - 2.0 * left)).max(0.0);
    }
    errors
}

/// A B, row-major; `rows` × `inner` times `inner` × `columns`.
fn product(a: &[f64], rows: usize, inner: usize, b: &[f64], columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows * columns];
    for i in 0..rows {
        let target = &mut out[i * columns..(i + 1) * columns];
        for k in 0..inner {
            let factor = a[i * inner + k];
            target.iter_mut().zip(&b[k * columns..(k + 1) * columns]).for_each(|(t, v)| *t += factor * v);
        }
    }
    out
}

/// A'B, row-major; A has `columns` columns and as many rows as B, which has `width` columns.
fn transposed_product(a: &[f64], columns: usize, b: &[f64], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; columns * width];
    for (left, right) in a.chunks_exact(columns).zip(b.chunks_exact(width)) {
        for (factor, target) in left.iter().zip(out.chunks_exact_mut(width)) {
            target.iter_mut().zip(right).for_each(|(t, v)| *t += factor * v);
        }
    }
    out
}
