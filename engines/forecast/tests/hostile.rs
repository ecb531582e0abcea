//! Whatever the data, a model forecasts finite numbers or says what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use atsre_forecast::{FitTask, ForecastError, PredictRequest, Registry, SeriesForecast, Silent, TrainingView};

const MODELS: [&str; 22] = [
    "auto-ets",
    "ets",
    "ses",
    "holt",
    "holt-winters",
    "theta",
    "optimized-theta",
    "dynamic-theta",
    "dynamic-optimized-theta",
    "auto-theta",
    "auto-ces",
    "ces",
    "mstl",
    "naive2",
    "historic-average",
    "window-average",
    "croston",
    "croston-optimized",
    "croston-sba",
    "tsb",
    "adida",
    "imapa",
];

fn forecast(
    model: &str,
    settings: &[(&str, Setting)],
    values: &[f64],
    season_length: usize,
    horizon: usize,
) -> Result<SeriesForecast, ForecastError> {
    let series = Series {
        item_id: "a".to_string(),
        times: (0..values.len()).map(|t| Timestamp(t as i64)).collect(),
        target: values.to_vec(),
        covariates: Vec::new(),
    };
    let frequency = Frequency::every(FrequencyUnit::Step);
    let panel = Panel { target: "y".to_string(), frequency, covariates: Vec::new(), series: vec![series] };
    let spec = ModelSpec {
        framework: "atsre".to_string(),
        model: model.to_string(),
        hyperparameters: settings.iter().map(|(n, v)| ((*n).to_string(), v.clone())).collect::<Hyperparameters>(),
        covariates: Vec::new(),
        device: Device::Cpu,
    };
    let view = TrainingView::of_panel(&panel, horizon);
    let quantile_levels = &[0.025, 0.5, 0.975][..];
    let (seed, threads, progress) = (1, 1, &Silent);
    let mut model = Registry::classical().build(&spec)?;
    model.fit(&FitTask { view: &view, horizon, quantile_levels, season_length, seed, threads, progress })?;
    let found = model.predict(&PredictRequest { view: &view, horizon, quantile_levels, seed, progress })?;
    Ok(found.into_iter().next().unwrap())
}

/// Finite forecasts with ascending quantiles, or a typed error.
fn sane(model: &str, settings: &[(&str, Setting)], what: &str, values: &[f64], season: usize, horizon: usize) {
    match forecast(model, settings, values, season, horizon) {
        Err(ForecastError::TooShort { .. }) => assert!(values.len() < 5, "{model} on {what} is too short"),
        Err(error) => panic!("{model} on {what}: {error}"),
        Ok(found) => {
            assert_eq!(found.mean.len(), horizon);
            let rows = std::iter::once(&found.mean).chain(&found.quantiles);
            assert!(rows.into_iter().flatten().all(|v| v.is_finite()), "{model} on {what}, season {season}: {found:?}");
            for rows in found.quantiles.windows(2) {
                assert!(rows[0].iter().zip(&rows[1]).all(|(low, high)| low <= high), "{model} on {what}");
            }
        }
    }
}

fn noise(t: usize) -> f64 {
    let mut z = (t as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (z >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn series() -> Vec<(String, Vec<f64>)> {
    let wave = |n: usize| (0..n).map(|t| 10.0 + (t % 12) as f64 + noise(t)).collect::<Vec<f64>>();
    let mut all: Vec<(String, Vec<f64>)> = (1..=9).map(|n| (format!("{n} values"), wave(n))).collect();
    for n in [12, 13, 24, 25, 30, 61] {
        all.push((format!("{n} values"), wave(n)));
    }
    for (name, scale) in [("huge", 1e300), ("tiny", 1e-300), ("negative", -1.0)] {
        all.push((name.to_string(), wave(50).iter().map(|v| v * scale).collect()));
    }
    all.push(("constant".to_string(), vec![7.0; 40]));
    all.push(("zero".to_string(), vec![0.0; 40]));
    all.push(("one spike".to_string(), (0..40).map(|t| if t == 20 { 1e6 } else { 0.0 }).collect()));
    all.push(("a last spike".to_string(), (0..40).map(|t| if t == 39 { 5.0 } else { 0.0 }).collect()));
    all.push(("counts".to_string(), (0..60).map(|t| if noise(t) > 0.2 { 3.0 } else { 0.0 }).collect()));
    all.push(("a straight line".to_string(), (0..40).map(|t| 3.0 + 2.0 * t as f64).collect()));
    all.push(("growth without end".to_string(), (0..60).map(|t| 1.7_f64.powi(t)).collect()));
    all.push(("mixed magnitudes".to_string(), (0..40).map(|t| if t % 2 == 0 { 1e-200 } else { 1e200 }).collect()));
    let gaps = wave(60).into_iter().enumerate().map(|(t, v)| if t % 5 == 3 || t < 4 { f64::NAN } else { v });
    all.push(("gaps".to_string(), gaps.collect()));
    all
}

#[test]
fn every_model_answers_every_series_with_finite_numbers() {
    // Given series of all kinds
    for (what, values) in series() {
        for model in MODELS {
            for season in [1, 2, 12, 100] {
                // When they are forecast, Then the forecasts are finite
                sane(model, &[], &what, &values, season, 15);
            }
        }
    }
}

#[test]
fn every_form_of_exponential_smoothing_answers() {
    let text = |t: &str| Setting::Text(t.to_string());
    let hard = ["one spike", "mixed magnitudes", "growth without end", "30 values", "5 values", "counts"];
    for (what, values) in series().into_iter().filter(|(what, _)| hard.contains(&what.as_str())) {
        for error in ["A", "M"] {
            for trend in ["N", "A", "Ad", "M", "Md"] {
                for season in ["N", "A", "M"] {
                    for bounds in ["usual", "admissible"] {
                        let form = format!("{error}{trend}{season}");
                        let settings = [("form", text(&form)), ("bounds", text(bounds))];
                        sane("ets", &settings, &format!("{form} {bounds} on {what}"), &values, 4, 8);
                    }
                }
            }
        }
    }
}

#[test]
fn a_horizon_far_beyond_the_data_is_answered() {
    let values: Vec<f64> = (0..30).map(|t| 10.0 + (t % 12) as f64 + noise(t)).collect();
    for model in MODELS {
        sane(model, &[], "a long horizon", &values, 12, 2_000);
    }
}

#[test]
fn forecasts_scale_with_the_data() {
    let values: Vec<f64> = (0..80).map(|t| 20.0 + (t % 12) as f64 + 3.0 * noise(t)).collect();
    let larger: Vec<f64> = values.iter().map(|v| v * 1e6).collect();
    for model in MODELS {
        let (plain, scaled) =
            (forecast(model, &[], &values, 12, 8).unwrap(), forecast(model, &[], &larger, 12, 8).unwrap());
        let rows = |f: &SeriesForecast| {
            std::iter::once(f.mean.clone()).chain(f.quantiles.clone()).flatten().collect::<Vec<f64>>()
        };
        for (a, b) in rows(&plain).iter().zip(rows(&scaled)) {
            assert!((b - 1e6 * a).abs() < 20.0 * 1e6 * 1e-4, "{model}: {b} is not 1e6 times {a}");
        }
    }
}
