//! Dynamic harmonic regression: Fourier terms for one or more seasons, with ARIMA errors (Young, Pedregal and Tych 1999;
//! Hyndman and Athanasopoulos 2021, §10.5 and §12.1).

use std::f64::consts::TAU;

use super::auto::{auto, regression_errors};
use super::fit::{Fit, Prediction, fit};
use super::order::Order;
use super::unit_root;
use crate::error::ForecastError;

/// Numbers of sine and cosine pairs that are tried for a season.
const PAIRS: [usize; 7] = [0, 1, 2, 3, 5, 8, 12];
/// Observations that a pair must have to itself.
const OBSERVATIONS_PER_PAIR: usize = 12;
/// Cycles of a season that must be there.
const FEWEST_CYCLES: usize = 2;

/// A fitted regression: the pairs of each season, and the forecast.
#[derive(Clone, Debug)]
pub struct Harmonic {
    /// Seasons with how many pairs of sine and cosine each.
    pub pairs: Vec<(usize, usize)>,
    /// The orders of the errors' model.
    pub errors: Order,
    /// The forecast.
    pub prediction: Prediction,
    /// The fit of the errors' model, with the Fourier terms and further regressors.
    pub fit: Fit,
}

/// Forecasts `horizon` steps: for each of the `periods`, the number of Fourier pairs with the lowest corrected Akaike
/// criterion under ARIMA(1, d, 1) errors, the shortest first; then the errors' orders by the stepwise search. `past`
/// and `future` hold further regressors, a row each.
///
/// # Errors
/// [`ForecastError::Numerical`] where there is no observation, or a regressor has another length.
pub fn harmonic(
    values: &[f64],
    past: &[Vec<f64>],
    future: &[Vec<f64>],
    periods: &[usize],
    horizon: usize,
) -> Result<Harmonic, ForecastError> {
    let n = values.len();
    let mut periods: Vec<usize> = periods.iter().copied().filter(|p| *p > 1 && n >= FEWEST_CYCLES * p).collect();
    periods.sort_unstable();
    periods.dedup();
    let mut pairs: Vec<(usize, usize)> = Vec::with_capacity(periods.len());
    let room = n / OBSERVATIONS_PER_PAIR;
    let filled = super::bridged(values, periods.first().copied().unwrap_or(1));
    for period in periods {
        let used: usize = pairs.iter().map(|(_, k)| k).sum();
        let most = (period / 2).min(room.saturating_sub(used + past.len().div_ceil(2)));
        let candidates: Vec<usize> = PAIRS.into_iter().filter(|k| *k <= most).collect();
        let Some(largest) = candidates.last() else { continue };
        let columns = |count: usize| {
            let mut columns = past.to_vec();
            columns.extend(fourier(&pairs, 0, n));
            columns.extend(fourier(&[(period, count)], 0, n));
            columns
        };
        let d = unit_root::first(&regression_errors(&filled, &columns(*largest)));
        let order = Order::new(1, d, 1).with_constant(d < 2);
        let mut best = (f64::INFINITY, 0);
        for count in candidates {
            let criterion = fit(&filled, &columns(count), order).map_or(f64::INFINITY, |fit| fit.criterion());
            if criterion < best.0 {
                best = (criterion, count);
            }
        }
        if best.1 > 0 {
            pairs.push((period, best.1));
        }
    }
    let mut columns = past.to_vec();
    columns.extend(fourier(&pairs, 0, n));
    let mut ahead = future.to_vec();
    ahead.extend(fourier(&pairs, n, horizon));
    let fit = auto(values, &columns, 1)?;
    let prediction = fit.forecast(horizon, &ahead)?;
    Ok(Harmonic { pairs, errors: fit.order(), prediction, fit })
}

/// Sines and cosines of `count` times from `start` on; the last sine of an even season is zero and left out.
fn fourier(pairs: &[(usize, usize)], start: usize, count: usize) -> Vec<Vec<f64>> {
    let mut columns = Vec::new();
    for &(period, most) in pairs {
        for k in 1..=most {
            let phase = |t: usize| TAU * ((k * (t % period)) % period) as f64 / period as f64;
            columns.push((start..start + count).map(|t| phase(t).cos()).collect());
            if 2 * k < period {
                columns.push((start..start + count).map(|t| phase(t).sin()).collect());
            }
        }
    }
    columns
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_seasons_and_a_trend_are_continued() {
        // Given a series of two waves with different periods, a line and some noise
        let noise = |t: usize| ((t * 7919 + t * t * 31) % 101) as f64 / 101.0 - 0.5;
        let clean = |t: usize| {
            let t = t as f64;
            20.0 + 0.05 * t + 4.0 * (TAU * t / 7.0).sin() + 6.0 * (TAU * t / 30.0).cos()
        };
        let values: Vec<f64> = (0..240).map(|t| clean(t) + noise(t)).collect();
        // When it is forecast
        let harmonic = harmonic(&values, &[], &[], &[30, 7], 30).unwrap();
        // Then one pair each is near enough, and the waves go on
        assert_eq!(harmonic.pairs.iter().map(|p| p.0).collect::<Vec<_>>(), vec![7, 30]);
        for (h, mean) in harmonic.prediction.mean.iter().enumerate() {
            assert!((mean - clean(240 + h)).abs() < 1.0, "{h}: {mean} {}", clean(240 + h));
        }
    }

    #[test]
    fn short_and_flat_series_have_a_forecast() {
        for values in [vec![3.0], vec![2.0; 30], (0..9).map(f64::from).collect(), vec![0.0; 60]] {
            let harmonic = harmonic(&values, &[], &[], &[7, 365], 20).unwrap();
            assert!(harmonic.prediction.mean.iter().all(|v| v.is_finite()));
        }
    }
}
