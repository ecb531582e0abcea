#![allow(clippy::unwrap_used, clippy::expect_used)]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::job::WindowForecast;

/// Ten differences whose statistics were worked out apart from this code, from the formulas alone: autocovariances, the
/// correction, and Student's distribution by the continued fraction of the incomplete beta function.
const DIFFERENCES: [f64; 10] = [0.5, -0.2, 0.9, 1.1, 0.3, -0.4, 0.8, 0.6, 0.1, 0.7];

fn close(got: f64, expect: f64) {
    assert!((got - expect).abs() < 1e-9 * expect.abs().max(1.0), "{got} is not {expect}");
}

/// Standard normal, by Box and Muller.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (random.random::<f64>().max(1e-300), random.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[test]
fn statistics_agree_with_values_worked_out_by_hand() {
    // given ten differences; when horizon 1 is tested; then it is the paired t-test: 0.44 / (0.485798… / √10)
    let one = diebold_mariano(&DIFFERENCES, 1).unwrap();
    close(one.mean, 0.44);
    close(one.statistic, 2.864_156_041_58);
    close(one.p_value, 0.018_653_561_558_9);
    assert_eq!((one.degrees_of_freedom, one.variance), (9, Variance::Truncated));
    // and with one lag
    let two = diebold_mariano(&DIFFERENCES, 2).unwrap();
    close(two.statistic, 3.224_310_993_72);
    close(two.p_value, 0.010_417_167_905_5);
    assert_eq!((two.horizon, two.variance), (2, Variance::Truncated));
}

#[test]
fn a_variance_that_is_not_positive_is_estimated_by_bartletts_weights() {
    // given differences that alternate, so that γ₀ + 2γ₁ is negative
    let alternating = [1.0, -0.8, 1.1, -0.9, 1.2, -0.7, 0.9, -1.0];
    // when they are tested with one lag
    let test = diebold_mariano(&alternating, 2).unwrap();
    // then the fallback is taken, and says so
    assert_eq!(test.variance, Variance::Bartlett);
    close(test.statistic, 0.615_124_685_229_245_3);
    close(test.p_value, 0.557_931_670_434_595_8);
}

#[test]
fn what_cannot_be_tested_says_why() {
    assert_eq!(diebold_mariano(&[0.0; 5], 1), Err(Untestable::Same));
    assert_eq!(diebold_mariano(&[0.0], 1), Err(Untestable::Same));
    assert!(matches!(diebold_mariano(&[0.1; 7], 1), Err(Untestable::Constant { mean }) if (mean - 0.1).abs() < 1e-15));
    assert_eq!(diebold_mariano(&[1.0, 2.0, 3.0], 1), Err(Untestable::TooFew { observations: 3, needed: 4 }));
    assert_eq!(diebold_mariano(&DIFFERENCES, 3), Err(Untestable::TooFew { observations: 10, needed: 12 }));
    assert_eq!(diebold_mariano(&[], 1), Err(Untestable::TooFew { observations: 0, needed: 4 }));
    assert_eq!(diebold_mariano(&[1.0, f64::NAN], 1), Err(Untestable::NotFinite { index: 1 }));
    // Horizon 0 is horizon 1.
    assert_eq!(diebold_mariano(&DIFFERENCES, 0), diebold_mariano(&DIFFERENCES, 1));
}

#[test]
fn swapping_the_two_turns_the_sign_and_nothing_else() {
    let swapped: Vec<f64> = DIFFERENCES.iter().map(|d| -d).collect();
    let (there, back) = (diebold_mariano(&DIFFERENCES, 2).unwrap(), diebold_mariano(&swapped, 2).unwrap());
    close(there.statistic, -back.statistic);
    close(there.p_value, back.p_value);
}

#[test]
fn the_unit_of_the_errors_does_not_matter() {
    let plain = diebold_mariano(&DIFFERENCES, 2).unwrap();
    for factor in [1e-200, 3.7e-5, 1e6, 1e200] {
        let scaled: Vec<f64> = DIFFERENCES.iter().map(|d| d * factor).collect();
        let test = diebold_mariano(&scaled, 2).unwrap();
        close(test.statistic, plain.statistic);
        close(test.mean / factor, plain.mean);
    }
}

/// The share of seeded simulations in which the test rejects.
fn rejections(count: u32, seed: u64, mut test: impl FnMut(&mut ChaCha8Rng) -> f64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rejected = (0..count).filter(|_| test(&mut random) < SIGNIFICANCE_LEVEL).count();
    rejected as f64 / f64::from(count)
}

