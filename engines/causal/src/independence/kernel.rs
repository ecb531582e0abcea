//! A nonlinear test: correlation of random features, after what the conditions explain is taken out (RCoT: Strobl, Zhang and
//! Visweswaran 2019, "Approximate kernel-based conditional independence tests for fast non-parametric causal discovery").

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::function::gamma::checked_gamma_ur;

use super::{IndependenceTest, Outcome};
use crate::columns::{ColumnsError, complete_rows};
use crate::linear::Cholesky;

/// Features of each of the two variables that are tested, and of the conditioning set together (the authors' choice).
const FEATURES: usize = 5;
const CONDITION_FEATURES: usize = 100;
/// Rows that the width of the kernel is estimated from.
const WIDTH_ROWS: usize = 500;
/// Added to the variances of the condition's features, which nearly determine each other.
const RIDGE: f64 = 1e-6;
/// Rows below which the null distribution cannot be estimated.
const ROWS_MIN: usize = 10;

/// The randomized conditional correlation test with Gaussian kernels, whose widths are the median distances.
///
/// Features are drawn by a seed and the variables alone, so that the same question always has the same answer. The null
/// distribution, a weighted sum of χ² variables, is matched in its first three moments (Hall 1983; Buckley and Eagleson 1988).
#[derive(Clone, Debug)]
pub struct RandomFeatures {
    /// Standardised columns.
    columns: Vec<Vec<f64>>,
    /// Of each column, its features, centred and scaled.
    features: Vec<Vec<Vec<f64>>>,
    seed: u64,
}

impl RandomFeatures {
    /// The test over complete columns.
    ///
    /// # Errors
    /// [`ColumnsError`] where a value is missing, lengths differ, or there are fewer than 10 rows.
    pub fn new(columns: &[Vec<f64>], seed: u64) -> Result<Self, ColumnsError> {
        complete_rows(columns, ROWS_MIN)?;
        let columns: Vec<Vec<f64>> = columns.iter().map(|c| standardised(c.clone())).collect();
        let features = (0..columns.len()).map(|v| features(&[&columns[v]], FEATURES, seed, &[v])).collect();
        Ok(Self { columns, features, seed })
    }

    fn residuals(&self, variable: usize, given: Option<&(Vec<Vec<f64>>, Cholesky)>) -> Vec<Vec<f64>> {
        let own = &self.features[variable];
        let Some((conditions, factor)) = given else { return own.clone() };
        own.iter()
            .map(|feature| {
                let moments: Vec<f64> = conditions.iter().map(|c| dot(c, feature)).collect();
                let weights = factor.solve(&moments);
                let mut left = feature.clone();
                for (condition, weight) in conditions.iter().zip(weights) {
                    left.iter_mut().zip(condition).for_each(|(l, c)| *l -= weight * c);
                }
                left
            })
            .collect()
    }
}

impl IndependenceTest for RandomFeatures {
    fn variables(&self) -> usize {
        self.columns.len()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        let (x, y) = (x.min(y), x.max(y));
        let rows = self.columns[x].len() as f64;
        let conditions = if given.is_empty() {
            None
        } else {
            let mut given = given.to_vec();
            given.sort_unstable();
            let columns: Vec<&[f64]> = given.iter().map(|g| self.columns[*g].as_slice()).collect();
            let conditions = features(&columns, CONDITION_FEATURES, self.seed, &given);
            let ridge =
                |i: usize, j: usize| dot(&conditions[i], &conditions[j]) + if i == j { RIDGE * rows } else { 0.0 };
            let Some(factor) = Cholesky::new(conditions.len(), ridge) else { return Outcome::UNDEFINED };
            Some((conditions, factor))
        };
        let (left_x, left_y) = (self.residuals(x, conditions.as_ref()), self.residuals(y, conditions.as_ref()));
        // Σ of squared covariances, and the covariance of the products that they are means of.
        let products: Vec<Vec<f64>> = left_x
            .iter()
            .flat_map(|a| left_y.iter().map(move |b| a.iter().zip(b).map(|(a, b)| a * b).collect()))
            .collect();
        let statistic = rows * products.iter().map(|p| (p.iter().sum::<f64>() / rows).powi(2)).sum::<f64>();
        let size = products.len();
        let mut spread = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..=i {
                let value = dot(&products[i], &products[j]) / rows;
                spread[i * size + j] = value;
                spread[j * size + i] = value;
            }
        }
        Outcome { statistic, p_value: upper_tail(statistic, &spread, size) }
    }
}

/// P(Σ λ χ²₁ > statistic), λ the eigenvalues of `spread`, whose power sums are traces.
fn upper_tail(statistic: f64, spread: &[f64], size: usize) -> f64 {
    let row = |i: usize| &spread[i * size..(i + 1) * size];
    let first: f64 = (0..size).map(|i| spread[i * size + i]).sum();
    let second: f64 = spread.iter().map(|v| v * v).sum();
    let third: f64 =
        (0..size).map(|i| (0..size).map(|j| dot(row(i), row(j)) * spread[i * size + j]).sum::<f64>()).sum();
    // Cumulants of the sum, and the χ² with the same skewness.
    let (mean, variance, skew) = (first, 2.0 * second, 8.0 * third);
    if !(variance > 0.0 && skew > 0.0) {
        return f64::NAN;
    }
    let freedom = 8.0 * variance.powi(3) / (skew * skew);
    let matched = (statistic - mean) * (2.0 * freedom / variance).sqrt() + freedom;
    if matched <= 0.0 { 1.0 } else { checked_gamma_ur(freedom / 2.0, matched / 2.0).unwrap_or(f64::NAN) }
}

