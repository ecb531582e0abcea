//! Trend, seasons and remainder of a complete series.

use crate::statistics::loess::Loess;
use crate::statistics::moments::{median, quantile_of_sorted};
use crate::statistics::stl::{Decomposition, Stl, strength};

/// Up to here a single period is decomposed with every point fitted, as the reference does.
const EXACT_UP_TO: usize = 600;
/// The seasonal window of robust decompositions: a narrow one follows single values, and the remainder of all others shrinks.
const ROBUST_WINDOW: usize = 21;
/// A phase has quartiles of its own from so many cycles on.
const CYCLES_MIN: usize = 50;
/// The fewest observations that have a trend worth the name.
const LENGTH_MIN: usize = 8;

/// A series as trend + seasons + remainder.
pub(super) struct Parts {
    pub(super) trend: Vec<f64>,
    /// One for each period, in the periods' order.
    pub(super) seasons: Vec<Vec<f64>>,
    pub(super) remainder: Vec<f64>,
}

impl Parts {
    /// Decomposes by STL for one period and by MSTL (Bandara, Hyndman and Bergmeir 2021) for more; without a period the trend
    /// is a local line over a third of the series. Robust decompositions keep outliers in the remainder. `None` where the
    /// series is too short.
    pub(super) fn of(x: &[f64], periods: &[usize], robust: bool) -> Option<Self> {
        if x.len() < LENGTH_MIN {
            return None;
        }
        match periods {
            [] => Some(without_season(x, robust)),
            [period] => {
                let stl = Stl::new(*period);
                let stl = match (x.len() <= EXACT_UP_TO, robust) {
                    (true, false) => stl,
                    (false, false) => stl.with_jumps().passes(2, 0),
                    (_, true) => stl.seasonal_window(ROBUST_WINDOW).with_jumps().passes(1, 3),
                };
                let Decomposition { trend, seasonal, remainder } = stl.fit(x).ok()?;
                Some(Self { trend, seasons: vec![seasonal], remainder })
            }
            _ => several(x, periods, robust),
        }
    }

    /// Strength of the trend.
    pub(super) fn trend_strength(&self) -> Option<f64> {
        strength(&self.trend, &self.remainder)
    }

    /// Strength of each season.
    pub(super) fn seasonal_strengths(&self) -> Vec<Option<f64>> {
        self.seasons.iter().map(|season| strength(season, &self.remainder)).collect()
    }

    /// Remainders more than three interquartile ranges outside of the quartiles. Where there is a season with enough cycles, each
    /// of its phases (of the longest such season) is judged by itself: nights are quieter than days, and a quiet night makes no
    /// outlier of a normal day.
    pub(super) fn outliers(&self, periods: &[usize]) -> usize {
        let phases = periods.iter().rev().copied().find(|p| self.remainder.len() / p >= CYCLES_MIN).unwrap_or(1);
        (0..phases)
            .map(|phase| {
                let values: Vec<f64> = self.remainder.iter().copied().skip(phase).step_by(phases).collect();
                beyond_fences(&values)
            })
            .sum()
    }
}

/// How many of `values` lie more than three interquartile ranges outside of their quartiles; none where those agree.
pub(super) fn beyond_fences(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (low, high) = (quantile_of_sorted(&sorted, 0.25), quantile_of_sorted(&sorted, 0.75));
    let reach = 3.0 * (high - low);
    if reach <= 0.0 || reach.is_nan() {
        return 0;
    }
    sorted.iter().filter(|v| **v < low - reach || **v > high + reach).count()
}

fn several(x: &[f64], periods: &[usize], robust: bool) -> Option<Parts> {
    let n = x.len();
    let mut seasons = vec![vec![0.0; n]; periods.len()];
    let mut rest = x.to_vec();
    let mut last = None;
    for _ in 0..2 {
        for (i, period) in periods.iter().enumerate() {
            for (r, s) in rest.iter_mut().zip(&seasons[i]) {
                *r += s;
            }
            // The windows of R's mstl: 11, 15, 19 … for ever longer periods.
            let window = if robust { ROBUST_WINDOW } else { 11 + 4 * i };
            let stl = Stl::new(*period).seasonal_window(window).with_jumps();
            let parts = if robust { stl.passes(1, 2) } else { stl.passes(2, 0) }.fit(&rest).ok()?;
            for (r, s) in rest.iter_mut().zip(&parts.seasonal) {
                *r -= s;
            }
            seasons[i] = parts.seasonal;
            last = Some((parts.trend, parts.remainder));
        }
    }
    let (trend, remainder) = last?;
    Some(Parts { trend, seasons, remainder })
}

fn without_season(x: &[f64], robust: bool) -> Parts {
    let n = x.len();
    let window = (n / 3).max(7) | 1;
    let loess = Loess { window, degree: 1, jump: window.div_ceil(10) };
    let (mut trend, mut scratch) = (vec![0.0; n], Vec::new());
    loess.smooth(x, None, &mut scratch, &mut trend);
    let residuals = |trend: &[f64]| -> Vec<f64> { x.iter().zip(trend).map(|(v, t)| v - t).collect() };
    for _ in 0..if robust { 3 } else { 0 } {
        let absolute: Vec<f64> = residuals(&trend).iter().map(|r| r.abs()).collect();
        let reach = 6.0 * median(&absolute);
        if reach <= 0.0 {
            break;
        }
        let weights: Vec<f64> = absolute
            .iter()
            .map(|r| {
                let rest = 1.0 - (r / reach) * (r / reach);
                if *r < reach { rest * rest } else { 0.0 }
            })
            .collect();
        loess.smooth(x, Some(&weights), &mut scratch, &mut trend);
    }
    Parts { remainder: residuals(&trend), trend, seasons: Vec::new() }
}
