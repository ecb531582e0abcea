use atsre_curation::statistics::Error;
use atsre_curation::statistics::autocorrelation::{Denominator, autocorrelation};
use atsre_curation::statistics::change_point::change_points;
use atsre_curation::statistics::cointegration::engle_granger;
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

const AIC: Lags = Lags::Chosen { by: Criterion::Aic, max: None };

/// Calls everything; whatever is wrong with the sample must come back as an error.
fn everything(x: &[f64]) {
    for deterministic in
        [Deterministic::None, Deterministic::Constant, Deterministic::Trend, Deterministic::QuadraticTrend]
    {
        for lags in [AIC, Lags::Fixed(0), Lags::Fixed(3), Lags::Fixed(usize::MAX)] {
            let _ = augmented_dickey_fuller(x, deterministic, lags);
            let _ = engle_granger(x, &[x], deterministic, lags);
        }
    }
    for bandwidth in [Bandwidth::Automatic, Bandwidth::Schwert, Bandwidth::Fixed(2)] {
        let _ = kpss(x, Around::Level, bandwidth);
        let _ = kpss(x, Around::Trend, bandwidth);
    }
    for lags in [0, 1, 5] {
        let _ = autocorrelation(x, lags, Denominator::Products);
        for estimator in [Estimator::YuleWalker(Denominator::Products), Estimator::LeastSquares, Estimator::Burg] {
            let _ = partial_autocorrelation(x, lags, estimator);
        }
        let _ = granger(x, x, lags);
        let _ = arch_test(x, lags);
    }
    let _ = (jarque_bera(x), shapiro_wilk(x), durbin_watson(x), hurst(x));
    let _ = change_points(x);
    for period in [0, 1, 2, 7] {
        let _ = Stl::new(period).fit(x);
        let _ = Stl::new(period).robust().with_jumps().fit(x);
        let _ = no_season_p_value(x, period, &[2]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_on_small_or_strange_samples(
        x in prop::collection::vec(
            prop_oneof![4 => -3.0..3.0_f64, 2 => Just(1.0), 1 => Just(f64::NAN), 1 => Just(1e300), 1 => Just(f64::INFINITY)],
            0..40,
        )
    ) {
        everything(&x);
    }

    #[test]
    fn nothing_panics_on_few_distinct_values(x in prop::collection::vec(0_u8..3, 0..70)) {
        everything(&x.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
    }
}

#[test]
fn constants_lines_and_empty_samples_are_refused_not_computed() {
    for n in [0, 1, 2, 3, 5, 30, 60] {
        everything(&vec![2.5; n]);
        everything(&(0..n).map(|t| t as f64).collect::<Vec<_>>());
    }
    let constant = vec![1.0; 50];
    assert!(matches!(augmented_dickey_fuller(&constant, Deterministic::Constant, AIC), Err(Error::Constant { .. })));
    assert!(matches!(kpss(&constant, Around::Level, Bandwidth::Automatic), Err(Error::Constant { .. })));
    assert!(matches!(jarque_bera(&constant), Err(Error::Constant { .. })));
    assert!(matches!(shapiro_wilk(&constant), Err(Error::Constant { .. })));
    assert!(matches!(shapiro_wilk(&[1.0, 2.0]), Err(Error::TooShort { needed: 3, found: 2, .. })));
    assert!(matches!(jarque_bera(&[1.0, f64::NAN, 2.0]), Err(Error::NotFinite { index: 1, .. })));
    let line: Vec<f64> = (0..50).map(f64::from).collect();
    assert!(matches!(augmented_dickey_fuller(&line, Deterministic::Constant, AIC), Err(Error::Collinear { .. })));
}

#[test]
fn an_error_says_what_is_needed() {
    let error = Stl::new(12).fit(&[1.0; 10]).unwrap_err();
    assert_eq!(error.to_string(), "STL needs at least 24 observations, the series has 10");
}