/// `√2 cos(w·z + b)` for random w and b: inner products approximate a Gaussian kernel (Rahimi and Recht 2007).
fn features(columns: &[&[f64]], count: usize, seed: u64, variables: &[usize]) -> Vec<Vec<f64>> {
    let rows = columns.first().map_or(0, |c| c.len());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Each set of variables has a stream of its own.
    random.set_stream(
        variables.iter().fold(1, |name: u64, v| name.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(*v as u64 + 1)),
    );
    let width = median_distance(columns);
    (0..count)
        .map(|_| {
            let weights: Vec<f64> = columns.iter().map(|_| normal(&mut random) / width).collect();
            let phase = random.random_range(0.0..std::f64::consts::TAU);
            let value = |row: usize| {
                let angle = columns.iter().zip(&weights).map(|(c, w)| c[row] * w).sum::<f64>() + phase;
                std::f64::consts::SQRT_2 * angle.cos()
            };
            standardised((0..rows).map(value).collect())
        })
        .collect()
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

/// The median distance between the first rows; 1 where most are equal.
fn median_distance(columns: &[&[f64]]) -> f64 {
    let rows = columns.first().map_or(0, |c| c.len()).min(WIDTH_ROWS);
    let mut distances: Vec<f64> = (0..rows)
        .flat_map(|i| (0..i).map(move |j| columns.iter().map(|c| (c[i] - c[j]).powi(2)).sum::<f64>()))
        .collect();
    if distances.is_empty() {
        return 1.0;
    }
    let middle = distances.len() / 2;
    let median = distances.select_nth_unstable_by(middle, f64::total_cmp).1.sqrt();
    if median > 0.0 { median } else { 1.0 }
}

/// Mean 0 and variance 1; all zero where the values do not vary.
fn standardised(mut values: Vec<f64>) -> Vec<f64> {
    let rows = values.len() as f64;
    let scale = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if scale > 0.0 {
        values.iter_mut().for_each(|v| *v /= scale);
    }
    let mean = values.iter().sum::<f64>() / rows;
    values.iter_mut().for_each(|v| *v -= mean);
    let deviation = (dot(&values, &values) / rows).sqrt();
    let factor = if deviation > 1e-14 { 1.0 / deviation } else { 0.0 };
    values.iter_mut().for_each(|v| *v *= factor);
    values
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    super::fisher_z::inner_product(a, b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn noise(seed: u64, rows: usize) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..rows).map(|_| normal(&mut random)).collect()
    }

    #[test]
    fn a_parabola_is_seen_where_correlation_is_blind() {
        let (x, e) = (noise(1, 500), noise(2, 500));
        let y: Vec<f64> = x.iter().zip(&e).map(|(x, e)| x * x + 0.5 * e).collect();
        let test = RandomFeatures::new(&[x, y, e], 7).unwrap();
        assert!(test.test(0, 1, &[]).p_value < 1e-6, "{:?}", test.test(0, 1, &[]));
        assert!(test.test(0, 2, &[]).p_value > 0.01, "{:?}", test.test(0, 2, &[]));
    }

    #[test]
    fn a_common_cause_is_conditioned_away() {
        let (z, e, f) = (noise(3, 600), noise(4, 600), noise(5, 600));
        let x: Vec<f64> = z.iter().zip(&e).map(|(z, e)| z.sin() * 2.0 + 0.3 * e).collect();
        let y: Vec<f64> = z.iter().zip(&f).map(|(z, f)| z * z + 0.3 * f).collect();
        let test = RandomFeatures::new(&[x, y, z], 7).unwrap();
        assert!(test.test(0, 1, &[2]).p_value > 0.01, "{:?}", test.test(0, 1, &[2]));
        assert!(test.test(0, 2, &[1]).p_value < 1e-3, "{:?}", test.test(0, 2, &[1]));
        assert_eq!(test.test(0, 1, &[2]), test.test(1, 0, &[2]));
    }

    #[test]
    fn p_values_of_independent_columns_are_uniform() {
        let rejected = (0..200)
            .filter(|k| {
                let test = RandomFeatures::new(&[noise(2 * k + 100, 200), noise(2 * k + 101, 200)], *k).unwrap();
                test.test(0, 1, &[]).p_value < 0.1
            })
            .count();
        // Binomial(200, 0.1): 20 expected, deviation 4.2.
        assert!((5..=37).contains(&rejected), "{rejected}");
    }

    #[test]
    fn constants_and_short_columns_are_refused_or_dependent() {
        let test = RandomFeatures::new(&[vec![3.0; 20], noise(9, 20)], 1).unwrap();
        assert!(!test.test(0, 1, &[]).independent(0.05));
        assert!(matches!(RandomFeatures::new(&[vec![1.0; 3]], 1), Err(ColumnsError::TooFewRows { .. })));
    }
}
