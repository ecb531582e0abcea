//! Judges of intervals.

use super::mean;

/// The share of observed actual values inside [lower, upper].
#[must_use]
pub fn coverage(actual: &[f64], lower: &[f64], upper: &[f64]) -> Option<f64> {
    mean(
        actual
            .iter()
            .zip(lower.iter().zip(upper))
            .map(|(y, (l, u))| if y.is_nan() { f64::NAN } else { f64::from(u8::from(l <= y && y <= u)) }),
    )
}

/// The interval score of central intervals of nominal coverage `nominal`, in units of the target: the mean of
/// (u − l) + 2/α · (l − y)₊ + 2/α · (y − u)₊ with α = 1 − nominal (Winkler 1972; Gneiting and Raftery 2007, eq. 43).
/// Proper, and smaller is better. None where `nominal` is not inside (0, 1) or nothing was observed.
#[must_use]
pub fn interval_score(nominal: f64, actual: &[f64], lower: &[f64], upper: &[f64]) -> Option<f64> {
    if !(nominal > 0.0 && nominal < 1.0) {
        return None;
    }
    let penalty = 2.0 / (1.0 - nominal);
    mean(actual.iter().zip(lower.iter().zip(upper)).map(|(y, (l, u))| {
        if y.is_nan() { f64::NAN } else { (u - l) + penalty * ((l - y).max(0.0) + (y - u).max(0.0)) }
    }))
}
