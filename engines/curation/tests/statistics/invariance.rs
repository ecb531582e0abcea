use atsre_curation::statistics::autocorrelation::{Denominator, autocorrelation};
use atsre_curation::statistics::change_point::change_points;
use atsre_curation::statistics::dickey_fuller::{Criterion, Deterministic, Lags, augmented_dickey_fuller};
use atsre_curation::statistics::granger::granger;
use atsre_curation::statistics::harmonic::no_season_p_value;
use atsre_curation::statistics::hurst::hurst;
use atsre_curation::statistics::kpss::{Around, Bandwidth, kpss};
use atsre_curation::statistics::normality::jarque_bera;
use atsre_curation::statistics::partial_autocorrelation::{Estimator, partial_autocorrelation};
use atsre_curation::statistics::residual::{arch_test, durbin_watson};
use atsre_curation::statistics::shapiro_wilk::shapiro_wilk;
use atsre_curation::statistics::stl::Stl;
use proptest::prelude::*;

use crate::sample::{normal, random_walk};

const ESTIMATORS: [Estimator; 6] = [
    Estimator::YuleWalker(Denominator::Length),
    Estimator::YuleWalker(Denominator::Products),
    Estimator::LevinsonDurbin(Denominator::Length),
    Estimator::LevinsonDurbin(Denominator::Products),
    Estimator::LeastSquares,
    Estimator::Burg,
];

/// Everything here that neither a shift nor a change of scale may change.
fn invariants(x: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    for by in [Criterion::Aic, Criterion::Bic, Criterion::TStatistic] {
        let test = augmented_dickey_fuller(x, Deterministic::Trend, Lags::Chosen { by, max: None }).unwrap();
        out.extend([test.statistic, test.p_value, test.lags as f64]);
    }
    for around in [Around::Level, Around::Trend] {
        let test = kpss(x, around, Bandwidth::Automatic).unwrap();
        out.extend([test.statistic, test.p_value, test.lags as f64]);
    }
    out.extend(autocorrelation(x, 10, Denominator::Length).unwrap());
    for estimator in ESTIMATORS {
        out.extend(partial_autocorrelation(x, 6, estimator).unwrap());
    }
    let (normality, shapiro) = (jarque_bera(x).unwrap(), shapiro_wilk(x).unwrap());
    out.extend([normality.statistic, normality.skewness, normality.kurtosis, shapiro.statistic, shapiro.p_value]);
    out.push(hurst(x).unwrap());
    out.extend(change_points(x).into_iter().map(|i| i as f64));
    let stl = Stl::new(7).fit(x).unwrap();
    out.extend([stl.trend_strength().unwrap(), stl.seasonal_strength().unwrap()]);
    out
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= 1e-6 * (1.0 + x.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn units_do_not_change_a_test(seed in 1_u64..1_000_000, shift in -50.0..50.0_f64, scale in 0.01..100.0_f64, walk: bool) {
        let x = if walk { random_walk(seed, 120) } else { normal(seed, 120) };
        let y: Vec<f64> = x.iter().map(|v| shift + scale * v).collect();
        let (a, b) = (invariants(&x), invariants(&y));
        prop_assert!(close(&a, &b), "{a:?}\n{b:?}");
    }

    #[test]
    fn residual_tests_do_not_depend_on_scale(seed in 1_u64..1_000_000, scale in 0.01..100.0_f64) {
        let x = normal(seed, 150);
        let y: Vec<f64> = x.iter().map(|v| scale * v).collect();
        prop_assert!((durbin_watson(&x).unwrap() - durbin_watson(&y).unwrap()).abs() < 1e-9);
        let (a, b) = (arch_test(&x, 4).unwrap(), arch_test(&y, 4).unwrap());
        prop_assert!((a.multiplier - b.multiplier).abs() < 1e-7 && (a.f_p_value - b.f_p_value).abs() < 1e-7);
    }

    #[test]
    fn a_decomposition_adds_up_and_moves_with_the_data(seed in 1_u64..1_000_000, shift in -50.0..50.0_f64, scale in -9.0..9.0_f64, robust: bool) {
        let x: Vec<f64> = normal(seed, 90).iter().enumerate().map(|(t, e)| e + 0.1 * t as f64 + [3.0, -1.0, 0.0, -2.0][t % 4]).collect();
        let y: Vec<f64> = x.iter().map(|v| shift + scale * v).collect();
        let stl = if robust { Stl::new(4).robust() } else { Stl::new(4) };
        let (a, b) = (stl.fit(&x).unwrap(), stl.fit(&y).unwrap());
        for (t, v) in x.iter().enumerate() {
            prop_assert!((a.trend[t] + a.seasonal[t] + a.remainder[t] - v).abs() < 1e-12 * (1.0 + v.abs()));
            prop_assert!((shift + scale * a.trend[t] - b.trend[t]).abs() < 1e-6);
            prop_assert!((scale * a.seasonal[t] - b.seasonal[t]).abs() < 1e-6);
        }
    }

    #[test]
    fn p_values_are_probabilities(seed in 1_u64..1_000_000, lag in 1_usize..5) {
        let (x, y) = (random_walk(seed, 80), normal(seed + 1, 80));
        let test = granger(&x, &y, lag).unwrap();
        let shapiro = shapiro_wilk(&x).unwrap();
        let season = no_season_p_value(&y, 7, &[]);
        for p in [test.f_p_value, test.chi_squared_p_value, test.likelihood_ratio_p_value, shapiro.p_value, season] {
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
        }
        prop_assert!((0.0..=1.0).contains(&shapiro.statistic));
    }

    #[test]
    fn autocorrelations_lie_between_minus_one_and_one(seed in 1_u64..1_000_000, n in 12_usize..90) {
        let x = random_walk(seed, n);
        prop_assert!(autocorrelation(&x, n - 1, Denominator::Length).unwrap().iter().all(|r| r.abs() <= 1.0 + 1e-12));
        for estimator in [Estimator::LevinsonDurbin(Denominator::Length), Estimator::Burg] {
            let partial = partial_autocorrelation(&x, 5, estimator).unwrap();
            prop_assert!(partial.iter().all(|r| r.abs() <= 1.0 + 1e-12), "{partial:?}");
        }
    }
}
