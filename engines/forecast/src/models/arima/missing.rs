//! The Kalman filter of an ARIMA process with missing values.
//!
//! The differences cannot be taken where values are missing, so that the last levels are part of the state, with a
//! prior so wide that it says nothing (Harvey and Pierse 1984; the innovations that it alone decides are not counted).
//! Missing values are steps without an update. Cost is quadratic in the state: this filter serves series with gaps,
//! [`super::innovations`] the others.

use super::autocovariance::{Autocovariance, responses};
use super::innovations::Pass;
use super::polynomial::Arma;

/// The prior variance of the levels, in units of the noise; the data are scaled.
const DIFFUSE: f64 = 1e7;
/// Innovations with a variance above this are decided by the prior.
const UNINFORMED: f64 = 1e4;

/// The state: what the past contributes to the next differences, then the last levels.
#[derive(Clone, Debug, Default)]
pub(super) struct MissingFilter {
    autocovariance: Autocovariance,
    covariance: Vec<f64>,
    moved: Vec<f64>,
    states: Vec<Vec<f64>>,
    gain: Vec<f64>,
    noise: Vec<f64>,
}

/// The system that the filter steps through.
#[derive(Clone, Copy, Debug)]
pub(super) struct System<'a> {
    /// The stationary part.
    pub(super) arma: &'a Arma,
    /// yₜ = wₜ + Σ δⱼ yₜ₋ⱼ: the coefficients of the differencing, by lag.
    pub(super) differencing: &'a [f64],
}

impl System<'_> {
    fn order(&self) -> usize {
        self.arma.phi.len() + self.differencing.len()
    }

    /// One step of the transition: the last levels move on, `value` the newest of them.
    fn advance(&self, state: &mut [f64], value: f64) {
        let reach = self.arma.phi.len();
        let first = if reach > 0 { state[0] } else { 0.0 };
        for i in 0..reach {
            let next = if i + 1 < reach { state[i + 1] } else { 0.0 };
            state[i] = self.arma.phi[i] * first + next;
        }
        if state.len() > reach {
            state[reach..].rotate_right(1);
            state[reach] = value;
        }
    }

    fn observe(&self, state: &[f64]) -> f64 {
        let reach = self.arma.phi.len();
        let first = if reach > 0 { state[0] } else { 0.0 };
        first + state[reach..].iter().zip(self.differencing).map(|(x, delta)| x * delta).sum::<f64>()
    }
}

impl MissingFilter {
    /// The standardised innovations of every column of levels, all with the first column's gaps; zero where that is
    /// missing or the prior decides. None where the process is not stationary.
    pub(super) fn filter(&mut self, system: &System<'_>, columns: &[Vec<f64>], out: &mut [Vec<f64>]) -> Option<Pass> {
        if !self.start(system, columns.len()) {
            return None;
        }
        let mut pass = Pass { log_determinant: 0.0, count: 0 };
        for t in 0..columns.first().map_or(0, Vec::len) {
            let observed = columns[0][t].is_finite();
            let variance = self.move_covariance(system, observed);
            if !(variance.is_finite() && variance > 0.0) {
                return None;
            }
            let counted = observed && variance < UNINFORMED;
            if counted {
                pass.log_determinant += variance.ln();
                pass.count += 1;
            }
            let scale = if counted { 1.0 / variance.sqrt() } else { 0.0 };
            for ((values, state), out) in columns.iter().zip(&mut self.states).zip(&mut *out) {
                let expected = system.observe(state);
                let innovation = if observed { values[t] - expected } else { 0.0 };
                out[t] = innovation * scale;
                system.advance(state, expected);
                state.iter_mut().zip(&self.gain).for_each(|(x, g)| *x += g * innovation / variance);
            }
        }
        Some(pass)
    }

