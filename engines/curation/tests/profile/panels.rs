use atsre_curation::profile::profile;
use atsre_domain::Frequency;
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::panel::{Covariate, CovariateKind, Panel};
use atsre_domain::profile::{DemandPattern, Profile, Stationarity};
use proptest::prelude::*;

use crate::panel;
use crate::sample::{normal, random_walk};

const MONTHLY: Frequency = Frequency::every(FrequencyUnit::Month);

fn one(target: Vec<f64>) -> Profile {
    profile(&panel(MONTHLY, vec![target]))
}

fn with_season(share: impl Fn(u64) -> Vec<f64>) -> usize {
    (1..=100).filter(|seed| !one(share(*seed)).seasonal_periods.is_empty()).count()
}

#[test]
fn neither_noise_nor_walks_have_seasons() {
    assert!(with_season(|seed| normal(seed, 200)) <= 4);
    assert!(with_season(|seed| random_walk(seed, 200)) <= 4);
    assert!(with_season(|seed| normal(seed, 60)) <= 4);
    assert!(with_season(|seed| random_walk(seed, 60)) <= 5);
}

#[test]
fn noise_is_stationary_and_gaussian_and_a_walk_is_trending() {
    let noise = profile(&panel(MONTHLY, (1..=30).map(|seed| normal(seed, 200)).collect()));
    assert_eq!(noise.stationarity, Stationarity::Stationary);
    assert!(noise.gaussian);
    assert!(noise.trend_strength.unwrap().get() < 0.2);
    assert_eq!(noise.outliers, 0);
    let walks = profile(&panel(MONTHLY, (1..=30).map(|seed| random_walk(seed, 200)).collect()));
    assert_eq!(walks.stationarity, Stationarity::UnitRoot);
    assert!(walks.trend_strength.unwrap().get() > 0.6);
    assert!(!walks.non_negative);
}

#[test]
fn gaps_are_counted_and_bridged() {
    let mut target: Vec<f64> = normal(1, 240)
        .iter()
        .enumerate()
        .map(|(t, e)| 0.2 * e + (std::f64::consts::TAU * t as f64 / 12.0).sin())
        .collect();
    for t in [0, 1, 50, 51, 52, 53, 54, 120, 180] {
        target[t] = f64::NAN;
    }
    let q = one(target);
    let gaps = &q.series[0].gaps;
    assert_eq!((gaps.missing, gaps.runs, gaps.longest_run, gaps.pattern.as_str()), (9, 4, 5, "blocks"));
    assert_eq!(q.seasonal_periods[0].period, 12);
    assert_eq!(q.series[0].distribution.count, 231);
    assert!(
        q.findings.iter().any(|f| f.contains("9 of 240 values are missing") && f.contains("straight lines")),
        "{:?}",
        q.findings
    );
}

#[test]
fn single_values_far_out_are_outliers_even_under_a_season() {
    let mut target: Vec<f64> = normal(2, 240)
        .iter()
        .enumerate()
        .map(|(t, e)| e + 20.0 * (std::f64::consts::TAU * t as f64 / 12.0).sin())
        .collect();
    assert_eq!(one(target.clone()).outliers, 0);
    target[100] += 30.0;
    target[200] -= 30.0;
    let q = one(target);
    assert_eq!(q.outliers, 2);
    assert_eq!(q.seasonal_periods[0].period, 12);
}

#[test]
fn demand_patterns_follow_syntetos_boylan_and_croston() {
    let pattern = |sizes: &[f64]| one(sizes.iter().copied().cycle().take(120).collect()).series.remove(0);
    assert_eq!(pattern(&[5.0, 6.0, 5.0, 4.0]).demand_pattern, DemandPattern::Smooth);
    assert_eq!(pattern(&[1.0, 50.0, 2.0, 1.0]).demand_pattern, DemandPattern::Erratic);
    let intermittent = pattern(&[0.0, 0.0, 5.0, 0.0, 6.0, 0.0]);
    assert_eq!(intermittent.demand_pattern, DemandPattern::Intermittent);
    assert_eq!(intermittent.adi.unwrap().get(), 3.0);
    assert!((intermittent.cv2.unwrap().get() - 0.25 / 30.25).abs() < 1e-12);
    assert_eq!(pattern(&[0.0, 0.0, 1.0, 0.0, 90.0, 0.0]).demand_pattern, DemandPattern::Lumpy);
    assert_eq!(pattern(&[-1.0, 0.0, 1.0, 0.0]).adi, None);
}

