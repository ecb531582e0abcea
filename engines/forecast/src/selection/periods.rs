//! Seasons that nobody named.

use atsre_domain::frequency::FrequencyUnit;

use crate::gaps;
use crate::view::TrainingView;

/// Series that are looked at; they lie evenly over the panel.
const MOST_SERIES: usize = 32;
/// Recent observations that are looked at.
const MOST_OBSERVATIONS: usize = 2_000;
/// The longest season sought: a year of days with room to spare.
const LONGEST: usize = 400;
/// A season has to be seen so often.
const CYCLES: usize = 3;
/// The least mean autocorrelation of the differences at a season.
const LEAST_CORRELATION: f64 = 0.1;

/// Seasons longer than `season_length` that the calendar of the frequency has and the series are long enough for; where
/// there are none and the plan has no season either, the one that the differences' autocorrelation shows most clearly.
/// A wrong guess costs time, not accuracy: candidates with it must win on the backtest.
pub(super) fn longer(view: &TrainingView<'_>, season_length: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = view.iter().map(|s| gaps::usable_length(s.target())).collect();
    lengths.sort_unstable();
    let typical = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let multiple = view.frequency().multiple.max(1) as usize;
    let calendar: &[usize] = match view.frequency().unit {
        FrequencyUnit::Second => &[60, 3_600],
        FrequencyUnit::Minute => &[60, 1_440, 10_080],
        FrequencyUnit::Hour => &[24, 168],
        FrequencyUnit::Day => &[7],
        FrequencyUnit::BusinessDay => &[5],
        FrequencyUnit::Week => &[52],
        FrequencyUnit::Month | FrequencyUnit::Quarter | FrequencyUnit::Year | FrequencyUnit::Step => &[],
    };
    let fits = |p: &usize| *p > season_length && *p >= 2 && typical >= CYCLES * p;
    let mut found: Vec<usize> =
        calendar.iter().filter(|c| *c % multiple == 0).map(|c| c / multiple).filter(fits).collect();
    if found.is_empty() && season_length <= 1 {
        found.extend(strongest(view));
    }
    found
}

/// The lag of the highest peak of the differences' autocorrelation, averaged over series.
fn strongest(view: &TrainingView<'_>) -> Option<usize> {
    let every = view.len().div_ceil(MOST_SERIES).max(1);
    let (mut sums, mut counts) = (vec![0.0; LONGEST + 2], vec![0_u32; LONGEST + 2]);
    for series in (0..view.len()).step_by(every).map(|i| view.series(i)) {
        let target = series.target();
        let values = gaps::filled(&target[target.len() - target.len().min(MOST_OBSERVATIONS)..]);
        let differences: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
        let n = differences.len();
        let unit = differences.iter().fold(0.0_f64, |u, d| u.max(d.abs()));
        if n < 8 || !(unit > 0.0 && unit.is_finite()) {
            continue;
        }
        let mean = differences.iter().map(|d| d / unit).sum::<f64>() / n as f64;
        let centred: Vec<f64> = differences.iter().map(|d| d / unit - mean).collect();
        let variance: f64 = centred.iter().map(|d| d * d).sum();
        if variance <= 0.0 {
            continue;
        }
        for lag in 2..=(n / CYCLES).min(LONGEST + 1) {
            sums[lag] += centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / variance;
            counts[lag] += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let mean = |lag: usize| if counts[lag] * 2 > most { sums[lag] / f64::from(counts[lag]) } else { f64::NEG_INFINITY };
    (4..=LONGEST)
        .filter(|&lag| mean(lag) > mean(lag - 1) && mean(lag) >= mean(lag + 1) && mean(lag) > LEAST_CORRELATION)
        .fold(None, |best: Option<usize>, lag| if best.is_none_or(|b| mean(lag) > mean(b)) { Some(lag) } else { best })
}
