//! A series without gaps, for what needs complete data.

use std::borrow::Cow;

/// A series from its first to its last observation, gaps filled by straight lines.
pub(super) struct Filled {
    /// The values, all finite.
    pub(super) values: Vec<f64>,
    /// Where they begin on the series' own axis.
    pub(super) offset: usize,
    /// Values that were filled in.
    pub(super) interpolated: usize,
}

impl Filled {
    /// Fills a series; without a single observation it is empty.
    pub(super) fn of(target: &[f64]) -> Self {
        let first = target.iter().position(|v| v.is_finite());
        let last = target.iter().rposition(|v| v.is_finite());
        let (Some(first), Some(last)) = (first, last) else {
            return Self { values: Vec::new(), offset: 0, interpolated: 0 };
        };
        let mut values = target[first..=last].to_vec();
        let mut interpolated = 0;
        let mut known = 0;
        for i in 1..values.len() {
            if !values[i].is_finite() {
                continue;
            }
            let (from, to, steps) = (values[known], values[i], i - known);
            for j in 1..steps {
                values[known + j] = from + (to - from) * (j as f64 / steps as f64);
            }
            interpolated += steps - 1;
            known = i;
        }
        Self { values, offset: first, interpolated }
    }

    /// Whether enough of it was observed to be tested.
    pub(super) fn is_testable(&self) -> bool {
        2 * self.interpolated <= self.values.len()
    }

    /// The last `most` values.
    pub(super) fn tail(&self, most: usize) -> &[f64] {
        &self.values[self.values.len().saturating_sub(most)..]
    }
}

/// The finite values of a column.
pub(super) fn observed(column: &[f64]) -> Cow<'_, [f64]> {
    if column.iter().all(|v| v.is_finite()) {
        Cow::Borrowed(column)
    } else {
        Cow::Owned(column.iter().copied().filter(|v| v.is_finite()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_gaps_are_filled_by_lines_and_outer_ones_dropped() {
        let nan = f64::NAN;
        let filled = Filled::of(&[nan, 1.0, nan, nan, 4.0, 5.0, nan]);
        assert_eq!(filled.values, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!((filled.offset, filled.interpolated), (1, 2));
    }

    #[test]
    fn a_series_without_observations_is_empty() {
        assert!(Filled::of(&[f64::NAN; 3]).values.is_empty());
        assert!(Filled::of(&[]).values.is_empty());
    }
}
