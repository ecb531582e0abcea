//! Small experiments on one data set, told through the store, with results whose errors the test decides.

use atsre_domain::event::WireEvent as _;
use atsre_domain::experiment::{self as e, Command as C, Experiment};
use atsre_domain::failure::{Failure, FailureKind, Usage};
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::metric::Split;
use atsre_domain::model::{Device, Limits, ModelSpec, Setting};
use atsre_domain::panel::{Panel, Series};
use atsre_domain::plan::{BacktestPlan, Plan, PlannedTrial, ReasonerKind, ReasoningStep, TrialRole};
use atsre_domain::{
    ArtifactRef, Attempt, Digest, Epoch, Finite, Position, Seed, Sequence, StreamId, Timestamp, TrialNumber,
};
use atsre_forecast::{SeriesForecast, TrialResult, WindowForecast, metrics};
use atsre_store::{Envelope, Store};

const NOW: i64 = 1_700_000_000_000_000;
const HOUR: i64 = 3_600_000_000;
const LENGTH: u64 = 60;
pub const HORIZON: u64 = 4;
const LIMITS: Limits = Limits { memory_bytes: 1 << 30, deadline_ms: 60_000, threads: 1 };

/// An error by window, series and step.
pub type Errors<'a> = &'a dyn Fn(u64, usize, u64) -> f64;

pub struct Story<'a> {
    store: &'a Store,
    pub stream: StreamId,
    /// Series.
    items: Vec<String>,
}

fn envelope() -> Envelope {
    Envelope {
        actor: "tester".into(),
        correlation: "correlation".into(),
        causation: None,
        build: "test".into(),
        occurred_at: Timestamp(NOW),
    }
}

fn value(item: usize, index: u64) -> f64 {
    let season = [0.0, 6.0, 9.0, 3.0][(index % 4) as usize];
    50.0 * (item + 1) as f64 + season + (index as f64 * 0.7).sin() * 2.0
}

pub fn spec(model: &str, settings: &[(&str, i64)]) -> ModelSpec {
    ModelSpec {
        framework: "atsre".into(),
        model: model.into(),
        hyperparameters: settings.iter().map(|(name, v)| ((*name).to_owned(), Setting::Integer(*v))).collect(),
        covariates: vec![],
        device: Device::Cpu,
    }
}

impl<'a> Story<'a> {
    /// An open experiment with its diagnosis requested.
    pub async fn open(store: &'a Store, stream: &str, items: &[&str], version: u32) -> Self {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        let story = Self { store, stream: StreamId(stream.into()), items };
        story
            .run(C::Open(Box::new(e::ExperimentOpened {
                name: format!("<b>{stream}</b>"),
                objective: e::Objective::Forecast,
                target: "load".into(),
                horizon: u32::try_from(HORIZON).unwrap(),
                dataset: e::DatasetRef { stream: StreamId("grid".into()), name: "grid".into(), version },
                holdout: true,
                quantile_levels: [0.1, 0.5, 0.9].map(|q| Finite::new(q).unwrap()).to_vec(),
                budget: e::Budget {
                    wall_ms: 60_000,
                    cpu_cores: 2,
                    parallel_trials: 1,
                    trial_memory_bytes: 1 << 30,
                    gpu_memory_bytes: 0,
                },
                seed: Seed(1),
                reasoner: ReasonerKind::Rules,
                approval_required: false,
                settings: Vec::new(),
                opened_at: Timestamp(NOW),
            })))
            .await;
        story.run(C::RequestDiagnosis).await;
        story
    }

