//! The profile of one series.

use atsre_domain::Finite;
use atsre_domain::profile::{DemandPattern, Distribution, SeasonalPeriod, SeriesProfile, Stationarity, TestResult};

use super::decomposition::{Parts, beyond_fences};
use super::filled::{Filled, observed};
use super::gaps::gaps;
use super::season::seasonal_periods;
use crate::statistics::autocorrelation::{Denominator, autocorrelation};
use crate::statistics::change_point::change_points;
use crate::statistics::dickey_fuller::{Criterion, Deterministic, Lags, augmented_dickey_fuller};
use crate::statistics::hurst::hurst;
use crate::statistics::kpss::{Around, Bandwidth, kpss};
use crate::statistics::moments::{arithmetic_mean, quantile_of_sorted, variance};
use crate::statistics::normality::jarque_bera;
use crate::statistics::partial_autocorrelation::{Estimator, partial_autocorrelation};

/// Tests, periods and the Hurst exponent look at so many of the last observations.
const TESTED_MAX: usize = 20_000;
/// The decomposition looks at so many.
const DECOMPOSED_MAX: usize = 50_000;
const LAGS_MAX: usize = 40;
/// Unit-root tests on fewer observations say nothing.
const TESTED_MIN: usize = 12;
const SIGNIFICANCE: f64 = 0.05;
/// Limits between the demand patterns (Syntetos, Boylan and Croston 2005).
const INTERVAL_LIMIT: f64 = 1.32;
const VARIATION_LIMIT: f64 = 0.49;

/// A series' profile and what the panel's needs besides.
pub(super) struct Described {
    pub(super) profile: SeriesProfile,
    /// Values filled in for the tests.
    pub(super) interpolated: usize,
    /// Whether the increments pass for Gaussian; `None` where there are too few.
    pub(super) gaussian_increments: Option<bool>,
}

/// Profiles one series; `calendar` are the periods that the frequency suggests.
pub(super) fn describe(item_id: &str, target: &[f64], calendar: &[u32]) -> Described {
    let values = observed(target);
    let filled = Filled::of(target);
    let distribution = distribution(&values);
    let (adi, cv2, demand_pattern) = demand(&values, distribution.non_negative);
    let mut out = Described {
        profile: SeriesProfile {
            item_id: item_id.to_owned(),
            length: target.len() as u64,
            gaps: gaps(target, calendar),
            distribution,
            outliers: 0,
            adf: None,
            kpss: None,
            stationarity: Stationarity::Inconclusive,
            trend_strength: None,
            seasonal_periods: Vec::new(),
            adi: adi.and_then(Finite::of),
            cv2: cv2.and_then(Finite::of),
            demand_pattern,
            acf: Vec::new(),
            pacf: Vec::new(),
            hurst: None,
            change_points: Vec::new(),
        },
        interpolated: filled.interpolated,
        gaussian_increments: None,
    };
    if filled.is_testable() {
        dynamics(&mut out, &filled, calendar);
    }
    if matches!(demand_pattern, DemandPattern::Intermittent | DemandPattern::Lumpy) {
        // A remainder of mostly zeros has no fences: the sizes of the demands are judged instead.
        out.profile.outliers = outlying_demands(&values) as u64;
    }
    out
}

/// Everything that depends on the order of the values.
fn dynamics(out: &mut Described, filled: &Filled, calendar: &[u32]) {
    let tested = filled.tail(TESTED_MAX);
    let profile = &mut out.profile;
    if tested.len() >= TESTED_MIN {
        let lags = Lags::Chosen { by: Criterion::Aic, max: None };
        let adf = augmented_dickey_fuller(tested, Deterministic::Constant, lags).ok();
        profile.adf = adf.and_then(|t| test_result(t.statistic, t.p_value, t.lags));
        let level = kpss(tested, Around::Level, Bandwidth::Automatic).ok();
        profile.kpss = level.and_then(|t| test_result(t.statistic, t.p_value, t.lags));
    }
    profile.stationarity = verdict(profile.adf, profile.kpss);
    let lags = LAGS_MAX.min(tested.len() / 2);
    profile.acf = finite(autocorrelation(tested, lags, Denominator::Length));
    let recursion = Estimator::LevinsonDurbin(Denominator::Length);
    profile.pacf = finite(partial_autocorrelation(tested, lags, recursion));
    profile.hurst = hurst(tested).ok().and_then(Finite::of);
    let increments: Vec<f64> = tested.windows(2).map(|w| w[1] - w[0]).collect();
    if increments.len() >= 8 {
        out.gaussian_increments = jarque_bera(&increments).ok().map(|t| t.p_value >= 0.01);
    }
    let periods = seasonal_periods(tested, calendar);
    let decomposed = filled.tail(DECOMPOSED_MAX);
    if let Some(parts) = Parts::of(decomposed, &periods, false) {
        profile.trend_strength = parts.trend_strength().and_then(Finite::of);
        profile.seasonal_periods = strongest_first(&periods, &parts);
    }
    if let Some(parts) = Parts::of(decomposed, &periods, true) {
        profile.outliers = parts.outliers(&periods) as u64;
    }
    let changes = change_points(&without_seasons(&filled.values, &periods));
    profile.change_points = changes.into_iter().map(|i| (i + filled.offset) as u64).collect();
}

