use atsre_curation::statistics::autocorrelation::{Denominator, autocorrelation};
use atsre_curation::statistics::change_point::change_points;
use atsre_curation::statistics::cointegration::engle_granger;
use atsre_curation::statistics::dickey_fuller::{Criterion, Deterministic, Lags, augmented_dickey_fuller};
use atsre_curation::statistics::distribution::{chi_squared_sf, f_sf, normal_cdf, normal_quantile};
use atsre_curation::statistics::granger::granger;
use atsre_curation::statistics::harmonic::no_season_p_value;
use atsre_curation::statistics::hurst::hurst;
use atsre_curation::statistics::kpss::{Around, Bandwidth, kpss};
use atsre_curation::statistics::portmanteau::ljung_box;

use crate::sample::{normal, random_walk};

const AIC: Lags = Lags::Chosen { by: Criterion::Aic, max: None };

/// How many of 100 seeds satisfy a condition.
fn share(condition: impl Fn(u64) -> bool) -> usize {
    (1..=100).filter(|seed| condition(*seed)).count()
}

#[test]
fn white_noise_is_stationary_and_a_random_walk_is_not() {
    let unit_root = |x: &[f64]| augmented_dickey_fuller(x, Deterministic::Constant, AIC).unwrap().p_value >= 0.05;
    let level = |x: &[f64]| kpss(x, Around::Level, Bandwidth::Automatic).unwrap().p_value >= 0.05;
    assert_eq!(share(|seed| unit_root(&normal(seed, 300))), 0);
    // The tests' own error is 5 %: more than 12 of 100 have a probability below 0.002.
    assert!(share(|seed| !unit_root(&random_walk(seed, 300))) <= 12);
    assert!(share(|seed| !level(&normal(seed, 300))) <= 12);
    assert!(share(|seed| level(&random_walk(seed, 300))) <= 12);
}

#[test]
fn the_ljung_box_test_keeps_its_size() {
    let rejected = share(|seed| {
        let r = autocorrelation(&normal(seed, 300), 10, Denominator::Length).unwrap();
        ljung_box(&r, 300, 0)[9].p_value < 0.05
    });
    assert!((0..=12).contains(&rejected), "{rejected}");
}

#[test]
fn granger_finds_a_lagged_cause_and_no_effect_backwards() {
    let (cause, noise) = (normal(5, 400), normal(6, 400));
    let effect: Vec<f64> = (0..400).map(|t| if t < 2 { 0.0 } else { 0.6 * cause[t - 2] } + noise[t]).collect();
    assert!(granger(&effect, &cause, 2).unwrap().f_p_value < 1e-10);
    assert!(granger(&cause, &effect, 2).unwrap().f_p_value > 0.01);
}

#[test]
fn series_with_one_stochastic_trend_are_cointegrated() {
    let (walk, other, noise) = (random_walk(1, 400), random_walk(2, 400), normal(3, 400));
    let bound: Vec<f64> = walk.iter().zip(&noise).map(|(w, e)| 2.0 * w + e).collect();
    assert!(engle_granger(&bound, &[&walk], Deterministic::Constant, AIC).unwrap().p_value < 0.01);
    assert!(engle_granger(&other, &[&walk], Deterministic::Constant, AIC).unwrap().p_value > 0.05);
    let same = engle_granger(&walk, &[&walk], Deterministic::Constant, AIC).unwrap();
    assert!(same.statistic == f64::NEG_INFINITY && same.p_value == 0.0);
}

#[test]
fn a_season_is_found_in_noise_and_on_a_random_walk_but_not_in_either_alone() {
    let season = |t: usize| 1.5 * (std::f64::consts::TAU * t as f64 / 12.0).sin();
    let differences = |x: Vec<f64>| -> Vec<f64> { x.windows(2).map(|w| w[1] - w[0]).collect() };
    let with = |x: Vec<f64>| -> Vec<f64> { x.iter().enumerate().map(|(t, v)| v + season(t)).collect() };
    let found = |x: &[f64]| no_season_p_value(x, 12, &[]) < 0.01;
    assert!(share(|seed| found(&with(normal(seed, 240)))) >= 99);
    assert!(share(|seed| found(&differences(with(random_walk(seed, 240))))) >= 80);
    assert!(share(|seed| found(&normal(seed, 240))) <= 5);
    assert!(share(|seed| found(&differences(random_walk(seed, 240)))) <= 5);
}