fn with_covariates() -> Panel {
    let (noise, other) = (normal(1, 300), normal(2, 300));
    let target: Vec<f64> = noise.iter().zip(&other).map(|(a, b)| 2.0 * a + b).collect();
    let mut out = panel(MONTHLY, vec![target]);
    let mut known = noise.clone();
    known.extend([0.0; 12]);
    let mut holes = other;
    holes[7] = f64::NAN;
    let weekday: Vec<f64> = (0..300).map(|t| f64::from(t % 7)).collect();
    let holiday: Vec<f64> = (0..300).map(|t| f64::from(u8::from(t % 30 == 0))).collect();
    out.series[0].covariates = vec![known, holes, weekday, holiday, vec![1.0; 300]];
    let kind = CovariateKind::Past;
    let levels = Some((0..7).map(|d| d.to_string()).collect());
    out.covariates = vec![
        Covariate { name: "driver".into(), kind: CovariateKind::Known, levels: None },
        Covariate { name: "holes".into(), kind, levels: None },
        Covariate { name: "weekday".into(), kind, levels },
        Covariate { name: "holiday".into(), kind, levels: None },
        Covariate { name: "constant".into(), kind, levels: None },
    ];
    out
}

#[test]
fn covariates_are_described() {
    let q = profile(&with_covariates());
    let kinds: Vec<&str> = q.covariates.iter().map(|c| c.kind.as_str()).collect();
    assert_eq!(kinds, ["numeric", "numeric", "categorical", "binary", "numeric"]);
    assert!((q.covariates[0].correlation.unwrap().get() - 2.0 / 5.0_f64.sqrt()).abs() < 0.05);
    assert_eq!((q.covariates[1].missing, q.covariates[2].distinct), (1, 7));
    assert_eq!((q.covariates[2].correlation, q.covariates[4].correlation), (None, None));
    assert!(q.findings.iter().any(|f| f.contains("driver (+0.8") || f.contains("driver (+0.9")), "{:?}", q.findings);
    assert!(q.findings.iter().any(|f| f.contains("constant never changes")));
}

#[test]
fn the_profile_is_the_same_on_any_number_of_threads() {
    let data = panel(MONTHLY, (1..=250).map(|seed| random_walk(seed, 40 + seed as usize % 50)).collect());
    let threads = |n: usize| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let (one, four) = (threads(1).install(|| profile(&data)), threads(4).install(|| profile(&data)));
    assert_eq!(one, four);
    assert_eq!((one.series_count, one.series.len()), (250, 200));
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&four).unwrap());
}

#[test]
fn nothing_to_profile_is_said_not_feared() {
    for targets in [vec![], vec![vec![]], vec![vec![f64::NAN; 20]]] {
        let q = profile(&panel(MONTHLY, targets));
        assert!(!q.findings.is_empty());
        assert_eq!(q.season_length(), 1);
    }
    let q = one(vec![3.0; 48]);
    assert!(q.findings.iter().any(|f| f == "The series is constant."), "{:?}", q.findings);
    assert_eq!(q.series[0].adf, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_on_small_or_strange_series(
        target in prop::collection::vec(prop_oneof![5 => -9.0..9.0_f64, 3 => Just(0.0), 2 => Just(f64::NAN), 1 => Just(1e200)], 0..60),
        unit in prop_oneof![Just(FrequencyUnit::Step), Just(FrequencyUnit::Quarter), Just(FrequencyUnit::Hour)],
    ) {
        let q = profile(&panel(Frequency::every(unit), vec![target]));
        // Every figure is finite by its type; the profile survives its way through JSON.
        let text = serde_json::to_string(&q).unwrap();
        prop_assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), q);
    }

    #[test]
    fn units_do_not_change_the_verdicts(seed in 1_u64..100_000, shift in 0.0..500.0_f64, scale in 0.01..100.0_f64) {
        let x = random_walk(seed, 120);
        let low = x.iter().copied().fold(f64::INFINITY, f64::min) - 1.0;
        // A negative value keeps both out of logarithms, whose seasons do depend on the origin.
        let base: Vec<f64> = x.iter().map(|v| v - low - 2.0).collect();
        let moved: Vec<f64> = base.iter().map(|v| scale * v - shift).collect();
        let (a, b) = (one(base), one(moved));
        prop_assert_eq!(a.stationarity, b.stationarity);
        prop_assert_eq!(a.outliers, b.outliers);
        prop_assert_eq!(&a.series[0].change_points, &b.series[0].change_points);
        let periods = |q: &Profile| q.seasonal_periods.iter().map(|s| s.period).collect::<Vec<_>>();
        prop_assert_eq!(periods(&a), periods(&b));
        let strength = |q: &Profile| q.trend_strength.unwrap().get();
        prop_assert!((strength(&a) - strength(&b)).abs() < 1e-6);
    }
}
