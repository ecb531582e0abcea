#![allow(clippy::unwrap_used)]

use atsre_domain::metric::Metric;

use super::*;
use crate::job::WindowForecast;

fn close(got: Option<f64>, expect: f64) {
    let got = got.unwrap();
    assert!((got - expect).abs() < 1e-12, "{got} is not {expect}");
}

fn window(actual: &[f64], mean: &[f64], quantiles: &[&[f64]]) -> WindowForecast {
    WindowForecast {
        window: 0,
        item_id: String::new(),
        origin: 0,
        actual: actual.to_vec(),
        mean: mean.to_vec(),
        quantiles: quantiles.iter().map(|r| r.to_vec()).collect(),
        absolute_scale: Some(2.0),
        squared_scale: Some(4.0),
    }
}

#[test]
fn scales_are_seasonal_differences() {
    // Season 2: |3−1|, |5−2|, |4−3| = 2, 3, 1.
    close(absolute_scale(&[1.0, 2.0, 3.0, 5.0, 4.0], 2), 2.0);
    close(squared_scale(&[1.0, 2.0, 3.0, 5.0, 4.0], 2), 14.0 / 3.0);
    // A missing value takes both of its pairs with it: |2−1| = 1 is left.
    close(absolute_scale(&[1.0, 2.0, f64::NAN, 5.0], 1), 1.0);
    assert_eq!(absolute_scale(&[4.0, 4.0, 4.0], 1), None);
    assert_eq!(absolute_scale(&[4.0], 1), None);
}

#[test]
fn hand_computed_errors_agree() {
    let (y, f) = ([10.0, f64::NAN, 20.0], [12.0, 5.0, 16.0]);
    close(mae(&y, &f), 3.0);
    close(mse(&y, &f), 10.0);
    // 200·2/22 and 200·4/36, averaged.
    close(smape(&y, &f), (400.0 / 22.0 + 800.0 / 36.0) / 2.0);
    close(smape(&[0.0, 1.0], &[0.0, 1.0]), 0.0);
    close(coverage(&y, &[9.0, 0.0, 20.5], &[11.0, 1.0, 21.0]), 0.5);
    assert_eq!(mae(&[f64::NAN], &[1.0]), None);
    assert!((pinball(0.9, 10.0, 8.0) - 1.8).abs() < 1e-12);
    assert!((pinball(0.9, 8.0, 10.0) - 0.2).abs() < 1e-12);
}

#[test]
fn scaled_and_weighted_scores_agree_with_hand_computation() {
    let windows = [window(&[10.0, 20.0], &[12.0, 16.0], &[&[8.0, 14.0], &[13.0, 19.0]])];
    let levels = [0.1, 0.9];
    let value = |metric| score(metric, &windows, &levels).map(|(v, _)| v);
    close(value(Metric::Mase), 1.5);
    close(value(Metric::Rmsse), (10.0_f64 / 4.0).sqrt());
    close(value(Metric::Rmse), 10.0_f64.sqrt());
    close(value(Metric::Coverage), 0.5);
    // Level 0.1: 0.1·2 + 0.1·6 = 0.8; level 0.9: 0.1·3 + 0.9·1 = 1.2; mean of 2·(0.8, 1.2) = 2, over 30.
    close(value(Metric::Wql), 2.0 / 30.0);
    assert_eq!(score(Metric::Mase, &windows, &levels).unwrap().1, None);
}

#[test]
fn half_widths_are_students() {
    // Absolute errors 1..5: mean 3, standard deviation √2.5, t(4, 0.975) = 2.776445.
    let windows: Vec<_> = (1..=5).map(|e| window(&[f64::from(e)], &[0.0], &[])).collect();
    let (value, half) = score(Metric::Mae, &windows, &[]).unwrap();
    close(Some(value), 3.0);
    assert!((half.unwrap() - 2.776_445 * (2.5_f64 / 5.0).sqrt()).abs() < 1e-5);
    assert!(score(Metric::Wql, &windows, &[]).is_none());
}