#[test]
fn a_week_adds_to_a_day_only_where_its_days_differ() {
    let day = |t: usize| (std::f64::consts::TAU * (t % 24) as f64 / 24.0).sin();
    let noise = normal(4, 24 * 7 * 8);
    let plain: Vec<f64> = noise.iter().enumerate().map(|(t, e)| 3.0 * day(t) + e).collect();
    let weekly: Vec<f64> =
        noise.iter().enumerate().map(|(t, e)| if t % 168 >= 120 { 0.5 } else { 3.0 } * day(t) + e).collect();
    assert!(no_season_p_value(&plain, 24, &[]) < 1e-6);
    assert!(no_season_p_value(&plain, 168, &[24]) > 0.01);
    assert!(no_season_p_value(&weekly, 168, &[24]) < 1e-6);
}

#[test]
fn the_hurst_exponent_is_a_half_for_noise_and_near_one_for_a_walk() {
    let mean = |f: &dyn Fn(u64) -> Vec<f64>| (1..=20).map(|seed| hurst(&f(seed)).unwrap()).sum::<f64>() / 20.0;
    let noise = mean(&|seed| normal(seed, 2_000));
    assert!((noise - 0.5).abs() < 0.05, "{noise}");
    assert!(mean(&|seed| random_walk(seed, 2_000)) > 0.9);
}

#[test]
fn changes_of_level_are_placed_and_walks_have_none() {
    let step: Vec<f64> = normal(9, 300).iter().enumerate().map(|(t, e)| e + if t < 120 { 0.0 } else { 4.0 }).collect();
    let found = change_points(&step);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].abs_diff(119) <= 2, "{found:?}");
    let long: Vec<f64> =
        normal(9, 9_000).iter().enumerate().map(|(t, e)| e + if t < 4_000 { 0.0 } else { 3.0 }).collect();
    let found = change_points(&long);
    assert!(found.len() == 1 && found[0].abs_diff(3_999) <= 3, "{found:?}");
    assert!(share(|seed| !change_points(&normal(seed, 200)).is_empty()) <= 3);
    assert!(share(|seed| !change_points(&random_walk(seed, 200)).is_empty()) <= 5);
}

#[test]
fn a_kink_in_a_trend_is_one_change() {
    let kink: Vec<f64> = normal(3, 200)
        .iter()
        .enumerate()
        .map(|(t, e)| e + if t < 100 { 0.3 * t as f64 } else { 60.0 - 0.3 * t as f64 })
        .collect();
    let found = change_points(&kink);
    assert!(found.len() == 1 && found[0].abs_diff(99) <= 5, "{found:?}");
}

#[test]
fn distributions_agree_with_published_points() {
    // Abramowitz and Stegun (1964), Tables 26.1, 26.8, 26.9; the far tails from the asymptotic series.
    let cases = [
        (normal_cdf(1.96), 0.975_002_104_851_780),
        (normal_quantile(0.975), 1.959_963_984_540_054),
        (chi_squared_sf(3.841_458_820_694_124, 1.0), 0.05),
        (chi_squared_sf(18.307_038_053_275_146, 10.0), 0.05),
        (chi_squared_sf(1_400.0, 2.0), (-700.0_f64).exp()),
        (f_sf(4.0, 2.0, 2.0), 0.2),
        (f_sf(1e6, 2.0, 10.0), (1.0_f64 + 2e5).powi(-5)),
    ];
    for (found, expected) in cases {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1e-300), "{found} {expected}");
    }
    assert!(chi_squared_sf(1.0, 0.0).is_nan() && f_sf(f64::NAN, 1.0, 1.0).is_nan());
    assert!(chi_squared_sf(-1.0, 3.0) == 1.0 && f_sf(f64::INFINITY, 1.0, 1.0) == 0.0);
}
