//! What holds for every trained network.

use std::sync::atomic::{AtomicUsize, Ordering};

use atsre_domain::model::Setting;
use atsre_domain::panel::{Covariate, CovariateKind};
use atsre_forecast::catalogue::{
    DEEPAR, DLINEAR_NET, NBEATS, NBEATS_INTERPRETABLE, NHITS, NLINEAR_NET, PATCHTST, TFT, TIDE,
};
use atsre_forecast::{ForecastError, Progress, Registry, TrialJob, TrialResult, run};
use atsre_forecast_deep::register;

use crate::child;
use crate::fixture::{HORIZON, SEASON, error_of, forecast, integer, job, noisy_sine, number, panel, with_covariates};

const ALL: [&str; 8] = [NLINEAR_NET, DLINEAR_NET, NBEATS, NBEATS_INTERPRETABLE, TIDE, PATCHTST, DEEPAR, TFT];

fn text(value: &str) -> Setting {
    Setting::Text(value.to_string())
}

/// A job of a small network of this kind.
pub(crate) fn job_of(model: &str, targets: Vec<Vec<f64>>, settings: &[(&str, Setting)]) -> TrialJob {
    let mut job = job(panel(targets), settings);
    job.spec.model = model.to_string();
    let own: &[(&str, Setting)] = match model {
        NLINEAR_NET | DLINEAR_NET => &[("learning_rate", number(0.01))],
        NBEATS => &[("stacks", integer(2)), ("layers", integer(2))],
        NBEATS_INTERPRETABLE => &[("blocks", integer(2)), ("layers", integer(2))],
        TIDE => &[("layers", integer(1)), ("temporal_hidden", integer(16))],
        PATCHTST => &[("layers", integer(1)), ("hidden", integer(16)), ("feed_forward", integer(32))],
        TFT => &[
            ("hidden", integer(16)),
            ("heads", integer(2)),
            ("input_multiple", integer(3)),
            ("batch_size", integer(16)),
        ],
        DEEPAR => &[("layers", integer(1)), ("hidden", integer(24)), ("samples", integer(60))],
        _ => &[],
    };
    if matches!(model, NLINEAR_NET | DLINEAR_NET) {
        job.spec.hyperparameters.remove("hidden");
    }
    for (name, value) in own {
        job.spec.hyperparameters.insert((*name).to_string(), value.clone());
    }
    for (name, value) in settings {
        job.spec.hyperparameters.insert((*name).to_string(), value.clone());
    }
    job
}

