//! The life of one experiment, as commands.

use atsre_domain::experiment::{self as e, Command as C};
use atsre_domain::failure::{Failure, FailureKind, Usage};
use atsre_domain::metric::{Metric, Score, Split};
use atsre_domain::model::{Device, Limits, ModelSpec, Setting};
use atsre_domain::plan::{BacktestPlan, Plan, PlannedTrial, ReasonerKind, ReasoningStep, TrialRole};
use atsre_domain::telemetry::{EnergySource, ResourceBatch};
use atsre_domain::{ArtifactRef, Attempt, Digest, Epoch, Position, Seed, StreamId, Timestamp, TrialNumber};
use serde_json::{Value, json};

use super::{NOW, Numbers, Step, artifact, finite};

const LIMITS: Limits = Limits { memory_bytes: 1 << 30, deadline_ms: 60_000, threads: 1 };

fn spec(model: &str) -> ModelSpec {
    let hyperparameters = [("season".to_owned(), Setting::Integer(24))].into();
    ModelSpec {
        framework: "atsre".into(),
        model: model.into(),
        hyperparameters,
        covariates: vec!["temperature".into()],
        device: Device::Cpu,
    }
}

struct Life<'a> {
    numbers: &'a mut Numbers,
    stream: StreamId,
    steps: Vec<Step>,
    clock: i64,
}

/// The life of one experiment with a baseline, `MODELS` and an ensemble.
pub fn experiment_steps(numbers: &mut Numbers, stream: &StreamId, dataset: &StreamId) -> Vec<Step> {
    let clock = NOW + (numbers.below(86_400 * 2) as i64) * 1_000_000;
    let mut life = Life { numbers, stream: stream.clone(), steps: Vec::new(), clock };
    life.open(dataset);
    life.push(C::RequestDiagnosis);
    life.push(C::QueueTrial {
        role: TrialRole::Baseline,
        spec: Box::new(spec("seasonal-naive")),
        limits: LIMITS,
        reason: "first".into(),
    });
    life.trial(1);
    life.push(C::RequestCausalMap);
    life.push(C::RequestPlan);
    life.plan();
    for number in 2..2 + MODELS.len() as u32 {
        life.trial(number);
    }
    life.end(2 + MODELS.len() as u32);
    life.steps
}

pub const MODELS: [&str; 9] =
    ["naive", "seasonal-naive", "drift", "theta", "ridge-ar", "ridge-ar-fourier", "ets", "n-hits", "n-hits-large"];