#[test]
fn point_measures_agree_with_hand_computation() {
    // given errors of 2 and −4 on 10 and 20, and a history whose differences are 1, 2 and −1
    let (y, f, history) = ([10.0, 20.0], [12.0, 16.0], [1.0, 2.0, 4.0, 3.0]);
    // then every measure is what the formula says
    close(rmse(&y, &f), 10.0_f64.sqrt());
    close(mape(&y, &f), 20.0);
    close(wape(&y, &f), 6.0 / 30.0);
    close(bias(&y, &f), -1.0);
    close(mase(&y, &f, &history, 1), 3.0 / (4.0 / 3.0));
    close(rmsse(&y, &f, &history, 1), (10.0_f64 / 2.0).sqrt());
    close(owa(12.0, 0.9, 15.0, 1.2), 0.5 * (0.8 + 0.75));
    // and what is undefined is none
    assert_eq!(mape(&[0.0, 1.0], &[1.0, 1.0]), None);
    assert_eq!(wape(&[0.0, 0.0], &[1.0, 1.0]), None);
    assert_eq!(mase(&y, &f, &[5.0, 5.0, 5.0], 1), None);
    assert_eq!(owa(1.0, 1.0, 0.0, 1.0), None);
    assert_eq!(mape(&[f64::NAN], &[1.0]), None);
}

#[test]
fn interval_scores_add_width_and_misses() {
    // given a 80 % interval of width 4 that holds the first value, misses the second by 1 and the third by 3
    let score = interval_score(0.8, &[5.0, 2.0, 10.0], &[3.0; 3], &[7.0; 3]);
    // then misses cost 2 / 0.2 each
    close(score, 4.0 + (10.0 + 30.0) / 3.0);
    close(interval_score(0.8, &[f64::NAN, 5.0], &[3.0; 2], &[7.0; 2]), 4.0);
    assert_eq!(interval_score(1.0, &[5.0], &[3.0], &[7.0]), None);
    // and the score is the sum of the two pinball losses, twice over α
    let pair = pinball(0.1, 2.0, 3.0) + pinball(0.9, 2.0, 7.0);
    close(interval_score(0.8, &[2.0], &[3.0], &[7.0]), pair / 0.1);
}

#[test]
fn ranked_probability_scores_agree_with_closed_forms() {
    // given the uniform distribution on 0 to 1, whose score is y² − y + 1/3
    let levels: Vec<f64> = (1..2_000).map(|i| f64::from(i) / 2_000.0).collect();
    for y in [0.0, 0.2, 0.5, 0.9] {
        let expect = y * y - y + 1.0 / 3.0;
        assert!((crps_from_quantiles(&levels, &levels, y).unwrap() - expect).abs() < 1e-6);
        assert!((crps_from_samples(&levels, y).unwrap() - expect).abs() < 1e-3);
    }
    // and of one point it is the absolute error
    close(crps_from_quantiles(&[0.3], &[4.0], 6.5), 2.5);
    close(crps_from_samples(&[4.0], 6.5), 2.5);
    // of two points at 0 and 1 with y = 0: E|X − y| = ½, ½ E|X − X′| = ¼
    close(crps_from_samples(&[1.0, 0.0], 0.0), 0.25);
    assert_eq!(crps_from_samples(&[], 0.0), None);
    assert_eq!(crps_from_quantiles(&[0.1, 0.9], &[2.0, 1.0], 0.0), None);
    assert_eq!(crps_from_quantiles(&[0.1], &[2.0], f64::NAN), None);
}

#[test]
fn weighted_quantile_loss_at_the_median_is_wape() {
    let (y, f) = ([10.0, f64::NAN, 20.0], [12.0, 5.0, 16.0]);
    close(weighted_quantile_loss(&[0.5], &y, &[f.to_vec()]), wape(&y, &f).unwrap());
    assert_eq!(weighted_quantile_loss(&[], &y, &[]), None);
}

#[test]
fn series_are_joined_and_the_undefined_counted() {
    let values = [Some(1.0), None, Some(4.0), Some(f64::NAN), Some(16.0)];
    let check = |over, expect: f64| {
        let joined = over_series(values, over).unwrap();
        close(Some(joined.value), expect);
        assert_eq!((joined.series, joined.undefined), (3, 2));
    };
    check(Over::Mean, 7.0);
    check(Over::Median, 4.0);
    check(Over::GeometricMean, 4.0);
    assert_eq!(over_series([None, None], Over::Mean), None);
}
