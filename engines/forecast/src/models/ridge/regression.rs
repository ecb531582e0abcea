//! Ridge regressions that share columns, with the penalty by generalised cross-validation.
//!
//! The steps of a horizon have most of their columns in common. Those are standardised and factored once for each
//! penalty; a step with columns of its own then only needs the Schur complement of the shared block.

use crate::linear::Cholesky;

/// Penalties tried, relative to the number of rows: columns have unit variance.
pub(super) const PENALTIES: [f64; 12] = [1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0];
/// How much dearer than in plain GCV a degree of freedom is: overlapping windows are fewer than they look
/// (Wood 2006, *Generalized Additive Models*, §4.5.4 recommends 1.4 against overfitting).
const INFLATION: f64 = 1.4;

/// Columns that vary, with what standardises them.
#[derive(Debug)]
struct Standard {
    kept: Vec<usize>,
    means: Vec<f64>,
    deviations: Vec<f64>,
}

impl Standard {
    /// From each column's sum and sum of squares.
    fn of(rows: f64, sums: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut standard = Self { kept: Vec::new(), means: Vec::new(), deviations: Vec::new() };
        for (i, (sum, squares)) in sums.enumerate() {
            let (mean, square) = (sum / rows, squares / rows);
            let variance = square - mean * mean;
            // A column that does not vary, up to rounding, says nothing.
            if variance > 1e-10 * square && variance > 0.0 {
                standard.kept.push(i);
                standard.means.push(mean);
                standard.deviations.push(variance.sqrt());
            }
        }
        standard
    }

    fn order(&self) -> usize {
        self.kept.len()
    }

    /// The correlations of the columns, row-major, from their products.
    fn correlations(&self, rows: f64, product: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let order = self.order();
        let mut correlations = vec![0.0; order * order];
        for a in 0..order {
            correlations[a * order + a] = 1.0;
            for b in a + 1..order {
                let mean = product(self.kept[a], self.kept[b]) / rows - self.means[a] * self.means[b];
                let correlation = mean / (self.deviations[a] * self.deviations[b]);
                correlations[a * order + b] = correlation;
                correlations[b * order + a] = correlation;
            }
        }
        correlations
    }

    /// Adds the slopes of standardised weights to the solution.
    fn restore(&self, weights: &[f64], coefficients: &mut [f64], intercept: &mut f64) {
        for (a, &i) in self.kept.iter().enumerate() {
            coefficients[i] = weights[a] / self.deviations[a];
            *intercept -= coefficients[i] * self.means[a];
        }
    }
}

/// The columns that all steps have in common.
#[derive(Debug)]
pub(super) struct Shared {
    rows: f64,
    columns: usize,
    standard: Standard,
    correlations: Vec<f64>,
}

/// The shared columns' penalised correlations, factored.
#[derive(Debug)]
pub(super) struct Factor {
    penalty: f64,
    cholesky: Cholesky,
    inverse_trace: f64,
}

impl Shared {
    /// From the columns' sums and products (row-major) over `rows` rows.
    pub(super) fn new(rows: usize, sums: &[f64], gram: &[f64]) -> Self {
        let (rows, columns) = (rows as f64, sums.len());
        let standard = Standard::of(rows, sums.iter().enumerate().map(|(i, s)| (*s, gram[i * columns + i])));
        let correlations = standard.correlations(rows, |i, j| gram[i * columns + j]);
        Self { rows, columns, standard, correlations }
    }

    /// Factors the block for a penalty; none where it is singular.
    pub(super) fn factor(&self, penalty: f64) -> Option<Factor> {
        let order = self.standard.order();
        let mut matrix = self.correlations.clone();
        (0..order).for_each(|i| matrix[i * order + i] += penalty);
        let cholesky = Cholesky::new(matrix, order)?;
        Some(Factor { penalty, inverse_trace: cholesky.inverse_trace(), cholesky })
    }
}

/// Sums over the rows of one step: its own columns are followed by a column of ones and the response.
#[derive(Debug)]
pub(super) struct StepProducts {
    /// How many columns of its own the step has, without the last two.
    pub(super) columns: usize,
    /// Products of the shared columns (a row each) with all of the step's.
    pub(super) mixed: Vec<f64>,
    /// Products of the step's columns with each other.
    pub(super) own: Vec<f64>,
}

/// One step's standardised problem.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    shared: &'a Shared,
    columns: usize,
    standard: Standard,
    /// Correlations of the shared columns (a row each) with the step's own, and last their covariance with the response.
    right: Vec<f64>,
    correlations: Vec<f64>,
    covariance: Vec<f64>,
    response_mean: f64,
    response_variance: f64,
}

/// A linear map with what it cost in degrees of freedom.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub(super) intercept: f64,
    /// Of the shared columns, then of the step's own.
    pub(super) coefficients: Vec<f64>,
    pub(super) freedom: f64,
}

/// Weights of standardised columns.
struct Weights {
    shared: Vec<f64>,
    own: Vec<f64>,
    freedom: f64,
    residual_variance: f64,
}

