//! Between the quantile levels that a network knows and those that are asked for.

/// The quantile at `level` of a distribution known by `quantiles` at `levels`, both ascending: straight between two known
/// levels, and the outermost quantile beyond them, because nothing is known of the tails.
pub(crate) fn at(levels: &[f64], quantiles: &[f64], level: f64) -> f64 {
    /// Levels closer than this are the same.
    const SAME: f64 = 1e-9;
    let right = levels.partition_point(|l| *l < level - SAME);
    let Some(upper) = levels.get(right) else {
        return quantiles.last().copied().unwrap_or(f64::NAN);
    };
    if right == 0 || (upper - level).abs() <= SAME {
        return quantiles[right];
    }
    let share = (level - levels[right - 1]) / (upper - levels[right - 1]);
    quantiles[right - 1] * (1.0 - share) + quantiles[right] * share
}

/// The mean of the distribution whose quantile function runs straight between the given quantiles and stays constant
/// beyond the outermost.
pub(crate) fn mean(levels: &[f64], quantiles: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (quantiles.first(), quantiles.last()) else {
        return f64::NAN;
    };
    let tails = first * levels[0] + last * (1.0 - levels[levels.len() - 1]);
    let between = |i: usize| (levels[i + 1] - levels[i]) * 0.5 * (quantiles[i] + quantiles[i + 1]);
    tails + (0..levels.len() - 1).map(between).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_levels_are_picked_others_interpolated_and_tails_held() {
        let (levels, quantiles) = ([0.1, 0.5, 0.9], [-1.0, 0.0, 3.0]);
        let found = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99].map(|l| at(&levels, &quantiles, l));
        let right = [-1.0, -1.0, -0.5, 0.0, 1.5, 3.0, 3.0];
        assert!(found.iter().zip(right).all(|(f, r)| (f - r).abs() < 1e-12), "{found:?}");
    }
}
