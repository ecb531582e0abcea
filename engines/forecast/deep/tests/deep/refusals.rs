//! What is refused, and in which words.

use std::sync::atomic::{AtomicUsize, Ordering};

use atsre_domain::model::{Device, Setting};
use atsre_forecast::{ForecastError, Progress, Registry, run};
use atsre_forecast_deep::device::{self, SoftwareAdapter};
use atsre_forecast_deep::register;

use crate::fixture::{HORIZON, forecast, integer, job, noisy_sine, number, panel};

#[test]
fn a_training_that_diverges_is_a_numerical_failure_with_its_step() {
    let job = job(panel(vec![noisy_sine(400, 0.5, 30)]), &[("learning_rate", number(1e30))]);
    match forecast(&job) {
        Err(ForecastError::Numerical { model, problem }) => {
            assert_eq!(model, "nhits");
            assert!(problem.contains("training step") && problem.contains("learning_rate"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_infinite_value_is_a_numerical_failure_with_its_row() {
    let mut series = noisy_sine(400, 0.5, 31);
    series[123] = f64::INFINITY;
    match forecast(&job(panel(vec![series]), &[])) {
        Err(ForecastError::Numerical { problem, .. }) => {
            assert!(problem.contains("row 123 of series `series 0`"), "{problem}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_series_without_a_window_is_too_short() {
    let job = job(panel(vec![noisy_sine(HORIZON + 3, 0.5, 32)]), &[]);
    assert!(matches!(forecast(&job), Err(ForecastError::TooShort { needed, .. }) if needed == HORIZON + 4));
}

#[test]
fn unknown_and_unusable_settings_are_named() {
    for (name, value) in [("widht", integer(3)), ("hidden", integer(0)), ("steps", Setting::Text("many".to_string()))] {
        match forecast(&job(panel(vec![noisy_sine(200, 0.5, 33)]), &[(name, value)])) {
            Err(ForecastError::Setting { setting, .. }) => assert_eq!(setting, name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_cancelled_training_stops() {
    struct Impatient(AtomicUsize);
    impl Progress for Impatient {
        fn report(&self, _fraction: f64, _message: &str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed) >= 2
        }
    }
    let mut registry = Registry::default();
    register(&mut registry);
    let job = job(panel(vec![noisy_sine(400, 0.5, 34)]), &[("steps", integer(1_000_000))]);
    assert!(matches!(run(&job, &registry, &Impatient(AtomicUsize::new(0))), Err(ForecastError::Cancelled)));
}

#[test]
fn without_a_real_gpu_the_gpu_is_refused_with_what_to_do() {
    if device::adapters().iter().any(|a| !a.software) {
        println!("skipped: this machine has a GPU");
        return;
    }
    let refused = device::open(Device::Gpu, SoftwareAdapter::Refuse).unwrap_err();
    assert!(refused.to_string().contains("run with device `cpu`"), "{refused}");
    let mut job = job(panel(vec![noisy_sine(200, 0.5, 35)]), &[]);
    job.spec.device = Device::Gpu;
    assert!(matches!(forecast(&job), Err(ForecastError::Backend { .. })));
}
