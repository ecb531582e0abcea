//! The augmented Dickey–Fuller test of a unit root (Said and Dickey 1984), with MacKinnon's p-values and critical values.

use super::error::{check, is_constant};
use super::least_squares::LeastSquares;
use super::{Error, mackinnon};

const TEST: &str = "augmented Dickey–Fuller test";
/// The 95 % point of the normal distribution, at which the t-statistic criterion stops.
const SIGNIFICANT_T: f64 = 1.644_853_626_951_472_2;

/// The deterministic part of the regression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deterministic {
    /// Nothing.
    None,
    /// A constant.
    Constant,
    /// A constant and a linear trend.
    Trend,
    /// A constant, a linear and a quadratic trend.
    QuadraticTrend,
}

impl Deterministic {
    /// The number of regressors.
    #[must_use]
    pub const fn terms(self) -> usize {
        match self {
            Self::None => 0,
            Self::Constant => 1,
            Self::Trend => 2,
            Self::QuadraticTrend => 3,
        }
    }

    /// Its columns for `n` rows: 1, t, t² with t from 1.
    pub(crate) fn columns(self, n: usize) -> Vec<Vec<f64>> {
        (0..self.terms()).map(|power| (1..=n).map(|t| (t as f64).powi(power as i32)).collect()).collect()
    }
}

/// How the number of lagged differences is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lags {
    /// Exactly so many.
    Fixed(usize),
    /// The least value of a criterion over 0 to `max` lags; without `max`, Schwert's ⌈12 (n/100)^¼⌉.
    Chosen {
        /// The criterion.
        by: Criterion,
        /// The most lags tried.
        max: Option<usize>,
    },
}

/// What decides between lag lengths. All candidates are fitted to the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// Akaike's information criterion.
    Aic,
    /// Bayes' information criterion.
    Bic,
    /// The longest lag whose coefficient is significant at 5 %, one-sided.
    TStatistic,
}

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DickeyFuller {
    /// The t value of the lagged level.
    pub statistic: f64,
    /// MacKinnon's (1994) approximate p-value of a unit root.
    pub p_value: f64,
    /// Lagged differences used.
    pub lags: usize,
    /// Rows of the final regression.
    pub observations: usize,
    /// MacKinnon's (2010) critical values at 1 %, 5 % and 10 %.
    pub critical_values: [f64; 3],
    /// The criterion's value at the chosen lag, where one was chosen.
    pub best_criterion: Option<f64>,
}

/// Tests whether `x` has a unit root.
///
/// # Errors
/// [`Error::TooShort`], [`Error::Constant`], [`Error::NotFinite`], [`Error::Parameter`] for more lags than n/2 − terms − 1, and
/// [`Error::Collinear`] where the differences are exactly predictable (a straight line).
pub fn augmented_dickey_fuller(x: &[f64], deterministic: Deterministic, lags: Lags) -> Result<DickeyFuller, Error> {
    check(TEST, x, 4)?;
    if is_constant(x) {
        return Err(Error::Constant { test: TEST });
    }
    unit_root_statistic(x, deterministic, lags).map(|found| DickeyFuller {
        p_value: mackinnon::p_value(found.statistic, deterministic, 1),
        critical_values: mackinnon::critical_values(deterministic, 1, found.observations as f64),
        ..found
    })
}

/// The statistic alone; the p-value and the critical values are left as NaN, since they depend on where `x` comes from.
pub(super) fn unit_root_statistic(x: &[f64], deterministic: Deterministic, lags: Lags) -> Result<DickeyFuller, Error> {
    let n = x.len();
    let terms = deterministic.terms();
    let Some(limit) = (n / 2).checked_sub(terms + 1) else {
        return Err(Error::TooShort { test: TEST, needed: 2 * (terms + 1), found: n });
    };
    let schwert = (12.0 * (n as f64 / 100.0).powf(0.25)).ceil() as usize;
    let given = match lags {
        Lags::Fixed(lags) => Some(lags),
        Lags::Chosen { max, .. } => max,
    };
    if let Some(lags) = given.filter(|l| *l > limit) {
        return Err(Error::Parameter {
            test: TEST,
            parameter: "the number of lags",
            expected: "at most n/2 less one less the deterministic terms",
            found: lags.to_string(),
        });
    }
    let most = given.unwrap_or(schwert.min(limit));
    let differences: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let (used, best_criterion) = match lags {
        Lags::Fixed(lags) => (lags, None),
        Lags::Chosen { by, .. } => {
            let (lag, value) = choose(x, &differences, deterministic, most, by)?;
            (lag, Some(value))
        }
    };
    let fit = regress(x, &differences, deterministic, used, Order::LevelLast)?;
    Ok(DickeyFuller {
        statistic: fit.last_t_value(terms + used + 1),
        p_value: f64::NAN,
        lags: used,
        observations: differences.len() - used,
        critical_values: [f64::NAN; 3],
        best_criterion,
    })
}

/// Where the lagged level stands among the regressors: last, its t value can be read off; before the lags, so can every
/// shorter lag length.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    LevelLast,
    LagsLast,
}

fn regress(
    x: &[f64],
    differences: &[f64],
    deterministic: Deterministic,
    lags: usize,
    order: Order,
) -> Result<LeastSquares, Error> {
    let rows = differences.len() - lags;
    let trend = deterministic.columns(rows);
    let level = &x[lags..lags + rows];
    let mut columns: Vec<&[f64]> = trend.iter().map(Vec::as_slice).collect();
    if order == Order::LagsLast {
        columns.push(level);
    }
    columns.extend((1..=lags).map(|lag| &differences[lags - lag..lags - lag + rows]));
    if order == Order::LevelLast {
        columns.push(level);
    }
    LeastSquares::fit(TEST, &columns, &differences[lags..])
}

/// The best lag and the criterion's value there.
fn choose(
    x: &[f64],
    differences: &[f64],
    deterministic: Deterministic,
    most: usize,
    by: Criterion,
) -> Result<(usize, f64), Error> {
    let fit = regress(x, differences, deterministic, most, Order::LagsLast)?;
    let columns = |lag: usize| deterministic.terms() + 1 + lag;
    let rows = (differences.len() - most) as f64;
    let penalty = match by {
        Criterion::Aic => 2.0,
        Criterion::Bic => rows.ln(),
        Criterion::TStatistic => {
            let significant = (0..=most).rev().find(|lag| fit.last_t_value(columns(*lag)).abs() >= SIGNIFICANT_T);
            let lag = significant.unwrap_or(0);
            return Ok((lag, fit.last_t_value(columns(lag)).abs()));
        }
    };
    let mut best = (0, f64::INFINITY);
    for lag in 0..=most {
        let value = -2.0 * fit.log_likelihood(columns(lag)) + penalty * columns(lag) as f64;
        if value < best.1 {
            best = (lag, value);
        }
    }
    Ok(best)
}
