//! Maximum likelihood as least squares.
//!
//! The Gaussian likelihood, with the noise's variance and the regression's coefficients concentrated out, falls with
//! the sum of squares of the standardised innovations times the geometric mean of their variances (Ansley 1979), so
//! that a least squares method finds its maximum in few steps.

use super::conditional::Conditional;
use super::innovations::{Innovations, Pass};
use super::least_squares::{Effort, Residuals, by_differences, dot, minimise};
use super::missing::{MissingFilter, System};
use super::order::Order;
use super::polynomial::Arma;
use crate::linear::Cholesky;

/// Starting values of a first autoregressive and a first moving average parameter.
const STARTS: [f64; 4] = [-0.9, -0.25, 0.35, 1.2];
/// Starting value of a seasonal moving average parameter after seasonal differences.
const SEASONAL_START: f64 = 0.5;

/// Which sum of squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    /// Conditional on zeros before the data.
    Conditional,
    /// That of the exact likelihood.
    Exact,
}

/// The data as the filters read them: the target, then the regressors; differenced where nothing is missing, as they
/// are where something is.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The target, then the regressors.
    pub(super) columns: Vec<Vec<f64>>,
    /// Empty where the columns are differenced already.
    pub(super) differencing: Vec<f64>,
    /// Whether the first column has gaps.
    pub(super) gaps: bool,
}

/// One model on one sample.
#[derive(Debug)]
pub(super) struct Estimation<'a> {
    pub(super) order: Order,
    pub(super) sample: &'a Sample,
    criterion: Criterion,
    pub(super) arma: Arma,
    pub(super) innovations: Innovations,
    conditional: Conditional,
    pub(super) missing: MissingFilter,
    out: Vec<Vec<f64>>,
    /// Coefficients of the regressors at the last evaluation.
    pub(super) regression: Vec<f64>,
    pass: Pass,
}

/// Where an estimation ended.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// The unconstrained parameters.
    pub(super) parameters: Vec<f64>,
    /// In units of the sample.
    pub(super) log_likelihood: f64,
    /// The sum of squared standardised innovations.
    pub(super) sum_of_squares: f64,
    /// Innovations that count.
    pub(super) count: usize,
}

impl<'a> Estimation<'a> {
    pub(super) fn new(order: Order, sample: &'a Sample) -> Self {
        let out = sample.columns.iter().map(|c| vec![0.0; c.len()]).collect();
        Self {
            order,
            sample,
            criterion: Criterion::Exact,
            arma: Arma::default(),
            innovations: Innovations::default(),
            conditional: Conditional::default(),
            missing: MissingFilter::default(),
            out,
            regression: Vec::new(),
            pass: Pass { log_determinant: 0.0, count: 0 },
        }
    }

    /// The best of the starting points, by the conditional sum of squares, improved with it.
    pub(super) fn start(&mut self, effort: Effort) -> Vec<f64> {
        let order = self.order;
        let mut start = vec![0.0; order.terms()];
        let moving_average = order.p + order.seasonal_p;
        if order.seasonal_q > 0 && order.seasonal_d > 0 {
            start[moving_average + order.q] = SEASONAL_START;
        }
        if self.sample.gaps {
            return start;
        }
        self.criterion = Criterion::Conditional;
        let mut scratch = Vec::new();
        let mut best = (f64::INFINITY, start.clone());
        let rows = if order.p > 0 { &STARTS[..] } else { &STARTS[..1] };
        let columns = if order.q > 0 { &STARTS[..] } else { &STARTS[..1] };
        for first in rows {
            for second in columns {
                let mut candidate = start.clone();
                if order.p > 0 {
                    candidate[0] = *first;
                }
                if order.q > 0 {
                    candidate[moving_average] = *second;
                }
                let sum = self.evaluate(&candidate, &mut scratch);
                if sum < best.0 {
                    best = (sum, candidate);
                }
            }
        }
        self.improve(best.1, Criterion::Conditional, effort).0
    }

