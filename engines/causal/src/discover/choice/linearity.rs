//! Is a column a linear function of others, up to noise?

use statrs::function::beta::beta_reg;

use crate::linear::Cholesky;
use crate::vectors::{dot, standardised};

/// A regression on others.
pub(super) struct Regressed {
    /// What the others leave of the column, in its standard deviations.
    pub(super) residual: Vec<f64>,
    /// The p-value of the squares and cubes of the fitted values in the same regression (Ramsey's RESET test, 1969); 1 where it
    /// cannot be asked.
    pub(super) reset: f64,
}

/// Regresses a column on others, all of one length. `None` where they are collinear or do not vary.
pub(super) fn regress(column: &[f64], others: &[&[f64]]) -> Option<Regressed> {
    let own = standardised(column)?.0;
    let mut predictors: Vec<Vec<f64>> = Vec::with_capacity(others.len() + 2);
    for other in others {
        predictors.push(standardised(other)?.0);
    }
    let (fitted, residual) = fit(&own, &predictors)?;
    let square = |v: &[f64]| dot(v, v);
    let before = square(&residual);
    let mut reset = 1.0;
    if let (Some((scaled, _)), false) = (standardised(&fitted), others.is_empty()) {
        for power in [2, 3] {
            let raised: Vec<f64> = scaled.iter().map(|v| v.powi(power)).collect();
            predictors.extend(standardised(&raised).map(|(values, _)| values));
        }
        let added = (predictors.len() - others.len()) as f64;
        let freedom = own.len() as f64 - predictors.len() as f64 - 1.0;
        if let (Some((_, left)), true, true) = (fit(&own, &predictors), added > 0.0, freedom >= 1.0) {
            let after = square(&left);
            let f = ((before - after).max(0.0) / added) / (after / freedom);
            if f.is_finite() {
                reset = beta_reg(0.5 * freedom, 0.5 * added, freedom / (freedom + added * f));
            }
        }
    }
    Some(Regressed { residual, reset })
}

/// Fitted values and residuals of least squares on standardised columns.
fn fit(own: &[f64], predictors: &[Vec<f64>]) -> Option<(Vec<f64>, Vec<f64>)> {
    let factor = Cholesky::new(predictors.len(), |i, j| dot(&predictors[i], &predictors[j]))?;
    let right: Vec<f64> = predictors.iter().map(|p| dot(p, own)).collect();
    let mut fitted = vec![0.0; own.len()];
    for (predictor, weight) in predictors.iter().zip(factor.solve(&right)) {
        fitted.iter_mut().zip(predictor).for_each(|(f, p)| *f += weight * p);
    }
    let residual = own.iter().zip(&fitted).map(|(v, f)| v - f).collect();
    Some((fitted, residual))
}

/// The smallest p-value, corrected for their number (Bonferroni), that two columns of residuals are independent: correlations of
/// bounded functions of them, which do not mind heavy tails.
pub(super) fn dependence(residuals: &[Vec<f64>]) -> f64 {
    let bounded: Vec<[Vec<f64>; 2]> = residuals
        .iter()
        .map(|residual| {
            let scaled = standardised(residual).map_or_else(|| residual.clone(), |(values, _)| values);
            let sign: Vec<f64> = scaled.iter().map(|v| v.tanh()).collect();
            let size: Vec<f64> = scaled.iter().map(|v| v.abs().min(3.0)).collect();
            [sign, size].map(|v| standardised(&v).map_or_else(Vec::new, |(values, _)| values))
        })
        .collect();
    let (mut smallest, mut asked) = (1.0_f64, 0.0);
    for (k, first) in bounded.iter().enumerate() {
        for second in &bounded[..k] {
            for (a, b) in first.iter().flat_map(|a| second.iter().map(move |b| (a, b))) {
                if !a.is_empty() && a.len() == b.len() {
                    let z = dot(a, b) / (a.len() as f64).sqrt();
                    smallest = smallest.min(statrs::function::erf::erfc(z.abs() / std::f64::consts::SQRT_2));
                    asked += 1.0;
                }
            }
        }
    }
    (smallest * asked).min(1.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn noise(seed: u64, rows: usize) -> Vec<f64> {
        let mut state = seed;
        (0..rows)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as f64 / f64::from(1 << 30) - 1.0
            })
            .collect()
    }

    #[test]
    fn a_parabola_is_not_linear_and_a_line_is() {
        let (x, e) = (noise(1, 400), noise(2, 400));
        let line: Vec<f64> = x.iter().zip(&e).map(|(x, e)| 2.0 * x + e).collect();
        let bent: Vec<f64> = x.iter().zip(&e).map(|(x, e)| x + x * x + 0.5 * e).collect();
        assert!(regress(&line, &[&x]).unwrap().reset > 1e-3);
        assert!(regress(&bent, &[&x]).unwrap().reset < 1e-6);
        assert!(regress(&line, &[&x, &x]).is_none(), "collinear");
    }

    #[test]
    fn residuals_that_share_a_cause_depend_on_each_other() {
        let (a, b, c) = (noise(3, 600), noise(4, 600), noise(5, 600));
        let shared: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a.abs() * b).collect();
        assert!(dependence(&[a.clone(), shared]) < 1e-6);
        assert!(dependence(&[a, b, c]) > 0.01);
    }
}
