//! Moments and quantiles.

use super::summation::{centred, mean, sum_of_squares};

/// The arithmetic mean; NaN for an empty sample.
#[must_use]
pub fn arithmetic_mean(x: &[f64]) -> f64 {
    mean(x)
}

/// The variance with denominator n − `ddof`; NaN where that is not positive.
#[must_use]
pub fn variance(x: &[f64], ddof: usize) -> f64 {
    if x.len() <= ddof {
        return f64::NAN;
    }
    sum_of_squares(&centred(x)) / (x.len() - ddof) as f64
}

/// Skewness m₃ / m₂^{3/2}, moments with denominator n; NaN for a constant sample.
#[must_use]
pub fn skewness(x: &[f64]) -> f64 {
    let (m2, m3, _) = central_moments(x);
    m3 / m2.powf(1.5)
}

/// Kurtosis m₄ / m₂², not in excess: 3 for a normal distribution; NaN for a constant sample.
#[must_use]
pub fn kurtosis(x: &[f64]) -> f64 {
    let (m2, _, m4) = central_moments(x);
    m4 / (m2 * m2)
}

/// The second, third and fourth central moments, denominator n.
fn central_moments(x: &[f64]) -> (f64, f64, f64) {
    let d = centred(x);
    let n = d.len() as f64;
    let (mut m3, mut m4) = (0.0, 0.0);
    for v in &d {
        let square = v * v;
        m3 += square * v;
        m4 += square * square;
    }
    (sum_of_squares(&d) / n, m3 / n, m4 / n)
}

/// The quantile `p` (0 to 1) of an ascending sample, linear between order statistics (Hyndman and Fan 1996, type 7);
/// NaN for an empty sample.
#[must_use]
pub fn quantile_of_sorted(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = p.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// The median; NaN for an empty sample.
#[must_use]
pub fn median(x: &[f64]) -> f64 {
    let mut copy = x.to_vec();
    let n = copy.len();
    if n == 0 {
        return f64::NAN;
    }
    let (below, middle, _) = copy.select_nth_unstable_by(n / 2, f64::total_cmp);
    let upper = *middle;
    if n % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (upper - lower) / 2.0
}

/// The median absolute deviation from the median, times 1.4826: the standard deviation of a normal sample.
#[must_use]
pub fn robust_scale(x: &[f64]) -> f64 {
    let centre = median(x);
    let deviations: Vec<f64> = x.iter().map(|v| (v - centre).abs()).collect();
    1.482_602_218_505_602 * median(&deviations)
}

/// Pearson's correlation of two samples of the same length; `None` where one is constant or there are fewer than three pairs.
#[must_use]
pub fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() || x.len() < 3 {
        return None;
    }
    let (dx, dy) = (centred(x), centred(y));
    let scale = (sum_of_squares(&dx) * sum_of_squares(&dy)).sqrt();
    (scale > 0.0 && scale.is_finite()).then(|| (super::summation::dot(&dx, &dy) / scale).clamp(-1.0, 1.0))
}
