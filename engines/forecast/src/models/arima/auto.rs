//! The stepwise search of Hyndman and Khandakar (2008).

use std::collections::BTreeMap;

use super::estimation::{Criterion, Estimate, Estimation, Sample, least_squares};
use super::fit::{self, FINAL, Fit, Prepared, START, better, check, corrected_criterion, failure};
use super::least_squares::Effort;
use super::order::Order;
use super::polynomial::Arma;
use super::unit_root;
use crate::error::ForecastError;

/// The largest p and q, P and Q (as in Hyndman and Khandakar 2008, §3.2).
const MOST: (usize, usize) = (5, 2);
/// Models tried at most.
const BUDGET: usize = 94;
/// Observations × longest lag up to which the search maximises the exact likelihood; beyond, it minimises the
/// conditional sum of squares and then judges by the exact likelihood at that point.
const EXACT_WORK: usize = 8_000;
/// Models with a root this near the unit circle are refused (Hyndman and Khandakar 2008, §3.2); those of the seasonal
/// factors are measured in powers of the season.
const CLOSEST_ROOT: f64 = 1.01;
/// Steps of a candidate, which starts from its neighbour's parameters.
const SEARCH: Effort = Effort { steps: 12, tolerance: 2e-2 };
/// The best candidates, of which the first with an admissible maximum is taken.
const FINALISTS: usize = 4;
/// The moves, (p, q, P, Q), in the order in which they are tried.
const MOVES: [(isize, isize, isize, isize); 16] = [
    (0, 0, -1, 0),
    (0, 0, 0, -1),
    (0, 0, 1, 0),
    (0, 0, 0, 1),
    (0, 0, -1, -1),
    (0, 0, -1, 1),
    (0, 0, 1, -1),
    (0, 0, 1, 1),
    (-1, 0, 0, 0),
    (0, -1, 0, 0),
    (1, 0, 0, 0),
    (0, 1, 0, 0),
    (-1, -1, 0, 0),
    (-1, 1, 0, 0),
    (1, -1, 0, 0),
    (1, 1, 0, 0),
];

/// A model tried, with its unconstrained parameters and criterion.
#[derive(Clone, Debug)]
struct Candidate {
    order: Order,
    parameters: Vec<f64>,
    criterion: f64,
}

/// Finds the seasonal ARIMA model with the lowest corrected Akaike criterion by a stepwise search, and fits it by exact
/// maximum likelihood. The season is differenced where its strength in an STL decomposition is above 0.64, then first
/// differences are taken until a KPSS test at 5 % accepts. Gaps (NaN) are bridged for the search only.
///
/// # Errors
/// [`ForecastError::Numerical`] where there is no observation, or a regressor has another length.
pub fn auto(values: &[f64], regressors: &[Vec<f64>], season: usize) -> Result<Fit, ForecastError> {
    let observed = values.iter().filter(|v| v.is_finite()).count();
    if observed == 0 {
        return Err(failure("there is no observation".to_string()));
    }
    let filled = super::bridged(values, season);
    let season = if season < 2 || observed <= 2 * season { 1 } else { season };
    if observed < 4 {
        let order = if observed > 1 { Order::new(0, 1, 0) } else { Order::new(0, 0, 0).with_constant(true) };
        return fit::fit(values, &[], order);
    }
    let errors = regression_errors(&filled, regressors);
    let seasonal_d = unit_root::seasonal(&errors, season);
    let after = super::differencing::differences(&errors, 0, seasonal_d, season);
    let d = unit_root::first(&after);
    let base = Order::new(0, d, 0).seasonal(0, seasonal_d, 0, season);
    let left = super::differencing::differences(&after, d, 0, 1);
    if left.len() < 3 || unit_root::is_constant(&left) {
        let order = base.with_constant(d + seasonal_d < 2);
        let order = if check(values, regressors, &order).is_ok() { order } else { Order::new(0, 1, 0) };
        return fit::fit(values, regressors, order);
    }
    let mut search = Search::new(&filled, regressors, base, observed);
    search.run();
    search.finish(values, regressors)
}

