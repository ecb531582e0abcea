//! Maximum likelihood by Levenberg–Marquardt steps inside a box (Moré 1978; active set by projection, Kanzow,
//! Yamashita and Fukushima 2004).

use super::filter::{State, Sums, evaluate};
use super::parameters::{Layout, Parameters};
use super::sensitivity::NormalEquations;

/// The damping of a step is given up beyond this.
const HEAVIEST: f64 = 1e10;
/// Minus twice the log-likelihood is found to within about this.
const TOLERANCE: f64 = 1e-6;

/// A point of the search.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) vector: Vec<f64>,
    pub(super) sums: Sums,
    pub(super) criterion: f64,
}

/// The search for one form on one series, with the space that it needs.
pub(super) struct Search<'a> {
    layout: Layout,
    y: &'a [f64],
    low: Vec<f64>,
    high: Vec<f64>,
    parameters: Parameters,
    state: State,
    equations: NormalEquations,
}

impl<'a> Search<'a> {
    pub(super) fn new(layout: Layout, y: &'a [f64]) -> Self {
        let (low, high) = layout.limits();
        let phases = if layout.seasonal.is_some() { layout.m } else { 0 };
        let parameters = Parameters {
            alpha: 0.0,
            beta: 0.0,
            gamma: 0.0,
            phi: 1.0,
            level: 0.0,
            growth: 0.0,
            seasonal: vec![0.0; phases],
        };
        let state = State::start(&parameters);
        Self { equations: NormalEquations::new(&layout), layout, y, low, high, parameters, state }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The distance between an entry's limits.
    pub(super) fn range(&self, i: usize) -> f64 {
        self.high[i] - self.low[i]
    }

    /// The parameters of a point and the states after the last observation.
    pub(super) fn finish(mut self, point: &Point) -> Option<(Parameters, State)> {
        self.layout.unpack(&point.vector, &mut self.parameters);
        evaluate(self.layout.form, self.y, &self.parameters, &mut self.state)?;
        Some((self.parameters, self.state))
    }

    /// The criterion at a vector; none where the form breaks down there.
    pub(super) fn at(&mut self, vector: Vec<f64>) -> Option<Point> {
        self.layout.unpack(&vector, &mut self.parameters);
        if !self.layout.allows(&self.parameters) {
            return None;
        }
        let sums = evaluate(self.layout.form, self.y, &self.parameters, &mut self.state)?;
        let criterion = sums.criterion(self.y.len());
        criterion.is_finite().then_some(Point { vector, sums, criterion })
    }

    /// The local minimum of the criterion that is reached from `start` in at most so many steps.
    pub(super) fn minimise(&mut self, start: Point, steps: usize) -> Point {
        let n = self.y.len() as f64;
        let mut best = start;
        let mut damping = 1e-3;
        let mut small_steps = 0;
        for _ in 0..steps {
            self.layout.unpack(&best.vector, &mut self.parameters);
            let Self { equations, layout, y, parameters, state, .. } = self;
            if equations.assemble(layout, y, &best.vector, parameters, state).is_none() {
                break;
            }
            let free = self.free(&best.vector);
            if free.is_empty() {
                break;
            }
            let before = best.criterion;
            let mut accepted = false;
            while damping < HEAVIEST {
                let candidate = self.step(&best.vector, &free, damping).and_then(|vector| self.at(vector));
                match candidate {
                    Some(point) if point.criterion < before => {
                        best = point;
                        accepted = true;
                        damping = (damping * 0.2).max(1e-12);
                        break;
                    }
                    // No step is small enough to matter where rounding decides.
                    Some(point) if n * (point.criterion - before) < TOLERANCE * 1e-3 => break,
                    _ => damping *= 5.0,
                }
            }
            if !accepted {
                break;
            }
            // Two small gains in a row: one may be due to heavy damping.
            small_steps = if n * (before - best.criterion) < TOLERANCE { small_steps + 1 } else { 0 };
            if small_steps > usize::from(damping > 1e-4) {
                break;
            }
        }
        best
    }

    /// The entries that are not held at a limit by the gradient.
    fn free(&self, vector: &[f64]) -> Vec<usize> {
        (0..self.layout.count)
            .filter(|&i| {
                let gradient = self.equations.gradient[i];
                let held =
                    (vector[i] <= self.low[i] && gradient >= 0.0) || (vector[i] >= self.high[i] && gradient <= 0.0);
                !held && self.equations.at(i, i) > 0.0
            })
            .collect()
    }

    /// The damped Gauss–Newton step of the free entries, cut off at the limits.
    fn step(&self, vector: &[f64], free: &[usize], damping: f64) -> Option<Vec<f64>> {
        let k = free.len();
        let mut matrix = vec![0.0; k * k];
        let mut step: Vec<f64> = free.iter().map(|&i| -self.equations.gradient[i]).collect();
        for (a, &i) in free.iter().enumerate() {
            for (b, &j) in free[..=a].iter().enumerate() {
                matrix[a * k + b] = self.equations.at(i, j);
            }
            matrix[a * k + a] *= 1.0 + damping;
        }
        solve(&mut matrix, &mut step)?;
        let mut next = vector.to_vec();
        for (&i, delta) in free.iter().zip(&step) {
            next[i] = (next[i] + delta).clamp(self.low[i], self.high[i]);
        }
        Some(next)
    }
}

/// Solves a positive definite system by Cholesky's decomposition; `matrix` holds the lower triangle by rows.
fn solve(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let k = right.len();
    for i in 0..k {
        for j in 0..=i {
            let (head, row) = matrix.split_at_mut(i * k);
            let dot: f64 = if i == j {
                row[..j].iter().map(|v| v * v).sum()
            } else {
                row[..j].iter().zip(&head[j * k..j * k + j]).map(|(a, b)| a * b).sum()
            };
            let rest = row[j] - dot;
            row[j] = if i == j {
                // A pivot that rounding alone left is none.
                if !(rest > 1e-14 * row[j].abs()) {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / head[j * k + j]
            };
        }
        let dot: f64 = matrix[i * k..i * k + i].iter().zip(&*right).map(|(a, b)| a * b).sum();
        right[i] = (right[i] - dot) / matrix[i * k + i];
    }
    for i in (0..k).rev() {
        right[i] /= matrix[i * k + i];
        let x = right[i];
        for j in 0..i {
            right[j] -= matrix[i * k + j] * x;
        }
    }
    right.iter().all(|v| v.is_finite()).then_some(())
}