    /// Improves parameters; returns them with the sum of squares.
    pub(super) fn improve(
        &mut self,
        mut parameters: Vec<f64>,
        criterion: Criterion,
        effort: Effort,
    ) -> (Vec<f64>, f64) {
        self.criterion = criterion;
        let sum = minimise(self, &mut parameters, effort);
        (parameters, sum)
    }

    /// The exact likelihood at these parameters; none where they are unusable.
    pub(super) fn judge(&mut self, parameters: Vec<f64>) -> Option<Estimate> {
        self.criterion = Criterion::Exact;
        let mut scratch = Vec::new();
        let sum = self.evaluate(&parameters, &mut scratch);
        let Pass { log_determinant, count } = self.pass;
        if !sum.is_finite() || count == 0 {
            return None;
        }
        let n = count as f64;
        // `sum` has the determinant in it, by its n-th root.
        let floor = sum.max(1e-28 * n);
        let log_likelihood = -0.5 * n * ((std::f64::consts::TAU * floor / n).ln() + 1.0);
        Some(Estimate { parameters, log_likelihood, sum_of_squares: sum * (-log_determinant / n).exp(), count })
    }

    fn pass(&mut self, parameters: &[f64]) -> Option<Pass> {
        self.arma.set(&self.order, parameters);
        if self.sample.gaps {
            let system = System { arma: &self.arma, differencing: &self.sample.differencing };
            return self.missing.filter(&system, &self.sample.columns, &mut self.out);
        }
        match self.criterion {
            Criterion::Exact => self.innovations.exact(&self.arma, &self.sample.columns, &mut self.out),
            Criterion::Conditional => {
                Some(self.conditional.residuals(&self.arma, &self.order, &self.sample.columns, &mut self.out))
            }
        }
    }
}

impl Residuals for Estimation<'_> {
    fn length(&self) -> usize {
        self.sample.columns.first().map_or(0, Vec::len)
    }

    fn evaluate(&mut self, parameters: &[f64], out: &mut Vec<f64>) -> f64 {
        let Some(pass) = self.pass(parameters).filter(|p| p.count > 0) else { return f64::INFINITY };
        self.pass = pass;
        out.clear();
        let (target, regressors) = self.out.split_at(1);
        out.extend_from_slice(&target[0]);
        self.regression = least_squares(regressors, &target[0]);
        for (column, coefficient) in regressors.iter().zip(&self.regression) {
            out.iter_mut().zip(column).for_each(|(y, x)| *y -= coefficient * x);
        }
        let scale = (0.5 * pass.log_determinant / pass.count as f64).exp();
        out.iter_mut().for_each(|v| *v *= scale);
        let sum = dot(out, out);
        if sum.is_finite() { sum } else { f64::INFINITY }
    }

    fn slopes(&mut self, parameters: &[f64], current: &[f64], slopes: &mut [Vec<f64>]) {
        if self.criterion == Criterion::Exact || self.sample.gaps {
            return by_differences(self, parameters, current, slopes);
        }
        let mut scratch = Vec::with_capacity(current.len());
        if self.evaluate(parameters, &mut scratch).is_finite() {
            self.conditional.slopes(&self.arma, &self.order, parameters, &self.regression, &self.out, slopes);
        }
    }

    fn hold(&mut self, hold: bool) {
        self.innovations.hold(hold && self.criterion == Criterion::Exact);
    }
}

/// The coefficients of a linear regression; a breath of ridge keeps collinear columns apart.
pub(super) fn least_squares(columns: &[Vec<f64>], target: &[f64]) -> Vec<f64> {
    let count = columns.len();
    if count == 0 {
        return Vec::new();
    }
    let mut gram = vec![0.0; count * count];
    let mut products = vec![0.0; count];
    for i in 0..count {
        for j in i..count {
            gram[i * count + j] = dot(&columns[i], &columns[j]);
        }
        products[i] = dot(&columns[i], target);
    }
    for i in 0..count {
        gram[i * count + i] = gram[i * count + i] * (1.0 + 1e-10) + 1e-200;
    }
    Cholesky::new(gram, count).map_or_else(|| vec![0.0; count], |factor| factor.solve(&products))
}
