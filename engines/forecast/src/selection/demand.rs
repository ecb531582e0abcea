//! Demand that comes now and then, as whole numbers of its smallest unit.

use crate::forecaster::SeriesForecast;

/// A forecast nearer to nothing than to the smallest demand ever seen is nothing.
const NOTHING: f64 = 0.5;

/// Sets the steps at which less than half of the smallest demand is expected to zero: what most often happens, and what
/// errs least in absolute terms (Teunter and Duncan 2009). Where no demand was ever below zero, no quantile is.
pub(super) fn settle(history: &[f64], forecast: &mut SeriesForecast) {
    let observed = || history.iter().copied().filter(|v| v.is_finite());
    let smallest = observed().filter(|v| *v != 0.0).map(f64::abs).fold(f64::INFINITY, f64::min);
    let nothing = if smallest.is_finite() { NOTHING * smallest } else { 0.0 };
    forecast.mean.iter_mut().filter(|v| v.abs() < nothing).for_each(|v| *v = 0.0);
    if observed().all(|v| v >= 0.0) {
        forecast.mean.iter_mut().chain(forecast.quantiles.iter_mut().flatten()).for_each(|v| *v = v.max(0.0));
    }
}

/// What a reader should know of it.
pub(super) fn note(series: usize) -> String {
    format!(
        "{series} series are mostly zeros: where less than half of their smallest demand is expected, the forecast is zero; the quantiles say how much may come"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_becomes_nothing_and_nothing_falls_below_zero() {
        // given demand in threes and a forecast around half of that
        let mut forecast = SeriesForecast {
            item_id: String::new(),
            times: Vec::new(),
            mean: vec![1.4, 1.6],
            quantiles: vec![vec![-2.0, -1.0], vec![3.0, 4.0]],
        };
        // when it is settled
        settle(&[0.0, 3.0, 0.0, f64::NAN, 6.0, 0.0], &mut forecast);
        // then less than 1.5 is nothing, and quantiles end at zero
        assert_eq!(forecast.mean, [0.0, 1.6]);
        assert_eq!(forecast.quantiles, [[0.0, 0.0], [3.0, 4.0]]);
    }
}
