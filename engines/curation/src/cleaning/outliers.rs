//! Spikes in the remainder after trend and season.
//!
//! Replacing a value that was real does more harm than keeping one that was wrong, so a value is replaced only
//! when all of this holds: its remainder lies far outside the quartiles (Tukey 1977 calls three interquartile
//! ranges "far out"; here it is six), it stands alone or in a pair between ordinary values, and such values are
//! rare in the series. Counts of a few units, intermittent demand and switches are never touched.

use super::decompose::{decompose, median, quartiles};

/// Interquartile ranges outside the quartiles beyond which a remainder may be a spike.
const FENCE: f64 = 6.0;

/// Interquartile ranges outside the quartiles within which the neighbours of a spike must lie.
const NEIGHBOUR_FENCE: f64 = 3.0;

/// The longest run that is a spike; a longer one is an event.
const LONGEST_SPIKE: usize = 2;

/// Above this share of candidates the series has heavy tails by nature.
const LARGEST_SHARE: f64 = 0.005;

/// Shorter series say too little about what is ordinary.
const SHORTEST: usize = 30;

/// Below this median, whole numbers are small counts.
const SMALL_COUNT: f64 = 30.0;

/// Above this share of zeros the series is zero-inflated.
const ZERO_SHARE: f64 = 0.1;

/// Fewer distinct values than this make a switch, not a measurement.
const FEWEST_DISTINCT: usize = 20;

/// What was found in one series.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spikes {
    /// The rows of the spikes, ascending.
    At(Vec<usize>),
    /// So many candidates that they belong to the series.
    HeavyTails(usize),
}

/// Finds spikes in a series without missing values.
pub(crate) fn find(values: &[f64], period: usize) -> Spikes {
    let none = Spikes::At(Vec::new());
    if values.len() < SHORTEST.max(3 * period) || !is_measurement(values) {
        return none;
    }
    let Some(parts) = decompose(values, period) else { return none };
    let remainder: Vec<f64> =
        values.iter().enumerate().map(|(row, v)| v - parts.trend[row] - parts.seasonal(row)).collect();
    let Some((lower, upper)) = quartiles(&remainder) else { return none };
    let range = upper - lower;
    // Where most of the remainder is rounding error, everything else would look like a spike.
    let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    if range <= 1e-9 * largest {
        return none;
    }
    let outside =
        |row: usize, fence: f64| remainder[row] < lower - fence * range || remainder[row] > upper + fence * range;
    let candidates: Vec<usize> = (0..values.len()).filter(|row| outside(*row, FENCE)).collect();
    if candidates.len() as f64 > (LARGEST_SHARE * values.len() as f64).max(2.0) {
        return Spikes::HeavyTails(candidates.len());
    }
    let mut spikes = Vec::new();
    for run in candidates.chunk_by(|a, b| a + 1 == *b) {
        let (first, last) = (run[0], run[run.len() - 1]);
        // The first and the last value of a series have a neighbour on one side only: no proof of a spike.
        let enclosed = first > 0 && last + 1 < values.len();
        if run.len() <= LONGEST_SPIKE
            && enclosed
            && !outside(first - 1, NEIGHBOUR_FENCE)
            && !outside(last + 1, NEIGHBOUR_FENCE)
        {
            spikes.extend_from_slice(run);
        }
    }
    Spikes::At(spikes)
}

/// Whether the series is a measurement on a fine scale, in which a spike can be told.
fn is_measurement(values: &[f64]) -> bool {
    let zeros = values.iter().filter(|v| **v == 0.0).count();
    if zeros as f64 > ZERO_SHARE * values.len() as f64 {
        return false;
    }
    let whole = values.iter().all(|v| v.fract() == 0.0);
    if whole && median(&mut values.to_vec()).is_some_and(|m| m.abs() < SMALL_COUNT) {
        return false;
    }
    let mut distinct: Vec<f64> = Vec::with_capacity(FEWEST_DISTINCT);
    for value in values {
        if !distinct.contains(value) {
            distinct.push(*value);
            if distinct.len() >= FEWEST_DISTINCT {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(missing_docs)]
    use super::*;

    fn season(length: usize) -> Vec<f64> {
        let mut state = 1_u64;
        (0..length)
            .map(|i| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (state >> 40) as f64 / (1_u64 << 23) as f64;
                50.0 + 10.0 * (i as f64 * std::f64::consts::TAU / 24.0).sin() + noise
            })
            .collect()
    }

    #[test]
    fn a_lone_spike_is_found_even_inside_the_range_of_the_series() {
        let mut values = season(480);
        let low = (0..480).skip(200).find(|i| i % 24 == 18).unwrap_or(210);
        values[low] = 58.0;
        assert_eq!(find(&values, 24), Spikes::At(vec![low]));
    }

    #[test]
    fn a_clean_series_has_none() {
        assert_eq!(find(&season(480), 24), Spikes::At(vec![]));
    }

    #[test]
    fn an_event_and_a_level_shift_are_no_spikes() {
        let mut event = season(480);
        event[100..110].iter_mut().for_each(|v| *v += 200.0);
        assert!(matches!(find(&event, 24), Spikes::HeavyTails(_)));
        let mut brief = season(4_800);
        brief[100..104].iter_mut().for_each(|v| *v += 200.0);
        assert_eq!(find(&brief, 24), Spikes::At(vec![]));
        let mut shift = season(480);
        shift[240..].iter_mut().for_each(|v| *v += 200.0);
        if let Spikes::At(rows) = find(&shift, 24) {
            assert!(rows.is_empty(), "{rows:?}");
        }
    }

    #[test]
    fn counts_and_intermittent_demand_are_left_alone() {
        let mut counts: Vec<f64> = (0..200).map(|i| f64::from(i * 31 % 25)).collect();
        counts[50] = 900.0;
        assert_eq!(find(&counts, 1), Spikes::At(vec![]));
        let mut demand: Vec<f64> = (0..200).map(|i| if i % 3 == 0 { 100.5 + f64::from(i) } else { 0.0 }).collect();
        demand[60] = 90_000.0;
        assert_eq!(find(&demand, 1), Spikes::At(vec![]));
    }
}
