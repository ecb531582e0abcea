//! Errors of one value a step.

use super::{absolute_scale, mean, squared_scale};

/// Mean absolute error, in units of the target.
#[must_use]
pub fn mae(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    mean(actual.iter().zip(forecast).map(|(y, f)| (y - f).abs()))
}

/// Mean squared error, in squared units of the target.
#[must_use]
pub fn mse(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    mean(actual.iter().zip(forecast).map(|(y, f)| (y - f) * (y - f)))
}

/// Root mean squared error, in units of the target.
#[must_use]
pub fn rmse(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    mse(actual, forecast).map(f64::sqrt)
}

/// Symmetric mean absolute percentage error as M4 defines it (Makridakis, Spiliotis and Assimakopoulos 2020, eq. 1), in
/// percent: the mean of 200 |y − f| / (|y| + |f|), where 0 / 0 is 0. Between 0 and 200.
#[must_use]
pub fn smape(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    mean(actual.iter().zip(forecast).map(|(y, f)| {
        let denominator = y.abs() + f.abs();
        if denominator == 0.0 { 0.0 } else { 200.0 * (y - f).abs() / denominator }
    }))
}

/// Mean absolute percentage error, in percent: the mean of 100 |y − f| / |y|.
///
/// None where any observed actual value is zero: the error is then undefined, and leaving those steps out would favour
/// forecasts that are wrong exactly there. It also punishes a forecast that is too high more than one that is too low,
/// without a bound (Hyndman and Koehler 2006, section 2.2); [`wape`] and [`mase`] have neither flaw.
#[must_use]
pub fn mape(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    if actual.iter().zip(forecast).any(|(y, _)| *y == 0.0) {
        return None;
    }
    mean(actual.iter().zip(forecast).map(|(y, f)| 100.0 * ((y - f) / y).abs()))
}

/// Weighted absolute percentage error, as a share: Σ |y − f| / Σ |y| over the observed steps (Kolassa and Schütz 2007,
/// the ratio of MAE and mean). None where every observed value is zero.
#[must_use]
pub fn wape(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    let pairs = || actual.iter().zip(forecast).filter(|(y, f)| y.is_finite() && f.is_finite());
    let weight: f64 = pairs().map(|(y, _)| y.abs()).sum();
    let error: f64 = pairs().map(|(y, f)| (y - f).abs()).sum();
    (weight > 0.0).then(|| error / weight).filter(|share| share.is_finite())
}

/// The mean of f − y, in units of the target: positive where the forecast is too high.
#[must_use]
pub fn bias(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    mean(actual.iter().zip(forecast).map(|(y, f)| f - y))
}

/// Mean absolute scaled error: the mean absolute error over the history's mean absolute seasonal difference (Hyndman and
/// Koehler 2006, eq. 2; with a season as in M4). None where the history has no pair, or never changes from season to
/// season.
#[must_use]
pub fn mase(actual: &[f64], forecast: &[f64], history: &[f64], season_length: usize) -> Option<f64> {
    Some(mae(actual, forecast)? / absolute_scale(history, season_length)?).filter(|v| v.is_finite())
}

/// Root mean squared scaled error (M5): the root of the mean squared error over the history's mean squared seasonal
/// difference. None where [`mase`] is.
#[must_use]
pub fn rmsse(actual: &[f64], forecast: &[f64], history: &[f64], season_length: usize) -> Option<f64> {
    Some((mse(actual, forecast)? / squared_scale(history, season_length)?).sqrt()).filter(|v| v.is_finite())
}

/// M4's overall weighted average: the mean of sMAPE and of MASE, each over that of Naive2 on the same series (Makridakis,
/// Spiliotis and Assimakopoulos 2020, section 2.5). The ratios are of means over all series, so aggregate first. None
/// where a figure of Naive2 is zero or anything is not finite.
#[must_use]
pub fn owa(smape: f64, mase: f64, naive2_smape: f64, naive2_mase: f64) -> Option<f64> {
    (naive2_smape > 0.0 && naive2_mase > 0.0)
        .then(|| 0.5 * (smape / naive2_smape + mase / naive2_mase))
        .filter(|v| v.is_finite())
}
