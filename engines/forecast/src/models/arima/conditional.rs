//! Residuals given that everything before the data was zero, with their derivatives.
//!
//! With zeros before the data, every polynomial in the backshift operator commutes with every other. So a model's
//! residuals come of its four short factors, one after the other, and their derivative by a coefficient of a factor is
//! the residual itself, divided by that factor and delayed by the coefficient's lag (Box and Jenkins 1970, §7.2): all
//! of a factor's coefficients share one recursion.

use super::estimation::least_squares;
use super::innovations::Pass;
use super::order::Order;
use super::polynomial::Arma;

/// Room for the recursions, used again from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditional {
    /// The residuals of each column from the first value on.
    residuals: Vec<Vec<f64>>,
    work: Vec<f64>,
    combined: Vec<f64>,
    jacobian: Vec<f64>,
}

impl Conditional {
    /// The residuals of every column. Those within the longest autoregressive lag are left out: the conditional sum of
    /// squares (Box and Jenkins 1970, §7.1).
    pub(super) fn residuals(&mut self, arma: &Arma, order: &Order, columns: &[Vec<f64>], out: &mut [Vec<f64>]) -> Pass {
        let n = columns.first().map_or(0, Vec::len);
        let skipped = order.autoregressive_reach().min(n);
        self.residuals.resize_with(columns.len(), Vec::new);
        let [plain, seasonal, moving, seasonal_moving] = arma.factors(order);
        for ((values, residuals), out) in columns.iter().zip(&mut self.residuals).zip(out) {
            residuals.clear();
            residuals.extend_from_slice(values);
            multiply(plain, 1, residuals, &mut self.work);
            multiply(seasonal, order.season, residuals, &mut self.work);
            divide(seasonal_moving, order.season, residuals);
            divide(moving, 1, residuals);
            out.copy_from_slice(residuals);
            out[..skipped].fill(0.0);
        }
        Pass { log_determinant: 0.0, count: n - skipped }
    }

    /// The derivatives, by each unconstrained parameter, of the residuals that [`Self::residuals`] found last, less
    /// what the regressors explain of them. `out` holds those residuals, the regressors' after the target's, whose
    /// coefficients are `regression`.
    pub(super) fn slopes(
        &mut self,
        arma: &Arma,
        order: &Order,
        parameters: &[f64],
        regression: &[f64],
        out: &[Vec<f64>],
        slopes: &mut [Vec<f64>],
    ) {
        let Some((target, regressors)) = self.residuals.split_first() else { return };
        let n = target.len();
        let skipped = order.autoregressive_reach().min(n);
        self.combined.clear();
        self.combined.extend_from_slice(target);
        for (column, coefficient) in regressors.iter().zip(regression) {
            self.combined.iter_mut().zip(column).for_each(|(y, x)| *y -= coefficient * x);
        }
        let (mut slopes, mut parameters) = (slopes, parameters);
        let season = order.season;
        // In this order, with these signs: an innovation falls with φ and rises with 1 − θ(B)'s.
        let lags = [(1, -1.0), (season, -1.0), (1, 1.0), (season, 1.0)];
        for (factor, (lag, sign)) in arma.factors(order).into_iter().zip(lags) {
            let length = factor.len();
            if length == 0 {
                continue;
            }
            let (own, rest) = slopes.split_at_mut(length);
            slopes = rest;
            let (angles, after) = parameters.split_at(length);
            parameters = after;
            self.work.clear();
            self.work.extend_from_slice(&self.combined);
            divide(factor, lag, &mut self.work);
            super::polynomial::slopes(angles, &mut self.jacobian);
            for (i, slope) in own.iter_mut().enumerate() {
                slope.clear();
                slope.resize(n, 0.0);
                for (j, by) in self.jacobian[i * length..(i + 1) * length].iter().enumerate() {
                    let (by, delay) = (sign * by, (j + 1) * lag);
                    if by != 0.0 && delay < n {
                        slope[delay..].iter_mut().zip(&self.work).for_each(|(s, u)| *s += by * u);
                    }
                }
                slope[..skipped].fill(0.0);
                // The rest of the derivative lies where no residual is (Kaufman 1975).
                let columns = &out[1..];
                for (column, coefficient) in columns.iter().zip(least_squares(columns, slope)) {
                    slope.iter_mut().zip(column).for_each(|(s, x)| *s -= coefficient * x);
                }
            }
        }
    }
}

/// (1 − Σ aᵢ B^{i lag}) applied to a series, in place.
fn multiply(factor: &[f64], lag: usize, series: &mut [f64], work: &mut Vec<f64>) {
    if factor.is_empty() {
        return;
    }
    work.clear();
    work.extend_from_slice(series);
    for (i, a) in factor.iter().enumerate() {
        let delay = ((i + 1) * lag).min(series.len());
        series[delay..].iter_mut().zip(&*work).for_each(|(y, x)| *y -= a * x);
    }
}