impl Life<'_> {
    fn push(&mut self, command: C) {
        self.steps.push(Step::Experiment(self.stream.clone(), command));
    }

    fn open(&mut self, dataset: &StreamId) {
        let seed = Seed(self.numbers.next());
        self.push(C::Open(Box::new(e::ExperimentOpened {
            name: format!("bikes {}", self.stream),
            objective: e::Objective::Forecast,
            target: "count".into(),
            horizon: 24,
            dataset: e::DatasetRef { stream: dataset.clone(), name: "bikes".into(), version: 1 },
            holdout: true,
            quantile_levels: [0.1, 0.5, 0.9].map(finite).to_vec(),
            budget: e::Budget {
                wall_ms: 180_000,
                cpu_cores: 2,
                parallel_trials: 2,
                trial_memory_bytes: 1 << 30,
                gpu_memory_bytes: 0,
            },
            seed,
            reasoner: ReasonerKind::Rules,
            approval_required: false,
            settings: Vec::new(),
            opened_at: Timestamp(self.clock),
        })));
    }

    fn plan(&mut self) {
        let planned =
            |model: &&str| PlannedTrial { spec: spec(model), limits: LIMITS, reason: "a daily season".into() };
        let step = ReasoningStep {
            observation: "a season".into(),
            inference: "it repeats".into(),
            decision: "repeat it".into(),
        };
        self.push(C::ProposePlan(Box::new(e::PlanProposed {
            plan: Plan {
                hypothesis: "the season explains most".into(),
                reasoning: vec![step; 5],
                backtest: BacktestPlan { windows: 5, step: 24, season_length: 24 },
                trials: MODELS.iter().map(planned).collect(),
                ensemble_strategy: "weighted_avg".into(),
            },
            reasoner: ReasonerKind::Rules,
            profile: Digest("0".repeat(64)),
            panel: Digest("1".repeat(64)),
            graph: None,
            inputs: None,
        })));
        self.push(C::ApprovePlan { by: "policy".into() });
    }

    /// Leased, started, sampled, and now and then failed and tried again.
    fn trial(&mut self, number: u32) {
        let trial = TrialNumber(number);
        let fails = self.numbers.below(6) == 0;
        for attempt in 1..=if fails { 2 } else { 1 } {
            let (attempt, epoch) = (Attempt(attempt), Epoch(attempt));
            self.push(C::LeaseTrial { trial, epoch, node: StreamId("node".into()) });
            let seed = Seed(self.numbers.next());
            let fingerprint = e::Fingerprint {
                panel: Digest("1".repeat(64)),
                engine: "0.1.0".into(),
                build: "test".into(),
                threads: 1,
                cpu_features: "avx2".into(),
                device: "cpu".into(),
            };
            self.push(C::StartTrial(Box::new(e::TrialStarted {
                trial,
                attempt,
                epoch,
                pid: 1000 + number,
                seed,
                fingerprint,
            })));
            for _ in 0..self.numbers.below(3) {
                self.sample(trial, attempt);
            }
            let usage = Usage {
                wall_ms: 900,
                cpu_ms: 880,
                peak_rss_bytes: 1 << 27,
                peak_gpu_mem_bytes: None,
                energy_mj: 8_800,
            };
            if fails && attempt.0 == 1 {
                self.fail(trial, attempt, epoch, usage);
            } else {
                let result = self.result();
                let scores = self.scores();
                self.push(C::CompleteTrial(Box::new(e::TrialCompleted {
                    trial,
                    attempt,
                    epoch,
                    result,
                    scores,
                    usage,
                    notes: vec![],
                })));
            }
        }
    }

    fn fail(&mut self, trial: TrialNumber, attempt: Attempt, epoch: Epoch, usage: Usage) {
        let kind = FailureKind::OutOfMemory;
        let failure = Failure {
            kind,
            message: "an allocation was refused".into(),
            trace: String::new(),
            exit_code: None,
            signal: Some(6),
        };
        self.push(C::FailTrial(Box::new(e::TrialFailed {
            trial,
            attempt,
            epoch,
            failure,
            class: kind.class(),
            usage,
        })));
        self.push(C::RetryTrial(Box::new(e::TrialRetried {
            trial,
            attempt: Attempt(attempt.0 + 1),
            diagnosis: "it passed its memory limit".into(),
            changes: vec!["a smaller batch".into()],
            spec: spec("theta"),
            limits: LIMITS,
        })));
    }

    /// Sixty samples, ten a second.
    fn sample(&mut self, trial: TrialNumber, attempt: Attempt) {
        let start = Timestamp(self.clock);
        let count = 60;
        self.clock += count * 100_000;
        let mut numbers = |bound: u64| (0..count).map(|_| self.numbers.below(bound)).collect::<Vec<u64>>();
        let batch = ResourceBatch {
            pid: 1000 + trial.0,
            window_start: start,
            window_end: start.plus_millis(5_900),
            offset_ms: (0..60).map(|i| i * 100).collect(),
            cpu_milli: numbers(2_000).into_iter().map(|v| v as u32).collect(),
            rss_bytes: numbers(1 << 30),
            io_read_bytes: numbers(4),
            io_write_bytes: numbers(4),
            gpu_util_milli: None,
            gpu_mem_bytes: None,
            energy_mj: numbers(2_000),
            energy_source: EnergySource::Estimate,
            assumed_core_milliwatts: Some(10_000),
        };
        self.push(C::SampleResources(Box::new(e::ResourceSampled { trial, attempt, batch })));
    }

    /// The forecast of one series over a day at three levels; the first value of the mean is missing.
    fn result(&mut self) -> ArtifactRef {
        let mut path = || (0..24).map(|_| json!(self.numbers.share() * 500.0)).collect::<Vec<Value>>();
        let (mut mean, quantiles) = (path(), [path(), path(), path()]);
        mean[0] = Value::Null;
        let times: Vec<i64> = (0..24).map(|hour| NOW + hour * 3_600_000_000).collect();
        let series = json!({ "item_id": "", "times": times, "mean": mean, "quantiles": quantiles });
        artifact(&mut self.steps, &json!({ "forecasts": [series], "quantile_levels": [0.1, 0.5, 0.9] }))
    }

    fn scores(&mut self) -> Vec<Score> {
        let metrics = [Metric::Mase, Metric::Smape, Metric::Rmsse, Metric::Wql, Metric::Coverage];
        let pairs = [Split::Backtest, Split::Test].into_iter().flat_map(|split| metrics.map(|metric| (split, metric)));
        pairs
            .map(|(split, metric)| Score { metric, split, value: finite(self.numbers.share()), half_width: None })
            .collect()
    }

    fn end(&mut self, number: u32) {
        let trial = TrialNumber(number);
        let member = |trial, weight| e::Member { trial: TrialNumber(trial), weight: finite(weight) };
        let (result, scores) = (self.result(), self.scores());
        let members = vec![member(1, 0.25), member(2, 0.75)];
        let built = e::EnsembleBuilt { trial, strategy: "weighted_avg".into(), members, result, scores };
        self.push(C::BuildEnsemble(Box::new(built)));
        let html = artifact(&mut self.steps, &json!("<html>"));
        self.push(C::PublishReport(Box::new(e::ReportPublished {
            html: html.clone(),
            markdown: html.clone(),
            json: html,
            anchor_position: Position(1),
            anchor_log_hash: Digest("2".repeat(64)),
        })));
        self.push(C::Complete { best: trial });
    }
}
