//! Closed-form linear maps: known answers, other units, hostile input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use crate::common;

use atsre_forecast::direct::{Anchor, Form, Options, learn};

const NAMES: [&str; 3] = ["nlinear", "dlinear", "fits"];

fn options(anchor: Anchor, form: Form) -> Options {
    Options { lags: 24, anchor, forms: vec![form], intercept: false, penalty: None }
}

/// Two waves and a line, which a linear recurrence continues for ever.
fn waves(length: usize) -> Vec<f64> {
    (0..length)
        .map(|t| {
            let t = t as f64;
            3.0 * (t * 0.6).sin() + (t * 1.7).cos() + 0.02 * t + 40.0
        })
        .collect()
}

#[test]
fn a_linear_recurrence_is_continued_exactly() {
    // Given a series that obeys one, and its continuation
    let whole = waves(430);
    for (anchor, form) in
        [(Anchor::Last, Form::Plain), (Anchor::Last, Form::Decomposed(5)), (Anchor::Mean, Form::LowPass(256))]
    {
        // When a map learns the first 400 values and continues the last of them
        let map = learn(&[&whole[..400]], 30, &options(anchor, form)).unwrap();
        let ahead = map.continuation(&whole[..400], 0.0, 1.0);
        // Then the continuation is met
        for (h, (a, b)) in ahead.iter().zip(&whole[400..]).enumerate() {
            assert!((a - b).abs() < 0.05, "{form:?} step {h}: {a} {b}");
        }
        // and the map knows that it errs little
        assert!(map.deviations().iter().all(|d| *d < 0.02));
    }
}

#[test]
fn noise_asks_for_a_larger_penalty_than_a_clear_signal() {
    let noise: Vec<f64> = (0..300_u64).map(|t| ((t * 7919 + t * t * 104_729) % 1_009) as f64).collect();
    let penalty = |values: &[f64]| learn(&[values], 5, &options(Anchor::Mean, Form::Plain)).unwrap().chosen().1;
    assert!(penalty(&noise) > 10.0 * penalty(&waves(300)));
}

#[test]
fn a_map_of_a_panel_uses_every_series() {
    // Given series that obey the same recurrence, in other units, one too short to teach it
    let series: Vec<Vec<f64>> = [1.0, 10.0].iter().map(|s| waves(300).iter().map(|v| v * s).collect()).collect();
    let mut all: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
    let short = &series[0][..20];
    all.push(short);
    // When one map learns from all
    let map = learn(&all, 6, &options(Anchor::Last, Form::Plain)).unwrap();
    // Then it serves the others' continuation
    let ahead = map.continuation(&series[1][..290], 0.0, 1.0);
    assert!(ahead.iter().zip(&series[1][290..296]).all(|(a, b)| (a - b).abs() < 1.0));
    // and without a window to learn from there is an error that says so
    let error = learn(&[short], 6, &options(Anchor::Last, Form::Plain)).unwrap_err();
    assert!(error.to_string().contains("30 values"), "{error}");
}

#[test]
fn hostile_series_have_a_finite_continuation() {
    let nan = f64::NAN;
    let mut gaps = waves(80);
    gaps.iter_mut().step_by(3).for_each(|v| *v = nan);
    let wild: Vec<Vec<f64>> = vec![
        vec![0.0; 60],
        vec![7.0; 60],
        waves(60).iter().map(|v| v * 1e300).collect(),
        waves(60).iter().map(|v| v * 1e-300).collect(),
        [vec![0.0; 59], vec![1.0]].concat(),
        (0..60).map(f64::from).collect(),
        gaps,
    ];
    for name in NAMES {
        for (i, values) in wild.iter().enumerate() {
            let mut series = common::series("a", values.len(), 1);
            series.target.clone_from(values);
            let mut job = common::job(name, common::panel(vec![series]));
            job.backtest.windows = 1;
            let result = common::execute(&job);
            assert!(result.is_ok(), "{name}, series {i}: {:?}", result.err());
        }
    }
}

#[test]
fn the_catalogues_maps_beat_the_last_value_and_do_not_depend_on_threads() {
    for name in NAMES {
        let panel = common::panel(vec![common::series("a", 400, 1), common::series("b", 350, 2)]);
        let mut job = common::job(name, panel);
        let one = common::execute(&job).unwrap();
        job.threads = 2;
        assert_eq!(one, common::execute(&job).unwrap());
        job.spec.model = "naive".to_string();
        let naive = common::execute(&job).unwrap();
        let error = |result: &atsre_forecast::TrialResult| -> f64 {
            result.windows.iter().flat_map(|w| w.actual.iter().zip(&w.mean)).map(|(a, b)| (a - b).abs()).sum()
        };
        assert!(error(&one) < 0.6 * error(&naive), "{name}: {} {}", error(&one), error(&naive));
    }
}
