#![allow(clippy::unwrap_used)]
use std::f64::consts::TAU;

use super::*;

fn noise(t: usize) -> f64 {
    ((t * 7919 + t * t * 104_729) % 1_009) as f64 / 1_009.0 - 0.5
}

#[test]
fn seeds_make_a_deterministic_series_exact() {
    // Given a line with a wave, which the model continues without any error from the right seeds
    let z: Vec<f64> = (0..60).map(|t| 2.0 + 0.1 * t as f64 + (TAU * t as f64 / 12.0 + 0.4).sin()).collect();
    let form = Form { trend: Trend::Linear, seasons: vec![(12, 2)], autoregressive: 0, moving_average: 0 };
    // When seeds are found for weights that are not zero
    let seeds = filter::seeds(&form, &form.start(), &z).unwrap();
    // Then nothing is left
    assert!(filter::squares(&form, &form.start(), &seeds, &z).unwrap() < 1e-6);
}

#[test]
fn two_seasons_of_which_one_is_no_multiple_go_on() {
    // Given a trend, a week and a month of 30 days
    let clean = |t: usize| {
        let t = t as f64;
        100.0 + 0.1 * t + 6.0 * (TAU * t / 7.0).sin() + 9.0 * (TAU * t / 30.0).cos()
    };
    let values: Vec<f64> = (0..300).map(|t| clean(t) + 2.0 * noise(t)).collect();
    let chosen = Chosen::of(&values, &[7, 30]).unwrap();
    assert_eq!(chosen.fit.form.seasons.iter().map(|s| s.0).collect::<Vec<_>>(), vec![7, 30]);
    // When a month is forecast
    let forecast = chosen.forecast(30);
    // Then trend and both seasons go on
    for (h, mean) in forecast.mean.iter().enumerate() {
        assert!((mean - clean(300 + h)).abs() < 2.5, "{h}: {mean} {}", clean(300 + h));
    }
    assert!(forecast.deviation.windows(2).all(|w| w[0] <= w[1] + 1e-9));
}

#[test]
fn a_season_that_grows_with_its_level_asks_for_a_transformation() {
    let level = |t: usize| (0.015 * t as f64).exp() * 50.0;
    let values: Vec<f64> =
        (0..144).map(|t| level(t) * (1.0 + 0.3 * (TAU * t as f64 / 12.0).sin() + 0.05 * noise(t))).collect();
    let chosen = Chosen::of(&values, &[12]).unwrap();
    let forecast = chosen.forecast(12);
    let clean = |t: usize| level(t) * (1.0 + 0.3 * (TAU * t as f64 / 12.0).sin());
    let error: f64 =
        forecast.mean.iter().enumerate().map(|(h, m)| (m / clean(144 + h) - 1.0).abs()).sum::<f64>() / 12.0;
    assert!(error < 0.06, "{error}");
}

#[test]
fn errors_that_depend_on_one_another_are_modelled() {
    let mut d = 0.0;
    let values: Vec<f64> = (0..400)
        .map(|t| {
            d = -0.7 * d + noise(t);
            5.0 + d
        })
        .collect();
    let chosen = Chosen::of(&values, &[1]).unwrap();
    let squares = chosen.fit.errors.iter().map(|e| e * e).sum::<f64>() / 400.0;
    // The noise is half of the variance, which is one.
    assert!(squares < 0.6, "{squares} {:?}", chosen.fit.form);
}

#[test]
fn hostile_series_have_a_finite_forecast() {
    let nan = f64::NAN;
    let wild: Vec<Vec<f64>> = vec![
        vec![1.0, 2.0],
        vec![3.0, 1.0, 2.0],
        vec![7.0; 40],
        vec![0.0; 40],
        (0..40).map(|t| f64::from(t) * 1e90).collect(),
        (0..40).map(|t| f64::from(t + 1) * 1e-90).collect(),
        [vec![0.0; 39], vec![1.0]].concat(),
        vec![nan, 1.0, nan, nan, 4.0, nan],
        (0..40).map(|t| f64::from(t).exp2()).collect(),
    ];
    for (i, values) in wild.iter().enumerate() {
        for season in [1, 2, 3, 7, 24, 500] {
            let model = Tbats { periods: Vec::new() };
            let forecast = model.forecast(values, 100, season).unwrap();
            let fitted = model.fitted(values, season).unwrap();
            let all = forecast.mean.iter().chain(&forecast.deviation).chain(&fitted);
            assert!(all.clone().all(|v| v.is_finite()), "series {i}, season {season}");
        }
    }
}
