//! Seasonal periods, found in the data.
//!
//! Candidates are the calendar's periods, and those that the series itself suggests: peaks of the periodogram, put on the
//! autocorrelation's hills (AutoPeriod; Vlachos, Yu and Castelli 2005). A candidate is a season where a test against the
//! spectrum's own neighbourhood says so ([`crate::statistics::harmonic`]) and where it explains more than a trifle.

use crate::statistics::fourier::{autocorrelations, periodogram};
use crate::statistics::harmonic::no_season_p_value;
use crate::statistics::kpss;
use crate::statistics::moments::{median, robust_scale, variance};

/// Error probability for all calendar periods of a series together.
const CALENDAR_ALPHA: f64 = 0.01;
/// The same for all periods that the series suggests, of which there are as many as frequencies.
const FOUND_ALPHA: f64 = 1e-3;
/// A season explains at least this share of the variance about the moving average.
const SHARE_MIN: f64 = 0.03;
/// A period whose multiple explains this much more is only that one's harmonic.
const HARMONIC_SHARE: f64 = 0.6;
/// Peaks followed up from each of the three rankings.
const PEAKS: usize = 6;
/// Periods up to the weeks of a year need two cycles, longer ones three.
const TWO_CYCLES_UP_TO: usize = 53;

/// The seasonal periods of a complete series, ascending. `calendar` are the periods that its frequency suggests.
pub(super) fn seasonal_periods(x: &[f64], calendar: &[u32]) -> Vec<usize> {
    let n = x.len();
    if n < 8 || variance(x, 0) <= 0.0 {
        return Vec::new();
    }
    let views = View::of(x);
    let enough = |period: usize| period >= 2 && n / period >= if period <= TWO_CYCLES_UP_TO { 2 } else { 3 };
    let calendar: Vec<usize> = calendar.iter().map(|p| *p as usize).filter(|p| enough(*p)).collect();
    let mut accepted: Vec<usize> = Vec::new();
    let passes = |period: usize, accepted: &[usize], alpha: f64| {
        let alpha = alpha / views.len() as f64;
        views.iter().any(|view| {
            no_season_p_value(&view.differences, period, accepted) < alpha && adds(&view.detrended, period, accepted)
        })
    };
    for period in &calendar {
        if passes(*period, &accepted, CALENDAR_ALPHA / calendar.len() as f64) {
            accepted.push(*period);
        }
    }
    // Over an hour of a day's curve any pair of half-hours differs: what counts is the share of the longest season's picture.
    let longest = accepted.iter().copied().max().unwrap_or(1);
    accepted.retain(|p| *p == longest || views.iter().any(|view| share(&view.detrended, *p, longest) >= SHARE_MIN));
    let calendar_count = accepted.len();
    for period in suggested(&views[0]).into_iter().filter(|p| n / p >= 3) {
        let is_known = accepted.iter().any(|q| same_line(period, *q, n));
        if !is_known && passes(period, &accepted, FOUND_ALPHA / (n as f64 / 2.0)) {
            accepted.push(period);
        }
    }
    drop_harmonics(&views[0].detrended, &mut accepted, calendar_count);
    accepted.sort_unstable();
    accepted
}

/// The series as it is, or its logarithm: a season that grows with the level is a line only in the latter.
struct View {
    /// Residuals of a straight line, single values far out pulled in.
    detrended: Vec<f64>,
    /// Differences, likewise.
    differences: Vec<f64>,
}

impl View {
    fn of(x: &[f64]) -> Vec<Self> {
        let view = |x: &[f64]| Self {
            detrended: winsorised(kpss::detrended(x)),
            differences: winsorised(x.windows(2).map(|w| w[1] - w[0]).collect()),
        };
        let mut out = vec![view(x)];
        if x.iter().all(|v| *v > 0.0) {
            let logarithms: Vec<f64> = x.iter().map(|v| v.ln()).collect();
            out.push(view(&logarithms));
        }
        out
    }
}

/// Single values far out would lift the whole spectrum and hide every line.
fn winsorised(x: Vec<f64>) -> Vec<f64> {
    let (centre, reach) = (median(&x), 5.0 * robust_scale(&x));
    if reach <= 0.0 { x } else { x.iter().map(|v| v.clamp(centre - reach, centre + reach)).collect() }
}

/// Whether `period` is `known`, or one of its harmonics, as far as `n` observations can tell.
fn same_line(period: usize, known: usize, n: usize) -> bool {
    let frequency = 1.0 / period as f64;
    let harmonic = (frequency * known as f64).round();
    let close = (frequency - harmonic / known as f64).abs() < 1.5 / n as f64;
    let near = (period as f64 / known as f64 - 1.0).abs() < 0.1;
    (harmonic >= 1.0 && close) || near
}

