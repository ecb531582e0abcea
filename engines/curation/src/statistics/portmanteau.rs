//! Portmanteau tests of no autocorrelation.

use super::distribution::chi_squared_sf;

/// A statistic with its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Portmanteau {
    /// Q.
    pub statistic: f64,
    /// P(χ² > Q) with lag − model parameters degrees of freedom; NaN where that is not positive.
    pub p_value: f64,
}

/// Ljung and Box (1978): Q = n (n + 2) Σ r_k² / (n − k), for every lag 1, 2, … of `autocorrelations` (whose first entry is
/// lag 0). `model_parameters` are the degrees of freedom that the model of these residuals used.
#[must_use]
pub fn ljung_box(autocorrelations: &[f64], n: usize, model_parameters: usize) -> Vec<Portmanteau> {
    let length = n as f64;
    cumulate(autocorrelations, model_parameters, |lag, r| length * (length + 2.0) * r * r / (length - lag as f64))
}

/// Box and Pierce (1970): Q = n Σ r_k².
#[must_use]
pub fn box_pierce(autocorrelations: &[f64], n: usize, model_parameters: usize) -> Vec<Portmanteau> {
    cumulate(autocorrelations, model_parameters, |_, r| n as f64 * r * r)
}

fn cumulate(r: &[f64], model_parameters: usize, term: impl Fn(usize, f64) -> f64) -> Vec<Portmanteau> {
    let mut statistic = 0.0;
    (1..r.len())
        .map(|lag| {
            statistic += term(lag, r[lag]);
            let degrees = lag as f64 - model_parameters as f64;
            Portmanteau { statistic, p_value: chi_squared_sf(statistic, degrees) }
        })
        .collect()
}