    /// A fork of this experiment that shares everything up to a sequence.
    pub async fn fork(&self, child: &str, at: u64, reason: &str, overrides: &[(&str, &str)]) -> Story<'a> {
        let stream = StreamId(child.into());
        let point = self.store.fork("experiment", &self.stream, Sequence(at), &stream).await.unwrap();
        let forked = e::Event::from(e::ExperimentForked {
            parent: self.stream.clone(),
            at_sequence: at,
            parent_hash: Digest(atsre_store::hash::hex(&point.hash)),
            reason: reason.into(),
            name: None,
            seed: Seed(2),
            overrides: overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            forked_at: Timestamp(NOW),
        });
        let encoded = forked.encode();
        sqlx::query(
            "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
             VALUES ('experiment', $1, $2, $3, $4, $5::json, '{}')",
        )
        .bind(&stream.0)
        .bind(i64::try_from(at).unwrap() + 1)
        .bind(encoded.event_type)
        .bind(encoded.event_version.to_string())
        .bind(encoded.payload.to_string())
        .execute(self.store.pool())
        .await
        .unwrap();
        Story { store: self.store, stream, items: self.items.clone() }
    }

    pub async fn run(&self, command: C) {
        self.store.execute::<Experiment>(&self.stream, command, &envelope()).await.unwrap();
    }

    pub async fn sequence(&self) -> u64 {
        self.store.load::<Experiment>(&self.stream).await.unwrap().sequence.0
    }

    pub async fn baseline(&self, errors: Errors<'_>) {
        let role = TrialRole::Baseline;
        let spec = Box::new(spec("seasonal-naive", &[]));
        self.run(C::QueueTrial { role, spec, limits: LIMITS, reason: "first".into() }).await;
        self.trial(1, 1_000, errors).await;
    }

    /// A plan of these models, approved.
    pub async fn plan(&self, hypothesis: &str, models: Vec<ModelSpec>) {
        let planned = |spec| PlannedTrial { spec, limits: LIMITS, reason: "it fits the season".into() };
        let bytes = rmp_serde::to_vec_named(&self.panel()).unwrap();
        let panel = self.store.artifacts().put(&bytes, "application/vnd.msgpack").await.unwrap();
        let step = ReasoningStep { observation: "a".into(), inference: "b".into(), decision: "c".into() };
        self.run(C::RequestPlan).await;
        self.run(C::ProposePlan(Box::new(e::PlanProposed {
            plan: Plan {
                hypothesis: hypothesis.into(),
                reasoning: vec![step],
                backtest: BacktestPlan { windows: 5, step: 4, season_length: 4 },
                trials: models.into_iter().map(planned).collect(),
                ensemble_strategy: "weighted_avg".into(),
            },
            reasoner: ReasonerKind::Rules,
            profile: Digest("0".repeat(64)),
            panel: panel.digest,
            graph: None,
            inputs: None,
        })))
        .await;
        self.run(C::ApprovePlan { by: "policy".into() }).await;
    }

    fn panel(&self) -> Panel {
        let series = |(index, item): (usize, &String)| Series {
            item_id: item.clone(),
            times: (0..LENGTH as i64).map(|k| Timestamp(NOW + k * HOUR)).collect(),
            target: (0..LENGTH).map(|k| value(index, k)).collect(),
            covariates: vec![],
        };
        Panel {
            target: "load".into(),
            frequency: Frequency::every(FrequencyUnit::Hour),
            covariates: vec![],
            series: self.items.iter().enumerate().map(series).collect(),
        }
    }

    async fn begin(&self, number: u32, attempt: u32) -> (TrialNumber, Attempt, Epoch) {
        let (trial, attempt, epoch) = (TrialNumber(number), Attempt(attempt), Epoch(attempt));
        self.run(C::LeaseTrial { trial, epoch, node: StreamId("node".into()) }).await;
        let fingerprint = e::Fingerprint {
            panel: Digest("1".repeat(64)),
            engine: "0.1.0".into(),
            build: "test".into(),
            threads: 1,
            cpu_features: "avx2".into(),
            device: "cpu".into(),
        };
        let started = e::TrialStarted { trial, attempt, epoch, pid: 1, seed: Seed(u64::from(number)), fingerprint };
        self.run(C::StartTrial(Box::new(started))).await;
        (trial, attempt, epoch)
    }

    /// Runs a trial that takes so many milliseconds, at ten watts.
    pub async fn trial(&self, number: u32, wall_ms: u64, errors: Errors<'_>) {
        self.attempt(number, 1, wall_ms, errors).await;
    }

    pub async fn attempt(&self, number: u32, attempt: u32, wall_ms: u64, errors: Errors<'_>) {
        let (trial, attempt, epoch) = self.begin(number, attempt).await;
        let result = self.result(errors);
        let scores = result.scores.clone();
        let result = self.put(&result).await;
        let usage = usage(wall_ms);
        let completed = e::TrialCompleted { trial, attempt, epoch, result, scores, usage, notes: vec![] };
        self.run(C::CompleteTrial(Box::new(completed))).await;
    }

    pub async fn fail(&self, number: u32, wall_ms: u64, model: &str) {
        let (trial, attempt, epoch) = self.begin(number, 1).await;
        let kind = FailureKind::OutOfMemory;
        let message = "an allocation was <refused>\u{1b}[2J".into();
        let failure = Failure { kind, message, trace: String::new(), exit_code: None, signal: None };
        let (class, usage) = (kind.class(), usage(wall_ms));
        self.run(C::FailTrial(Box::new(e::TrialFailed { trial, attempt, epoch, failure, class, usage }))).await;
        self.run(C::RetryTrial(Box::new(e::TrialRetried {
            trial,
            attempt: Attempt(2),
            diagnosis: "it passed its memory limit".into(),
            changes: vec!["batch halved".into()],
            spec: spec(model, &[("batch", 16)]),
            limits: LIMITS,
        })))
        .await;
    }

    /// An ensemble of two trials, half and half.
    pub async fn ensemble(&self, number: u32, members: [u32; 2], errors: Errors<'_>) {
        let result = self.result(errors);
        let scores = result.scores.clone();
        let member = |trial| e::Member { trial: TrialNumber(trial), weight: Finite::new(0.5).unwrap() };
        self.run(C::BuildEnsemble(Box::new(e::EnsembleBuilt {
            trial: TrialNumber(number),
            strategy: "weighted_avg".into(),
            members: members.map(member).to_vec(),
            result: self.put(&result).await,
            scores,
        })))
        .await;
    }

    pub async fn complete(&self, best: u32) {
        let page = self.store.artifacts().put(b"<html>", "text/html").await.unwrap();
        self.run(C::PublishReport(Box::new(e::ReportPublished {
            html: page.clone(),
            markdown: page.clone(),
            json: page,
            anchor_position: Position(1),
            anchor_log_hash: Digest("2".repeat(64)),
        })))
        .await;
        self.run(C::Complete { best: TrialNumber(best) }).await;
    }

    async fn put(&self, result: &TrialResult) -> ArtifactRef {
        let bytes = serde_json::to_vec(result).unwrap();
        self.store.artifacts().put(&bytes, "application/json").await.unwrap()
    }

    /// Five windows, the forecast and the withheld test: all with these errors, the test as window 5.
    fn result(&self, errors: Errors<'_>) -> TrialResult {
        let levels = vec![0.1, 0.5, 0.9];
        let window = |number: u64, index: usize, item: &String| {
            let origin = LENGTH - HORIZON - (5 - number) * HORIZON;
            let actual: Vec<f64> = (0..HORIZON).map(|h| value(index, origin + h)).collect();
            let mean: Vec<f64> = actual.iter().zip(0..).map(|(y, h)| y - errors(number, index, h)).collect();
            let history: Vec<f64> = (0..origin).map(|k| value(index, k)).collect();
            WindowForecast {
                window: u32::try_from(number).unwrap(),
                item_id: item.clone(),
                origin,
                quantiles: [-4.0, 0.0, 4.0].map(|d| mean.iter().map(|m| m + d).collect()).to_vec(),
                actual,
                mean,
                absolute_scale: metrics::absolute_scale(&history, 4),
                squared_scale: metrics::squared_scale(&history, 4),
            }
        };
        let of = |numbers: std::ops::Range<u64>| -> Vec<WindowForecast> {
            let series = || self.items.iter().enumerate();
            numbers.flat_map(|number| series().map(move |(index, item)| window(number, index, item))).collect()
        };
        let (windows, test) = (of(0..5), of(5..6));
        let forecasts = test
            .iter()
            .map(|w| SeriesForecast {
                item_id: w.item_id.clone(),
                times: (w.origin..w.origin + HORIZON).map(|k| Timestamp(NOW + k as i64 * HOUR)).collect(),
                mean: w.mean.clone(),
                quantiles: w.quantiles.clone(),
            })
            .collect();
        let mut scores = metrics::scores(&windows, &levels, Split::Backtest);
        scores.extend(metrics::scores(&test, &levels, Split::Test));
        TrialResult { forecasts, windows, test, scores, quantile_levels: levels, notes: vec![] }
    }
}

fn usage(wall_ms: u64) -> Usage {
    Usage { wall_ms, cpu_ms: wall_ms, peak_rss_bytes: 1 << 27, peak_gpu_mem_bytes: None, energy_mj: wall_ms * 10 }
}