/// What a linear regression on the regressors leaves.
pub(super) fn regression_errors(values: &[f64], regressors: &[Vec<f64>]) -> Vec<f64> {
    if regressors.is_empty() || regressors.iter().any(|r| r.len() != values.len()) {
        return values.to_vec();
    }
    let mut columns = regressors.to_vec();
    columns.push(vec![1.0; values.len()]);
    let coefficients = least_squares(&columns, values);
    let mut errors = values.to_vec();
    for (column, coefficient) in columns.iter().zip(coefficients) {
        errors.iter_mut().zip(column).for_each(|(y, x)| *y -= coefficient * x);
    }
    errors
}

struct Search {
    base: Order,
    constant_allowed: bool,
    most: (usize, usize),
    regressors: usize,
    /// Without and with a constant: the scale of the series and what the filters read.
    samples: [(f64, Sample); 2],
    tried: BTreeMap<Order, Option<Candidate>>,
    best: Option<Candidate>,
}

impl Search {
    fn new(values: &[f64], regressors: &[Vec<f64>], base: Order, observed: usize) -> Self {
        let sample = |constant| {
            let order = base.with_constant(constant);
            let prepared = Prepared::new(values, regressors, &order);
            (prepared.scale(), prepared.sample(&order))
        };
        let seasonal = if base.season > 1 { (observed / 3 / base.season).min(MOST.1) } else { 0 };
        // With a season, longer lags are the seasonal terms' business.
        let longest = if base.season > 1 { MOST.0.min(base.season - 1) } else { MOST.0 };
        Self {
            base,
            constant_allowed: base.d + base.seasonal_d < 2,
            most: ((observed / 3).min(longest), seasonal),
            regressors: regressors.len(),
            samples: [sample(false), sample(true)],
            tried: BTreeMap::new(),
            best: None,
        }
    }

    fn order(&self, p: usize, q: usize, seasonal_p: usize, seasonal_q: usize, constant: bool) -> Order {
        let (most, seasonal_most) = self.most;
        let base = self.base;
        Order {
            p: p.min(most),
            q: q.min(most),
            seasonal_p: seasonal_p.min(seasonal_most),
            seasonal_q: seasonal_q.min(seasonal_most),
            constant: constant && self.constant_allowed,
            ..base
        }
    }

    fn run(&mut self) {
        for (p, q, seasonal_p, seasonal_q, constant) in
            [(2, 2, 1, 1, true), (0, 0, 0, 0, true), (1, 0, 1, 0, true), (0, 1, 0, 1, true), (0, 0, 0, 0, false)]
        {
            let order = self.order(p, q, seasonal_p, seasonal_q, constant);
            self.attempt(order);
        }
        while self.tried.len() < BUDGET && self.step() {}
    }

    /// Takes the first move that improves; false where none does.
    fn step(&mut self) -> bool {
        let Some(from) = self.best.as_ref().map(|b| b.order) else { return false };
        let moved = |value: usize, by: isize, most: usize| value.checked_add_signed(by).filter(|v| *v <= most);
        let (most, seasonal_most) = self.most;
        for (p, q, seasonal_p, seasonal_q) in MOVES {
            let to = (|| {
                Some(Order {
                    p: moved(from.p, p, most)?,
                    q: moved(from.q, q, most)?,
                    seasonal_p: moved(from.seasonal_p, seasonal_p, seasonal_most)?,
                    seasonal_q: moved(from.seasonal_q, seasonal_q, seasonal_most)?,
                    ..from
                })
            })();
            if to.is_some_and(|order| self.attempt(order)) {
                return true;
            }
        }
        self.constant_allowed && self.attempt(from.with_constant(!from.constant))
    }

    /// Tries a model that has not been tried; whether it is the best so far.
    fn attempt(&mut self, order: Order) -> bool {
        if self.tried.contains_key(&order) || self.tried.len() >= BUDGET {
            return false;
        }
        let candidate = self.candidate(order);
        let lowest = self.best.as_ref().map_or(f64::INFINITY, |b| b.criterion);
        let improved = candidate.as_ref().is_some_and(|c| c.criterion < lowest);
        if improved {
            self.best.clone_from(&candidate);
        }
        self.tried.insert(order, candidate);
        improved
    }

