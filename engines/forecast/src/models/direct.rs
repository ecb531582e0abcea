//! Closed-form linear maps from the last values to all steps of the horizon at once.
//!
//! One map for a panel or for each series, by ridge regression from cross products that are built without going
//! through the windows; one factorisation serves all steps. [`Form`] has the forms of NLinear, DLinear and FITS, which
//! are usually trained by gradient descent and have closed forms (Toner and Darlow 2024).

pub(crate) mod forecaster;
mod form;
mod moments;
mod solution;

pub use form::{Anchor, Form};

use crate::error::ForecastError;
use crate::gaps;
use moments::Moments;
use solution::{Task, Weights};

/// The share of a series' windows, the last ones, that judge penalties and forms.
const HELD_OUT: f64 = 0.2;

/// How a map is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Values of a window, at least 1.
    pub lags: usize,
    /// What windows are measured from.
    pub anchor: Anchor,
    /// Forms of which the best on held-out windows is taken, at least one.
    pub forms: Vec<Form>,
    /// Whether steps have a constant of their own.
    pub intercept: bool,
    /// The penalty relative to the lags' mean square; none for the best on held-out windows.
    pub penalty: Option<f64>,
}

/// A learnt map.
#[derive(Clone, Debug)]
pub struct LinearMap {
    lags: usize,
    horizon: usize,
    anchor: Anchor,
    solution: Weights,
}

/// Learns one map for all `series` (gaps are bridged), each in units of its own spread.
///
/// # Errors
/// [`ForecastError::Numerical`] where no series has a window of `lags + horizon` values, or there is no horizon.
pub fn learn(series: &[&[f64]], horizon: usize, options: &Options) -> Result<LinearMap, ForecastError> {
    let failure = |problem: String| Err(ForecastError::Numerical { model: "linear".to_string(), problem });
    if horizon == 0 || options.lags == 0 || options.forms.is_empty() {
        return failure("a map needs at least one lag, one step and one form".to_string());
    }
    let reach = options.lags + horizon;
    let (mut fit, mut held) = (Moments::new(options.lags, horizon), Moments::new(options.lags, horizon));
    for values in series {
        let values = gaps::filled(values);
        let Some(windows) = (values.len() + 1).checked_sub(reach).filter(|n| *n > 0) else { continue };
        let frame = Frame::of(&values);
        let later = ((windows as f64 * HELD_OUT) as usize).min(windows - 1);
        let earlier = windows - later;
        fit.add(&values[..earlier + reach - 1], frame.level, frame.scale);
        held.add(&values[earlier..], frame.level, frame.scale);
    }
    if fit.count() < 1.0 {
        return failure(format!("no series has {reach} values, which one window needs"));
    }
    let task = Task { anchor: options.anchor, intercept: options.intercept, penalty: options.penalty };
    match solution::solve(task, &options.forms, &fit, &held, horizon) {
        Some(solution) => Ok(LinearMap { lags: options.lags, horizon, anchor: options.anchor, solution }),
        None => failure("the normal equations are singular; raise the penalty".to_string()),
    }
}

/// The level and spread of a series.
#[derive(Clone, Copy, Debug)]
struct Frame {
    level: f64,
    scale: f64,
}

impl Frame {
    fn of(values: &[f64]) -> Self {
        let n = values.len().max(1) as f64;
        let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        if largest == 0.0 {
            return Self { level: 0.0, scale: 1.0 };
        }
        let level = values.iter().map(|v| v / largest).sum::<f64>() / n;
        let variance = values.iter().map(|v| (v / largest - level) * (v / largest - level)).sum::<f64>() / n;
        let deviation = variance.sqrt();
        let scale = if deviation > 1e-12 { deviation * largest } else { largest };
        Self { level: level * largest, scale: scale.max(f64::MIN_POSITIVE) }
    }
}

impl LinearMap {
    /// Values that a window has.
    #[must_use]
    pub fn lags(&self) -> usize {
        self.lags
    }

    /// The form and the penalty that were taken.
    #[must_use]
    pub fn chosen(&self) -> (Form, f64) {
        (self.solution.form, self.solution.penalty)
    }

    /// The continuation of a window of [`Self::lags`] values without gaps; a shorter one is filled up with its first.
    /// The constants are in units of a series' spread, `scale` (1 for a series that is standardised already).
    #[must_use]
    pub fn continuation(&self, window: &[f64], level: f64, scale: f64) -> Vec<f64> {
        let used = &window[window.len().saturating_sub(self.lags)..];
        let missing = self.lags - used.len();
        let first = used.first().copied().unwrap_or(level);
        let frame: Vec<f64> = std::iter::repeat_n(&first, missing).chain(used).map(|v| (v - level) / scale).collect();
        let anchor = self.anchor.of(&frame);
        let mut out = self.solution.intercepts.clone();
        for (value, row) in frame.iter().zip(self.solution.weights.chunks_exact(self.horizon)) {
            let value = value - anchor;
            out.iter_mut().zip(row).for_each(|(o, w)| *o += w * value);
        }
        out.iter_mut().for_each(|o| *o = level + scale * (*o + anchor));
        out
    }

    /// The first step after every whole window of `values`, which have no gaps; NaN for those before the first window.
    #[must_use]
    pub fn first_steps(&self, values: &[f64], level: f64, scale: f64) -> Vec<f64> {
        let mut fitted = vec![f64::NAN; values.len()];
        let standard: Vec<f64> = values.iter().map(|v| (v - level) / scale).collect();
        let weights: Vec<f64> = self.solution.weights.iter().step_by(self.horizon).copied().collect();
        for (window, out) in standard.windows(self.lags).zip(fitted.iter_mut().skip(self.lags)) {
            let anchor = self.anchor.of(window);
            let sum: f64 = window.iter().zip(&weights).map(|(v, w)| w * (v - anchor)).sum();
            *out = level + scale * (self.solution.intercepts[0] + sum + anchor);
        }
        fitted
    }

    /// The root mean squared error of each step, in units of a series' spread, on windows that were held out from the
    /// fit that made them.
    #[must_use]
    pub fn deviations(&self) -> Vec<f64> {
        self.solution.errors.iter().map(|e| e.sqrt()).collect()
    }

    /// The weights, a row a lag (the oldest first), a column a step.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.solution.weights
    }
}
