//! What the Gauss–Newton matrix leaves out of the second derivatives of a sum of squares.

use super::least_squares::dot;

/// A secant approximation of Σ rᵢ ∇²rᵢ that grows with the steps taken (Dennis, Gay and Welsch 1981, NL2SOL).
#[derive(Clone, Debug)]
pub(super) struct Curvature {
    /// Row by row.
    matrix: Vec<f64>,
    /// Whether the last step was foretold better with it than without.
    pub(super) helps: bool,
    /// The last step, and the gradient at its start.
    last: Option<(Vec<f64>, Vec<f64>)>,
}

impl Curvature {
    /// None yet, of so many parameters.
    pub(super) fn new(count: usize) -> Self {
        Self { matrix: vec![0.0; count * count], helps: true, last: None }
    }

    /// Learns from the last step: the gradient Jᵀr after it, and what the step's end would have had with the derivatives
    /// of its start.
    pub(super) fn learn(&mut self, gradient: &[f64], stale: &[f64]) {
        let Some((step, before)) = self.last.take() else { return };
        let count = step.len();
        let turned: Vec<f64> = gradient.iter().zip(stale).map(|(now, then)| now - then).collect();
        let change: Vec<f64> = gradient.iter().zip(&before).map(|(now, then)| now - then).collect();
        let along = dot(&change, &step);
        // Without positive curvature along the step there is nothing to learn.
        if along.is_nan() || along <= 1e-10 * (dot(&change, &change) * dot(&step, &step)).sqrt() {
            return;
        }
        let product = self.times(&step);
        let (known, seen) = (dot(&step, &product), dot(&step, &turned));
        let size = if known == 0.0 { 1.0 } else { (seen / known).abs().min(1.0) };
        let error: Vec<f64> = turned.iter().zip(&product).map(|(t, p)| t - size * p).collect();
        let whole = dot(&step, &error) / (along * along);
        for i in 0..count {
            for j in 0..count {
                let value = &mut self.matrix[i * count + j];
                *value = size * *value + (error[i] * change[j] + change[i] * error[j]) / along
                    - whole * change[i] * change[j];
            }
        }
    }

    /// Remembers a step, from a point with this Gauss–Newton matrix and gradient, and how much half the sum changed.
    pub(super) fn moved(&mut self, step: impl Iterator<Item = f64>, gram: &[f64], gradient: &[f64], change: f64) {
        let step: Vec<f64> = step.collect();
        let count = step.len();
        let upper = |i: usize, j: usize| gram[i.min(j) * count + i.max(j)];
        let square: f64 = (0..count)
            .flat_map(|i| (0..count).map(move |j| (i, j)))
            .map(|(i, j)| step[i] * step[j] * upper(i, j))
            .sum();
        let without = dot(gradient, &step) + 0.5 * square;
        let with = without + 0.5 * dot(&step, &self.times(&step));
        self.helps = (with - change).abs() <= (without - change).abs();
        self.last = Some((step, gradient.to_vec()));
    }

    /// The matrix of second derivatives: the Gauss–Newton part, of which the upper half is read, and the rest.
    pub(super) fn added_to(&self, gram: &[f64]) -> Vec<f64> {
        gram.iter().zip(&self.matrix).map(|(g, rest)| g + rest).collect()
    }

    fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.matrix.chunks_exact(vector.len().max(1)).map(|row| dot(row, vector)).collect()
    }
}
