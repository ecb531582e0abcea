//! The multiplied-out polynomials of a seasonal ARMA model, from unconstrained parameters.

use super::order::Order;

/// Parameters beyond this are partial autocorrelations that rounding cannot tell from one.
pub(super) const BOUND: f64 = 5.0;

/// wₜ = Σ φᵢ wₜ₋ᵢ + eₜ + Σ θⱼ eₜ₋ⱼ, multiplied out over the season.
#[derive(Clone, Debug, Default)]
pub(super) struct Arma {
    /// φ₁, φ₂, …, padded with zeros to the reach.
    pub(super) phi: Vec<f64>,
    /// θ₁, θ₂, …, padded with zeros to the reach.
    pub(super) theta: Vec<f64>,
    /// The lags with a φ that is there, with it.
    pub(super) autoregressive: Vec<(usize, f64)>,
    /// The lags with a θ that is there, with it.
    pub(super) moving_average: Vec<(usize, f64)>,
    scratch: Vec<f64>,
    factors: Vec<f64>,
}

impl Arma {
    /// Sets the polynomials from unconstrained parameters: p, P, q and Q numbers, one after the other. Their hyperbolic
    /// tangents are partial autocorrelations (Jones 1980; Monahan 1984), which makes every polynomial stationary or
    /// invertible.
    pub(super) fn set(&mut self, order: &Order, parameters: &[f64]) {
        let reach = order.autoregressive_reach().max(order.moving_average_reach());
        let (p, q, m) = (order.p, order.q, order.season);
        let (autoregressive, moving_average) = parameters.split_at(p + order.seasonal_p);
        self.factors.clear();
        for part in [&autoregressive[..p], &autoregressive[p..], &moving_average[..q], &moving_average[q..]] {
            let start = self.factors.len();
            self.factors.extend(part.iter().map(|u| u.tanh()));
            from_partial(&mut self.factors[start..], &mut self.scratch);
        }
        let (first, second) = self.factors.split_at(p + order.seasonal_p);
        multiply(&first[..p], &first[p..], m, reach, &mut self.phi);
        multiply(&second[..q], &second[q..], m, reach, &mut self.theta);
        self.theta.iter_mut().for_each(|v| *v = -*v);
        collect(&self.phi, &mut self.autoregressive);
        collect(&self.theta, &mut self.moving_average);
    }

    /// a of the factors 1 − Σ aᵢ Bⁱ: φ, Φ, then θ, Θ, whose signs are not those of [`Self::theta`].
    pub(super) fn factors(&self, order: &Order) -> [&[f64]; 4] {
        let mut rest = self.factors.as_slice();
        [order.p, order.seasonal_p, order.q, order.seasonal_q].map(|length| {
            let (own, after) = rest.split_at(length);
            rest = after;
            own
        })
    }

    /// The coefficients of the factors in the parameters' order, with the signs of wₜ = Σ φ w + e + Σ θ e.
    pub(super) fn coefficients(&self, order: &Order) -> Vec<f64> {
        let ar = order.p + order.seasonal_p;
        self.factors.iter().enumerate().map(|(i, c)| if i < ar { *c } else { -c }).collect()
    }

    /// Whether every root of every factor, the seasonal ones in powers of the season, lies outside the circle of this
    /// radius.
    pub(super) fn factors_outside(&self, order: &Order, radius: f64) -> bool {
        self.factors(order).into_iter().all(|own| {
            let mut scale = 1.0;
            let scaled = own.iter().map(|c| {
                scale *= radius;
                c * scale
            });
            is_stationary(scaled.collect())
        })
    }
}

/// Coefficients from partial autocorrelations, in place (Durbin 1960; Levinson 1947).
fn from_partial(values: &mut [f64], scratch: &mut Vec<f64>) {
    for k in 1..values.len() {
        scratch.clear();
        scratch.extend_from_slice(&values[..k]);
        let partial = values[k];
        for j in 0..k {
            values[j] = scratch[j] - partial * scratch[k - 1 - j];
        }
    }
}

/// The derivatives of one factor's coefficients by its unconstrained parameters, those by the first parameter first.
pub(super) fn slopes(parameters: &[f64], out: &mut Vec<f64>) {
    let n = parameters.len();
    out.clear();
    out.resize(n * n, 0.0);
    for (i, own) in out.chunks_exact_mut(n.max(1)).enumerate() {
        let mut values: Vec<f64> = parameters.iter().map(|u| u.tanh()).collect();
        own[i] = 1.0 - values[i] * values[i];
        for k in 1..n {
            let (partial, by) = (values[k], own[k]);
            let (before, before_by) = (values.clone(), own.to_vec());
            for j in 0..k {
                values[j] = before[j] - partial * before[k - 1 - j];
                own[j] = before_by[j] - partial * before_by[k - 1 - j] - by * before[k - 1 - j];
            }
        }
    }
}

/// The step-down recursion: stationary where every partial autocorrelation lies inside (−1, 1).
fn is_stationary(mut values: Vec<f64>) -> bool {
    let mut before = Vec::with_capacity(values.len());
    while let Some(partial) = values.pop() {
        if partial.is_nan() || partial.abs() >= 1.0 {
            return false;
        }
        before.clear();
        before.extend_from_slice(&values);
        let scale = 1.0 / (1.0 - partial * partial);
        let order = values.len();
        for (i, value) in values.iter_mut().enumerate() {
            *value = (before[i] + partial * before[order - 1 - i]) * scale;
        }
    }
    true
}

/// 1 − (1 − Σ aᵢ Bⁱ)(1 − Σ bⱼ Bʲᵐ), by lags from 1 to the reach.
fn multiply(plain: &[f64], seasonal: &[f64], season: usize, reach: usize, product: &mut Vec<f64>) {
    product.clear();
    product.resize(reach, 0.0);
    for (i, a) in plain.iter().enumerate() {
        product[i] += a;
    }
    for (j, b) in seasonal.iter().enumerate() {
        let lag = (j + 1) * season;
        product[lag - 1] += b;
        for (i, a) in plain.iter().enumerate() {
            product[lag + i] -= a * b;
        }
    }
}

fn collect(dense: &[f64], sparse: &mut Vec<(usize, f64)>) {
    sparse.clear();
    sparse.extend(dense.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(i, v)| (i + 1, *v)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_parameters_give_roots_outside_the_unit_circle() {
        let order = Order::new(3, 0, 2).seasonal(1, 0, 1, 4);
        let mut arma = Arma::default();
        arma.set(&order, &[1.0, -2.0, 0.5, 1.5, -1.0, 2.5, 0.3]);
        assert!(arma.factors_outside(&order, 1.0));
        assert!(!arma.factors_outside(&order, 1.5));
        assert_eq!(arma.phi.len(), 7);
    }

    #[test]
    fn seasonal_factors_are_multiplied_out() {
        // (1 − 0.5 B)(1 − 0.25 B⁴) = 1 − 0.5 B − 0.25 B⁴ + 0.125 B⁵.
        let order = Order::new(1, 0, 0).seasonal(1, 0, 0, 4);
        let mut arma = Arma::default();
        arma.set(&order, &[0.5_f64.atanh(), 0.25_f64.atanh()]);
        let expect = [0.5, 0.0, 0.0, 0.25, -0.125];
        assert!(arma.phi.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-15));
        assert!(!arma.factors_outside(&order, 2.0 + 1e-9) && arma.factors_outside(&order, 2.0 - 1e-9));
    }
}
