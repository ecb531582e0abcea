//! Measures of forecast accuracy, all in one place.
//!
//! [`point`] judges one value a step, [`interval`] intervals, [`probabilistic`] quantiles and samples; [`scale`] gives what
//! scaled errors divide by, [`aggregate`] joins one number a series into one for a panel, and [`score`] and [`scores`]
//! judge the windows of a backtest. Steps whose actual value is missing (NaN) do not count; a measure that is undefined
//! on what it was given is none, never NaN.

pub mod aggregate;
pub mod interval;
pub mod point;
pub mod probabilistic;
pub mod scale;
mod windows;

pub use aggregate::{Aggregate, Over, over_series};
pub use interval::{coverage, interval_score};
pub use point::{bias, mae, mape, mase, mse, owa, rmse, rmsse, smape, wape};
pub use probabilistic::{crps_from_quantiles, crps_from_samples, pinball, weighted_quantile_loss};
pub use scale::{absolute_scale, squared_scale};
pub use windows::{score, scores};

/// The mean of the finite numbers; none where there is none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.filter(|v| v.is_finite()).fold((0.0, 0_u32), |(s, n), v| (s + v, n + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests;