#[test]
fn a_true_hypothesis_is_rejected_about_as_often_as_promised() {
    // given white noise of 5 and of 20 differences; then 5 % ± 3 standard errors of 4,000 simulations (0.34 % each)
    for n in [5, 20] {
        let rate = rejections(4_000, 7, |random| {
            let noise: Vec<f64> = (0..n).map(|_| normal(random)).collect();
            diebold_mariano(&noise, 1).unwrap().p_value
        });
        assert!((rate - 0.05).abs() < 0.0105, "{n}: {rate}");
    }
    // given a moving average of order 2, as the errors of three-step forecasts are; then the level is held roughly, where
    // the plain t-test rejects three times too often
    let moving = |random: &mut ChaCha8Rng| -> Vec<f64> {
        let shocks: Vec<f64> = (0..66).map(|_| normal(random)).collect();
        shocks.windows(3).map(|w| w.iter().sum()).collect()
    };
    let with_lags = rejections(2_000, 8, |random| diebold_mariano(&moving(random), 3).unwrap().p_value);
    let without = rejections(2_000, 8, |random| diebold_mariano(&moving(random), 1).unwrap().p_value);
    assert!(with_lags < 0.09 && without > 0.15, "{with_lags} {without}");
}

#[test]
fn a_real_difference_is_found() {
    // given a difference of one standard deviation; when 20 observations are tested; then 98.9 % are found (power of t)
    let rate = rejections(1_000, 9, |random| {
        let shifted: Vec<f64> = (0..20).map(|_| normal(random) - 1.0).collect();
        let test = diebold_mariano(&shifted, 1).unwrap();
        if test.mean < 0.0 { test.p_value } else { 1.0 }
    });
    assert!(rate > 0.96, "{rate}");
}

/// Windows of `horizon` steps, `step` apart, of the series named; `forecast(window, item, step)` is the error made.
fn backtest(
    windows: u32,
    step: u64,
    horizon: usize,
    items: &[&str],
    mut error: impl FnMut(u32, usize, usize) -> f64,
) -> Vec<WindowForecast> {
    let mut all = Vec::new();
    for window in 0..windows {
        for (index, item) in items.iter().enumerate() {
            let origin = 100 + u64::from(window) * step;
            let actual: Vec<f64> = (0..horizon as u64).map(|h| 10.0 + (origin + h) as f64).collect();
            let mean = actual.iter().enumerate().map(|(h, y)| y - error(window, index, h)).collect();
            all.push(WindowForecast {
                window,
                item_id: (*item).to_owned(),
                origin,
                actual,
                mean,
                quantiles: Vec::new(),
                absolute_scale: Some(2.0),
                squared_scale: Some(4.0),
            });
        }
    }
    all
}

#[test]
fn whole_windows_are_what_is_tested() {
    // given two series, five windows of two steps; the first errs by 1 everywhere, the second by 2, 3, 2, 4, 3
    let second = [2.0, 3.0, 2.0, 4.0, 3.0];
    let a = backtest(5, 2, 2, &["x", "y"], |_, _, _| 1.0);
    let b = backtest(5, 2, 2, &["x", "y"], |w, _, h| if h == 0 { second[w as usize] } else { -second[w as usize] });
    // when they are compared
    let test = compare_windows(&a, &b, Loss::Absolute).unwrap();
    // then each window is one difference, in units of the scale 2
    assert_eq!(test.differences, [-0.5, -1.0, -0.5, -1.5, -1.0]);
    assert_eq!((test.windows, test.series, test.errors, test.left_out), (5, 2, 20, 0));
    close(test.first, 0.5);
    close(test.second, 1.4);
    // and it is the paired t-test: mean −0.9, standard deviation √0.175, five windows
    let result = test.test.unwrap();
    close(result.statistic, -0.9 / (0.175_f64 / 5.0).sqrt());
    assert_eq!((result.horizon, test.verdict()), (1, Verdict::FirstBetter));
    assert_eq!(
        test.statement("A", "B"),
        "The absolute error of A is smaller than that of B by 64 %; over 5 windows, so large a difference would come by chance with p = 0.009."
    );
    // and the other way round nothing but the sides change
    let back = compare_windows(&b, &a, Loss::Absolute).unwrap();
    assert_eq!(back.verdict(), Verdict::SecondBetter);
    assert_eq!(back.statement("B", "A"), test.statement("A", "B"));
    // and the squares weigh the large errors more
    let squared = compare_windows(&a, &b, Loss::Squared).unwrap();
    close(squared.second, (4.0 + 9.0 + 4.0 + 16.0 + 9.0) / 5.0 / 4.0);
}

