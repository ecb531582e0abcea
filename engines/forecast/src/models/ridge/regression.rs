//! Ridge regression from cross products, with the penalty by generalised cross-validation.

use crate::linear::Cholesky;

/// Penalties tried, relative to the number of rows: columns have unit variance.
pub(super) const PENALTIES: [f64; 12] = [1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0];
/// How much dearer than in plain GCV a degree of freedom is: overlapping windows are fewer than they look
/// (Wood 2006, *Generalized Additive Models*, §4.5.4 recommends 1.4 against overfitting).
const INFLATION: f64 = 1.4;

/// Sums over the rows of a regression: of the columns, their products, and their products with the response.
#[derive(Debug)]
pub(super) struct CrossProducts {
    pub(super) rows: usize,
    /// Σ x, one for each column.
    pub(super) sums: Vec<f64>,
    /// Σ x xᵀ, row-major.
    pub(super) gram: Vec<f64>,
    /// Σ x y.
    pub(super) products: Vec<f64>,
    /// Σ y.
    pub(super) response_sum: f64,
    /// Σ y².
    pub(super) response_square: f64,
}

/// The standardised problem: correlations of the columns that vary.
#[derive(Debug)]
pub(super) struct Problem {
    rows: f64,
    columns: usize,
    kept: Vec<usize>,
    means: Vec<f64>,
    deviations: Vec<f64>,
    correlation: Vec<f64>,
    covariance: Vec<f64>,
    response_mean: f64,
    response_variance: f64,
}

/// A linear map with what it cost in degrees of freedom.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    pub(super) intercept: f64,
    pub(super) coefficients: Vec<f64>,
    pub(super) freedom: f64,
}

impl Problem {
    pub(super) fn new(cross: &CrossProducts) -> Self {
        let columns = cross.sums.len();
        let rows = cross.rows as f64;
        let response_mean = cross.response_sum / rows;
        let mut kept = Vec::with_capacity(columns);
        let (mut means, mut deviations) = (Vec::with_capacity(columns), Vec::with_capacity(columns));
        for i in 0..columns {
            let mean = cross.sums[i] / rows;
            let square = cross.gram[i * columns + i] / rows;
            let variance = square - mean * mean;
            // A column that does not vary, up to rounding, says nothing.
            if variance > 1e-10 * square && variance > 0.0 {
                kept.push(i);
                means.push(mean);
                deviations.push(variance.sqrt());
            }
        }
        let order = kept.len();
        let mut correlation = vec![0.0; order * order];
        let mut covariance = Vec::with_capacity(order);
        for (a, &i) in kept.iter().enumerate() {
            for (b, &j) in kept.iter().enumerate().skip(a) {
                let product = cross.gram[i * columns + j] / rows - means[a] * means[b];
                correlation[a * order + b] = product / (deviations[a] * deviations[b]);
                correlation[b * order + a] = correlation[a * order + b];
            }
            correlation[a * order + a] = 1.0;
            covariance.push((cross.products[i] / rows - means[a] * response_mean) / deviations[a]);
        }
        let response_variance = (cross.response_square / rows - response_mean * response_mean).max(0.0);
        Self { rows, columns, kept, means, deviations, correlation, covariance, response_mean, response_variance }
    }

    fn factor(&self, penalty: f64) -> Option<Cholesky> {
        let order = self.kept.len();
        let mut matrix = self.correlation.clone();
        (0..order).for_each(|i| matrix[i * order + i] += penalty);
        Cholesky::new(matrix, order)
    }

    fn freedom(&self, cholesky: &Cholesky, penalty: f64) -> f64 {
        self.kept.len() as f64 - penalty * cholesky.inverse_trace()
    }

    /// The generalised cross-validation score of a penalty; none where the system is not positive definite or has as
    /// many degrees of freedom as rows.
    pub(super) fn cross_validation(&self, penalty: f64) -> Option<f64> {
        let cholesky = self.factor(penalty)?;
        let weights = cholesky.solve(&self.covariance);
        let left = 1.0 - INFLATION * (self.freedom(&cholesky, penalty) + 1.0) / self.rows;
        (left > 0.0).then(|| self.residual_variance(&weights) / (left * left))
    }