    /// What is expected of each value of one column; NaN where the prior decides, or the process is not stationary.
    pub(super) fn expected(&mut self, system: &System<'_>, values: &[f64]) -> Vec<f64> {
        let mut expectations = vec![f64::NAN; values.len()];
        if !self.start(system, 1) {
            return expectations;
        }
        for (value, out) in values.iter().zip(&mut expectations) {
            let observed = value.is_finite();
            let variance = self.move_covariance(system, observed);
            if !(variance.is_finite() && variance > 0.0) {
                break;
            }
            let state = &mut self.states[0];
            let expected = system.observe(state);
            let innovation = if observed { value - expected } else { 0.0 };
            *out = if variance < UNINFORMED { expected } else { f64::NAN };
            system.advance(state, expected);
            state.iter_mut().zip(&self.gain).for_each(|(x, g)| *x += g * innovation / variance);
        }
        expectations
    }

    /// Means (first column) and variances, in units of the noise, over the steps after the data filtered last.
    pub(super) fn forecast(&mut self, system: &System<'_>, horizon: usize) -> (Vec<f64>, Vec<f64>) {
        (0..horizon)
            .map(|_| {
                let variance = self.move_covariance(system, false);
                let expected = self.states.first().map_or(0.0, |state| system.observe(state));
                if let Some(state) = self.states.first_mut() {
                    system.advance(state, expected);
                }
                (expected, variance)
            })
            .unzip()
    }

    fn start(&mut self, system: &System<'_>, columns: usize) -> bool {
        let (arma, order) = (system.arma, system.order());
        let reach = arma.phi.len();
        if !self.autocovariance.compute(arma) {
            return false;
        }
        let mut response = Vec::new();
        responses(arma, reach, &mut response);
        let gamma = &self.autocovariance.values;
        self.covariance.clear();
        self.covariance.resize(order * order, 0.0);
        // What is predicted of the values i and j steps on covaries as they do, less what is yet to come.
        for i in 0..reach {
            for j in i..reach {
                let coming: f64 = (0..=i).map(|k| response[k] * response[k + j - i]).sum();
                let value = gamma[j - i] - coming;
                self.covariance[i * order + j] = value;
                self.covariance[j * order + i] = value;
            }
        }
        // A prediction is what the past contributes and what earlier predictions do; those are taken out again, first
        // from the rows, then from the columns, the latest first.
        for i in (0..reach).rev() {
            for (lag, phi) in arma.autoregressive.iter().take_while(|(lag, _)| *lag <= i) {
                for j in 0..reach {
                    self.covariance[i * order + j] -= phi * self.covariance[(i - lag) * order + j];
                }
            }
        }
        for j in (0..reach).rev() {
            for (lag, phi) in arma.autoregressive.iter().take_while(|(lag, _)| *lag <= j) {
                for i in 0..reach {
                    self.covariance[i * order + j] -= phi * self.covariance[i * order + j - lag];
                }
            }
        }
        (reach..order).for_each(|i| self.covariance[i * order + i] = DIFFUSE);
        self.noise.clear();
        self.noise.extend(arma.phi.iter().zip(&arma.theta).map(|(phi, theta)| phi + theta));
        self.noise.extend((reach..order).map(|i| f64::from(u8::from(i == reach))));
        self.states.resize_with(columns, Vec::new);
        for state in &mut self.states {
            state.clear();
            state.resize(order, 0.0);
        }
        self.gain.clear();
        self.gain.resize(order, 0.0);
        true
    }