/// Whether the period explains enough, beyond those accepted that divide it.
fn adds(x: &[f64], period: usize, accepted: &[usize]) -> bool {
    let before =
        accepted.iter().filter(|q| period.is_multiple_of(**q)).map(|q| share(x, *q, period)).fold(0.0, f64::max);
    share(x, period, period) - before >= SHARE_MIN
}

/// The share of the variance about the moving average over `window` that the means of `period`'s phases explain, adjusted for
/// their number.
fn share(x: &[f64], period: usize, window: usize) -> f64 {
    let n = x.len();
    let half = window / 2;
    let mut sums = vec![0.0; n + 1];
    for (i, v) in x.iter().enumerate() {
        sums[i + 1] = sums[i] + v;
    }
    let local: Vec<f64> = (0..n)
        .map(|i| {
            let from = i.saturating_sub(half);
            let to = (i + half + 1).min(n);
            x[i] - (sums[to] - sums[from]) / (to - from) as f64
        })
        .collect();
    let mut total = vec![0.0; period];
    let mut count = vec![0.0; period];
    for (i, v) in local.iter().enumerate() {
        total[i % period] += v;
        count[i % period] += 1.0;
    }
    let whole: f64 = variance(&local, 0) * n as f64;
    let mean = local.iter().sum::<f64>() / n as f64;
    if whole <= 0.0 || n <= period {
        return 0.0;
    }
    let between: f64 = total.iter().zip(&count).map(|(t, c): (&f64, &f64)| c * (t / c - mean) * (t / c - mean)).sum();
    1.0 - (1.0 - between / whole) * (n as f64 - 1.0) / (n - period) as f64
}

/// Periods that the series suggests, shortest first.
fn suggested(view: &View) -> Vec<usize> {
    let x = &view.detrended;
    let n = x.len();
    let spectrum = periodogram(x);
    let correlation = autocorrelations(x, &spectrum);
    let mut out = Vec::new();
    for spectrum in [&spectrum, &periodogram(&view.differences)] {
        for bin in peaks(&spectrum.power, PEAKS) {
            out.extend(on_hill(bin, spectrum.length, n, &correlation));
        }
    }
    // Hills of their own: the largest lags are left out, where few products make the estimate.
    let reach = &correlation[..n / 2];
    let noise = 2.0 / (n as f64).sqrt();
    out.extend(peaks(reach, PEAKS).into_iter().filter(|lag| *lag >= 2 && reach[*lag] > noise));
    out.sort_unstable();
    out.dedup();
    out
}

/// The indices of the highest local maxima.
fn peaks(values: &[f64], most: usize) -> Vec<usize> {
    let mut found: Vec<usize> = (1..values.len().saturating_sub(1))
        .filter(|i| values[*i] > values[i - 1] && values[*i] >= values[i + 1])
        .collect();
    found.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    found.truncate(most);
    found
}

/// The lag of the hill of the autocorrelation on which the period of a spectral peak stands.
fn on_hill(bin: usize, length: usize, n: usize, correlation: &[f64]) -> Option<usize> {
    // A peak of n observations is as wide as length / n bins.
    let width = length as f64 / n as f64;
    let low = (length as f64 / (bin as f64 + width)).floor() as usize;
    let high = length as f64 / (bin as f64 - width).max(length as f64 / (n as f64 / 2.0));
    let (low, high) = (low.max(2), (high.ceil() as usize).min(n / 2));
    (low..=high)
        .filter(|lag| {
            let here = correlation[*lag];
            here > 0.0 && here >= correlation[lag - 1] && here >= correlation[lag + 1]
        })
        .max_by(|a, b| correlation[*a].total_cmp(&correlation[*b]).then(b.cmp(a)))
}

/// Drops periods that only show the harmonics of a longer one: every found divisor of a calendar period, and every period whose
/// multiple explains much more.
fn drop_harmonics(x: &[f64], accepted: &mut Vec<usize>, calendar_count: usize) {
    let all = accepted.clone();
    let (calendar, found) = all.split_at(calendar_count);
    let mut kept = calendar.to_vec();
    kept.extend(found.iter().filter(|p| {
        let of_calendar = calendar.iter().any(|q| q % **p == 0);
        let of_found =
            found.iter().any(|q| q > p && q % **p == 0 && share(x, **p, *q) < HARMONIC_SHARE * share(x, *q, *q));
        !of_calendar && !of_found
    }));
    *accepted = kept;
}