fn strongest_first(periods: &[usize], parts: &Parts) -> Vec<SeasonalPeriod> {
    let mut out: Vec<SeasonalPeriod> = periods
        .iter()
        .zip(parts.seasonal_strengths())
        .filter_map(|(period, strength)| {
            Some(SeasonalPeriod { period: u32::try_from(*period).ok()?, strength: Finite::of(strength?)? })
        })
        .collect();
    out.sort_by(|a, b| b.strength.get().total_cmp(&a.strength.get()).then(a.period.cmp(&b.period)));
    out
}

/// The series less the means of each period's phases about a straight line, one period after the other.
fn without_seasons(x: &[f64], periods: &[usize]) -> Vec<f64> {
    let mut out = x.to_vec();
    for period in periods {
        let flat = crate::statistics::kpss::detrended(&out);
        let (mut total, mut count) = (vec![0.0; *period], vec![0.0; *period]);
        for (i, v) in flat.iter().enumerate() {
            total[i % period] += v;
            count[i % period] += 1.0;
        }
        for (i, v) in out.iter_mut().enumerate() {
            *v -= total[i % period] / count[i % period];
        }
    }
    out
}

fn test_result(statistic: f64, p_value: f64, lags: usize) -> Option<TestResult> {
    Some(TestResult {
        statistic: Finite::of(statistic)?,
        p_value: Finite::of(p_value)?,
        lags: u32::try_from(lags).ok()?,
    })
}

fn verdict(adf: Option<TestResult>, kpss: Option<TestResult>) -> Stationarity {
    let (Some(adf), Some(kpss)) = (adf, kpss) else { return Stationarity::Inconclusive };
    match (adf.p_value.get() < SIGNIFICANCE, kpss.p_value.get() < SIGNIFICANCE) {
        (true, false) => Stationarity::Stationary,
        (false, true) => Stationarity::UnitRoot,
        (true, true) => Stationarity::TrendStationary,
        (false, false) => Stationarity::Inconclusive,
    }
}

/// Lags 1, 2, …; empty where they are not defined.
fn finite(values: Result<Vec<f64>, crate::statistics::Error>) -> Vec<Finite> {
    values.unwrap_or_default().into_iter().skip(1).map_while(Finite::of).collect()
}

fn distribution(values: &[f64]) -> Distribution {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    let or_zero = |v: f64| Finite::of(v).unwrap_or(Finite::ZERO);
    let normality = if n >= 8 { jarque_bera(values).ok() } else { None };
    let zeros = values.iter().filter(|v| **v == 0.0).count();
    Distribution {
        count: n as u64,
        mean: or_zero(arithmetic_mean(values)),
        std: or_zero(variance(values, 1).sqrt()),
        min: or_zero(sorted.first().copied().unwrap_or(0.0)),
        q25: or_zero(quantile_of_sorted(&sorted, 0.25)),
        median: or_zero(quantile_of_sorted(&sorted, 0.5)),
        q75: or_zero(quantile_of_sorted(&sorted, 0.75)),
        max: or_zero(sorted.last().copied().unwrap_or(0.0)),
        skewness: normality.and_then(|t| Finite::of(t.skewness)),
        kurtosis: normality.and_then(|t| Finite::of(t.kurtosis)),
        jarque_bera: normality.and_then(|t| test_result(t.statistic, t.p_value, 0)),
        zero_share: or_zero(zeros as f64 / n.max(1) as f64),
        integer: n > 0 && values.iter().all(|v| v.fract() == 0.0),
        non_negative: values.iter().all(|v| *v >= 0.0),
    }
}

/// Average interval between demands, squared variation of their sizes, and the pattern. Demand cannot be negative: a series with
/// negative values counts as smooth, without figures.
fn demand(values: &[f64], non_negative: bool) -> (Option<f64>, Option<f64>, DemandPattern) {
    let sizes = demands(values);
    if !non_negative || sizes.is_empty() {
        return (None, None, DemandPattern::Smooth);
    }
    let adi = values.len() as f64 / sizes.len() as f64;
    let mean = arithmetic_mean(&sizes);
    let cv2 = variance(&sizes, 0) / (mean * mean);
    let pattern = match (adi >= INTERVAL_LIMIT, cv2 >= VARIATION_LIMIT) {
        (false, false) => DemandPattern::Smooth,
        (false, true) => DemandPattern::Erratic,
        (true, false) => DemandPattern::Intermittent,
        (true, true) => DemandPattern::Lumpy,
    };
    (Some(adi), Some(cv2), pattern)
}

fn demands(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|v| *v != 0.0).collect()
}

fn outlying_demands(values: &[f64]) -> usize {
    beyond_fences(&demands(values))
}
