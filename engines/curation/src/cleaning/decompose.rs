//! A fast and robust decomposition into trend and season, for filling gaps and for finding spikes.
//!
//! The trend joins the medians of overlapping blocks of one season by straight lines; the season is the median,
//! phase by phase, of what the trend leaves. Medians carry neither a spike nor a missing value further (the
//! purpose of the robust weights of STL: Cleveland, Cleveland, McRae and Terpenning 1990), and all of it is
//! linear in the length of the series.

use crate::rules::sampled_rows;

/// Block length where there is no season, in observations.
const PLAIN_BLOCK: usize = 15;

/// A block shorter than this is lengthened to several seasons.
const SHORTEST_BLOCK: usize = 12;

/// A phase needs this many observations before its median is trusted.
const OBSERVATIONS_PER_PHASE: usize = 2;

/// The part of the spread (squared interquartile range) that the season must explain to be used.
const WEAKEST_SEASON: f64 = 0.2;

/// Trend and season of a series.
pub(crate) struct Decomposition {
    /// The trend, one value an observation.
    pub(crate) trend: Vec<f64>,
    /// The season by phase, phase 0 being the first observation; empty where there is no season worth using.
    pub(crate) season: Vec<f64>,
}

impl Decomposition {
    /// The seasonal part of an observation.
    pub(crate) fn seasonal(&self, index: usize) -> f64 {
        if self.season.is_empty() { 0.0 } else { self.season[index % self.season.len()] }
    }
}

/// Decomposes a series with missing values (NaN); none where too little is observed.
pub(crate) fn decompose(values: &[f64], period: usize) -> Option<Decomposition> {
    let trend = block_trend(values, period)?;
    let mut season = Vec::new();
    if period > 1 && values.len() >= OBSERVATIONS_PER_PHASE * period {
        let detrended: Vec<f64> = values.iter().zip(&trend).map(|(value, level)| value - level).collect();
        if let Some(profile) = phase_medians(&detrended, period) {
            let adjusted: Vec<f64> = detrended.iter().enumerate().map(|(i, d)| d - profile[i % period]).collect();
            let share = (spread(&adjusted) / spread(&detrended)).powi(2);
            // A spread of zero on both sides makes the share NaN: no season.
            if 1.0 - share >= WEAKEST_SEASON {
                season = profile;
            }
        }
    }
    Some(Decomposition { trend, season })
}

/// The median of values, which are reordered; none where there are none.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(values.len() / 2, f64::total_cmp);
    let upper = *upper;
    let lower = if even { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) } else { upper };
    Some(lower + (upper - lower) / 2.0)
}

/// The value below which a share of the observed values lies (nearest rank, no interpolation); none where
/// there are none. The values are reordered and must not be NaN.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let rank = (share * last as f64).round() as usize;
    Some(*values.select_nth_unstable_by(rank.min(last), f64::total_cmp).1)
}

/// The quartiles of the observed values (of a sample of a long series); none where there are none.
pub(crate) fn quartiles(values: &[f64]) -> Option<(f64, f64)> {
    let rows = sampled_rows(values.len(), values.len());
    let mut observed: Vec<f64> = rows.map(|row| values[row]).filter(|v| !v.is_nan()).collect();
    Some((quantile(&mut observed, 0.25)?, quantile(&mut observed, 0.75)?))
}

/// The interquartile range of the observed values.
fn spread(values: &[f64]) -> f64 {
    quartiles(values).map_or(0.0, |(lower, upper)| upper - lower)
}

/// The length of a block: a whole number of seasons.
fn block_length(period: usize, length: usize) -> usize {
    let block = match period {
        0 | 1 => PLAIN_BLOCK,
        short if short < SHORTEST_BLOCK => short * SHORTEST_BLOCK.div_ceil(short),
        long => long,
    };
    block.min(length)
}

