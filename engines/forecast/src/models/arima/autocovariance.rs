//! The autocovariances of an ARMA process with unit innovations.

use super::polynomial::Arma;

/// Room for the recursions, used again from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Autocovariance {
    /// The coefficients of the best predictors of order 1, 2, …, one after the other.
    predictors: Vec<f64>,
    autoregression: Vec<f64>,
    filter: Vec<(usize, f64)>,
    products: Vec<f64>,
    response: Vec<f64>,
    /// γ₀, γ₁, …, γ of the reach.
    pub(super) values: Vec<f64>,
}

impl Autocovariance {
    /// Computes them; false where the process is not stationary.
    ///
    /// The autoregression's come from its predictors of lower order by the step-down recursion, exact at each order and
    /// quadratic in the longest lag; the moving average then mixes them.
    pub(super) fn compute(&mut self, arma: &Arma) -> bool {
        let reach = arma.phi.len();
        let p = arma.autoregressive.last().map_or(0, |(lag, _)| *lag);
        let q = arma.moving_average.last().map_or(0, |(lag, _)| *lag);
        if !self.step_down(&arma.phi[..p]) {
            return false;
        }
        for k in p + 1..=reach + q {
            let next = arma.autoregressive.iter().map(|(lag, c)| c * self.autoregression[k - lag]).sum();
            self.autoregression.push(next);
        }
        self.filter.clear();
        self.filter.push((0, 1.0));
        self.filter.extend_from_slice(&arma.moving_average);
        self.products.clear();
        self.products.resize(q + 1, 0.0);
        for (i, (first, a)) in self.filter.iter().enumerate() {
            for (second, b) in &self.filter[i..] {
                self.products[second - first] += a * b;
            }
        }
        self.values.clear();
        self.values.extend((0..=reach).map(|k| self.products[0] * self.autoregression[k]));
        for (distance, product) in self.products.iter().enumerate().skip(1).filter(|(_, c)| **c != 0.0) {
            for (k, value) in self.values.iter_mut().enumerate() {
                *value += product * (self.autoregression[k + distance] + self.autoregression[k.abs_diff(distance)]);
            }
        }
        self.values[0].is_finite() && self.values[0] > 0.0
    }

    /// The covariances of a value with what it and those before it contribute to the next values:
    /// Σ φⱼ γⱼ₋ᵢ + θⱼ ψⱼ₋ᵢ over j ≥ i, for each i. After [`Self::compute`].
    pub(super) fn state(&mut self, arma: &Arma, out: &mut Vec<f64>) {
        let reach = arma.phi.len();
        responses(arma, reach, &mut self.response);
        out.clear();
        out.resize(reach, 0.0);
        for (terms, covariances) in [(&arma.autoregressive, &self.values), (&arma.moving_average, &self.response)] {
            for (lag, coefficient) in terms {
                for (value, covariance) in out[..*lag].iter_mut().zip(covariances[..*lag].iter().rev()) {
                    *value += coefficient * covariance;
                }
            }
        }
    }

    fn step_down(&mut self, phi: &[f64]) -> bool {
        let p = phi.len();
        let start = |order: usize| order * order.saturating_sub(1) / 2;
        self.predictors.clear();
        self.predictors.resize(start(p + 1), 0.0);
        self.predictors[start(p)..].copy_from_slice(phi);
        let mut variance = 1.0;
        for order in (1..=p).rev() {
            let (lower, own) = self.predictors.split_at_mut(start(order));
            let partial = own[order - 1];
            let left = 1.0 - partial * partial;
            if !(left > 0.0) {
                return false;
            }
            variance /= left;
            let scale = 1.0 / left;
            let lower = &mut lower[start(order - 1)..];
            for (i, value) in lower.iter_mut().enumerate() {
                *value = (own[i] + partial * own[order - 2 - i]) * scale;
            }
        }
        self.autoregression.clear();
        self.autoregression.push(variance);
        for order in 1..=p {
            let own = &self.predictors[start(order)..start(order) + order];
            let next: f64 = own.iter().zip(self.autoregression.iter().rev()).map(|(c, g)| c * g).sum();
            self.autoregression.push(next);
        }
        true
    }
}

/// ψ₀, ψ₁, …: what an innovation does to the values after it, as many as asked for and at least one.
pub(super) fn responses(arma: &Arma, count: usize, out: &mut Vec<f64>) {
    out.clear();
    out.push(1.0);
    for k in 1..count {
        let own = arma.theta.get(k - 1).copied().unwrap_or(0.0);
        let lags = arma.autoregressive.iter().take_while(|(lag, _)| *lag <= k);
        let next = own + lags.map(|(lag, phi)| phi * out[k - lag]).sum::<f64>();
        out.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::Order;
    use super::*;

    #[test]
    fn those_of_arma_one_one_are_the_textbook_ones() {
        // Brockwell and Davis 1991, §3.3: γ₀ = (1 + 2φθ + θ²) / (1 − φ²), γ₁ = (1 + φθ)(φ + θ) / (1 − φ²).
        let (phi, theta): (f64, f64) = (0.7, -0.4);
        let mut arma = Arma::default();
        arma.set(&Order::new(1, 0, 1), &[phi.atanh(), (-theta).atanh()]);
        let mut autocovariance = Autocovariance::default();
        assert!(autocovariance.compute(&arma));
        let scale = 1.0 - phi * phi;
        let expect = [(1.0 + 2.0 * phi * theta + theta * theta) / scale, (1.0 + phi * theta) * (phi + theta) / scale];
        assert!(autocovariance.values.iter().zip(expect).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn those_of_a_seasonal_model_satisfy_its_equations() {
        let order = Order::new(2, 0, 0).seasonal(1, 0, 0, 4);
        let mut arma = Arma::default();
        arma.set(&order, &[0.4, -0.3, 0.8]);
        let mut autocovariance = Autocovariance::default();
        assert!(autocovariance.compute(&arma));
        let gamma = |k: isize| autocovariance.values[k.unsigned_abs()];
        for k in 0..=6_isize {
            let right: f64 = (1_isize..).zip(&arma.phi).map(|(i, phi)| phi * gamma(k - i)).sum();
            let noise = if k == 0 { 1.0 } else { 0.0 };
            assert!((gamma(k) - right - noise).abs() < 1e-10, "lag {k}");
        }
    }
}