#[test]
fn windows_that_overlap_reach_into_each_other() {
    let a = backtest(20, 1, 3, &["x"], |w, _, _| f64::from(w % 5));
    let b = backtest(20, 1, 3, &["x"], |w, _, _| f64::from(w % 3));
    let test = compare_windows(&a, &b, Loss::Absolute).unwrap();
    assert_eq!(test.test.unwrap().horizon, 3);
    // Eleven such windows are too few: four spans of three are wanted.
    let few = compare_windows(&a[..11], &b[..11], Loss::Absolute).unwrap();
    assert_eq!(few.test, Err(Untestable::TooFew { observations: 11, needed: 12 }));
    assert!(few.statement("A", "B").contains("11 windows are too few for a test (it needs 12)"));
}

#[test]
fn only_what_both_forecast_counts() {
    // given a second backtest without the first window and without series y in the last
    let a = backtest(6, 2, 2, &["x", "y"], |w, _, _| 1.0 + f64::from(w));
    let mut b = backtest(6, 2, 2, &["x", "y"], |_, _, _| 2.0);
    b.retain(|w| w.window > 0 && !(w.window == 5 && w.item_id == "y"));
    // A missing observation is no error of either.
    let mut c = a.clone();
    for windows in [&mut b, &mut c] {
        windows.iter_mut().filter(|w| w.window == 3).for_each(|w| w.actual[0] = f64::NAN);
    }
    let test = compare_windows(&c, &b, Loss::Absolute).unwrap();
    assert_eq!((test.windows, test.left_out, test.errors), (5, 3, 16));
    // and what was observed must be the same
    assert!(matches!(compare_windows(&a, &b, Loss::Absolute), Err(Incomparable::Actuals { step: 1, .. })));
}

#[test]
fn what_is_not_the_same_task_is_not_compared() {
    let a = backtest(5, 4, 4, &["x"], |_, _, _| 1.0);
    let of = |b: &[WindowForecast]| compare_windows(&a, b, Loss::Absolute).unwrap_err();
    assert_eq!(of(&[]), Incomparable::NoWindows { first: false });
    assert_eq!(of(&backtest(5, 4, 3, &["x"], |_, _, _| 1.0)), Incomparable::Horizon { first: 4, second: 3 });
    assert_eq!(of(&backtest(5, 4, 4, &["z"], |_, _, _| 1.0)), Incomparable::NothingShared);
    // The same forecasts are no difference; two windows are no test.
    assert_eq!(compare_windows(&a, &a, Loss::Absolute).unwrap().verdict(), Verdict::Same);
    let b = backtest(5, 4, 4, &["x"], |_, _, _| 2.0);
    let two = compare_windows(&a[..2], &b, Loss::Absolute).unwrap();
    assert_eq!(two.verdict(), Verdict::Untested);
    assert_eq!(two.left_out, 3);
    // Five windows with one and the same difference cannot measure chance.
    let constant = compare_windows(&a, &b, Loss::Absolute).unwrap();
    assert!(constant.statement("A", "B").starts_with("No test of A against B is possible: the difference is -0.5"));
}

#[test]
fn series_without_a_scale_are_measured_in_the_targets_units_only_where_none_has_one() {
    let unscaled = |mut windows: Vec<WindowForecast>, items: &[&str]| {
        windows.iter_mut().filter(|w| items.contains(&w.item_id.as_str())).for_each(|w| w.absolute_scale = None);
        windows
    };
    let a = || backtest(5, 2, 2, &["x", "y"], |w, _, _| f64::from(w));
    let b = || backtest(5, 2, 2, &["x", "y"], |_, _, _| 3.0);
    let some = compare_windows(&unscaled(a(), &["y"]), &unscaled(b(), &["y"]), Loss::Absolute).unwrap();
    assert_eq!((some.scaled, some.series, some.left_out), (true, 1, 5));
    let none = compare_windows(&unscaled(a(), &["x", "y"]), &unscaled(b(), &["x", "y"]), Loss::Absolute).unwrap();
    assert_eq!((none.scaled, none.series, none.left_out), (false, 2, 0));
    close(none.second, 3.0);
}

#[test]
fn correlation_inside_a_window_does_not_make_chance_look_like_proof() {
    // given two forecasts that are equally good; their errors persist over the whole of a window (autoregression 0.9)
    let rate = rejections(1_000, 10, |random| {
        let mut errors = || {
            let mut state = 0.0;
            let draws: Vec<f64> = (0..5 * 24)
                .map(|k| {
                    let shock = normal(random);
                    state = if k % 24 == 0 { shock } else { 0.9 * state + 0.19_f64.sqrt() * shock };
                    state
                })
                .collect();
            backtest(5, 24, 24, &["x"], |w, _, h| draws[w as usize * 24 + h])
        };
        let (a, b) = (errors(), errors());
        compare_windows(&a, &b, Loss::Absolute).unwrap().test.unwrap().p_value
    });
    // then about 5 % are rejected; three standard errors of 1,000 simulations are 2.1 %
    assert!((0.02..0.072).contains(&rate), "{rate}");
}
