//! Filling missing values of one column of one series.

use super::decompose::{decompose, median};

/// A season is taken as standing still between two observations no further apart than this part of it.
const SHORT_GAP_SHARE: usize = 12;

/// Above this share of zeros a series is filled with its median: a line between two demands is no demand.
const ZERO_SHARE: f64 = 0.5;

/// What kind of values a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Numbers that can be interpolated.
    Numeric,
    /// Levels of a category, flags, calendar fields: only values that occur make sense.
    Discrete,
}

/// A value found for a missing cell, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filled {
    pub(crate) row: usize,
    pub(crate) value: f64,
    pub(crate) method: &'static str,
}

/// A value for every missing cell; empty where nothing is missing or nothing is observed.
pub(crate) fn fill(values: &[f64], scale: Scale, period: usize) -> Vec<Filled> {
    let gaps = gaps(values);
    if gaps.is_empty() || gaps[0] == (0, values.len()) {
        return Vec::new();
    }
    match scale {
        Scale::Discrete => fill_discrete(values, &gaps, period),
        Scale::Numeric => fill_numeric(values, &gaps, period),
    }
}

/// The runs of missing values: first row, and the row after the last.
fn gaps(values: &[f64]) -> Vec<(usize, usize)> {
    let mut gaps = Vec::new();
    let mut start = None;
    for (row, value) in values.iter().enumerate() {
        match (value.is_nan(), start) {
            (true, None) => start = Some(row),
            (false, Some(first)) => {
                gaps.push((first, row));
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    gaps.extend(start.map(|first| (first, values.len())));
    gaps
}

fn fill_discrete(values: &[f64], gaps: &[(usize, usize)], period: usize) -> Vec<Filled> {
    let mut filled = Vec::new();
    for &(first, end) in gaps {
        let before = first.checked_sub(1).map(|row| values[row]);
        let after = values.get(end).copied();
        for row in first..end {
            let season_before = if period > 1 { row.checked_sub(period).map(|r| values[r]) } else { None };
            let season_after = if period > 1 { values.get(row + period).copied() } else { None };
            let found = match (season_before, season_after, before, after) {
                (Some(a), Some(b), _, _) if a == b => {
                    Some((a, "the value of the same phase one season before and after"))
                }
                (_, _, Some(value), _) => Some((value, "the last observed value")),
                (_, _, None, Some(value)) => Some((value, "the first observed value, carried back")),
                (_, _, None, None) => None,
            };
            filled.extend(found.map(|(value, method)| Filled { row, value, method }));
        }
    }
    filled
}

fn fill_numeric(values: &[f64], gaps: &[(usize, usize)], period: usize) -> Vec<Filled> {
    let facts = Facts::of(values);
    if facts.constant {
        return everywhere(gaps, facts.minimum, "the only value that was observed");
    }
    if facts.zero_share > ZERO_SHARE {
        let level = median(&mut values.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<_>>());
        return everywhere(gaps, level.unwrap_or(0.0), "the median of a series that is mostly zero");
    }
    let stands_still =
        |first: usize, end: usize| first > 0 && end < values.len() && (end + 1 - first) * SHORT_GAP_SHARE <= period;
    let needs_season = period > 1 && !gaps.iter().all(|(first, end)| stands_still(*first, *end));
    let seasonal = if needs_season { decompose(values, period).filter(|d| !d.season.is_empty()) } else { None };
    let mut filled = Vec::new();
    for &(first, end) in gaps {
        let left = first.checked_sub(1);
        let right = (end < values.len()).then_some(end);
        let season = seasonal.as_ref().filter(|_| !stands_still(first, end));
        let seasonal_part = |row: usize| season.map_or(0.0, |d| d.seasonal(row));
        let adjusted = |row: usize| values[row] - seasonal_part(row);
        for row in first..end {
            let (level, method) = match (left, right) {
                (Some(left), Some(right)) => {
                    let share = (row - left) as f64 / (right - left) as f64;
                    let line = adjusted(left) + (adjusted(right) - adjusted(left)) * share;
                    let seasonal = "linear interpolation of the seasonally adjusted series, plus the season";
                    (line, if season.is_some() { seasonal } else { "linear interpolation" })
                }
                (Some(edge), None) => (
                    adjusted(edge),
                    if season.is_some() { "the last level, plus the season" } else { "the last observed value" },
                ),
                (None, Some(edge)) => (
                    adjusted(edge),
                    if season.is_some() {
                        "the first level carried back, plus the season"
                    } else {
                        "the first observed value, carried back"
                    },
                ),
                (None, None) => continue,
            };
            filled.push(Filled { row, value: facts.plausible(level + seasonal_part(row)), method });
        }
    }
    filled
}

fn everywhere(gaps: &[(usize, usize)], value: f64, method: &'static str) -> Vec<Filled> {
    gaps.iter().flat_map(|(first, end)| *first..*end).map(|row| Filled { row, value, method }).collect()
}

/// What the observed values have in common.
struct Facts {
    minimum: f64,
    constant: bool,
    zero_share: f64,
    whole: bool,
}

impl Facts {
    fn of(values: &[f64]) -> Self {
        let (mut minimum, mut maximum) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut count, mut zeros, mut whole) = (0_usize, 0_usize, true);
        for value in values.iter().filter(|v| !v.is_nan()) {
            minimum = minimum.min(*value);
            maximum = maximum.max(*value);
            count += 1;
            zeros += usize::from(*value == 0.0);
            whole &= value.fract() == 0.0;
        }
        Self { minimum, constant: minimum == maximum, zero_share: zeros as f64 / count.max(1) as f64, whole }
    }

    /// Whole numbers stay whole, and what is never negative stays so.
    fn plausible(&self, value: f64) -> f64 {
        let value = if self.whole { value.round() } else { value };
        if self.minimum >= 0.0 { value.max(0.0) } else { value }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]
    use super::*;

    fn values_of(filled: &[Filled]) -> Vec<f64> {
        filled.iter().map(|f| f.value).collect()
    }

    #[test]
    fn without_a_season_a_gap_is_bridged_by_a_line() {
        let filled = fill(&[0.5, f64::NAN, f64::NAN, f64::NAN, 4.5], Scale::Numeric, 1);
        assert_eq!(values_of(&filled), [1.5, 2.5, 3.5]);
        assert_eq!(filled[0].method, "linear interpolation");
    }

    #[test]
    fn the_ends_are_held_and_never_extrapolated() {
        let filled = fill(&[f64::NAN, 1.5, 2.5, f64::NAN, f64::NAN], Scale::Numeric, 1);
        assert_eq!(values_of(&filled), [1.5, 2.5, 2.5]);
    }

    #[test]
    fn a_gap_of_a_whole_season_gets_its_season_back() {
        let truth: Vec<f64> =
            (0..120).map(|i| 100.0 + 0.5 * f64::from(i) + [9.5, -3.0, 2.0, -8.5][i as usize % 4]).collect();
        let mut values = truth.clone();
        values[50..58].fill(f64::NAN);
        let filled = fill(&values, Scale::Numeric, 4);
        assert_eq!(filled.len(), 8);
        for cell in filled {
            assert!((cell.value - truth[cell.row]).abs() < 1.0, "{} {}", cell.value, truth[cell.row]);
        }
    }

    #[test]
    fn counts_stay_whole_and_never_negative() {
        let filled = fill(&[7.0, f64::NAN, 2.0, f64::NAN, 0.0, 4.0], Scale::Numeric, 1);
        assert!(filled.iter().all(|f| f.value.fract() == 0.0 && f.value >= 0.0), "{filled:?}");
    }

    #[test]
    fn a_mostly_zero_series_is_filled_with_zero() {
        let filled = fill(&[0.0, 0.0, f64::NAN, 9.0, 0.0, 0.0, 0.0], Scale::Numeric, 1);
        assert_eq!(values_of(&filled), [0.0]);
    }

    #[test]
    fn categories_are_carried_forward_and_calendar_fields_by_their_season() {
        assert_eq!(values_of(&fill(&[f64::NAN, 2.0, f64::NAN, 5.0], Scale::Discrete, 1)), [2.0, 2.0]);
        let mut hours: Vec<f64> = (0..72).map(|h| f64::from(h % 24)).collect();
        hours[30..34].fill(f64::NAN);
        assert_eq!(values_of(&fill(&hours, Scale::Discrete, 24)), [6.0, 7.0, 8.0, 9.0]);
    }

    #[test]
    fn nothing_observed_is_left_missing() {
        assert!(fill(&[f64::NAN, f64::NAN], Scale::Numeric, 1).is_empty());
    }
}
