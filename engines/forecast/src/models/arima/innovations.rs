//! Exact innovations of an ARMA process without missing values, in time linear in the longest lag.
//!
//! The state is what the past contributes to the next values, so that a step of the companion matrix is a shift in a
//! buffer. Its covariance is never formed: the gain and the innovation variance follow the Chandrasekhar
//! recursions (Morf, Sidhu and Kailath 1974; for ARMA models Mélard 1984, AS 197), whose increments have rank one
//! because the process starts stationary. Once the variance has come down to that of the noise, only the lags that are
//! there cost anything.

use pulp::{Simd, WithSimd};

use super::autocovariance::Autocovariance;
use super::polynomial::Arma;
use crate::models::vectors;

/// Relative excess of the innovation variance at which the filter is taken as settled.
const SETTLED: f64 = 1e-9;

/// Values handled at once; no result depends on it.
const LANES: usize = 4;

/// Room for the recursions, used again from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Innovations {
    autocovariance: Autocovariance,
    /// φ₁, φ₂, …, with zeros after them to fill a vector.
    phi: Vec<f64>,
    gain: Vec<f64>,
    correction: Vec<f64>,
    increment: Vec<f64>,
    /// For each column, the predictions from each time on.
    predictions: Vec<Vec<f64>>,
    /// The step from which the filter is settled, held while derivatives are taken: a switch that moves between two
    /// evaluations would be taken for a slope.
    held: Option<usize>,
    settled: usize,
}

/// What a pass over the data found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pass {
    /// Σ log of the innovation variances, in units of the noise's.
    pub(super) log_determinant: f64,
    /// Innovations that count.
    pub(super) count: usize,
}

impl Innovations {
    /// Until released, the filter settles where it did last.
    pub(super) fn hold(&mut self, hold: bool) {
        self.held = hold.then_some(self.settled);
    }

    /// The standardised innovations of every column; none where the process is not stationary.
    pub(super) fn exact(&mut self, arma: &Arma, columns: &[Vec<f64>], out: &mut [Vec<f64>]) -> Option<Pass> {
        if !self.autocovariance.compute(arma) {
            return None;
        }
        let n = columns.first().map_or(0, Vec::len);
        // Zeros up to a whole number of vectors stay zeros.
        let room = arma.phi.len().next_multiple_of(LANES);
        self.prepare(n, room, columns.len());
        self.autocovariance.state(arma, &mut self.gain);
        self.phi.clear();
        self.phi.extend_from_slice(&arma.phi);
        self.phi.resize(room, 0.0);
        self.gain.resize(room, 0.0);
        self.increment.clear();
        self.increment.resize(n + room + 1, 0.0);
        self.increment[..room].copy_from_slice(&self.gain);
        let first = self.autocovariance.values[0];
        self.correction.clear();
        self.correction.extend(self.gain.iter().zip(&self.phi).map(|(k, phi)| k / first - phi));
        let log_determinant = vectors::run(Unsettled { filter: self, columns, out });
        self.settled_part(arma, columns, out, self.settled);
        Some(Pass { log_determinant, count: n })
    }

    /// The recursions until they settle; Σ log of the variances.
    #[inline(always)]
    fn unsettled_part(&mut self, columns: &[Vec<f64>], out: &mut [Vec<f64>]) -> f64 {
        let (n, room) = (columns.first().map_or(0, Vec::len), self.phi.len());
        let first = self.autocovariance.values[0];
        let mut variance = first;
        let mut log_determinant = 0.0;
        let mut product: f64 = 1.0;
        let mut t = 0;
        while t < n && self.held.map_or(variance - 1.0 > SETTLED, |held| t < held) {
            let scale = 1.0 / variance.sqrt();
            for ((values, predictions), out) in columns.iter().zip(&mut self.predictions).zip(&mut *out) {
                let value = values[t];
                let innovation = value - predictions[t];
                out[t] = innovation * scale;
                let ahead = whole_mut(&mut predictions[t + 1..t + 1 + room]);
                for ((ahead, phi), correction) in ahead.zip(whole(&self.phi)).zip(whole(&self.correction)) {
                    for i in 0..LANES {
                        ahead[i] += phi[i] * value + correction[i] * innovation;
                    }
                }
            }
            // One logarithm for many steps.
            product *= variance;
            if !(1e-200..1e200).contains(&product) {
                log_determinant += product.ln();
                product = 1.0;
            }
            let leading = if room > 0 { self.increment[t] } else { 0.0 };
            let share = leading / first;
            let step = -variance * share / first;
            variance *= 1.0 - share * share;
            let inverse = 1.0 / variance;
            let increments = whole_mut(&mut self.increment[t + 1..t + 1 + room]);
            let rest = whole_mut(&mut self.gain).zip(whole_mut(&mut self.correction)).zip(whole(&self.phi));
            for (increment, ((gain, correction), phi)) in increments.zip(rest) {
                for i in 0..LANES {
                    gain[i] += step * (increment[i] + phi[i] * leading);
                    correction[i] = gain[i] * inverse - phi[i];
                    increment[i] -= correction[i] * leading;
                }
            }
            t += 1;
        }
        self.settled = t;
        log_determinant + product.ln()
    }

    /// What was expected of each of the `n` values of the first column that were filtered last.
    pub(super) fn expected(&self, n: usize) -> Vec<f64> {
        self.predictions.first().map_or_else(|| vec![0.0; n], |p| p[..n].to_vec())
    }

    /// The predictions of the first column over `horizon` steps after the data that were filtered last.
    pub(super) fn forecast(&mut self, arma: &Arma, n: usize, horizon: usize) -> Vec<f64> {
        let reach = arma.phi.len();
        let Some(predictions) = self.predictions.first_mut() else { return vec![0.0; horizon] };
        predictions.resize(n + reach + 1 + horizon, 0.0);
        for t in n..n + horizon {
            let value = predictions[t];
            for (lag, coefficient) in &arma.autoregressive {
                predictions[t + lag] += coefficient * value;
            }
        }
        predictions[n..n + horizon].to_vec()
    }

    fn prepare(&mut self, n: usize, reach: usize, columns: usize) {
        self.predictions.resize_with(columns, Vec::new);
        for predictions in &mut self.predictions {
            predictions.clear();
            predictions.resize(n + reach + 1, 0.0);
        }
    }

    fn settled_part(&mut self, arma: &Arma, columns: &[Vec<f64>], out: &mut [Vec<f64>], start: usize) {
        for ((values, predictions), out) in columns.iter().zip(&mut self.predictions).zip(out) {
            for (t, (value, out)) in values.iter().zip(out.iter_mut()).enumerate().skip(start) {
                let innovation = value - predictions[t];
                *out = innovation;
                for (lag, coefficient) in &arma.autoregressive {
                    predictions[t + lag] += coefficient * value;
                }
                for (lag, coefficient) in &arma.moving_average {
                    predictions[t + lag] += coefficient * innovation;
                }
            }
        }
    }
}

/// The recursions before they settle, for the vector unit.
struct Unsettled<'a> {
    filter: &'a mut Innovations,
    columns: &'a [Vec<f64>],
    out: &'a mut [Vec<f64>],
}

impl WithSimd for Unsettled<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        self.filter.unsettled_part(self.columns, self.out)
    }
}

/// Whole vectors of a slice.
#[inline(always)]
fn whole(values: &[f64]) -> impl Iterator<Item = &[f64; LANES]> {
    values.as_chunks().0.iter()
}

#[inline(always)]
fn whole_mut(values: &mut [f64]) -> impl Iterator<Item = &mut [f64; LANES]> {
    values.as_chunks_mut().0.iter_mut()
}