    fn candidate(&self, order: Order) -> Option<Candidate> {
        let (scale, sample) = &self.samples[usize::from(order.constant)];
        let mut estimation = Estimation::new(order, sample);
        let work = sample.columns[0].len() * order.autoregressive_reach().max(order.moving_average_reach());
        let criterion = if work <= EXACT_WORK { Criterion::Exact } else { Criterion::Conditional };
        let parameters = match &self.best {
            Some(best) => adapted(&best.parameters, &best.order, &order),
            None => estimation.start(SEARCH),
        };
        let (parameters, _) = estimation.improve(parameters, criterion, SEARCH);
        let mut estimate = estimation.judge(parameters);
        if self.best.is_some() && order.p > 0 && order.q > 0 {
            // The neighbour's peak may not be this model's: its likelihood has several.
            let start = estimation.start(SEARCH);
            let (parameters, _) = estimation.improve(start, criterion, SEARCH);
            let other = estimation.judge(parameters);
            estimate = better(estimate, other);
        }
        // The last evaluation need not have been the better one.
        let estimate = estimation.judge(estimate?.parameters)?;
        if !estimation.arma.factors_outside(&order, CLOSEST_ROOT) {
            return None;
        }
        let criterion = self.criterion(&order, &estimate, *scale);
        criterion.is_finite().then_some(Candidate { order, parameters: estimate.parameters, criterion })
    }

    fn criterion(&self, order: &Order, estimate: &Estimate, scale: f64) -> f64 {
        let spent = order.terms() + usize::from(order.constant) + self.regressors + 1;
        let log_likelihood = estimate.log_likelihood - estimate.count as f64 * scale.ln();
        corrected_criterion(log_likelihood, spent, estimate.count)
    }

    /// Fits the best candidate on the series as it is, gaps and all.
    fn finish(self, values: &[f64], regressors: &[Vec<f64>]) -> Result<Fit, ForecastError> {
        let mut candidates: Vec<&Candidate> = self.tried.values().flatten().collect();
        candidates.sort_by(|a, b| a.criterion.total_cmp(&b.criterion));
        let mut fallback = None;
        for candidate in candidates.into_iter().take(FINALISTS) {
            let order = candidate.order;
            let prepared = Prepared::new(values, regressors, &order);
            let sample = prepared.sample(&order);
            let mut estimation = Estimation::new(order, &sample);
            let mut starts = vec![candidate.parameters.clone()];
            if !sample.gaps && order.p > 0 && order.q > 0 {
                // An ARMA likelihood has more than one peak.
                let other = estimation.start(START);
                if apart(&other, &candidate.parameters) {
                    starts.push(other);
                }
            }
            let mut climbed = |starts: Vec<Vec<f64>>, effort| {
                starts.into_iter().fold(None, |best, start| {
                    let (parameters, _) = estimation.improve(start, Criterion::Exact, effort);
                    better(best, estimation.judge(parameters))
                })
            };
            // A peak outside the admissible region is not worth its last digits.
            let Some(near) = climbed(starts, SEARCH) else { continue };
            let mut arma = Arma::default();
            arma.set(&order, &near.parameters);
            let outside = arma.factors_outside(&order, CLOSEST_ROOT);
            if !outside && fallback.is_some() {
                continue;
            }
            let Some(estimate) = climbed(vec![near.parameters], FINAL) else { continue };
            let fit = Fit::new(estimation, estimate, prepared);
            if fit.arma.factors_outside(&order, CLOSEST_ROOT) {
                return Ok(fit);
            }
            fallback = fallback.or(Some(fit));
        }
        match fallback {
            Some(fit) => Ok(fit),
            None => fit::fit(values, regressors, self.base.with_constant(self.constant_allowed && self.base.d == 0)),
        }
    }
}

/// Whether two starts may lead to different peaks: a partial autocorrelation is another.
fn apart(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).any(|(a, b)| (a.tanh() - b.tanh()).abs() > 0.1)
}

/// The parameters of a model as a start for one of other orders: partial autocorrelations beyond an order are zero.
fn adapted(parameters: &[f64], from: &Order, to: &Order) -> Vec<f64> {
    let mut rest = parameters;
    let mut start = Vec::with_capacity(to.terms());
    for (have, want) in
        [(from.p, to.p), (from.seasonal_p, to.seasonal_p), (from.q, to.q), (from.seasonal_q, to.seasonal_q)]
    {
        let (own, after) = rest.split_at(have);
        // Parameters at the bounds have no slope to leave them by.
        start.extend((0..want).map(|i| own.get(i).map_or(0.02, |v| v.clamp(-1.5, 1.5))));
        rest = after;
    }
    start
}