    /// P ← T P Tᵀ + b bᵀ, less K Kᵀ / F where there is an observation; leaves K in `gain` and returns F.
    fn move_covariance(&mut self, system: &System<'_>, observed: bool) -> f64 {
        let n = system.order();
        self.moved.clear();
        self.moved.extend_from_slice(&self.covariance);
        // The rows are P's columns too, for P is symmetric: each is moved as a state is.
        for row in self.moved.chunks_exact_mut(n.max(1)) {
            let value = system.observe(row);
            system.advance(row, value);
        }
        // P Tᵀ is in place; its columns moved the same way give T P Tᵀ, and the observation of P Tᵀ gives C P Tᵀ.
        let reach = system.arma.phi.len();
        self.gain.clear();
        self.gain.resize(n, 0.0);
        let mut variance = 1.0;
        let mut own = 0.0;
        let weights = (0..n).map(|i| match i {
            0 if reach > 0 => 1.0,
            i if i >= reach => system.differencing[i - reach],
            _ => 0.0,
        });
        for (i, weight) in weights.enumerate().filter(|(_, w)| *w != 0.0) {
            let row = &self.moved[i * n..(i + 1) * n];
            self.gain.iter_mut().zip(row).for_each(|(g, v)| *g += weight * v);
            own += weight * system.observe(&self.covariance[i * n..(i + 1) * n]);
        }
        variance += own;
        for i in 0..n {
            let target = &mut self.covariance[i * n..(i + 1) * n];
            if i < reach {
                target.fill(0.0);
                if i + 1 < reach {
                    target.copy_from_slice(&self.moved[(i + 1) * n..(i + 2) * n]);
                }
                let phi = system.arma.phi[i];
                if phi != 0.0 {
                    target.iter_mut().zip(&self.moved[..n]).for_each(|(t, v)| *t += phi * v);
                }
            } else if i == reach {
                target.copy_from_slice(&self.gain);
            } else {
                target.copy_from_slice(&self.moved[(i - 1) * n..i * n]);
            }
        }
        self.gain.iter_mut().zip(&self.noise).for_each(|(g, b)| *g += b);
        let share = if observed { 1.0 / variance } else { 0.0 };
        for i in 0..n {
            let (noise, gain) = (self.noise[i], self.gain[i] * share);
            let target = &mut self.covariance[i * n..(i + 1) * n];
            for ((value, b), g) in target.iter_mut().zip(&self.noise).zip(&self.gain) {
                *value += noise * b - gain * g;
            }
        }
        variance
    }
}

#[cfg(test)]
mod tests {
    use super::super::innovations::Innovations;
    use super::super::order::Order;
    use super::*;

    fn wave(n: usize) -> Vec<f64> {
        (0..n).map(|t| (t as f64 * 0.7).sin() + ((t * t) % 11) as f64 * 0.3 - 1.5).collect()
    }

    #[test]
    fn without_gaps_or_differences_it_is_the_fast_filter() {
        for (order, parameters) in [
            (Order::new(2, 0, 1), vec![0.9, -0.4, 0.8]),
            (Order::new(0, 0, 2).seasonal(1, 0, 1, 4), vec![0.6, 0.3, -0.5, 1.2]),
            (Order::new(1, 0, 0), vec![2.0]),
            (Order::new(0, 0, 0), vec![]),
        ] {
            let mut arma = Arma::default();
            arma.set(&order, &parameters);
            let columns = vec![wave(60)];
            let mut fast = vec![vec![0.0; 60]];
            let mut slow = fast.clone();
            let first = Innovations::default().exact(&arma, &columns, &mut fast);
            let system = System { arma: &arma, differencing: &[] };
            let second = MissingFilter::default().filter(&system, &columns, &mut slow);
            let (Some(first), Some(second)) = (first, second) else { panic!("stationary") };
            assert!((first.log_determinant - second.log_determinant).abs() < 1e-6, "{order}");
            for (a, b) in fast[0].iter().zip(&slow[0]) {
                assert!((a - b).abs() < 1e-4, "{order}: {a} {b}");
            }
        }
    }

    #[test]
    fn a_gap_in_a_random_walk_widens_the_next_innovation() {
        let mut arma = Arma::default();
        arma.set(&Order::new(0, 1, 0), &[]);
        let columns = vec![vec![0.0, 1.0, f64::NAN, f64::NAN, 4.0]];
        let mut out = vec![vec![0.0; 5]];
        let system = System { arma: &arma, differencing: &[1.0] };
        let Some(pass) = MissingFilter::default().filter(&system, &columns, &mut out) else { panic!("stationary") };
        // Two observations count: one step of variance 1, and three steps of variance 3 together.
        assert_eq!(pass.count, 2);
        assert!((pass.log_determinant - 3.0_f64.ln()).abs() < 1e-5);
        assert!((out[0][1] - 1.0).abs() < 1e-5 && (out[0][4] - 3.0 / 3.0_f64.sqrt()).abs() < 1e-5);
    }
}
