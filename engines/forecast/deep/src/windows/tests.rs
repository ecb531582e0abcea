use rand::SeedableRng;

use super::*;

fn shape(input_size: usize, horizon: usize) -> WindowShape {
    WindowShape { input_size, horizon, covariate_context: 2, known: 0, past: 0, constant: 0, phases: 0, mask: false }
}

fn series(target: Vec<f64>) -> EncodedSeries {
    EncodedSeries { item_id: String::new(), target, known: vec![], past: vec![], constant: vec![], phases: vec![] }
}

fn ramp(length: usize) -> Vec<f64> {
    (0..length).map(|i| i as f64).collect()
}

#[test]
fn no_window_to_learn_from_reaches_into_what_is_held_out() {
    let lengths = [9, 12, 30, 47, 120, 500];
    let set = WindowSet::new(shape(10, 4), Scaling::Standard, lengths.iter().map(|l| series(ramp(*l))).collect());
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut first_held_out = lengths;
    for position in set.evaluation() {
        let first = &mut first_held_out[position.series];
        *first = (*first).min(position.origin);
        assert!(position.origin + 4 <= lengths[position.series]);
    }
    assert!(first_held_out[4] < 120 && first_held_out[0] == 9, "{first_held_out:?}");
    let drawn = set.draw(20_000, &mut random);
    assert!(drawn.iter().all(|p| p.origin + 4 <= first_held_out[p.series] && p.origin >= 2));
    // 20,000 draws from fewer than 600 windows: each one comes.
    let mut places: Vec<_> = drawn.iter().map(|p| (p.series, p.origin)).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len() as u64, set.len());
}

#[test]
fn a_window_is_normalised_by_itself_and_gaps_repeat_the_value_before() {
    let mut values = ramp(12);
    values[1] = f64::NAN;
    values[5] = f64::NAN;
    let set = WindowSet::new(WindowShape { mask: true, ..shape(4, 2) }, Scaling::Standard, vec![series(values)]);
    let batch = set.batch(&[Position { series: 0, origin: 4 }]);
    // Observed 0, 2, 3: mean 5/3, standard deviation sqrt(14)/3.
    let normal = |v: f64| ((v - 5.0 / 3.0) / (14.0_f64.sqrt() / 3.0)) as f32;
    for (got, expect) in batch.windows.iter().zip([0.0, 0.0, 2.0, 3.0].map(normal)) {
        assert!((got - expect).abs() < 1e-6, "{:?}", batch.windows);
    }
    assert_eq!(batch.features, [1.0, 0.0, 1.0, 1.0]);
    assert!((batch.targets[0] - normal(4.0)).abs() < 1e-6 && batch.targets[1] == batch.targets[0]);
    assert!(batch.weights[0] > 0.0 && batch.weights[1] == 0.0);
}

#[test]
fn a_window_before_the_start_is_padded_and_said_to_be() {
    let set = WindowSet::new(WindowShape { mask: true, ..shape(4, 2) }, Scaling::Standard, vec![series(ramp(12))]);
    let batch = set.batch(&[Position { series: 0, origin: 2 }]);
    // The deviation of 0 and 1, a half, is above a tenth of the series' own.
    assert_eq!(batch.windows, [0.0, 0.0, -1.0, 1.0]);
    assert_eq!(batch.features, [0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn covariates_are_shown_where_they_belong_and_never_past_the_horizon() {
    let mut one = series(ramp(10));
    one.known = (0..12).map(|i| i as f32).collect();
    one.past = (0..10).map(|i| 100.0 + i as f32).collect();
    one.constant = vec![7.0];
    one.phases = (0..22).map(|i| 1_000.0 + i as f32).collect();
    let set = WindowSet::new(
        WindowShape { known: 1, past: 1, constant: 1, phases: 2, ..shape(4, 2) },
        Scaling::Standard,
        vec![one],
    );
    let features = |origin| set.batch(&[Position { series: 0, origin }]).features;
    assert_eq!(features(5), [3.0, 4.0, 5.0, 6.0, 103.0, 104.0, 7.0, 1_010.0, 1_011.0]);
    assert_eq!(features(10), [8.0, 9.0, 10.0, 11.0, 108.0, 109.0, 7.0, 1_020.0, 1_021.0]);
    assert_eq!(set.shape().features(), 9);
}

#[test]
fn constants_are_not_blown_up() {
    assert_eq!(Scaling::Standard.of(&[5.0; 8], 0.0), Normalisation { centre: 5.0, scale: 1.0 });
    assert_eq!(Scaling::Standard.of(&[0.1; 7], 0.0).scale, 1.0);
    assert_eq!(Scaling::Standard.of(&[5.0; 8], 20.0).scale, 2.0);
}
