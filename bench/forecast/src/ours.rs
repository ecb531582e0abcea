//! Our models on a group.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use atsre_bench_peers::processor::{Repetitions, repeated};
use atsre_domain::identity::Timestamp;
use atsre_domain::model::{Device, ModelSpec};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::BacktestPlan;
use atsre_forecast::{Registry, Silent, TrialJob, run, time_axis};
use serde::{Deserialize, Serialize};

use crate::group::{Forecast, Forecasts, Group};

/// The levels of every forecast: the ends of the 95 % and the 80 % interval, and the median.
const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];

/// Forecasts of a whole group, and the processor seconds of each run over it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ours {
    /// Fit and forecast of all series together, in seconds, for each run.
    pub seconds: Vec<f64>,
    /// By series.
    pub forecasts: Forecasts,
}

/// Runs a model of our catalogue over a group, quantiles included, on one thread; up to `runs` times.
///
/// # Errors
/// The model refuses the group.
pub fn forecast(group: &Group, model: &str, runs: usize) -> Result<Ours> {
    let frequency = group.frequency();
    let series = group.series.iter().map(|(id, split)| {
        let mut times = vec![Timestamp(0)];
        times.extend(time_axis::continue_after(frequency, &times, split.train.len() - 1)?);
        Ok(Series { item_id: id.clone(), times, target: split.train.clone(), covariates: Vec::new() })
    });
    let job = TrialJob {
        panel: Panel {
            target: "y".to_owned(),
            frequency,
            covariates: Vec::new(),
            series: series.collect::<Result<_>>().with_context(|| format!("the times of {}", group.name))?,
        },
        spec: ModelSpec {
            framework: "atsre".to_owned(),
            model: model.to_owned(),
            hyperparameters: BTreeMap::new(),
            covariates: Vec::new(),
            device: Device::Cpu,
        },
        horizon: u32::try_from(group.horizon)?,
        quantile_levels: LEVELS.to_vec(),
        backtest: BacktestPlan { windows: 0, step: 1, season_length: u32::try_from(group.season)? },
        holdout: 0,
        seed: 1,
        threads: 1,
    };
    let registry = Registry::classical();
    let repetitions = Repetitions { runs, budget: Duration::from_secs(3) };
    let (result, seconds) = repeated(repetitions, || run(&job, &registry, &Silent));
    let result = result.with_context(|| format!("{model} on {}", group.name))?;
    let known = |values: &[f64]| Some(values.iter().map(|v| Some(*v)).collect());
    let forecasts = result.forecasts.iter().map(|f| {
        let [low_95, low_80, high_80, high_95] = [0, 1, 3, 4].map(|level| known(&f.quantiles[level]));
        (f.item_id.clone(), Forecast { seconds: None, mean: known(&f.mean), low_80, high_80, low_95, high_95 })
    });
    Ok(Ours { seconds, forecasts: forecasts.collect() })
}
