//! A model on a series: scaled, differenced, estimated, and forecast from.

use super::autocovariance::responses;
use super::conditional::Conditional;
use super::differencing;
use super::estimation::{Criterion, Estimate, Estimation, Sample};
use super::innovations::Innovations;
use super::least_squares::Effort;
use super::missing::{MissingFilter, System};
use super::order::Order;
use super::polynomial::Arma;
use crate::catalogue;
use crate::error::ForecastError;
use crate::gaps;

/// Steps to a better start.
pub(super) const START: Effort = Effort { steps: 25, tolerance: 1e-2 };
/// Steps to the maximum of the likelihood.
pub(super) const FINAL: Effort = Effort { steps: 60, tolerance: 1e-6 };
/// A spread below this share of the largest value is rounding.
const ROUNDING: f64 = 1e-12;
/// The largest number that a forecast may hold.
const LARGEST: f64 = 1e307;

/// A fitted ARIMA model with its series.
#[derive(Clone, Debug)]
pub struct Fit {
    order: Order,
    coefficients: Vec<f64>,
    regression: Vec<f64>,
    variance: f64,
    log_likelihood: f64,
    criterion: f64,
    pub(super) arma: Arma,
    prepared: Prepared,
}

/// Expected values and standard deviations, one a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The expected value at each step.
    pub mean: Vec<f64>,
    /// The standard deviation at each step.
    pub deviation: Vec<f64>,
}

/// A series and its regressors in units in which the differences have unit variance.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// Levels: the target, the constant's column where there is one, the regressors.
    levels: Vec<Vec<f64>>,
    /// One for each of `levels`.
    scales: Vec<f64>,
    centre: f64,
    gaps: bool,
}