impl<'a> Problem<'a> {
    pub(super) fn new(shared: &'a Shared, products: &StepProducts) -> Self {
        let (rows, columns) = (shared.rows, products.columns);
        let width = columns + 2;
        let own = |i: usize, j: usize| products.own[i * width + j];
        let standard = Standard::of(rows, (0..columns).map(|j| (own(j, columns), own(j, j))));
        let response_mean = own(columns, columns + 1) / rows;
        let order = standard.order();
        let mut right = Vec::with_capacity(shared.standard.order() * (order + 1));
        let all = &shared.standard;
        for ((&i, mean), deviation) in all.kept.iter().zip(&all.means).zip(&all.deviations) {
            let row = &products.mixed[i * width..(i + 1) * width];
            right.extend((0..order).map(|b| {
                (row[standard.kept[b]] / rows - mean * standard.means[b]) / (deviation * standard.deviations[b])
            }));
            right.push((row[columns + 1] / rows - mean * response_mean) / deviation);
        }
        let covariance = (0..order)
            .map(|b| {
                (own(standard.kept[b], columns + 1) / rows - standard.means[b] * response_mean) / standard.deviations[b]
            })
            .collect();
        Self {
            shared,
            columns,
            correlations: standard.correlations(rows, own),
            standard,
            right,
            covariance,
            response_mean,
            response_variance: (own(columns + 1, columns + 1) / rows - response_mean * response_mean).max(0.0),
        }
    }

    /// Block elimination: the shared block A is factored already, its columns against the step's are B, and the step's
    /// own weights solve the Schur complement D − BᵀA⁻¹B. None where that is singular.
    fn weights(&self, factor: &Factor) -> Option<Weights> {
        let (order, width, penalty) = (self.standard.order(), self.standard.order() + 1, factor.penalty);
        let mut solved = self.right.clone();
        factor.cholesky.solve_many(&mut solved, width);
        let mut complement = self.correlations.clone();
        let mut reduced = self.covariance.clone();
        let mut spread = vec![0.0; order * order];
        for (given, row) in self.right.chunks_exact(width).zip(solved.chunks_exact(width)) {
            for a in 0..order {
                reduced[a] -= given[a] * row[order];
                for b in 0..order {
                    complement[a * order + b] -= given[a] * row[b];
                    spread[a * order + b] += row[a] * row[b];
                }
            }
        }
        for a in 0..order {
            complement[a * order + a] += penalty;
            spread[a * order + a] += 1.0;
        }
        let complement = Cholesky::new(complement, order)?;
        let own = complement.solve(&reduced);
        // tr S⁻¹(I + KᵀK), the share of the inverse's trace that the step's own columns bring.
        complement.solve_many(&mut spread, order);
        let trace = factor.inverse_trace + (0..order).map(|a| spread[a * order + a]).sum::<f64>();
        let shared: Vec<f64> = solved
            .chunks_exact(width)
            .map(|row| row[order] - row.iter().zip(&own).map(|(k, w)| k * w).sum::<f64>())
            .collect();
        // The weights solve the penalised system, so that the residual's square is σ² − wᵀb − λ wᵀw.
        let mut residual_variance = self.response_variance;
        for (weight, row) in shared.iter().zip(self.right.chunks_exact(width)) {
            residual_variance -= weight * (row[order] + penalty * weight);
        }
        for (weight, covariance) in own.iter().zip(&self.covariance) {
            residual_variance -= weight * (covariance + penalty * weight);
        }
        let freedom = (shared.len() + order) as f64 - penalty * trace;
        Some(Weights { shared, own, freedom, residual_variance: residual_variance.max(0.0) })
    }

    /// The generalised cross-validation score of a penalty; none where the system is not positive definite or has as
    /// many degrees of freedom as rows.
    fn cross_validation(&self, factor: &Factor) -> Option<f64> {
        let weights = self.weights(factor)?;
        let left = 1.0 - INFLATION * (weights.freedom + 1.0) / self.shared.rows;
        (left > 0.0).then(|| weights.residual_variance / (left * left))
    }

    /// The place of the factor with the lowest score; the last where none has a score.
    pub(super) fn best(&self, factors: &[Factor]) -> usize {
        let mut best = (factors.len().saturating_sub(1), f64::INFINITY);
        for (i, factor) in factors.iter().enumerate() {
            if let Some(score) = self.cross_validation(factor)
                && score < best.1
            {
                best = (i, score);
            }
        }
        best.0
    }

    /// The regression in the units of the columns; none where the system is singular.
    pub(super) fn solve(&self, factor: &Factor) -> Option<Solution> {
        let weights = self.weights(factor)?;
        let mut coefficients = vec![0.0; self.shared.columns + self.columns];
        let mut intercept = self.response_mean;
        let (first, second) = coefficients.split_at_mut(self.shared.columns);
        self.shared.standard.restore(&weights.shared, first, &mut intercept);
        self.standard.restore(&weights.own, second, &mut intercept);
        Some(Solution { intercept, coefficients, freedom: weights.freedom })
    }
}

#[cfg(test)]
#[path = "regression_tests.rs"]
mod tests;
