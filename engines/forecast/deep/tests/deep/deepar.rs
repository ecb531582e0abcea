//! DeepAR and the distribution of counts.

use atsre_domain::model::{Device, Setting};
use atsre_domain::panel::{Covariate, CovariateKind};
use atsre_forecast::catalogue::{DEEPAR, DLINEAR_NET, NHITS};
use atsre_forecast::{ForecastError, TrialResult};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::fixture::{HORIZON, SEASON, error_of, forecast, integer, noisy_sine, with_covariates};
use crate::nets::{bits, job_of, naive_error};

fn text(value: &str) -> Setting {
    Setting::Text(value.to_string())
}

/// Sales of about four a moment, more by day than by night, overdispersed.
fn sales(length: usize, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = move || random.random_range(f64::MIN_POSITIVE..1.0);
    (0..length)
        .map(|moment| {
            let day = (moment as f64 * std::f64::consts::TAU / SEASON as f64).sin();
            let mean = 4.0 * (0.9 * day).exp() * -unit().ln().midpoint(unit().ln());
            // Knuth's Poisson.
            let (limit, mut product, mut count) = ((-mean).exp(), unit(), 0.0);
            while product > limit {
                product *= unit();
                count += 1.0;
            }
            count
        })
        .collect()
}

fn coverage(result: &TrialResult) -> f64 {
    let inside = |window: &atsre_forecast::WindowForecast, step: usize| {
        let at: Vec<f64> = window.quantiles.iter().map(|q| q[step]).collect();
        assert!(at.is_sorted(), "{at:?}");
        f64::from(u8::from(at[0] <= window.actual[step] && window.actual[step] <= at[4]))
    };
    let each: Vec<f64> = result.windows.iter().flat_map(|w| (0..HORIZON).map(|s| inside(w, s))).collect();
    each.iter().sum::<f64>() / each.len() as f64
}

#[test]
fn every_likelihood_of_deepar_learns_and_covers_about_what_it_promises() {
    let series = noisy_sine(900, 1.0, 90);
    for loss in ["gaussian", "student-t"] {
        let settings = [("steps", integer(200)), ("loss", text(loss)), ("samples", integer(200))];
        let mut job = job_of(DEEPAR, vec![series.clone()], &settings);
        job.backtest.windows = 20;
        let result = forecast(&job).unwrap();
        let (error, naive) = (error_of(&result), naive_error(&result, &series));
        println!("{loss}: coverage {:.2}, error {error:.3}, seasonal naive {naive:.3}", coverage(&result));
        assert!((0.6..=0.98).contains(&coverage(&result)), "{loss}: coverage {}", coverage(&result));
        assert!(error < naive, "{loss}: {error}, seasonal naive {naive}");
    }
}

#[test]
fn counts_have_whole_quantiles_that_cover_and_beat_the_seasonal_naive() {
    let series = sales(900, 91);
    for model in [DEEPAR, NHITS, DLINEAR_NET] {
        let settings = [("steps", integer(150)), ("loss", text("negative-binomial"))];
        let mut job = job_of(model, vec![series.clone()], &settings);
        job.backtest.windows = 8;
        let result = forecast(&job).unwrap();
        let (error, naive) = (error_of(&result), naive_error(&result, &series));
        println!("{model}: coverage {:.2}, error {error:.3}, seasonal naive {naive:.3}", coverage(&result));
        assert!(error < 0.95 * naive, "{model}: {error}, seasonal naive {naive}");
        assert!((0.7..=0.99).contains(&coverage(&result)), "{model}: coverage {}", coverage(&result));
        let quantiles = result.forecasts[0].quantiles.iter().flatten();
        assert!(quantiles.clone().all(|q| q.fract() == 0.0 && *q >= 0.0), "{model}");
    }
}

#[test]
fn what_is_no_count_is_refused_by_the_loss_of_counts_with_its_row() {
    let with = |value: f64| {
        let mut series = sales(400, 92);
        series[17] = value;
        forecast(&job_of(NHITS, vec![series], &[("loss", text("negative-binomial"))]))
    };
    for value in [-1.0, 2.5, 1e9] {
        match with(value) {
            Err(ForecastError::Setting { setting, problem, .. }) => {
                assert!(setting == "loss" && problem.contains("row 17 of series `series 0`"), "{problem}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn deepar_refuses_quantiles_as_a_loss() {
    let job = job_of(DEEPAR, vec![noisy_sine(400, 1.0, 93)], &[("loss", text("quantile"))]);
    assert!(matches!(forecast(&job), Err(ForecastError::Setting { setting, .. }) if setting == "loss"));
}

#[test]
fn deepar_uses_a_covariate_that_is_known_ahead_and_has_no_place_for_others() {
    // The target follows a random switch that only the covariate announces.
    let switch: Vec<f64> = noisy_sine(700 + HORIZON, 1.0, 94)
        .iter()
        .zip(noisy_sine(700 + HORIZON, 1.0, 95))
        .map(|(a, b)| f64::from(u8::from(a - b > 0.0)))
        .collect();
    let target: Vec<f64> = noisy_sine(700, 0.2, 96).iter().zip(&switch).map(|(y, s)| y + 6.0 * s).collect();
    let result = |kind| {
        let mut job = job_of(DEEPAR, vec![], &[("steps", integer(250)), ("input_multiple", integer(3))]);
        let column = Covariate { name: "switch".to_string(), kind, levels: None };
        job.panel = with_covariates(vec![(target.clone(), vec![switch.clone()])], vec![column]);
        job.spec.covariates = vec!["switch".to_string()];
        job.backtest.windows = 4;
        forecast(&job).unwrap()
    };
    let (known, past) = (result(CovariateKind::Known), result(CovariateKind::Past));
    assert!(error_of(&known) < 0.5 * error_of(&past), "known {}, past {}", error_of(&known), error_of(&past));
}

#[test]
fn deepar_scales_its_paths_with_the_data_and_draws_them_from_the_seed() {
    let series = noisy_sine(400, 0.5, 97);
    let doubled: Vec<f64> = series.iter().map(|v| 1_024.0 * v).collect();
    let settings = [("steps", integer(10))];
    let plain = forecast(&job_of(DEEPAR, vec![series.clone()], &settings)).unwrap();
    let scaled = forecast(&job_of(DEEPAR, vec![doubled], &settings)).unwrap();
    for (a, b) in plain.forecasts[0].quantiles.iter().flatten().zip(scaled.forecasts[0].quantiles.iter().flatten()) {
        assert!((b - 1_024.0 * a).abs() < 1e-9 * b.abs(), "{b} instead of {}", 1_024.0 * a);
    }
    let mut other = job_of(DEEPAR, vec![series], &settings);
    assert_eq!(other.spec.device, Device::Cpu);
    assert_eq!(bits(&forecast(&other).unwrap()), bits(&plain));
    other.seed += 1;
    assert_ne!(bits(&forecast(&other).unwrap()), bits(&plain));
}