pub(crate) fn bits(result: &TrialResult) -> Vec<u64> {
    let values = |f: &atsre_forecast::SeriesForecast| {
        f.quantiles.iter().chain([&f.mean]).flatten().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    result.forecasts.iter().flat_map(values).collect()
}

pub(crate) fn naive_error(result: &TrialResult, series: &[f64]) -> f64 {
    let windows = result.windows.iter();
    let errors = windows.flat_map(|w| {
        (0..HORIZON).map(|s| (w.actual[s] - series[w.origin as usize + s - SEASON]).abs()).collect::<Vec<_>>()
    });
    errors.sum::<f64>() / (result.windows.len() * HORIZON) as f64
}

#[test]
fn every_network_forecasts_a_noisy_sine_better_than_the_seasonal_naive() {
    let series = noisy_sine(900, 1.0, 60);
    for model in ALL {
        let mut job = job_of(model, vec![series.clone()], &[("steps", integer(200))]);
        job.backtest.windows = 6;
        let result = forecast(&job).unwrap();
        let (error, naive) = (error_of(&result), naive_error(&result, &series));
        println!("{model}: {error:.3}, seasonal naive {naive:.3}");
        assert!(error < 0.95 * naive, "{model} {error}, seasonal naive {naive}");
    }
}

#[test]
fn every_loss_gives_quantiles_that_ascend_and_cover_about_what_they_promise() {
    let series = noisy_sine(900, 1.0, 61);
    for (loss, schedule) in [("quantile", "one-cycle"), ("gaussian", "cosine"), ("student-t", "cosine")] {
        let settings = [("steps", integer(200)), ("loss", text(loss)), ("schedule", text(schedule))];
        for model in [DLINEAR_NET, NHITS] {
            let mut job = job_of(model, vec![series.clone()], &settings);
            job.backtest.windows = 10;
            let result = forecast(&job).unwrap();
            let (mut inside, mut count) = (0, 0);
            for window in &result.windows {
                for step in 0..HORIZON {
                    let at: Vec<f64> = window.quantiles.iter().map(|q| q[step]).collect();
                    assert!(at.is_sorted(), "{at:?}");
                    inside += usize::from(at[0] <= window.actual[step] && window.actual[step] <= at[4]);
                    count += 1;
                }
            }
            let coverage = inside as f64 / f64::from(count);
            println!("{model} {loss}: coverage {coverage:.2}, error {:.3}", error_of(&result));
            assert!((0.65..=0.97).contains(&coverage), "{model} {loss}: coverage {coverage}");
            assert!(error_of(&result) < naive_error(&result, &series), "{model} {loss}");
        }
    }
}

#[test]
fn the_networks_give_the_same_bits_from_the_same_seed_and_on_one_and_two_threads() {
    const NAME: &str = "nets::the_networks_give_the_same_bits_from_the_same_seed_and_on_one_and_two_threads";
    let result = |model: &str, seed: u64, threads: u32| {
        let large = [("steps", integer(4)), ("batch_size", integer(256))];
        let mut job = job_of(model, vec![noisy_sine(400, 0.5, 62)], &large);
        (job.seed, job.threads) = (seed, threads);
        bits(&forecast(&job).unwrap())
    };
    if child::is_child(NAME) {
        let threads = std::env::var("RAYON_NUM_THREADS").unwrap().parse().unwrap();
        for model in ALL {
            println!("{model}={:x?}", result(model, 7, threads));
        }
        return;
    }
    let of = |threads| child::run(NAME, &[("RAYON_NUM_THREADS", threads)]);
    let (one, two) = (of("1"), of("2"));
    for model in ALL {
        let line = |output| child::value(output, model).expect("the child died");
        assert_eq!(line(&one), line(&two), "{model}");
        assert_eq!(line(&one), format!("{:x?}", result(model, 7, 1)), "{model}");
        assert_ne!(line(&one), format!("{:x?}", result(model, 8, 1)), "{model}");
    }
}

#[test]
fn shifting_and_scaling_the_data_shifts_and_scales_every_forecast() {
    let series = noisy_sine(400, 0.5, 63);
    let moved: Vec<f64> = series.iter().map(|v| 1_000.0 * v - 3_000.0).collect();
    // DeepAR scales alone: its windows are not shifted.
    for model in ALL.into_iter().filter(|model| *model != DEEPAR) {
        let result =
            |series: &[f64]| forecast(&job_of(model, vec![series.to_vec()], &[("steps", integer(20))])).unwrap();
        let (plain, moved) = (result(&series), result(&moved));
        for (a, b) in plain.forecasts[0].quantiles.iter().flatten().zip(moved.forecasts[0].quantiles.iter().flatten()) {
            let expected = 1_000.0 * a - 3_000.0;
            // Inputs differ by a rounding of f32 each; twenty steps of training may enlarge it.
            assert!((b - expected).abs() < 1e-2 * 3_000.0, "{model}: {b} instead of {expected}");
        }
    }
}

#[test]
fn a_series_without_a_window_is_too_short_for_every_network() {
    for model in ALL {
        let job = job_of(model, vec![noisy_sine(HORIZON + 3, 0.5, 64)], &[]);
        assert!(
            matches!(forecast(&job), Err(ForecastError::TooShort { needed, .. }) if needed == HORIZON + 4),
            "{model}"
        );
    }
}

#[test]
fn hostile_series_have_finite_forecasts_from_every_network() {
    let gaps: Vec<f64> = (0..80).map(|i| if i % 7 < 3 { f64::NAN } else { f64::from(i) }).collect();
    let large: Vec<f64> = noisy_sine(60, 0.5, 65).iter().map(|v| v * 1e290).collect();
    let small: Vec<f64> = noisy_sine(60, 0.5, 66).iter().map(|v| v * 1e-290).collect();
    let series = [vec![3.0; 60], vec![0.0; 60], gaps, large, small, noisy_sine(HORIZON + 4, 0.5, 67)];
    for model in ALL {
        for (place, target) in series.iter().enumerate() {
            let job = job_of(model, vec![target.clone()], &[("steps", integer(3)), ("batch_size", integer(8))]);
            match forecast(&job) {
                Ok(result) => {
                    let forecast = &result.forecasts[0];
                    let mut values = forecast.quantiles.iter().chain([&forecast.mean]).flatten();
                    assert!(values.all(|v| v.is_finite()), "{model} on series {place}");
                }
                Err(ForecastError::Numerical { .. }) => assert!(place == 3, "{model} on series {place}"),
                Err(other) => panic!("{model} on series {place}: {other:?}"),
            }
        }
    }
}

#[test]
fn networks_with_covariates_use_one_that_is_known_ahead() {
    // The target follows a random switch that only the covariate announces.
    let switch: Vec<f64> = noisy_sine(900 + HORIZON, 1.0, 68)
        .iter()
        .zip(noisy_sine(900 + HORIZON, 1.0, 69))
        .map(|(a, b)| f64::from(u8::from(a - b > 0.0)))
        .collect();
    let target: Vec<f64> = noisy_sine(900, 0.2, 70).iter().zip(&switch).map(|(y, s)| y + 6.0 * s).collect();
    for model in [TIDE, TFT] {
        let error = |kind| {
            let mut job = job_of(model, vec![], &[("steps", integer(200))]);
            let column = Covariate { name: "switch".to_string(), kind, levels: None };
            job.panel = with_covariates(vec![(target.clone(), vec![switch.clone()])], vec![column]);
            job.spec.covariates = vec!["switch".to_string()];
            job.backtest.windows = 5;
            error_of(&forecast(&job).unwrap())
        };
        let (known, past) = (error(CovariateKind::Known), error(CovariateKind::Past));
        println!("{model}: known {known:.3}, past {past:.3}");
        assert!(known < 0.5 * past, "{model}: known {known}, past {past}");
    }
}

#[test]
fn tft_takes_static_covariates() {
    // Two series of the same past, of which one jumps up where the other jumps down, at moments that nothing tells.
    let jumps = |t: usize| (t / 7).wrapping_mul(2_654_435_761).is_multiple_of(3);
    let series = |sign: f64| -> Vec<f64> {
        let noise = noisy_sine(600, 0.2, 74).into_iter().enumerate();
        noise.map(|(t, y)| y + sign * f64::from(jumps(t)) * 8.0).collect()
    };
    let column = Covariate {
        name: "kind".to_string(),
        kind: CovariateKind::Static,
        levels: Some(vec!["up".to_string(), "down".to_string()]),
    };
    let mut job = job_of(TFT, vec![], &[("steps", integer(6))]);
    let one = |sign: f64, level: f64| (series(sign), vec![vec![level; 600]]);
    job.panel = with_covariates(vec![one(1.0, 0.0), one(-1.0, 1.0)], vec![column]);
    job.spec.covariates = vec!["kind".to_string()];
    let result = forecast(&job).unwrap();
    assert!(result.forecasts.iter().flat_map(|f| &f.mean).all(|v| v.is_finite()));
    // Exchanged, the covariates of the same series give other forecasts.
    job.panel.series[0].covariates = vec![vec![1.0; 600]];
    job.panel.series[1].covariates = vec![vec![0.0; 600]];
    assert_ne!(bits(&forecast(&job).unwrap()), bits(&result));
}

#[test]
fn dropout_is_drawn_from_the_seed_and_refused_where_it_leaves_nothing() {
    let series = noisy_sine(400, 0.5, 75);
    for model in [PATCHTST, TFT] {
        let with = |rate: f64| {
            let settings = [("steps", integer(4)), ("dropout", number(rate))];
            forecast(&job_of(model, vec![series.clone()], &settings)).map(|result| bits(&result))
        };
        assert_eq!(with(0.3).unwrap(), with(0.3).unwrap(), "{model}");
        assert_ne!(with(0.3).unwrap(), with(0.0).unwrap(), "{model}");
        assert!(matches!(with(1.0), Err(ForecastError::Setting { setting, .. }) if setting == "dropout"), "{model}");
    }
}

#[test]
fn patchtst_learns_with_layer_norm_and_a_width_that_heads_do_not_divide_is_refused() {
    let series = noisy_sine(600, 0.5, 71);
    let with = |settings: &[(&str, Setting)]| forecast(&job_of(PATCHTST, vec![series.clone()], settings));
    let result = with(&[("steps", integer(20)), ("norm", text("layer"))]).unwrap();
    assert!(result.forecasts[0].mean.iter().all(|v| v.is_finite()));
    let refused = with(&[("hidden", integer(18))]);
    assert!(matches!(refused, Err(ForecastError::Setting { setting, .. }) if setting == "hidden"));
    let refused = forecast(&job_of(TFT, vec![series.clone()], &[("hidden", integer(17))]));
    assert!(matches!(refused, Err(ForecastError::Setting { setting, .. }) if setting == "hidden"));
}

#[test]
fn a_training_whose_time_is_up_forecasts_with_what_it_has_learnt() {
    struct Brief(AtomicUsize);
    impl Progress for Brief {
        fn report(&self, _fraction: f64, _message: &str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            false
        }
        fn out_of_time(&self) -> bool {
            self.0.load(Ordering::Relaxed) >= 4
        }
    }
    let mut registry = Registry::default();
    register(&mut registry);
    let job = job_of(DLINEAR_NET, vec![noisy_sine(400, 0.5, 72)], &[("steps", integer(1_000_000))]);
    let result = run(&job, &registry, &Brief(AtomicUsize::new(0))).unwrap();
    assert!(result.notes.iter().any(|n| n.contains("time was up after step")), "{:?}", result.notes);
    assert!(result.forecasts[0].mean.iter().all(|v| v.is_finite()));
}

#[test]
fn a_loss_that_explodes_without_leaving_the_numbers_is_a_divergence_with_its_step() {
    let job = job_of(DLINEAR_NET, vec![noisy_sine(400, 0.5, 73)], &[("learning_rate", number(1e4))]);
    match forecast(&job) {
        Err(ForecastError::Numerical { problem, .. }) => {
            assert!(problem.contains("diverged: at training step") && problem.contains("learning_rate"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
}
