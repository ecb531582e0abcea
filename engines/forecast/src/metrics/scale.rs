//! What scaled errors divide by: how far a seasonal naive forecast is off inside the history.

use super::mean;

/// The mean absolute difference between a value and the one a season before, in a history: the scale of MASE
/// (Hyndman and Koehler 2006, eq. 2). None where there is no pair or the scale is zero.
#[must_use]
pub fn absolute_scale(history: &[f64], season_length: usize) -> Option<f64> {
    seasonal_differences(history, season_length, f64::abs)
}

/// The mean squared difference between a value and the one a season before: the scale of RMSSE (Makridakis,
/// Spiliotis and Assimakopoulos 2022, M5). None where there is no pair or the scale is zero.
#[must_use]
pub fn squared_scale(history: &[f64], season_length: usize) -> Option<f64> {
    seasonal_differences(history, season_length, |d| d * d)
}

fn seasonal_differences(history: &[f64], season_length: usize, measure: impl Fn(f64) -> f64) -> Option<f64> {
    let season = season_length.max(1);
    let pairs = history.iter().zip(history.iter().skip(season));
    mean(pairs.map(|(before, after)| measure(after - before))).filter(|scale| *scale > 0.0)
}
