//! Measures of forecast accuracy. Steps whose actual value is missing (NaN) do not count.

use atsre_domain::Finite;
use atsre_domain::metric::{Metric, Score, Split};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::job::WindowForecast;

/// The fewest windows × series for which a confidence interval is given.
const ENOUGH_UNITS: usize = 5;

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

/// The mean of the finite numbers; none where there is none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.filter(|v| v.is_finite()).fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
    (count > 0).then(|| sum / f64::from(count))
}

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

/// Symmetric mean absolute percentage error as M4 defines it: mean of 200 |y − f| / (|y| + |f|), where 0 / 0 is 0.
#[must_use]
pub fn smape(actual: &[f64], forecast: &[f64]) -> Option<f64> {
    mean(actual.iter().zip(forecast).map(|(y, f)| {
        let denominator = y.abs() + f.abs();
        if denominator == 0.0 { 0.0 } else { 200.0 * (y - f).abs() / denominator }
    }))
}

/// The pinball loss of a quantile forecast: level · (y − q) where y is above q, (1 − level) · (q − y) below.
#[must_use]
pub fn pinball(level: f64, actual: f64, quantile: f64) -> f64 {
    let error = actual - quantile;
    if error >= 0.0 { level * error } else { (level - 1.0) * error }
}

/// The share of actual values inside [lower, upper].
#[must_use]
pub fn coverage(actual: &[f64], lower: &[f64], upper: &[f64]) -> Option<f64> {
    mean(
        actual
            .iter()
            .zip(lower.iter().zip(upper))
            .map(|(y, (l, u))| if y.is_nan() { f64::NAN } else { f64::from(u8::from(l <= y && y <= u)) }),
    )
}

/// The sum of 2 · pinball over a window's steps, averaged over the levels, and the sum of |y|: numerator and
/// denominator of the weighted quantile loss (as in the M5 uncertainty track and GluonTS).
fn quantile_loss(window: &WindowForecast, levels: &[f64]) -> Option<(f64, f64)> {
    if levels.is_empty() {
        return None;
    }
    let mut loss = 0.0;
    let mut weight = 0.0;
    let mut seen = false;
    for (step, y) in window.actual.iter().enumerate().filter(|(_, y)| y.is_finite()) {
        seen = true;
        weight += y.abs();
        loss += levels.iter().zip(&window.quantiles).map(|(l, row)| 2.0 * pinball(*l, *y, row[step])).sum::<f64>();
    }
    seen.then(|| (loss / levels.len() as f64, weight))
}

/// One metric over windows, with the half width of its 95 % confidence interval over windows × series where there
/// are at least five; none where no window allows it (no actual values, or scales of zero).
///
/// MASE, sMAPE, RMSSE, MAE and coverage are means over windows × series of each one's mean over steps; RMSE is the
/// root of such a mean; WQL is a ratio of sums, its interval by the delta method.
#[must_use]
pub fn score(metric: Metric, windows: &[WindowForecast], levels: &[f64]) -> Option<(f64, Option<f64>)> {
    match metric {
        Metric::Mase => mean_of(windows, |w| Some(mae(&w.actual, &w.mean)? / w.absolute_scale?)),
        Metric::Smape => mean_of(windows, |w| smape(&w.actual, &w.mean)),
        Metric::Rmsse => mean_of(windows, |w| Some((mse(&w.actual, &w.mean)? / w.squared_scale?).sqrt())),
        Metric::Mae => mean_of(windows, |w| mae(&w.actual, &w.mean)),
        Metric::Rmse => mean_of(windows, |w| mse(&w.actual, &w.mean)).map(|(value, half)| {
            let root = value.sqrt();
            (root, half.filter(|_| root > 0.0).map(|h| h / (2.0 * root)))
        }),
        Metric::Wql => ratio_of(windows, |w| quantile_loss(w, levels)),
        Metric::Coverage => mean_of(windows, |w| coverage(&w.actual, w.quantiles.first()?, w.quantiles.last()?)),
    }
}

fn mean_of(windows: &[WindowForecast], unit: impl Fn(&WindowForecast) -> Option<f64>) -> Option<(f64, Option<f64>)> {
    let units: Vec<f64> = windows.iter().filter_map(unit).filter(|v| v.is_finite()).collect();
    let value = mean(units.iter().copied())?;
    Some((value, half_width(units.iter().map(|u| u - value))))
}

fn ratio_of(
    windows: &[WindowForecast],
    unit: impl Fn(&WindowForecast) -> Option<(f64, f64)>,
) -> Option<(f64, Option<f64>)> {
    let units: Vec<(f64, f64)> = windows.iter().filter_map(unit).collect();
    let (loss, weight) = units.iter().fold((0.0, 0.0), |(a, b), (l, w)| (a + l, b + w));
    let ratio = loss / weight;
    let mean_weight = weight / units.len() as f64;
    ratio.is_finite().then(|| (ratio, half_width(units.iter().map(|(l, w)| (l - ratio * w) / mean_weight))))
}

