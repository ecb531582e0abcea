//! Panels and jobs that the tests share.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_domain::panel::{Covariate, CovariateKind, Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{ForecastError, Registry, Silent, TrialJob, TrialResult, run};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const MODELS: [&str; 5] = ["naive", "seasonal-naive", "drift", "theta", "ridge"];
pub const LEVELS: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];
pub const HORIZON: usize = 6;
pub const SEASON: usize = 12;

/// A trend, a season, an autoregression and what two covariates add: one known over the horizon, one not.
pub fn series(item_id: &str, length: usize, seed: u64) -> Series {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let total = length + HORIZON;
    let known: Vec<f64> = (0..total).map(|_| random.random::<f64>()).collect();
    let past: Vec<f64> = (0..total).map(|_| random.random::<f64>()).collect();
    let mut noise = 0.0;
    let target = (0..length)
        .map(|t| {
            noise = 0.6 * noise + random.random::<f64>() - 0.5;
            let season = 4.0 * (std::f64::consts::TAU * t as f64 / SEASON as f64).sin();
            let before = if t > 0 { past[t - 1] } else { 0.5 };
            50.0 + 0.05 * t as f64 + season + noise + 3.0 * known[t] + 2.0 * before
        })
        .collect();
    let times = (0..total).map(|t| Timestamp(t as i64 * 3_600_000_000)).collect();
    Series { item_id: item_id.to_string(), times, target, covariates: vec![known, past] }
}

pub fn panel(series: Vec<Series>) -> Panel {
    let covariate = |name: &str, kind| Covariate { name: name.to_string(), kind, levels: None };
    Panel {
        target: "y".to_string(),
        frequency: Frequency::every(FrequencyUnit::Hour),
        covariates: vec![covariate("known", CovariateKind::Known), covariate("past", CovariateKind::Past)],
        series,
    }
}

pub fn spec(model: &str, settings: &[(&str, Setting)]) -> ModelSpec {
    let hyperparameters: Hyperparameters = settings.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
    let covariates = vec!["known".to_string(), "past".to_string()];
    ModelSpec {
        framework: "atsre".to_string(),
        model: model.to_string(),
        hyperparameters,
        covariates,
        device: Device::Cpu,
    }
}

pub fn job(model: &str, panel: Panel) -> TrialJob {
    TrialJob {
        panel,
        spec: spec(model, &[]),
        horizon: HORIZON as u32,
        quantile_levels: LEVELS.to_vec(),
        backtest: BacktestPlan { windows: 4, step: HORIZON as u32, season_length: SEASON as u32 },
        holdout: 0,
        seed: 7,
        threads: 1,
    }
}

pub fn execute(job: &TrialJob) -> Result<TrialResult, ForecastError> {
    run(job, &Registry::classical(), &Silent)
}
