//! A series as a transformer takes it: scaled by itself, and cut into patches.

/// What brings a scaled series back: `y = scaled · scale + location`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scaling {
    pub(super) location: f64,
    pub(super) scale: f64,
}

impl Scaling {
    /// The scale of a series without variation.
    const LEAST: f64 = 1e-5;

    /// Mean and population standard deviation of the observed values; 0 and 1 where nothing is observed.
    pub(super) fn of(series: &[f64]) -> Self {
        let observed = || series.iter().copied().filter(|v| !v.is_nan());
        let count = observed().count();
        if count == 0 {
            return Self { location: 0.0, scale: 1.0 };
        }
        let (low, high) = observed().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low >= high {
            // Told apart before any rounding: a constant's computed deviation need not be zero.
            return Self { location: low, scale: Self::LEAST };
        }
        let location = observed().sum::<f64>() / count as f64;
        let variance = observed().map(|v| (v - location) * (v - location)).sum::<f64>() / count as f64;
        let scale = variance.sqrt();
        Self { location, scale: if scale > 0.0 { scale } else { Self::LEAST } }
    }

    pub(super) fn scaled(&self, value: f64) -> f64 {
        (value - self.location) / self.scale
    }

    pub(super) fn restored(&self, value: f64) -> f64 {
        value * self.scale + self.location
    }
}

/// What counts of a history: its last `longest` values without the missing ones before them, which a transformer would
/// not look at; a single missing value where nothing is observed.
pub(super) fn context(history: &[f64], longest: usize) -> &[f64] {
    const NOTHING: &[f64] = &[f64::NAN];
    let recent = &history[history.len().saturating_sub(longest)..];
    recent.iter().position(|v| !v.is_nan()).map_or(NOTHING, |first| &recent[first..])
}

/// The value at a place of `places`, where the series lies at the right end; `None` where it is missing or padding.
pub(super) fn at(series: &[f64], places: usize, place: usize) -> Option<f64> {
    let before = places - series.len();
    place.checked_sub(before).map(|i| series[i]).filter(|v| !v.is_nan())
}

/// The empirical quantile at `level` of ascending values, straight between two order statistics.
pub(super) fn empirical(sorted: &[f64], level: f64) -> f64 {
    let place = level * (sorted.len() - 1) as f64;
    let left = place.floor() as usize;
    let right = (left + 1).min(sorted.len() - 1);
    sorted[left] + (sorted[right] - sorted[left]) * (place - left as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_is_by_the_observed_values() {
        let scaling = Scaling::of(&[1.0, f64::NAN, 3.0]);
        assert_eq!(scaling, Scaling { location: 2.0, scale: 1.0 });
        assert_eq!(Scaling::of(&[f64::NAN]), Scaling { location: 0.0, scale: 1.0 });
        assert_eq!(Scaling::of(&[0.1; 7]), Scaling { location: 0.1, scale: 1e-5 });
    }

    #[test]
    fn a_context_begins_with_a_value() {
        let nan = f64::NAN;
        assert_eq!(context(&[1.0, nan, 2.0, 3.0], 3), [2.0, 3.0]);
        assert!(context(&[nan, nan], 5)[0].is_nan());
        assert_eq!(at(&[5.0, 6.0], 4, 3), Some(6.0));
        assert_eq!(at(&[5.0, 6.0], 4, 1), None);
    }

    #[test]
    fn an_empirical_quantile_interpolates() {
        assert!((empirical(&[0.0, 1.0, 2.0, 3.0, 4.0], 0.1) - 0.4).abs() < 1e-12);
        assert_eq!(empirical(&[0.0, 1.0], 1.0), 1.0);
    }
}
