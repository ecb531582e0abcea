//! The fit inside the history: its shape for every model and any series, and its values where they are known.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use atsre_domain::panel::Series;
use atsre_forecast::{FitTask, PredictRequest, Registry, SeriesFit, SeriesForecast, Silent, TrainingView};
use common::{HORIZON, LEVELS, SEASON, panel, series, spec};
use proptest::prelude::*;

/// Models that truly have no fit of their own.
const WITHOUT: [&str; 1] = ["auto"];
/// Recursions without estimated parameters: their fit at a time is their forecast from before it.
const RECURSIONS: [&str; 8] =
    ["naive", "seasonal-naive", "historic-average", "window-average", "zero", "croston", "croston-sba", "tsb"];

/// The forecast and the fit of a series; none where it is too short for the model.
fn fitted(model: &str, one: Series) -> Option<(SeriesForecast, Option<SeriesFit>)> {
    let panel = panel(vec![one]);
    let view = TrainingView::of_panel(&panel, HORIZON);
    let (horizon, quantile_levels, seed, progress) = (HORIZON, &LEVELS[..], 1, &Silent);
    let mut built = Registry::classical().build(&spec(model, &[])).unwrap();
    let task = FitTask { view: &view, horizon, quantile_levels, season_length: SEASON, seed, threads: 1, progress };
    built.fit(&task).ok()?;
    let request = PredictRequest { view: &view, horizon, quantile_levels, seed, progress };
    let forecast = built.predict(&request).ok()?.remove(0);
    Some((forecast, built.in_sample(&request).unwrap().map(|mut fits| fits.remove(0))))
}

fn with(target: Vec<f64>) -> Series {
    let mut one = series("a", target.len(), 3);
    one.target = target;
    one
}

/// The length of the history, finite, and residuals that are observed less fitted.
fn check(model: &str, target: &[f64], fit: &SeriesFit) {
    assert_eq!((fit.fitted.len(), fit.residuals.len()), (target.len(), target.len()), "{model}");
    assert!(fit.start <= target.len(), "{model}");
    assert!(fit.fitted.iter().all(|f| f.is_finite()), "{model}: {:?}", fit.fitted);
    for (t, ((y, f), e)) in target.iter().zip(&fit.fitted).zip(&fit.residuals).enumerate() {
        assert!(if y.is_finite() { *e == y - f } else { e.is_nan() }, "{model} at {t}: {y} − {f} ≠ {e}");
        assert!(t >= fit.start || !y.is_finite() || *e == 0.0, "{model} at {t}");
    }
}

#[test]
fn every_model_fits_the_history_it_saw() {
    // Given a series with a season, a trend and covariates, and the same with gaps
    let whole = series("a", 150, 1);
    let mut gaps = whole.clone();
    gaps.target.iter_mut().skip(5).step_by(9).for_each(|v| *v = f64::NAN);
    let spread = |values: &[f64]| {
        let seen: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        seen.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / seen.len() as f64
    };
    for model in Registry::classical().names() {
        for data in [&whole, &gaps] {
            let (_, fit) = fitted(model, data.clone()).unwrap();
            // Then every model but those that are made of others has a fit
            assert_eq!(fit.is_none(), WITHOUT.contains(&model), "{model}");
            let Some(fit) = fit else { continue };
            check(model, &data.target, &fit);
            assert!(fit.start <= 75, "{model} begins at {}", fit.start);
            // and one that learns is nearer to the series than its mean is
            let (square, count) = fit.errors().fold((0.0, 0.0), |(s, n), e| (s + e * e, n + 1.0));
            let simple = ["zero", "window-average", "historic-average", "croston-optimized", "adida", "imapa", "ses"];
            if !RECURSIONS.contains(&model) && !simple.contains(&model) {
                assert!(
                    square / count < 0.7 * spread(&data.target),
                    "{model}: {} {}",
                    square / count,
                    spread(&data.target)
                );
            }
        }
    }
}

#[test]
fn a_recursion_fits_what_it_forecast() {
    // Given a series of counts, many of them zero
    let values: Vec<f64> = (0..90_u64).map(|t| ((t * 7919 + t * t * 31) % 11).saturating_sub(6) as f64).collect();
    for model in RECURSIONS {
        let (_, fit) = fitted(model, with(values.clone())).unwrap();
        let fit = fit.unwrap();
        // When each of the later values is forecast from those before it, then that is the fit
        for t in 40..90 {
            let (forecast, _) = fitted(model, with(values[..t].to_vec())).unwrap();
            let (a, b) = (forecast.mean[0], fit.fitted[t]);
            assert!((a - b).abs() < 1e-9, "{model} at {t}: forecast {a}, fit {b}");
        }
    }
}

#[test]
fn an_autoregression_fits_by_its_equation() {
    // Given a series, and ARIMA(1, 0, 0) with a mean: y = mean + φ (y before − mean)
    let values: Vec<f64> = series("a", 200, 9).target;
    let one = with(values.clone());
    let fit = atsre_forecast::arima::fit(&values, &[], atsre_forecast::arima::Order::new(1, 0, 0).with_constant(true));
    let fit = fit.unwrap();
    let phi = fit.coefficients()[0];
    // Then the fits differ by φ times what the values do
    let fitted = fit.fitted();
    for t in 2..200 {
        let (moved, expect) = (fitted[t] - fitted[t - 1], phi * (values[t - 1] - values[t - 2]));
        assert!((moved - expect).abs() < 1e-6 || t < 3, "{t}: {moved} {expect}");
    }
    assert_eq!(one.target, values);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_series_has_a_fit_of_its_length(
        values in prop::collection::vec(prop_oneof![4 => -1e3..1e3_f64, 1 => Just(f64::NAN), 1 => Just(0.0)], 1..60),
        scale in prop_oneof![Just(1.0), Just(1e-200), Just(1e200)],
    ) {
        prop_assume!(values.iter().any(|v| v.is_finite()));
        let target: Vec<f64> = values.iter().map(|v| v * scale).collect();
        for model in Registry::classical().names() {
            if let Some((_, Some(fit))) = fitted(model, with(target.clone())) {
                check(model, &target, &fit);
            }
        }
    }
}
