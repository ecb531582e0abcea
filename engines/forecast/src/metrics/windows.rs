//! Scores of a backtest's windows, with confidence intervals.

use atsre_domain::Finite;
use atsre_domain::metric::{Metric, Score, Split};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::probabilistic::quantile_loss;
use super::{coverage, mae, mean, mse, smape};
use crate::job::WindowForecast;

/// The fewest windows × series for which a confidence interval is given.
const ENOUGH_UNITS: usize = 5;

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
        Metric::Wql => ratio_of(windows, |w| quantile_loss(levels, &w.actual, &w.quantiles)),
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