    /// Mean squared residual: σ² − 2 wᵀb + wᵀA w.
    fn residual_variance(&self, weights: &[f64]) -> f64 {
        let order = self.kept.len();
        let mut variance = self.response_variance;
        for (i, weight) in weights.iter().enumerate() {
            let row = &self.correlation[i * order..(i + 1) * order];
            let fitted: f64 = row.iter().zip(weights).map(|(a, w)| a * w).sum();
            variance += weight * (fitted - 2.0 * self.covariance[i]);
        }
        variance.max(0.0)
    }

    /// The penalty with the lowest score; the largest where none has a score.
    pub(super) fn best_penalty(&self) -> f64 {
        let mut best = (PENALTIES[PENALTIES.len() - 1], f64::INFINITY);
        for penalty in PENALTIES {
            if let Some(score) = self.cross_validation(penalty)
                && score < best.1
            {
                best = (penalty, score);
            }
        }
        best.0
    }

    /// The regression with this penalty, in the units of the columns; none where the system is singular.
    pub(super) fn solve(&self, penalty: f64) -> Option<Solution> {
        let cholesky = self.factor(penalty)?;
        let weights = cholesky.solve(&self.covariance);
        let mut coefficients = vec![0.0; self.columns];
        let mut intercept = self.response_mean;
        for (a, &i) in self.kept.iter().enumerate() {
            coefficients[i] = weights[a] / self.deviations[a];
            intercept -= coefficients[i] * self.means[a];
        }
        Some(Solution { intercept, coefficients, freedom: self.freedom(&cholesky, penalty) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cross(rows: &[([f64; 2], f64)]) -> CrossProducts {
        let mut cross = CrossProducts {
            rows: rows.len(),
            sums: vec![0.0; 2],
            gram: vec![0.0; 4],
            products: vec![0.0; 2],
            response_sum: 0.0,
            response_square: 0.0,
        };
        for (x, y) in rows {
            for i in 0..2 {
                cross.sums[i] += x[i];
                cross.products[i] += x[i] * y;
                for j in 0..2 {
                    cross.gram[2 * i + j] += x[i] * x[j];
                }
            }
            cross.response_sum += y;
            cross.response_square += y * y;
        }
        cross
    }

    #[test]
    fn one_column_shrinks_by_one_over_one_plus_penalty() {
        // y = 3 + 2x, the other column constant: without a penalty exactly that, with penalty 1 half the slope.
        let rows: Vec<_> = (0..10).map(|i| ([f64::from(i), 7.0], 3.0 + 2.0 * f64::from(i))).collect();
        let problem = Problem::new(&cross(&rows));
        let plain = problem.solve(0.0).unwrap();
        assert!((plain.coefficients[0] - 2.0).abs() < 1e-10 && plain.coefficients[1] == 0.0);
        assert!((plain.intercept - 3.0).abs() < 1e-9);
        let half = problem.solve(1.0).unwrap();
        assert!((half.coefficients[0] - 1.0).abs() < 1e-10);
        assert!((half.freedom - 0.5).abs() < 1e-10);
        assert!((half.intercept - (12.0 - 4.5)).abs() < 1e-9);
    }

    #[test]
    fn cross_validation_prefers_little_penalty_for_a_clear_signal_and_much_for_noise() {
        let signal: Vec<_> = (0..40).map(|i| ([f64::from(i % 7), f64::from(i % 3)], f64::from(i % 7))).collect();
        assert!(Problem::new(&cross(&signal)).best_penalty() <= 1e-4);
        let alternating: Vec<_> =
            (0..40).map(|i| ([f64::from(i % 2), f64::from((i / 2) % 2)], f64::from((i / 4) % 2))).collect();
        assert!(Problem::new(&cross(&alternating)).best_penalty() >= 10.0);
    }
}