/// A series divided by (1 − Σ aᵢ B^{i lag}), in place.
fn divide(factor: &[f64], lag: usize, series: &mut [f64]) {
    match *factor {
        [] => {}
        _ if lag > 1 => divide_seasonal(factor, lag, series),
        [a] => divide_plain(&[a], series),
        [a, b] => divide_plain(&[a, b], series),
        [a, b, c] => divide_plain(&[a, b, c], series),
        [a, b, c, d] => divide_plain(&[a, b, c, d], series),
        [a, b, c, d, e] => divide_plain(&[a, b, c, d, e], series),
        _ => {
            for t in 1..series.len() {
                let (past, now) = series.split_at_mut(t);
                now[0] += past.iter().rev().zip(factor).map(|(x, a)| a * x).sum::<f64>();
            }
        }
    }
}

fn divide_plain<const N: usize>(factor: &[f64; N], series: &mut [f64]) {
    let mut past = [0.0; N];
    for value in series {
        // The newest comes last: it is what the next value waits for.
        let mut sum = *value;
        for i in (0..N).rev() {
            sum += factor[i] * past[i];
        }
        for i in (1..N).rev() {
            past[i] = past[i - 1];
        }
        past[0] = sum;
        *value = sum;
    }
}

fn divide_seasonal(factor: &[f64], lag: usize, series: &mut [f64]) {
    let n = series.len();
    for start in (lag..n).step_by(lag) {
        let (past, now) = series.split_at_mut(start);
        let end = lag.min(now.len());
        for (i, a) in factor.iter().enumerate().take(start / lag) {
            let before = &past[start - (i + 1) * lag..];
            now[..end].iter_mut().zip(before).for_each(|(y, x)| *y += a * x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: u32) -> Vec<f64> {
        (0..n).map(|t| f64::from((t * t * 31 + 17 * t) % 101) / 50.0 - 1.0).collect()
    }

    #[test]
    fn residuals_solve_the_models_equation() {
        let order = Order::new(2, 0, 1).seasonal(1, 0, 2, 4);
        let mut arma = Arma::default();
        arma.set(&order, &[0.4, -0.3, 0.8, 0.5, -0.6, 0.3]);
        let columns = [sample(60)];
        let mut out = vec![vec![0.0; 60]];
        let mut conditional = Conditional::default();
        let pass = conditional.residuals(&arma, &order, &columns, &mut out);
        assert_eq!(pass.count, 54);
        for t in 0..60 {
            let w = |lag: usize| if lag <= t { columns[0][t - lag] } else { 0.0 };
            let e = |lag: usize| if lag <= t { conditional.residuals[0][t - lag] } else { 0.0 };
            let past: f64 = arma.autoregressive.iter().map(|(lag, c)| c * w(*lag)).sum::<f64>()
                + arma.moving_average.iter().map(|(lag, c)| c * e(*lag)).sum::<f64>();
            assert!((w(0) - past - e(0)).abs() < 1e-12, "{t}");
            assert!(out[0][t].to_bits() == if t < 6 { 0.0_f64 } else { e(0) }.to_bits());
        }
    }

    #[test]
    fn slopes_are_those_of_small_differences() {
        for order in [Order::new(3, 0, 2).seasonal(2, 0, 2, 4), Order::new(1, 0, 7).seasonal(0, 0, 1, 4)] {
            let parameters: Vec<f64> = (0..order.terms()).map(|i| 0.5 - 0.23 * i as f64).collect();
            let columns = [sample(80)];
            let (mut arma, mut conditional) = (Arma::default(), Conditional::default());
            let mut at = |parameters: &[f64], conditional: &mut Conditional| {
                let mut out = vec![vec![0.0; 80]];
                arma.set(&order, parameters);
                conditional.residuals(&arma, &order, &columns, &mut out);
                (out, arma.clone())
            };
            let mut beside = Vec::new();
            for i in 0..parameters.len() {
                let [low, high] = [-1e-6, 1e-6].map(|by| {
                    let mut moved = parameters.clone();
                    moved[i] += by;
                    at(&moved, &mut conditional).0.remove(0)
                });
                beside.push(low.iter().zip(&high).map(|(l, h)| (h - l) / 2e-6).collect::<Vec<f64>>());
            }
            let (out, arma) = at(&parameters, &mut conditional);
            let mut slopes = vec![Vec::new(); parameters.len()];
            conditional.slopes(&arma, &order, &parameters, &[], &out, &mut slopes);
            for (own, expected) in slopes.iter().flatten().zip(beside.iter().flatten()) {
                assert!((own - expected).abs() < 1e-7 * expected.abs().max(1.0), "{order}: {own} {expected}");
            }
        }
    }
}