/// Straight lines through the medians of half-overlapping blocks; continued at the same slope at both ends.
fn block_trend(values: &[f64], period: usize) -> Option<Vec<f64>> {
    let length = values.len();
    let block = block_length(period, length);
    let stride = (block / 2).max(1);
    let mut starts: Vec<usize> = (0..=length.checked_sub(block)?).step_by(stride).collect();
    if starts.last().is_some_and(|start| start + block < length) {
        starts.push(length - block);
    }
    let mut knots: Vec<(f64, f64)> = Vec::with_capacity(starts.len());
    let mut scratch = Vec::with_capacity(block);
    for start in starts {
        scratch.clear();
        scratch.extend(values[start..start + block].iter().copied().filter(|v| !v.is_nan()));
        if 2 * scratch.len() >= block {
            knots.extend(median(&mut scratch).map(|m| (start as f64 + (block - 1) as f64 / 2.0, m)));
        }
    }
    let &[first, ..] = knots.as_slice() else {
        // Nowhere is half a block observed: the overall median is all that can be said.
        let level = median(&mut values.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<_>>())?;
        return Some(vec![level; length]);
    };
    if knots.len() == 1 {
        return Some(vec![first.1; length]);
    }
    let mut trend = Vec::with_capacity(length);
    let mut segment = 0;
    for index in 0..length {
        let x = index as f64;
        while segment + 2 < knots.len() && x > knots[segment + 1].0 {
            segment += 1;
        }
        let (left, right) = (knots[segment], knots[segment + 1]);
        trend.push(left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0));
    }
    Some(trend)
}

/// The median of each phase, shifted so that the profile's mean is zero; none where a phase is hardly observed.
fn phase_medians(detrended: &[f64], period: usize) -> Option<Vec<f64>> {
    let mut profile = Vec::with_capacity(period);
    let mut scratch = Vec::with_capacity(detrended.len() / period + 1);
    for phase in 0..period {
        scratch.clear();
        scratch.extend(detrended[phase..].iter().step_by(period).copied().filter(|v| !v.is_nan()));
        if scratch.len() < OBSERVATIONS_PER_PHASE {
            return None;
        }
        profile.push(median(&mut scratch)?);
    }
    let mean = profile.iter().sum::<f64>() / period as f64;
    profile.iter_mut().for_each(|p| *p -= mean);
    Some(profile)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]
    use super::*;

    #[test]
    fn medians_and_quantiles_of_few_values() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
        assert_eq!(quantile(&mut [5.0, 1.0, 3.0], 1.0), Some(5.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn a_line_plus_a_season_is_taken_apart_exactly() {
        let profile = [3.0, -1.0, -2.0, 0.0, 4.0, -2.0, -2.0];
        let values: Vec<f64> = (0..140).map(|i| 10.0 + 0.01 * f64::from(i) + profile[i as usize % 7]).collect();
        let parts = decompose(&values, 7).unwrap();
        assert_eq!(parts.season.len(), 7);
        for (phase, expected) in profile.iter().enumerate() {
            assert!((parts.seasonal(phase) - expected).abs() < 0.1, "{phase}: {}", parts.seasonal(phase));
        }
    }

    #[test]
    fn a_spike_leaves_trend_and_season_alone() {
        let mut values: Vec<f64> = (0..200).map(|i| f64::from(i % 10)).collect();
        let plain = decompose(&values, 10).unwrap();
        values[77] = 1e9;
        let spiked = decompose(&values, 10).unwrap();
        assert!(plain.trend.iter().zip(&spiked.trend).all(|(a, b)| (a - b).abs() <= 1.0));
        assert!(plain.season.iter().zip(&spiked.season).all(|(a, b)| (a - b).abs() <= 1.0));
    }

    #[test]
    fn noise_has_no_season() {
        let mut state = 1_u64;
        let values: Vec<f64> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64
        })
        .take(2_000)
        .collect();
        assert!(decompose(&values, 12).unwrap().season.is_empty());
    }
}
