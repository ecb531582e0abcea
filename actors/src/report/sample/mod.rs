//! Reports to test and to look at: made up, but shaped as real ones are.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod story;

use std::collections::BTreeMap;

use atsre_domain::artifact::{ArtifactRef, Digest};
use atsre_domain::dataset::{DatasetRegistered, RegisteredColumn, SourceFile};
use atsre_domain::experiment::{
    Attempted, Budget, DatasetRef, EnsembleBuilt, ExperimentOpened, Member, Objective, Trial, TrialState,
};
use atsre_domain::failure::{Failure, FailureKind, Usage};
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::identity::{Attempt, Epoch, Position, Seed, StreamId, Timestamp, TrialNumber};
use atsre_domain::metric::{Metric, Score, Split};
use atsre_domain::model::{Device, Limits, ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::{ReasonerKind, TrialRole};
use atsre_domain::table::{ColumnRole, Inference};
use atsre_domain::{Finite, cleaning};
use atsre_forecast::time_axis::continue_after;
use atsre_forecast::{SeriesForecast, TrialResult, WindowForecast};

use super::{Anchor, ReportData, TrialEntry};
use crate::signer::AnchorSignature;

/// What a sample holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) series: usize,
    pub(super) length: usize,
    pub(super) horizon: usize,
    pub(super) unit: FrequencyUnit,
    pub(super) holdout: bool,
    /// Graph, ensemble, failures, fallbacks and changed cells.
    pub(super) rich: bool,
    /// Stands for every name and sentence.
    pub(super) hostile: Option<&'static str>,
}

impl Shape {
    /// A year of hours, with everything.
    pub(super) const HOURS: Self = Self {
        series: 1,
        length: 17_379,
        horizon: 24,
        unit: FrequencyUnit::Hour,
        holdout: true,
        rich: true,
        hostile: None,
    };
    /// Many short series and little else.
    pub(super) const MANY: Self = Self {
        series: 300,
        length: 40,
        horizon: 6,
        unit: FrequencyUnit::Month,
        holdout: false,
        rich: false,
        hostile: None,
    };
}

pub(super) fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

