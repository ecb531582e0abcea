//! Judges of quantiles and of samples.

/// The pinball loss of a quantile forecast: level · (y − q) where y is above q, (1 − level) · (q − y) below (Koenker and
/// Bassett 1978).
#[must_use]
pub fn pinball(level: f64, actual: f64, quantile: f64) -> f64 {
    let error = actual - quantile;
    if error >= 0.0 { level * error } else { (level - 1.0) * error }
}

/// The weighted quantile loss: Σ 2 · pinball over the observed steps, averaged over the levels, over Σ |y| (as in the M5
/// uncertainty track and GluonTS). `quantiles` has one row a level. None without levels or where every observed value is
/// zero. For several series, pass their steps together: it is a ratio of sums.
#[must_use]
pub fn weighted_quantile_loss(levels: &[f64], actual: &[f64], quantiles: &[Vec<f64>]) -> Option<f64> {
    let (loss, weight) = quantile_loss(levels, actual, quantiles)?;
    (weight > 0.0).then(|| loss / weight).filter(|v| v.is_finite())
}

/// Numerator and denominator of [`weighted_quantile_loss`].
pub(super) fn quantile_loss(levels: &[f64], actual: &[f64], quantiles: &[Vec<f64>]) -> Option<(f64, f64)> {
    if levels.is_empty() {
        return None;
    }
    let (mut loss, mut weight, mut seen) = (0.0, 0.0, false);
    for (step, y) in actual.iter().enumerate().filter(|(_, y)| y.is_finite()) {
        seen = true;
        weight += y.abs();
        loss += levels.iter().zip(quantiles).map(|(l, row)| 2.0 * pinball(*l, *y, row[step])).sum::<f64>();
    }
    seen.then(|| (loss / levels.len() as f64, weight))
}

/// The continuous ranked probability score of one actual value against a forecast given by quantiles: 2 ∫ pinball dα
/// (Gneiting and Ranjan 2011, eq. 4), exactly, for the quantile function that is a straight line between neighbouring
/// levels and constant outside the outermost ones. In units of the target. `levels` and `quantiles` ascend. None where
/// they are empty, of different lengths or out of order, or anything is not finite.
#[must_use]
pub fn crps_from_quantiles(levels: &[f64], quantiles: &[f64], actual: f64) -> Option<f64> {
    let (first, last) = (*quantiles.first()?, *quantiles.last()?);
    let ascending = levels.len() == quantiles.len()
        && levels.iter().all(|l| *l > 0.0 && *l < 1.0)
        && levels.windows(2).all(|w| w[0] < w[1])
        && quantiles.windows(2).all(|w| w[0] <= w[1]);
    if !ascending || !actual.is_finite() {
        return None;
    }
    let (low, high) = (levels[0], levels[levels.len() - 1]);
    let mut sum = segment((0.0, first), (low, first), actual) + segment((high, last), (1.0, last), actual);
    for (l, q) in levels.windows(2).zip(quantiles.windows(2)) {
        sum += segment((l[0], q[0]), (l[1], q[1]), actual);
    }
    Some(2.0 * sum).filter(|v| v.is_finite())
}

/// ∫ pinball over the levels between two points of a straight quantile function. Where the value lies between the two
/// quantiles the loss has a kink at its level; on either side it is quadratic, which Simpson's rule integrates exactly.
fn segment(from: (f64, f64), to: (f64, f64), actual: f64) -> f64 {
    let simpson = |a: (f64, f64), b: (f64, f64)| {
        let middle = (0.5 * (a.0 + b.0), 0.5 * (a.1 + b.1));
        let at = |p: (f64, f64)| pinball(p.0, actual, p.1);
        (b.0 - a.0) / 6.0 * (at(a) + 4.0 * at(middle) + at(b))
    };
    if from.1 < actual && actual < to.1 {
        let kink = (from.0 + (to.0 - from.0) * (actual - from.1) / (to.1 - from.1), actual);
        simpson(from, kink) + simpson(kink, to)
    } else {
        simpson(from, to)
    }
}

/// The continuous ranked probability score of one actual value against the empirical distribution of samples:
/// E|X − y| − ½ E|X − X′| (Gneiting and Raftery 2007, eq. 21), in n log n. In units of the target. None without samples
/// or where anything is not finite.
#[must_use]
pub fn crps_from_samples(samples: &[f64], actual: f64) -> Option<f64> {
    if samples.is_empty() || !actual.is_finite() || samples.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted.iter().map(|x| (x - actual).abs()).sum::<f64>() / n;
    // Σᵢ Σⱼ |xᵢ − xⱼ| = 2 Σ (2i − n − 1) x₍ᵢ₎, i from 1.
    let spread =
        sorted.iter().enumerate().map(|(i, x)| (2.0 * i as f64 + 1.0 - n) * (x - actual)).sum::<f64>() / (n * n);
    Some(distance - spread).filter(|v| v.is_finite()).map(|v| v.max(0.0))
}