impl Prepared {
    /// Scales a series (NaN where missing) and its regressors for an order's differences and constant.
    pub(super) fn new(values: &[f64], regressors: &[Vec<f64>], order: &Order) -> Self {
        let largest = |values: &[f64]| {
            let largest = values.iter().filter(|v| v.is_finite()).fold(0.0_f64, |a, v| a.max(v.abs()));
            if largest > 0.0 { largest } else { 1.0 }
        };
        let size = largest(values);
        let mut target: Vec<f64> = values.iter().map(|v| v / size).collect();
        let centre = if order.lost() > 0 || order.constant {
            gaps::first_observed(&target).map_or(0.0, |i| target[i])
        } else {
            0.0
        };
        target.iter_mut().for_each(|v| *v -= centre);
        let filled = differencing::differences(&gaps::filled(&target), order.d, order.seasonal_d, order.season);
        let n = filled.len().max(1) as f64;
        let mean = if order.constant { filled.iter().sum::<f64>() / n } else { 0.0 };
        let spread = (filled.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
        let spread = if spread > ROUNDING { spread } else { 1.0 };
        let mut levels: Vec<Vec<f64>> = vec![target.iter().map(|v| v / spread).collect()];
        let mut scales = vec![size * spread];
        if order.constant {
            let column = |t: usize| if order.lost() > 0 { (t + 1) as f64 / values.len() as f64 } else { 1.0 };
            levels.push((0..values.len()).map(column).collect());
            scales.push(if order.lost() > 0 { values.len() as f64 } else { 1.0 });
        }
        for regressor in regressors {
            let size = largest(regressor);
            levels.push(regressor.iter().map(|v| v / size).collect());
            scales.push(size);
        }
        let gaps = target.iter().any(|v| !v.is_finite());
        Self { levels, scales, centre: centre * size, gaps }
    }

    /// What the filters read.
    pub(super) fn sample(&self, order: &Order) -> Sample {
        if self.gaps {
            let differencing = differencing::coefficients(order.d, order.seasonal_d, order.season);
            return Sample { columns: self.levels.clone(), differencing, gaps: true };
        }
        let difference = |v: &Vec<f64>| differencing::differences(v, order.d, order.seasonal_d, order.season);
        Sample { columns: self.levels.iter().map(difference).collect(), differencing: Vec::new(), gaps: false }
    }

    /// The unit of the target, in its own units.
    pub(super) fn scale(&self) -> f64 {
        self.scales[0]
    }

    /// Whether nothing is left to explain.
    pub(super) fn is_flat(sample: &Sample) -> bool {
        sample.columns[0].iter().filter(|v| v.is_finite()).all(|v| v.abs() <= ROUNDING)
    }
}

/// Fits a model by maximum likelihood: exactly, whether or not values are missing (NaN). Regressors have a value for
/// every observation; the errors of the regression follow the ARIMA model.
///
/// # Errors
/// [`ForecastError::Numerical`] where there are too few observations for the order, or regressors of another length.
pub fn fit(values: &[f64], regressors: &[Vec<f64>], order: Order) -> Result<Fit, ForecastError> {
    let order = normalised(order);
    check(values, regressors, &order)?;
    let prepared = Prepared::new(values, regressors, &order);
    let sample = prepared.sample(&order);
    let mut estimation = Estimation::new(order, &sample);
    let mut start = estimation.start(START);
    if sample.gaps {
        start = without_gaps(values, regressors, order)?;
    }
    let best = if Prepared::is_flat(&sample) {
        estimation.judge(vec![0.0; order.terms()])
    } else {
        let (parameters, _) = estimation.improve(start, Criterion::Exact, FINAL);
        let first = estimation.judge(parameters);
        let second = if !sample.gaps && order.terms() > 0 {
            let (parameters, _) = estimation.improve(vec![0.1; order.terms()], Criterion::Exact, FINAL);
            estimation.judge(parameters)
        } else {
            None
        };
        better(first, second)
    };
    let best = best.ok_or_else(|| failure(format!("the likelihood of {order} is nowhere finite")))?;
    Ok(Fit::new(estimation, best, prepared))
}

/// The parameters that fit the series with its gaps bridged: where to start.
fn without_gaps(values: &[f64], regressors: &[Vec<f64>], order: Order) -> Result<Vec<f64>, ForecastError> {
    let filled = super::bridged(values, order.season);
    check(&filled, regressors, &order)?;
    let prepared = Prepared::new(&filled, regressors, &order);
    let sample = prepared.sample(&order);
    let mut estimation = Estimation::new(order, &sample);
    let start = estimation.start(START);
    Ok(estimation.improve(start, Criterion::Exact, START).0)
}

/// A constant cannot be seen after two differences, nor a season of one observation.
pub(super) fn normalised(mut order: Order) -> Order {
    if order.season < 2 {
        order = Order { seasonal_p: 0, seasonal_d: 0, seasonal_q: 0, season: 1, ..order };
    }
    Order { constant: order.constant && order.d + order.seasonal_d < 2, ..order }
}

pub(super) fn check(values: &[f64], regressors: &[Vec<f64>], order: &Order) -> Result<(), ForecastError> {
    let observed = values.iter().filter(|v| v.is_finite()).count();
    let spent = order.terms() + usize::from(order.constant) + regressors.len();
    // A mean alone needs no more than the one value that it is.
    let needed = order.lost() + if spent == 1 && order.terms() == 0 { 1 } else { spent + 1 };
    if observed < needed {
        return Err(failure(format!("{order} needs {needed} observations, and there are {observed}")));
    }
    let wrong = regressors.iter().position(|r| r.len() != values.len() || r.iter().any(|v| !v.is_finite()));
    wrong.map_or(Ok(()), |i| {
        Err(failure(format!("regressor {i} does not have one finite value for each of {} observations", values.len())))
    })
}

pub(super) fn failure(problem: String) -> ForecastError {
    ForecastError::Numerical { model: catalogue::ARIMA.to_string(), problem }
}

pub(super) fn better(first: Option<Estimate>, second: Option<Estimate>) -> Option<Estimate> {
    match (first, second) {
        (Some(a), Some(b)) => Some(if b.log_likelihood > a.log_likelihood { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Akaike's criterion with the correction of Hurvich and Tsai (1989); infinite where there is no room for it.
pub(super) fn corrected_criterion(log_likelihood: f64, parameters: usize, count: usize) -> f64 {
    let (k, n) = (parameters as f64, count as f64);
    if n - k - 1.0 <= 0.0 {
        return f64::INFINITY;
    }
    2.0 * (k - log_likelihood) + 2.0 * k * (k + 1.0) / (n - k - 1.0)
}

impl Fit {
    pub(super) fn new(mut estimation: Estimation<'_>, estimate: Estimate, prepared: Prepared) -> Self {
        let order = estimation.order;
        let estimate = estimation.judge(estimate.parameters.clone()).unwrap_or(estimate);
        let regression = std::mem::take(&mut estimation.regression);
        let arma = estimation.arma;
        let spent = order.terms() + regression.len();
        let freedom = if estimate.count > spent { estimate.count - spent } else { estimate.count };
        let log_likelihood = estimate.log_likelihood - estimate.count as f64 * prepared.scales[0].ln();
        Self {
            order,
            coefficients: arma.coefficients(&order),
            variance: estimate.sum_of_squares / freedom as f64,
            log_likelihood,
            criterion: corrected_criterion(log_likelihood, spent + 1, estimate.count),
            regression,
            arma,
            prepared,
        }
    }

    /// The orders.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// The coefficients: φ, Φ, θ, Θ, with the signs of wₜ = φ wₜ₋₁ + eₜ + θ eₜ₋₁.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The variance of the innovations, in squared units of the series, corrected for the parameters spent.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance * self.prepared.scales[0] * self.prepared.scales[0]
    }

    /// The exact Gaussian log-likelihood of the differenced series.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// The corrected Akaike criterion; infinite where there are too few observations for it.
    #[must_use]
    pub fn criterion(&self) -> f64 {
        self.criterion
    }

    /// Forecasts `horizon` steps; `future` has a row of `horizon` values for each regressor.
    ///
    /// # Errors
    /// [`ForecastError::Numerical`] where a regressor has no value for a step.
    pub fn forecast(&self, horizon: usize, future: &[Vec<f64>]) -> Result<Prediction, ForecastError> {
        let constants = usize::from(self.order.constant);
        if future.len() + constants + 1 < self.prepared.levels.len() || future.iter().any(|f| f.len() < horizon) {
            return Err(failure(format!("{} future regressors do not cover {horizon} steps", future.len())));
        }
        let levels = &self.prepared.levels;
        let mut errors = levels[0].clone();
        for (column, coefficient) in levels[1..].iter().zip(&self.regression) {
            errors.iter_mut().zip(column).for_each(|(y, x)| *y -= coefficient * x);
        }
        let (mut mean, variance) = self.errors_ahead(errors, horizon);
        for (h, value) in mean.iter_mut().enumerate() {
            let n = levels[0].len();
            let constant = if self.order.lost() > 0 { (n + h + 1) as f64 / n as f64 } else { 1.0 };
            let scaled = future.iter().zip(&self.prepared.scales[1 + constants..]).map(|(f, scale)| f[h] / scale);
            let columns = std::iter::repeat_n(constant, constants).chain(scaled);
            *value += columns.zip(&self.regression).map(|(x, c)| x * c).sum::<f64>();
        }
        let scale = self.prepared.scales[0];
        let bounded = |v: f64| if v.is_nan() { 0.0 } else { v.clamp(-LARGEST, LARGEST) };
        Ok(Prediction {
            mean: mean.iter().map(|v| bounded(v * scale + self.prepared.centre)).collect(),
            deviation: variance.iter().map(|v| bounded((v * self.variance).sqrt() * scale)).collect(),
        })
    }

    /// The one-step forecasts of the history; NaN for the first, which the differences need.
    #[must_use]
    pub fn fitted(&self) -> Vec<f64> {
        let order = &self.order;
        let levels = &self.prepared.levels;
        let mut explained = vec![0.0; levels[0].len()];
        for (column, coefficient) in levels[1..].iter().zip(&self.regression) {
            explained.iter_mut().zip(column).for_each(|(y, x)| *y += coefficient * x);
        }
        let errors: Vec<f64> = levels[0].iter().zip(&explained).map(|(y, e)| y - e).collect();
        let expected = if self.prepared.gaps {
            let differencing = &differencing::coefficients(order.d, order.seasonal_d, order.season);
            MissingFilter::default().expected(&System { arma: &self.arma, differencing }, &errors)
        } else {
            let differences = differencing::differences(&errors, order.d, order.seasonal_d, order.season);
            let (n, lost) = (differences.len(), errors.len() - differences.len());
            let mut out = vec![vec![0.0; n]];
            let mut filter = Innovations::default();
            let columns = [differences];
            let expected = if filter.exact(&self.arma, &columns, &mut out).is_some() {
                filter.expected(n)
            } else {
                Conditional::default().residuals(&self.arma, order, &columns, &mut out);
                columns[0].iter().zip(&out[0]).map(|(value, error)| value - error).collect()
            };
            // The error of a difference is the error of the level.
            let levels = expected.into_iter().zip(&columns[0]).zip(&errors[lost..]);
            let ahead = levels.map(|((expected, difference), level)| level - (difference - expected));
            std::iter::repeat_n(f64::NAN, lost).chain(ahead).collect()
        };
        let scale = self.prepared.scales[0];
        expected.iter().zip(&explained).map(|(e, x)| (e + x) * scale + self.prepared.centre).collect()
    }

    /// Forecasts of the regression's errors, and their variances in units of the noise's.
    fn errors_ahead(&self, errors: Vec<f64>, horizon: usize) -> (Vec<f64>, Vec<f64>) {
        let order = &self.order;
        let coefficients = differencing::coefficients(order.d, order.seasonal_d, order.season);
        let mut out = vec![vec![0.0; errors.len()]];
        if self.prepared.gaps {
            let system = System { arma: &self.arma, differencing: &coefficients };
            let mut filter = MissingFilter::default();
            filter.filter(&system, &[errors], &mut out);
            return filter.forecast(&system, horizon);
        }
        let differences = differencing::differences(&errors, order.d, order.seasonal_d, order.season);
        let n = differences.len();
        out[0].truncate(n);
        let mut filter = Innovations::default();
        filter.exact(&self.arma, &[differences], &mut out);
        let ahead = filter.forecast(&self.arma, n, horizon);
        let mean = differencing::undone(&errors, &ahead, &coefficients);
        let mut response = Vec::with_capacity(horizon);
        responses(&self.arma, horizon, &mut response);
        let response = differencing::undone(&vec![0.0; coefficients.len()], &response[..horizon], &coefficients);
        let mut variance = 0.0;
        let variances = response.iter().map(|psi| {
            variance += psi * psi;
            variance
        });
        (mean, variances.collect())
    }
}