/// A whiteness that is the same on every machine: splitmix64, mapped to −1..1.
pub(super) fn noise(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn truth(item: usize, step: usize, unit: FrequencyUnit) -> f64 {
    let season = if unit == FrequencyUnit::Hour { 24.0 } else { 12.0 };
    let phase = std::f64::consts::TAU * step as f64 / season;
    let level = 180.0 * (1.0 + 0.7 * noise(item as u64));
    let weekly = if unit == FrequencyUnit::Hour && step / 24 % 7 > 4 { 0.7 } else { 1.0 };
    level * weekly * (1.0 + 0.55 * (phase - 2.2).sin() + 0.25 * (2.0 * phase).sin())
        + 12.0 * noise((item * 100_003 + step) as u64)
}

pub(super) const LEVELS: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

fn panel(shape: Shape) -> Panel {
    let frequency = Frequency::every(shape.unit);
    let start = Timestamp(1_293_840_000_000_000);
    let mut times = vec![start];
    times.extend(continue_after(frequency, &times, shape.length - 1).unwrap());
    let series = (0..shape.series).map(|item| Series {
        item_id: if shape.series == 1 {
            String::new()
        } else {
            format!("store-{item:03}{}", shape.hostile.unwrap_or_default())
        },
        times: times.clone(),
        target: (0..shape.length)
            .map(|step| if shape.rich && step % 977 == 5 { f64::NAN } else { truth(item, step, shape.unit) })
            .collect(),
        covariates: Vec::new(),
    });
    Panel {
        target: shape.hostile.unwrap_or("rentals").into(),
        frequency,
        covariates: Vec::new(),
        series: series.collect(),
    }
}

fn result(shape: Shape, panel: &Panel, accuracy: f64) -> TrialResult {
    let origin = if shape.holdout { shape.length - shape.horizon } else { shape.length };
    let one = |item: usize, series: &Series, from: usize, times: Vec<Timestamp>| {
        let spread = |step: usize| 55.0 * accuracy * (1.0 + step as f64 / shape.horizon as f64);
        let mean: Vec<f64> = (0..shape.horizon)
            .map(|k| truth(item, from + k, shape.unit) + 70.0 * accuracy * noise((from + k) as u64 ^ 77))
            .collect();
        let z = [-1.28, -0.67, 0.0, 0.67, 1.28];
        let quantiles = z.iter().map(|z| (0..shape.horizon).map(|k| mean[k] + z * spread(k)).collect()).collect();
        SeriesForecast { item_id: series.item_id.clone(), times, mean, quantiles }
    };
    let mut forecasts = Vec::new();
    let mut windows = Vec::new();
    for (item, series) in panel.series.iter().enumerate() {
        let times = if shape.holdout {
            series.times[origin..].to_vec()
        } else {
            continue_after(panel.frequency, &series.times, shape.horizon).unwrap()
        };
        forecasts.push(one(item, series, origin, times));
        let from = origin - shape.horizon;
        let forecast = one(item, series, from, Vec::new());
        windows.push(WindowForecast {
            window: 0,
            item_id: series.item_id.clone(),
            origin: from as u64,
            actual: series.target[from..origin].to_vec(),
            mean: forecast.mean,
            quantiles: forecast.quantiles,
            absolute_scale: Some(40.0),
            squared_scale: Some(2_500.0),
        });
    }
    TrialResult {
        forecasts,
        windows,
        test: Vec::new(),
        scores: Vec::new(),
        quantile_levels: LEVELS.to_vec(),
        notes: Vec::new(),
    }
}

fn scores(shape: Shape, mase: f64) -> Vec<Score> {
    let score = |metric, split, value: f64| Score { metric, split, value: finite(value), half_width: None };
    let mut scores = vec![
        Score { half_width: Some(finite(mase * 0.06)), ..score(Metric::Mase, Split::Backtest, mase) },
        score(Metric::Smape, Split::Backtest, mase * 31.0),
        score(Metric::Rmsse, Split::Backtest, mase * 0.84),
        score(Metric::Wql, Split::Backtest, mase * 0.19),
        score(Metric::Coverage, Split::Backtest, 0.81 - 0.03 * mase),
    ];
    if shape.holdout {
        scores.push(score(Metric::Mase, Split::Test, mase * 1.04));
    }
    scores
}

fn artifact() -> ArtifactRef {
    ArtifactRef { digest: Digest("ab".repeat(32)), length_bytes: 12, media_type: "application/json".into() }
}

fn entry(shape: Shape, panel: &Panel, number: u32, model: &str, mase: f64, energy_mj: u64) -> TrialEntry {
    let usage = Usage {
        wall_ms: 300 + energy_mj / 9,
        cpu_ms: 200 + energy_mj / 6,
        peak_rss_bytes: (60 << 20) + energy_mj * 9_000,
        peak_gpu_mem_bytes: None,
        energy_mj,
    };
    let mut hyperparameters = BTreeMap::new();
    hyperparameters.insert("season".to_owned(), Setting::Integer(24));
    let spec = ModelSpec {
        framework: "atsre".into(),
        model: model.into(),
        hyperparameters,
        covariates: Vec::new(),
        device: Device::Cpu,
    };
    let trial = Trial {
        role: if number == 1 { TrialRole::Baseline } else { TrialRole::Candidate },
        spec,
        limits: Limits { memory_bytes: 1 << 30, deadline_ms: 60_000, threads: 2 },
        attempt: Attempt(1),
        epoch: Epoch(1),
        state: TrialState::Completed { result: artifact(), scores: scores(shape, mase), usage },
        failures: Vec::new(),
    };
    TrialEntry {
        number: TrialNumber(number),
        trial_id: Position(100 + u64::from(number)),
        trial,
        result: Some(result(shape, panel, mase)),
    }
}

fn failed(attempt: u32, kind: FailureKind, message: &str, healed: Option<(&str, &str)>) -> Attempted {
    Attempted {
        attempt: Attempt(attempt),
        failure: Failure {
            kind,
            message: message.into(),
            trace: "memory allocation of 1342177280 bytes failed".into(),
            exit_code: None,
            signal: Some(6),
        },
        usage: Usage {
            wall_ms: 4_120,
            cpu_ms: 7_900,
            peak_rss_bytes: 511 << 20,
            peak_gpu_mem_bytes: None,
            energy_mj: 61_000,
        },
        healed: healed.map(|(diagnosis, change)| (diagnosis.to_owned(), vec![change.to_owned()])),
    }
}

fn trials(shape: Shape, panel: &Panel) -> Vec<TrialEntry> {
    let name = |model: &'static str| shape.hostile.unwrap_or(model);
    let mut trials = vec![
        entry(shape, panel, 1, name("seasonal-naive"), 0.88, 0),
        entry(shape, panel, 2, "drift", 2.41, 180),
        entry(shape, panel, 3, "theta", 0.79, 9_400),
        entry(shape, panel, 4, "ridge", 0.561, 14_800),
        entry(shape, panel, 5, "n-hits", 0.583, 402_000),
    ];
    if shape.rich {
        let diagnosis = "resident memory grew to 511 MiB with the batch, past the limit of 512 MiB";
        trials[4].trial.failures = vec![failed(
            1,
            FailureKind::OutOfMemory,
            shape.hostile.unwrap_or("an allocation was refused"),
            Some((diagnosis, "batch_size 1024 → 256")),
        )];
        trials[4].trial.attempt = Attempt(2);
        let mut lost = entry(shape, panel, 6, "n-hits", 0.0, 0);
        lost.result = None;
        lost.trial.failures =
            vec![failed(1, FailureKind::DeadlineExceeded, "the deadline of 60 s passed at epoch 3 of 40", None)];
        lost.trial.state = TrialState::Abandoned { reason: "the budget has no room for another attempt".into() };
        trials.push(lost);
    }
    trials
}

fn registered(shape: Shape) -> DatasetRegistered {
    let name = shape.hostile.unwrap_or("bike_sharing");
    let column =
        |name: &str, role, kind: &str| RegisteredColumn { name: name.into(), role, kind: kind.into(), missing: 0 };
    DatasetRegistered {
        name: name.into(),
        version: 1,
        source: SourceFile {
            file_name: format!("{name}.csv"),
            digest: Digest("5f".repeat(32)),
            length_bytes: 1_156_736,
            encoding: "UTF-8".into(),
            delimiter: ",".into(),
        },
        raw_table: "raw_1".into(),
        rows: (shape.series * shape.length) as u64,
        columns: vec![
            column("time", ColumnRole::Time, "time"),
            column("rentals", ColumnRole::Target, "number"),
            column("temperature", ColumnRole::Covariate, "number"),
        ],
        frequency: Frequency::every(shape.unit),
        inferences: vec![Inference {
            subject: "time column".into(),
            choice: name.into(),
            reason: "every cell is a date, in ascending order".into(),
            overridden: false,
        }],
        warnings: shape.rich.then(|| "165 hours are absent from the time axis".to_owned()).into_iter().collect(),
        known: vec!["temperature".into()],
        sentinels: Vec::new(),
    }
}

fn opened(shape: Shape) -> ExperimentOpened {
    let name = shape.hostile.unwrap_or("bike_sharing");
    ExperimentOpened {
        name: format!("{name} demo"),
        dataset: DatasetRef {
            stream: StreamId("1b4e28ba-2fa1-11d2-883f-0016d3cca427".into()),
            name: name.into(),
            version: 1,
        },
        objective: Objective::Forecast,
        target: shape.hostile.unwrap_or("rentals").into(),
        horizon: shape.horizon as u32,
        holdout: shape.holdout,
        quantile_levels: LEVELS.iter().map(|l| finite(*l)).collect(),
        budget: Budget {
            wall_ms: 180_000,
            cpu_cores: 2,
            parallel_trials: 2,
            trial_memory_bytes: 1 << 30,
            gpu_memory_bytes: 0,
        },
        seed: Seed(42),
        reasoner: ReasonerKind::Rules,
        approval_required: false,
        settings: Vec::new(),
        opened_at: Timestamp(1_750_000_000_000_000),
    }
}

/// A sample report.
pub(super) fn data(shape: Shape) -> ReportData {
    let panel = panel(shape);
    let trials = trials(shape, &panel);
    let ensemble = shape.rich.then(|| {
        let member = |trial, weight| Member { trial: TrialNumber(trial), weight: finite(weight) };
        let built = EnsembleBuilt {
            trial: TrialNumber(7),
            strategy: "weighted_avg".into(),
            members: vec![member(4, 0.58), member(5, 0.42)],
            result: artifact(),
            scores: scores(shape, 0.522),
        };
        (Position(131), built, result(shape, &panel, 0.522))
    });
    let mut summary = cleaning::CleaningSummary { rows: panel.observations() as u64, ..Default::default() };
    let changes = if shape.rich { story::changes(&panel, shape.hostile) } else { Vec::new() };
    for change in &changes {
        *summary.changes.entry(change.kind).or_default() += 1;
    }
    ReportData {
        experiment_id: Position(87),
        stream: StreamId("0197fa52-9a3e-7cc1-a5b4-6b43b8a3d2f1".into()),
        opened: opened(shape),
        registered: registered(shape),
        profile: story::profile(shape, &panel),
        rules: if shape.rich { story::rules(shape.hostile) } else { Vec::new() },
        cleaned: summary,
        changes,
        graph: shape.rich.then(|| (Position(61), story::graph(shape.hostile))),
        plan: Some(story::plan(shape, &trials)),
        best: if shape.rich { TrialNumber(7) } else { TrialNumber(4) },
        fallbacks: if shape.rich { story::fallbacks(shape.hostile) } else { Vec::new() },
        trials,
        ensemble,
        panel,
        anchor: Anchor {
            position: Position(1_284),
            log_hash: Digest("c4".repeat(32)),
            signature: Ok(AnchorSignature {
                anchored_at: "2026-01-01T00:00:00.000000Z".to_owned(),
                public_key: "5e".repeat(32),
                signature: "a7".repeat(64),
            }),
        },
        written_at: Timestamp(1_750_000_094_000_000),
        build: "0.1.0 (4f2c9e1)".into(),
    }
}