/// Half the width of Student's 95 % interval of a mean, from the deviations of the units from it.
fn half_width(deviations: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = deviations.len();
    if count < ENOUGH_UNITS {
        return None;
    }
    let freedom = (count - 1) as f64;
    let variance = deviations.map(|d| d * d).sum::<f64>() / freedom;
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(0.975);
    Some(student * (variance / count as f64).sqrt())
}

/// Every metric that the windows allow.
#[must_use]
pub fn scores(windows: &[WindowForecast], levels: &[f64], split: Split) -> Vec<Score> {
    const ALL: [Metric; 7] =
        [Metric::Mase, Metric::Smape, Metric::Rmsse, Metric::Mae, Metric::Rmse, Metric::Wql, Metric::Coverage];
    ALL.into_iter()
        .filter_map(|metric| {
            let (value, half_width) = score(metric, windows, levels)?;
            Some(Score { metric, split, value: Finite::of(value)?, half_width: half_width.and_then(Finite::of) })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, expect: f64) {
        let got = got.unwrap();
        assert!((got - expect).abs() < 1e-12, "{got} is not {expect}");
    }

    fn window(actual: &[f64], mean: &[f64], quantiles: &[&[f64]]) -> WindowForecast {
        WindowForecast {
            window: 0,
            item_id: String::new(),
            origin: 0,
            actual: actual.to_vec(),
            mean: mean.to_vec(),
            quantiles: quantiles.iter().map(|r| r.to_vec()).collect(),
            absolute_scale: Some(2.0),
            squared_scale: Some(4.0),
        }
    }

    #[test]
    fn scales_are_seasonal_differences() {
        // Season 2: |3−1|, |5−2|, |4−3| = 2, 3, 1.
        close(absolute_scale(&[1.0, 2.0, 3.0, 5.0, 4.0], 2), 2.0);
        close(squared_scale(&[1.0, 2.0, 3.0, 5.0, 4.0], 2), 14.0 / 3.0);
        // A missing value takes both of its pairs with it: |2−1| = 1 is left.
        close(absolute_scale(&[1.0, 2.0, f64::NAN, 5.0], 1), 1.0);
        assert_eq!(absolute_scale(&[4.0, 4.0, 4.0], 1), None);
        assert_eq!(absolute_scale(&[4.0], 1), None);
    }

    #[test]
    fn hand_computed_errors_agree() {
        let (y, f) = ([10.0, f64::NAN, 20.0], [12.0, 5.0, 16.0]);
        close(mae(&y, &f), 3.0);
        close(mse(&y, &f), 10.0);
        // 200·2/22 and 200·4/36, averaged.
        close(smape(&y, &f), (400.0 / 22.0 + 800.0 / 36.0) / 2.0);
        close(smape(&[0.0, 1.0], &[0.0, 1.0]), 0.0);
        close(coverage(&y, &[9.0, 0.0, 20.5], &[11.0, 1.0, 21.0]), 0.5);
        assert_eq!(mae(&[f64::NAN], &[1.0]), None);
        assert!((pinball(0.9, 10.0, 8.0) - 1.8).abs() < 1e-12);
        assert!((pinball(0.9, 8.0, 10.0) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn scaled_and_weighted_scores_agree_with_hand_computation() {
        let windows = [window(&[10.0, 20.0], &[12.0, 16.0], &[&[8.0, 14.0], &[13.0, 19.0]])];
        let levels = [0.1, 0.9];
        let value = |metric| score(metric, &windows, &levels).map(|(v, _)| v);
        close(value(Metric::Mase), 1.5);
        close(value(Metric::Rmsse), (10.0_f64 / 4.0).sqrt());
        close(value(Metric::Rmse), 10.0_f64.sqrt());
        close(value(Metric::Coverage), 0.5);
        // Level 0.1: 0.1·2 + 0.1·6 = 0.8; level 0.9: 0.1·3 + 0.9·1 = 1.2; mean of 2·(0.8, 1.2) = 2, over 30.
        close(value(Metric::Wql), 2.0 / 30.0);
        assert_eq!(score(Metric::Mase, &windows, &levels).unwrap().1, None);
    }

    #[test]
    fn half_widths_are_students() {
        // Absolute errors 1..5: mean 3, standard deviation √2.5, t(4, 0.975) = 2.776445.
        let windows: Vec<_> = (1..=5).map(|e| window(&[f64::from(e)], &[0.0], &[])).collect();
        let (value, half) = score(Metric::Mae, &windows, &[]).unwrap();
        close(Some(value), 3.0);
        assert!((half.unwrap() - 2.776_445 * (2.5_f64 / 5.0).sqrt()).abs() < 1e-5);
        assert!(score(Metric::Wql, &windows, &[]).is_none());
    }
}
