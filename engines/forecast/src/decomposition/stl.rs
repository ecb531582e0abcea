//! STL, a seasonal-trend decomposition (Cleveland, Cleveland, McRae and Terpenning 1990).

use super::loess::Smoother;

/// Passes of the inner loop, and with robustness those of the inner and of the outer.
const INNER: usize = 5;
const ROBUST: (usize, usize) = (2, 15);

/// The settings of a decomposition; the defaults are those of statsmodels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stl {
    period: usize,
    seasonal_window: usize,
    seasonal_degree: u8,
    robust: bool,
}

/// A series as the sum of three parts, each as long as the series.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition {
    /// The slow part.
    pub trend: Vec<f64>,
    /// The periodic part.
    pub seasonal: Vec<f64>,
    /// What is left.
    pub remainder: Vec<f64>,
}

impl Stl {
    /// A season of `period` observations, a seasonal window of 7 seasons, local lines.
    #[must_use]
    pub const fn new(period: usize) -> Self {
        Self { period, seasonal_window: 7, seasonal_degree: 1, robust: false }
    }

    /// Smooths each phase over so many seasons, made odd and at least 3, and the trend over the smallest odd number of
    /// observations not below 1.5 period / (1 − 1.5 / window).
    #[must_use]
    pub fn seasonal_window(self, window: usize) -> Self {
        Self { seasonal_window: odd(window.max(3)), ..self }
    }

    /// Local means for the seasons instead of local lines.
    #[must_use]
    pub const fn seasonal_means(self) -> Self {
        Self { seasonal_degree: 0, ..self }
    }

    /// Gives outlying observations less weight.
    #[must_use]
    pub const fn robust(self) -> Self {
        Self { robust: true, ..self }
    }

    fn trend_window(&self) -> usize {
        odd((1.5 * self.period as f64 / (1.0 - 1.5 / self.seasonal_window as f64)).ceil() as usize)
    }

    /// Decomposes finite values; none for a period below 2 or fewer than two periods.
    #[must_use]
    pub fn fit(&self, y: &[f64]) -> Option<Decomposition> {
        let (n, period) = (y.len(), self.period);
        if period < 2 || n / 2 < period {
            return None;
        }
        // Subseries of the phases have one of two lengths.
        let (short, long) = (n / period, n.div_ceil(period));
        let seasonal = |k: usize| Smoother::new(k, self.seasonal_window, self.seasonal_degree);
        let smoothers = Smoothers {
            short: seasonal(short),
            long: seasonal(long),
            trend: Smoother::new(n, self.trend_window(), 1),
            low_pass: Smoother::new(n, odd(period + 1), 1),
        };
        let mut work = Work::new(n, period);
        let (inner, outer) = if self.robust { ROBUST } else { (INNER, 0) };
        for pass in 0..=outer {
            let robustness = (pass > 0).then(|| robustness_weights(y, &work.trend, &work.seasonal));
            for _ in 0..inner {
                smoothers.pass(y, period, robustness.as_deref(), &mut work);
            }
        }
        let remainder = (0..n).map(|i| y[i] - work.seasonal[i] - work.trend[i]).collect();
        Some(Decomposition { trend: work.trend, seasonal: work.seasonal, remainder })
    }
}

struct Smoothers {
    short: Smoother,
    long: Smoother,
    trend: Smoother,
    low_pass: Smoother,
}

/// Buffers that all passes share.
struct Work {
    trend: Vec<f64>,
    seasonal: Vec<f64>,
    adjusted: Vec<f64>,
    /// The smoothed cycles, a period longer than the series at either end.
    cycle: Vec<f64>,
    filtered: Vec<f64>,
    averaged: Vec<f64>,
    phase: Vec<f64>,
    smooth: Vec<f64>,
    phase_weights: Vec<f64>,
}

impl Work {
    fn new(n: usize, period: usize) -> Self {
        let (zeros, empty) = (|k| vec![0.0; k], Vec::new);
        Self {
            trend: zeros(n),
            seasonal: zeros(n),
            adjusted: zeros(n),
            cycle: zeros(n + 2 * period),
            filtered: empty(),
            averaged: empty(),
            phase: empty(),
            smooth: empty(),
            phase_weights: empty(),
        }
    }
}

impl Smoothers {
    /// Steps 1 to 6 of the paper's inner loop.
    fn pass(&self, y: &[f64], period: usize, robustness: Option<&[f64]>, work: &mut Work) {
        work.adjusted.iter_mut().zip(y.iter().zip(&work.trend)).for_each(|(d, (v, t))| *d = v - t);
        self.cycles(period, robustness, work);
        moving_average(&work.cycle, period, &mut work.filtered);
        moving_average(&work.filtered, period, &mut work.averaged);
        moving_average(&work.averaged, 3, &mut work.filtered);
        self.low_pass.smooth(&work.filtered, None, &mut work.adjusted);
        for (i, v) in y.iter().enumerate() {
            work.seasonal[i] = work.cycle[period + i] - work.adjusted[i];
            work.adjusted[i] = v - work.seasonal[i];
        }
        self.trend.smooth(&work.adjusted, robustness, &mut work.trend);
    }

    /// Smooths the subseries of each phase and extends it by one season at either end.
    fn cycles(&self, period: usize, robustness: Option<&[f64]>, work: &mut Work) {
        for phase in 0..period {
            work.phase.clear();
            work.phase.extend(work.adjusted.iter().skip(phase).step_by(period));
            let weights = robustness.map(|r| {
                work.phase_weights.clear();
                work.phase_weights.extend(r.iter().skip(phase).step_by(period));
                work.phase_weights.as_slice()
            });
            let k = work.phase.len();
            work.smooth.resize(k, 0.0);
            let smoother = if phase < work.adjusted.len() % period { &self.long } else { &self.short };
            smoother.smooth(&work.phase, weights, &mut work.smooth);
            let (before, after) = smoother.beyond(&work.phase, weights);
            work.cycle[phase] = before.unwrap_or(work.smooth[0]);
            for (season, value) in work.smooth.iter().enumerate() {
                work.cycle[(season + 1) * period + phase] = *value;
            }
            work.cycle[(k + 1) * period + phase] = after.unwrap_or(work.smooth[k - 1]);
        }
    }
}

/// Bisquare weights of the residuals against six median absolute residuals (the paper's §2.4).
fn robustness_weights(y: &[f64], trend: &[f64], seasonal: &[f64]) -> Vec<f64> {
    let sizes: Vec<f64> = (0..y.len()).map(|i| (y[i] - trend[i] - seasonal[i]).abs()).collect();
    let mut sorted = sizes.clone();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let limit = 3.0 * (sorted[n / 2] + sorted[(n - 1) / 2]);
    let weight = |size: f64| {
        if size <= 0.001 * limit {
            1.0
        } else if size <= 0.999 * limit {
            (1.0 - (size / limit).powi(2)).powi(2)
        } else {
            0.0
        }
    };
    sizes.into_iter().map(|size| if limit > 0.0 { weight(size) } else { 1.0 }).collect()
}

/// The moving averages of `length` values: `length − 1` fewer than the input.
fn moving_average(x: &[f64], length: usize, out: &mut Vec<f64>) {
    let width = length as f64;
    let mut sum: f64 = x[..length].iter().sum();
    out.clear();
    out.push(sum / width);
    out.extend(x[length..].iter().zip(x).map(|(new, old)| {
        sum += new - old;
        sum / width
    }));
}

const fn odd(n: usize) -> usize {
    n + (n + 1) % 2
}
