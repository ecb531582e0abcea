//! Panels, jobs and a recording model.

use std::sync::Mutex;

use atsre_domain::finite::Finite;
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, Hyperparameters, ModelSpec, Setting};
use atsre_domain::panel::{Covariate, Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::catalogue::NHITS;
use atsre_forecast::{
    FitTask, ForecastError, Forecaster, PredictRequest, Refit, Registry, SeriesForecast, Silent, TrialJob, TrialResult,
    run,
};
use atsre_forecast_deep::device::SoftwareAdapter;
use atsre_forecast_deep::{Configuration, History, NetForecaster, register};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const SEASON: usize = 24;
pub(crate) const HORIZON: usize = 12;

/// A sine of period 24 with uniform noise in ±`noise`, around 10.
pub(crate) fn noisy_sine(length: usize, noise: f64, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..length)
        .map(|i| {
            10.0 + 3.0 * (i as f64 * std::f64::consts::TAU / SEASON as f64).sin()
                + noise * random.random_range(-1.0..1.0)
        })
        .collect()
}

pub(crate) fn panel(targets: Vec<Vec<f64>>) -> Panel {
    with_covariates(targets.into_iter().map(|t| (t, vec![])).collect(), vec![])
}

/// Series of targets with their covariate rows, which may run past the target.
pub(crate) fn with_covariates(series: Vec<(Vec<f64>, Vec<Vec<f64>>)>, covariates: Vec<Covariate>) -> Panel {
    let series = series
        .into_iter()
        .enumerate()
        .map(|(i, (target, covariates))| {
            let length = covariates.iter().map(Vec::len).chain([target.len()]).max().unwrap();
            let times = (0..length).map(|t| Timestamp(t as i64 * 3_600_000_000)).collect();
            Series { item_id: format!("series {i}"), times, target, covariates }
        })
        .collect();
    Panel { target: "y".to_string(), frequency: Frequency::every(FrequencyUnit::Hour), covariates, series }
}

pub(crate) fn integer(value: i64) -> Setting {
    Setting::Integer(value)
}

pub(crate) fn number(value: f64) -> Setting {
    Setting::Number(Finite::new(value).unwrap())
}

/// A job with a small network; `settings` go over it.
pub(crate) fn job(panel: Panel, settings: &[(&str, Setting)]) -> TrialJob {
    let small = [
        ("hidden", integer(48)),
        ("steps", integer(120)),
        ("batch_size", integer(32)),
        ("learning_rate", number(0.003)),
    ];
    let hyperparameters: Hyperparameters =
        small.iter().chain(settings).map(|(name, value)| ((*name).to_string(), value.clone())).collect();
    TrialJob {
        spec: ModelSpec {
            framework: "atsre".to_string(),
            model: NHITS.to_string(),
            hyperparameters,
            covariates: panel.covariates.iter().map(|c| c.name.clone()).collect(),
            device: Device::Cpu,
        },
        panel,
        horizon: HORIZON as u32,
        quantile_levels: vec![0.1, 0.3, 0.5, 0.7, 0.9],
        backtest: BacktestPlan { windows: 0, step: HORIZON as u32, season_length: SEASON as u32 },
        holdout: 0,
        seed: 7,
        threads: 1,
    }
}

pub(crate) fn forecast(job: &TrialJob) -> Result<TrialResult, ForecastError> {
    let mut registry = Registry::classical();
    register(&mut registry);
    run(job, &registry, &Silent)
}

static HISTORIES: Mutex<Vec<(u64, History)>> = Mutex::new(Vec::new());

/// Like [`forecast`], on any adapter, and with the training's history. The job's seed tells its history apart, so it has
/// to be the only job of that seed that runs at a time.
pub(crate) fn forecast_recorded(job: &TrialJob) -> Result<(TrialResult, History), ForecastError> {
    let mut registry = Registry::default();
    registry.register(NHITS, |spec| {
        Ok(Box::new(Recorded(NetForecaster::new(Configuration::from_spec(spec)?, SoftwareAdapter::Allow))))
    });
    let result = run(job, &registry, &Silent)?;
    let mut histories = HISTORIES.lock().unwrap();
    let place = histories.iter().rposition(|(seed, _)| *seed == job.seed).unwrap();
    Ok((result, histories.remove(place).1))
}

struct Recorded(NetForecaster);

impl Forecaster for Recorded {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn refit(&self) -> Refit {
        self.0.refit()
    }
    fn minimum_length(&self, horizon: usize, season_length: usize) -> usize {
        self.0.minimum_length(horizon, season_length)
    }
    fn fit(&mut self, task: &FitTask<'_>) -> Result<(), ForecastError> {
        self.0.fit(task)?;
        HISTORIES.lock().unwrap().push((task.seed, self.0.history().unwrap().clone()));
        Ok(())
    }
    fn predict(&self, request: &PredictRequest<'_>) -> Result<Vec<SeriesForecast>, ForecastError> {
        self.0.predict(request)
    }
    fn notes(&self) -> Vec<String> {
        self.0.notes()
    }
}

/// Mean absolute error of the median (the level in the middle) on the backtest.
pub(crate) fn error_of(result: &TrialResult) -> f64 {
    let middle = result.quantile_levels.len() / 2;
    let errors: Vec<f64> = result
        .windows
        .iter()
        .flat_map(|w| w.actual.iter().zip(&w.quantiles[middle]).map(|(a, f)| (a - f).abs()).collect::<Vec<_>>())
        .collect();
    errors.iter().sum::<f64>() / errors.len() as f64
}
