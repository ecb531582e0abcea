//! Demand that comes now and then.

use crate::forecaster::SeriesForecast;

/// Where no demand was ever below zero, no forecast is. The mean stays a mean, however little is expected: what errs least
/// in absolute terms is often nothing at all (Teunter and Duncan 2009), and that is what the median says.
pub(super) fn settle(history: &[f64], forecast: &mut SeriesForecast) {
    if history.iter().copied().filter(|v| v.is_finite()).all(|v| v >= 0.0) {
        forecast.mean.iter_mut().chain(forecast.quantiles.iter_mut().flatten()).for_each(|v| *v = v.max(0.0));
    }
}

/// What a reader should know of it.
pub(super) fn note(series: usize) -> String {
    format!(
        "{series} series are mostly zeros: their mean is what is expected, however little; the quantiles say how often nothing comes and how much may"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_falls_below_zero_where_no_demand_did() {
        // given a forecast of little, with quantiles on both sides of nothing
        let forecast = SeriesForecast {
            item_id: String::new(),
            times: Vec::new(),
            mean: vec![-0.2, 0.3],
            quantiles: vec![vec![-2.0, -1.0], vec![3.0, 4.0]],
        };
        let settled = |history: &[f64]| {
            let mut own = forecast.clone();
            settle(history, &mut own);
            own
        };
        // when demand was never negative, then neither is the forecast, and little stays little
        let own = settled(&[0.0, 3.0, 0.0, f64::NAN, 6.0, 0.0]);
        assert_eq!(own.mean, [0.0, 0.3]);
        assert_eq!(own.quantiles, [[0.0, 0.0], [3.0, 4.0]]);
        // and where goods came back, nothing changes
        assert_eq!(settled(&[0.0, -3.0, 0.0]), forecast);
    }
}
