//! STL: a seasonal-trend decomposition by LOESS (Cleveland, Cleveland, McRae and Terpenning 1990, Journal of Official
//! Statistics 6).

use super::Error;
use super::error::check;
use super::loess::Loess;
use super::moments::{median, variance};

const TEST: &str = "STL";

/// The settings of a decomposition; the defaults are those of statsmodels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stl {
    period: usize,
    seasonal: Loess,
    trend: Loess,
    low_pass: Loess,
    inner: usize,
    outer: usize,
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
    /// Seasonal window 7, local lines, every point fitted, five passes, not robust.
    #[must_use]
    pub fn new(period: usize) -> Self {
        let line = |window: usize| Loess { window, degree: 1, jump: 1 };
        let mut stl =
            Self { period, seasonal: line(7), trend: line(7), low_pass: line(odd(period + 1)), inner: 5, outer: 0 };
        stl.trend.window = stl.default_trend_window();
        stl
    }

    /// Takes another seasonal window (made odd, at least 3), and the trend window that goes with it: the smallest odd number
    /// not below 1.5 period / (1 − 1.5 / window).
    #[must_use]
    pub fn seasonal_window(mut self, window: usize) -> Self {
        self.seasonal.window = odd(window.max(3));
        self.trend.window = self.default_trend_window();
        self
    }

    /// Gives outlying observations less weight: two inner and fifteen outer passes.
    #[must_use]
    pub const fn robust(mut self) -> Self {
        self.inner = 2;
        self.outer = 15;
        self
    }

    /// Takes other numbers of passes.
    #[must_use]
    pub const fn passes(mut self, inner: usize, outer: usize) -> Self {
        self.inner = inner;
        self.outer = outer;
        self
    }

    /// Fits the trend and the low-pass filter at ten points a window and draws lines between them, as the authors advise for
    /// long series: the cost no longer grows with the windows.
    #[must_use]
    pub const fn with_jumps(mut self) -> Self {
        self.trend.jump = self.trend.window.div_ceil(10);
        self.low_pass.jump = self.low_pass.window.div_ceil(10);
        self
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> usize {
        self.period
    }

    /// The seasonal smoother's window.
    #[must_use]
    pub const fn seasonal_smoother_window(&self) -> usize {
        self.seasonal.window
    }

    /// The trend smoother's window.
    #[must_use]
    pub const fn trend_window(&self) -> usize {
        self.trend.window
    }

    /// The low-pass filter's window.
    #[must_use]
    pub const fn low_pass_window(&self) -> usize {
        self.low_pass.window
    }

    fn default_trend_window(&self) -> usize {
        odd((1.5 * self.period as f64 / (1.0 - 1.5 / self.seasonal.window as f64)).ceil() as usize)
    }

    /// Decomposes `y`.
    ///
    /// # Errors
    /// [`Error::TooShort`] for fewer than two periods, [`Error::NotFinite`], [`Error::Parameter`] for a period below 2.
    pub fn fit(&self, y: &[f64]) -> Result<Decomposition, Error> {
        if self.period < 2 {
            let found = self.period.to_string();
            return Err(Error::Parameter { test: TEST, parameter: "the period", expected: "at least 2", found });
        }
        check(TEST, y, 2 * self.period)?;
        let mut work = Work::new(y, self.period);
        for pass in 0..=self.outer {
            let robustness = (pass > 0).then(|| robustness_weights(y, &work.trend, &work.seasonal));
            for _ in 0..self.inner {
                self.inner_pass(y, robustness.as_deref(), &mut work);
            }
        }
        let remainder = (0..y.len()).map(|i| y[i] - work.seasonal[i] - work.trend[i]).collect();
        Ok(Decomposition { trend: work.trend, seasonal: work.seasonal, remainder })
    }

    /// Steps 1 to 6 of the paper's inner loop.
    fn inner_pass(&self, y: &[f64], robustness: Option<&[f64]>, work: &mut Work) {
        let period = self.period;
        for ((d, v), t) in work.detrended.iter_mut().zip(y).zip(&work.trend) {
            *d = v - t;
        }
        self.smooth_cycles(robustness, work);
        moving_average(&work.cycle, period, &mut work.filtered);
        moving_average(&work.filtered, period, &mut work.averaged);
        moving_average(&work.averaged, 3, &mut work.filtered);
        self.low_pass.smooth(&work.filtered, None, &mut work.weights, &mut work.detrended);
        // From here on `detrended` holds the low-passed cycles.
        for (i, v) in y.iter().enumerate() {
            work.seasonal[i] = work.cycle[period + i] - work.detrended[i];
            work.deseasonal[i] = v - work.seasonal[i];
        }
        self.trend.smooth(&work.deseasonal, robustness, &mut work.weights, &mut work.trend);
    }

    /// Smooths each phase's subseries and extends it by one period at either end.
    fn smooth_cycles(&self, robustness: Option<&[f64]>, work: &mut Work) {
        let (n, period) = (work.detrended.len(), self.period);
        let mut values = Vec::new();
        let mut phase_weights = Vec::new();
        let mut smooth = Vec::new();
        for phase in 0..period {
            values.clear();
            values.extend(work.detrended.iter().skip(phase).step_by(period));
            let weights = robustness.map(|r| {
                phase_weights.clear();
                phase_weights.extend(r[..n].iter().skip(phase).step_by(period));
                phase_weights.as_slice()
            });
            let k = values.len();
            smooth.clear();
            smooth.resize(k + 2, 0.0);
            let scratch = &mut work.weights;
            self.seasonal.smooth(&values, weights, scratch, &mut smooth[1..=k]);
            let window = self.seasonal.window;
            let first = self.seasonal.at(&values, 0.0, (1, window.min(k)), weights, scratch);
            smooth[0] = first.unwrap_or(smooth[1]);
            let left = (k + 1).saturating_sub(window).max(1);
            let last = self.seasonal.at(&values, (k + 1) as f64, (left, k), weights, scratch);
            smooth[k + 1] = last.unwrap_or(smooth[k]);
            for (m, value) in smooth.iter().enumerate() {
                work.cycle[m * period + phase] = *value;
            }
        }
    }
}

