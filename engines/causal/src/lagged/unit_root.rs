//! Unit roots, and their removal by differencing.

use crate::linear::Cholesky;

/// Lagged differences in the test regression, at most.
const LAGS_MAX: usize = 12;

/// Augmented Dickey–Fuller with a constant and ⌊(n − 1)^⅓⌋ lagged differences (Said and Dickey 1984), at 5 % by
/// MacKinnon's (2010) response surface. `None` where it cannot be computed: too short, or no variation.
pub(crate) fn has_unit_root(values: &[f64]) -> Option<bool> {
    let lags = ((values.len().saturating_sub(1)) as f64).cbrt().floor().min(LAGS_MAX as f64) as usize;
    let terms = lags + 2;
    let mut normal = vec![0.0; terms * terms];
    let (mut right, mut square, mut rows) = (vec![0.0; terms], 0.0, 0.0_f64);
    let mut row = vec![1.0; terms];
    for t in lags + 1..values.len() {
        row[1] = values[t - 1];
        (0..lags).for_each(|k| row[2 + k] = values[t - 1 - k] - values[t - 2 - k]);
        let response = values[t] - values[t - 1];
        if response.is_nan() || row.iter().any(|v| v.is_nan()) {
            continue;
        }
        rows += 1.0;
        square += response * response;
        for i in 0..terms {
            right[i] += row[i] * response;
            (0..=i).for_each(|j| normal[i * terms + j] += row[i] * row[j]);
        }
    }
    if rows < (3 * terms) as f64 {
        return None;
    }
    let factor = Cholesky::new(terms, |i, j| normal[i * terms + j])?;
    let weights = factor.solve(&right);
    let residual = square - weights.iter().zip(&right).map(|(a, b)| a * b).sum::<f64>();
    let mut unit = vec![0.0; terms];
    unit[1] = 1.0;
    let variance = factor.solve(&unit)[1] * (residual / (rows - terms as f64)).max(0.0);
    let statistic = weights[1] / variance.sqrt();
    let critical = -2.861_54 - 2.890_3 / rows - 4.234 / (rows * rows) - 40.04 / (rows * rows * rows);
    statistic.is_finite().then_some(statistic > critical)
}

/// Replaces values by their differences; the first becomes missing.
pub(crate) fn difference(values: &mut [f64]) {
    for t in (1..values.len()).rev() {
        values[t] -= values[t - 1];
    }
    if let Some(first) = values.first_mut() {
        *first = f64::NAN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn walk(decay: f64, seed: u64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut level = 0.0;
        (0..400)
            .map(|_| {
                level = decay * level + random.random_range(-1.0..1.0);
                level
            })
            .collect()
    }

    #[test]
    fn random_walks_are_told_from_stationary_series() {
        let found = |decay: f64| (0..50).filter(|seed| has_unit_root(&walk(decay, *seed)) == Some(true)).count();
        assert!(found(1.0) >= 45, "a walk passes as stationary in about 5 % of cases: {}", found(1.0));
        assert!(found(0.8) <= 2, "{}", found(0.8));
    }

    #[test]
    fn differencing_takes_the_root_away() {
        let mut values = walk(1.0, 3);
        difference(&mut values);
        assert!(values[0].is_nan());
        assert_eq!(has_unit_root(&values), Some(false));
        assert_eq!(has_unit_root(&[1.0; 50]), None);
    }
}
