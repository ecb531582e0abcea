//! The test of stationarity of Kwiatkowski, Phillips, Schmidt and Shin (1992).

use super::Error;
use super::error::{check, is_constant};
use super::summation::{centred, dot, sum_of_squares};

const TEST: &str = "KPSS test";
/// The levels of the published critical values.
const LEVELS: [f64; 4] = [0.10, 0.05, 0.025, 0.01];

/// What the series is stationary around under the null hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// A constant.
    Level,
    /// A straight line.
    Trend,
}

impl Around {
    /// Critical values at 10 %, 5 %, 2.5 % and 1 % (the paper's Table 1).
    #[must_use]
    pub const fn critical_values(self) -> [f64; 4] {
        match self {
            Self::Level => [0.347, 0.463, 0.574, 0.739],
            Self::Trend => [0.119, 0.146, 0.176, 0.216],
        }
    }
}

/// The number of lags in the estimate of the long-run variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bandwidth {
    /// Chosen from the data (Hobijn, Franses and Ooms 1998).
    Automatic,
    /// ⌈12 (n/100)^¼⌉.
    Schwert,
    /// Exactly so many, less than n.
    Fixed(usize),
}

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kpss {
    /// The statistic η.
    pub statistic: f64,
    /// The p-value, linear between the tabulated levels and clipped to 0.01 to 0.10.
    pub p_value: f64,
    /// Lags used.
    pub lags: usize,
    /// Critical values at 10 %, 5 %, 2.5 % and 1 %.
    pub critical_values: [f64; 4],
}

/// Tests whether `x` is stationary around a level or a trend.
///
/// # Errors
/// [`Error::TooShort`], [`Error::NotFinite`], [`Error::Constant`] and [`Error::Parameter`] for as many lags as observations.
pub fn kpss(x: &[f64], around: Around, bandwidth: Bandwidth) -> Result<Kpss, Error> {
    check(TEST, x, 3)?;
    if is_constant(x) {
        return Err(Error::Constant { test: TEST });
    }
    let n = x.len();
    let residuals = match around {
        Around::Level => centred(x),
        Around::Trend => detrended(x),
    };
    let lags = match bandwidth {
        Bandwidth::Fixed(lags) if lags >= n => {
            return Err(Error::Parameter {
                test: TEST,
                parameter: "the number of lags",
                expected: "less than the number of observations",
                found: lags.to_string(),
            });
        }
        Bandwidth::Fixed(lags) => lags,
        Bandwidth::Schwert => ((12.0 * (n as f64 / 100.0).powf(0.25)).ceil() as usize).min(n - 1),
        Bandwidth::Automatic => automatic_lags(&residuals).min(n - 1),
    };
    let mut partial = 0.0;
    let mut total = 0.0;
    for r in &residuals {
        partial += r;
        total += partial * partial;
    }
    let length = n as f64;
    let statistic = total / (length * length) / long_run_variance(&residuals, lags);
    if !statistic.is_finite() {
        return Err(Error::Constant { test: TEST });
    }
    let critical_values = around.critical_values();
    Ok(Kpss { statistic, p_value: interpolate(statistic, critical_values), lags, critical_values })
}

/// The residuals of a straight line. Time is centred, so that two sums decide the fit.
pub(crate) fn detrended(x: &[f64]) -> Vec<f64> {
    let middle = (x.len() as f64 - 1.0) / 2.0;
    let time: Vec<f64> = (0..x.len()).map(|t| t as f64 - middle).collect();
    let level = centred(x);
    let slope = dot(&time, &level) / sum_of_squares(&time);
    let out: Vec<f64> = level.iter().zip(&time).map(|(v, t)| v - slope * t).collect();
    // A second step takes away what rounding left of the slope.
    let rest = dot(&time, &out) / sum_of_squares(&time);
    centred(&out.iter().zip(&time).map(|(v, t)| v - rest * t).collect::<Vec<_>>())
}

/// The long-run variance with Bartlett weights (eq. 10 of the paper).
pub(crate) fn long_run_variance(residuals: &[f64], lags: usize) -> f64 {
    let n = residuals.len();
    let mut total = sum_of_squares(residuals);
    for lag in 1..=lags {
        let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
        total += 2.0 * weight * dot(&residuals[lag..], &residuals[..n - lag]);
    }
    total / n as f64
}

fn automatic_lags(residuals: &[f64]) -> usize {
    let n = residuals.len();
    let length = n as f64;
    let covariances = length.powf(2.0 / 9.0) as usize;
    let mut s0 = sum_of_squares(residuals) / length;
    let mut s1 = 0.0;
    for lag in 1..=covariances.min(n - 1) {
        let covariance = dot(&residuals[lag..], &residuals[..n - lag]) / (length / 2.0);
        s0 += covariance;
        s1 += lag as f64 * covariance;
    }
    let ratio = s1 / s0;
    let gamma = 1.1447 * (ratio * ratio).powf(1.0 / 3.0);
    (gamma * length.powf(1.0 / 3.0)) as usize
}

fn interpolate(statistic: f64, critical: [f64; 4]) -> f64 {
    if statistic <= critical[0] {
        return LEVELS[0];
    }
    for i in 1..4 {
        if statistic <= critical[i] {
            let share = (statistic - critical[i - 1]) / (critical[i] - critical[i - 1]);
            return LEVELS[i - 1] + share * (LEVELS[i] - LEVELS[i - 1]);
        }
    }
    LEVELS[3]
}