/// Buffers that all passes share.
struct Work {
    trend: Vec<f64>,
    seasonal: Vec<f64>,
    detrended: Vec<f64>,
    deseasonal: Vec<f64>,
    cycle: Vec<f64>,
    filtered: Vec<f64>,
    averaged: Vec<f64>,
    weights: Vec<f64>,
}

impl Work {
    fn new(y: &[f64], period: usize) -> Self {
        let n = y.len();
        Self {
            trend: vec![0.0; n],
            seasonal: vec![0.0; n],
            detrended: vec![0.0; n],
            deseasonal: vec![0.0; n],
            cycle: vec![0.0; n + 2 * period],
            filtered: Vec::with_capacity(n + 2 * period),
            averaged: Vec::with_capacity(n + 2 * period),
            weights: Vec::new(),
        }
    }
}

impl Decomposition {
    /// max(0, 1 − Var(R) / Var(T + R)) (Wang, Smith and Hyndman 2006); `None` where T + R is constant.
    #[must_use]
    pub fn trend_strength(&self) -> Option<f64> {
        strength(&self.trend, &self.remainder)
    }

    /// max(0, 1 − Var(R) / Var(S + R)); `None` where S + R is constant.
    #[must_use]
    pub fn seasonal_strength(&self) -> Option<f64> {
        strength(&self.seasonal, &self.remainder)
    }
}

/// max(0, 1 − Var(remainder) / Var(component + remainder)).
pub(crate) fn strength(component: &[f64], remainder: &[f64]) -> Option<f64> {
    let sum: Vec<f64> = component.iter().zip(remainder).map(|(c, r)| c + r).collect();
    let whole = variance(&sum, 0);
    (whole > 0.0).then(|| (1.0 - variance(remainder, 0) / whole).max(0.0))
}

/// Bisquare weights of the residuals against six median absolute residuals (the paper's §2.4).
fn robustness_weights(y: &[f64], trend: &[f64], seasonal: &[f64]) -> Vec<f64> {
    let mut weights: Vec<f64> = (0..y.len()).map(|i| (y[i] - (trend[i] + seasonal[i])).abs()).collect();
    let h = 6.0 * median(&weights);
    if h == 0.0 {
        weights.fill(1.0);
        return weights;
    }
    for w in &mut weights {
        *w = if *w <= 0.001 * h {
            1.0
        } else if *w <= 0.999 * h {
            let ratio = *w / h;
            let rest = 1.0 - ratio * ratio;
            rest * rest
        } else {
            0.0
        };
    }
    weights
}

/// The moving averages of `length` values: `length − 1` fewer than the input.
fn moving_average(x: &[f64], length: usize, out: &mut Vec<f64>) {
    out.clear();
    let width = length as f64;
    let mut sum: f64 = x[..length].iter().sum();
    out.push(sum / width);
    for i in length..x.len() {
        sum += x[i] - x[i - length];
        out.push(sum / width);
    }
}

const fn odd(n: usize) -> usize {
    n + (n + 1) % 2
}
