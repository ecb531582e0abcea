//! The same job gives the same bits, and units do not matter.

use std::sync::Mutex;

use crate::child;
use crate::fixture::{forecast, integer, job, noisy_sine, panel};
use atsre_forecast::TrialResult;

fn bits(result: &TrialResult) -> Vec<u64> {
    result
        .forecasts
        .iter()
        .flat_map(|f| f.quantiles.iter().chain([&f.mean]).flatten().map(|v| v.to_bits()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bits_even_beside_other_trainings() {
    let steps = &[("steps", integer(40))];
    let job = job(panel(vec![noisy_sine(400, 0.5, 20)]), steps);
    let alone = bits(&forecast(&job).unwrap());
    // burn's own random generator is one for the process: a training that drew from it would differ here.
    let together = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| together.lock().unwrap().push(bits(&forecast(&job).unwrap())));
        }
    });
    assert!(together.into_inner().unwrap().iter().all(|b| *b == alone));
    let mut other = job.clone();
    other.seed += 1;
    assert_ne!(bits(&forecast(&other).unwrap()), alone);
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    const NAME: &str = "repeatability::the_number_of_threads_does_not_change_a_bit";
    if child::is_child(NAME) {
        // Large enough that the kernels do split their work.
        let job = job(
            panel(vec![noisy_sine(400, 0.5, 21)]),
            &[("steps", integer(8)), ("batch_size", integer(512)), ("hidden", integer(256))],
        );
        let mut job = job;
        job.threads = std::env::var("RAYON_NUM_THREADS").unwrap().parse().unwrap();
        println!("bits={:x?}", bits(&forecast(&job).unwrap()));
        return;
    }
    let of = |threads| child::value(&child::run(NAME, &[("RAYON_NUM_THREADS", threads)]), "bits").unwrap();
    assert_eq!(of("1"), of("2"));
}

#[test]
fn shifting_and_scaling_the_data_shifts_and_scales_the_forecast() {
    let series = noisy_sine(400, 0.5, 22);
    let moved: Vec<f64> = series.iter().map(|v| 1_000.0 * v - 3_000.0).collect();
    let steps = &[("steps", integer(40))];
    let plain = forecast(&job(panel(vec![series]), steps)).unwrap();
    let moved = forecast(&job(panel(vec![moved]), steps)).unwrap();
    for (a, b) in plain.forecasts[0].quantiles.iter().flatten().zip(moved.forecasts[0].quantiles.iter().flatten()) {
        let expected = 1_000.0 * a - 3_000.0;
        // Inputs differ by a rounding of f32 each; forty steps of training may enlarge it.
        assert!((b - expected).abs() < 1e-2 * 3_000.0, "{b} instead of {expected}");
    }
}
