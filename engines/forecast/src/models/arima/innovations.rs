//! Exact innovations of an ARMA process without missing values, in time linear in the longest lag.
//!
//! The state is what the past contributes to the next values, so that a step of the companion matrix is a shift in a
//! buffer. Its covariance is never formed: the gain and the innovation variance follow the Chandrasekhar
//! recursions (Morf, Sidhu and Kailath 1974; for ARMA models Mélard 1984, AS 197), whose increments have rank one
//! because the process starts stationary. Once the variance has come down to that of the noise, only the lags that are
//! there cost anything.

use super::autocovariance::Autocovariance;
use super::polynomial::Arma;

/// Relative excess of the innovation variance at which the filter is taken as settled.
const SETTLED: f64 = 1e-9;

/// Room for the recursions, used again from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Innovations {
    autocovariance: Autocovariance,
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
        let (n, reach) = (columns.first().map_or(0, Vec::len), arma.phi.len());
        self.prepare(n, reach, columns.len());
        let first = self.autocovariance.values[0];
        let mut variance = first;
        self.autocovariance.state(arma, &mut self.gain);
        self.increment.clear();
        self.increment.resize(n + reach + 1, 0.0);
        self.increment[..reach].copy_from_slice(&self.gain);
        self.correction.clear();
        self.correction.extend(self.gain.iter().zip(&arma.phi).map(|(k, phi)| k / first - phi));
        let mut log_determinant = 0.0;
        let mut product: f64 = 1.0;
        let mut t = 0;
        while t < n && self.held.map_or(variance - 1.0 > SETTLED, |held| t < held) {
            let scale = 1.0 / variance.sqrt();
            for ((values, predictions), out) in columns.iter().zip(&mut self.predictions).zip(&mut *out) {
                let value = values[t];
                let innovation = value - predictions[t];
                out[t] = innovation * scale;
                let ahead = &mut predictions[t + 1..t + 1 + reach];
                for ((ahead, phi), correction) in ahead.iter_mut().zip(&arma.phi).zip(&self.correction) {
                    *ahead += phi * value + correction * innovation;
                }
            }
            // One logarithm for many steps.
            product *= variance;
            if !(1e-200..1e200).contains(&product) {
                log_determinant += product.ln();
                product = 1.0;
            }
            let leading = if reach > 0 { self.increment[t] } else { 0.0 };
            let share = leading / first;
            let step = -variance * share / first;
            variance *= 1.0 - share * share;
            let inverse = 1.0 / variance;
            let increment = &mut self.increment[t + 1..t + 1 + reach];
            let rest = self.gain.iter_mut().zip(&mut self.correction).zip(&arma.phi);
            for (increment, ((gain, correction), phi)) in increment.iter_mut().zip(rest) {
                *gain += step * (*increment + phi * leading);
                *correction = *gain * inverse - phi;
                *increment -= *correction * leading;
            }
            t += 1;
        }
        self.settled = t;
        self.settled_part(arma, columns, out, t);
        Some(Pass { log_determinant: log_determinant + product.ln(), count: n })
    }

    /// Residuals given that everything before the data was zero; those within the longest autoregressive lag are left
    /// out: the conditional sum of squares (Box and Jenkins 1970, §7.1).
    pub(super) fn conditional(&mut self, arma: &Arma, columns: &[Vec<f64>], out: &mut [Vec<f64>]) -> Pass {
        let (n, reach) = (columns.first().map_or(0, Vec::len), arma.phi.len());
        self.prepare(n, reach, columns.len());
        self.settled = 0;
        self.settled_part(arma, columns, out, 0);
        let skipped = arma.autoregressive.last().map_or(0, |(lag, _)| *lag).min(n);
        out.iter_mut().for_each(|column| column[..skipped].fill(0.0));
        Pass { log_determinant: 0.0, count: n - skipped }
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
