//! Differences, and back.

/// The differences of a series: `first` times at lag 1, `seasonal` times at lag `season`. Empty where it is too short.
pub(super) fn differences(values: &[f64], first: usize, seasonal: usize, season: usize) -> Vec<f64> {
    let lags = std::iter::repeat_n(season, seasonal).chain(std::iter::repeat_n(1, first));
    lags.fold(values.to_vec(), |values, lag| values.iter().skip(lag).zip(&values).map(|(b, a)| b - a).collect())
}

/// δ₁, δ₂, … of yₜ = wₜ + Σ δⱼ yₜ₋ⱼ, where w is differenced so.
pub(super) fn coefficients(first: usize, seasonal: usize, season: usize) -> Vec<f64> {
    let lags = std::iter::repeat_n(season, seasonal).chain(std::iter::repeat_n(1, first));
    let mut polynomial = vec![1.0];
    for lag in lags {
        let mut product = vec![0.0; polynomial.len() + lag];
        for (i, value) in polynomial.iter().enumerate() {
            product[i] += value;
            product[i + lag] -= value;
        }
        polynomial = product;
    }
    polynomial[1..].iter().map(|v| 0.0 - v).collect()
}

/// Levels after `history` whose differences are `ahead`.
pub(super) fn undone(history: &[f64], ahead: &[f64], coefficients: &[f64]) -> Vec<f64> {
    let mut levels = history[history.len().saturating_sub(coefficients.len())..].to_vec();
    let start = levels.len();
    for value in ahead {
        let past: f64 = levels.iter().rev().zip(coefficients).map(|(y, delta)| delta * y).sum();
        levels.push(value + past);
    }
    levels.split_off(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_undone() {
        let values: Vec<f64> = (0..30).map(|t| f64::from((t * t) % 13)).collect();
        let all = differences(&values, 1, 1, 4);
        let back = undone(&values[..20], &all[15..], &coefficients(1, 1, 4));
        assert!(back.iter().zip(&values[20..]).all(|(a, b)| (a - b).abs() < 1e-9));
        assert!(differences(&values[..3], 0, 1, 4).is_empty());
    }
}
