//! Deterministic histories: what whole experiments leave in the log, as commands, without any engine.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use atsre_domain::experiment::{self as e, Command as C};
use atsre_domain::failure::{Failure, FailureKind, Usage};
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::graph::{BackgroundKnowledge, CausalEdge, CausalGraph, Driver, Mark, Variable};
use atsre_domain::metric::{Metric, Score, Split};
use atsre_domain::model::{Device, Limits, ModelSpec, Setting};
use atsre_domain::plan::{BacktestPlan, Plan, PlannedTrial, ReasonerKind, ReasoningStep, TrialRole};
use atsre_domain::profile::SeasonalPeriod;
use atsre_domain::telemetry::{EnergySource, ResourceBatch};
use atsre_domain::{
    ArtifactRef, Attempt, Digest, Epoch, Finite, Position, Recorded, Seed, StreamId, Timestamp, TrialNumber,
    dataset as d, node as n,
};
use atsre_store::{Envelope, Store};
use serde_json::{Value, json};
use sha2::Digest as _;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Artifact(Vec<u8>),
    Dataset(StreamId, d::Command),
    Experiment(StreamId, C),
    Node(StreamId, n::Command),
}

/// Numbers that are the same in every run (splitmix64, Steele et al. 2014).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Between 0 and 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

pub fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

/// Experiments on one data set, their events interleaved as those of a running service are.
pub fn history(seed: u64, experiments: usize) -> Vec<Step> {
    let dataset = Store::dataset_stream("bikes");
    let mut steps = node_steps(seed);
    steps.extend(dataset_steps(&dataset));
    let mut numbers = Numbers(seed);
    let mut lives: Vec<std::vec::IntoIter<Step>> = (0..experiments)
        .map(|i| experiment_steps(&mut numbers, &StreamId(format!("experiment-{seed}-{i}")), &dataset).into_iter())
        .collect();
    while !lives.is_empty() {
        let which = numbers.below(lives.len() as u64) as usize;
        // An artifact is always followed by the event that names it.
        loop {
            match lives[which].next() {
                Some(step @ Step::Artifact(_)) => steps.push(step),
                Some(step) => break steps.push(step),
                None => break drop(lives.remove(which)),
            }
        }
    }
    steps
}

pub fn node_steps(seed: u64) -> Vec<Step> {
    let stream = StreamId(format!("node-{seed}"));
    let started = n::Event::NodeStarted(n::NodeStarted {
        host: "host".into(),
        pid: 7,
        build: "test".into(),
        cores: 2,
        memory_bytes: 1 << 33,
        gpus: vec![],
    });
    let agent = n::Event::AgentStarted(n::AgentStarted { agent: "curator".into() });
    [started, agent].map(|event| Step::Node(stream.clone(), n::Command::Record(event))).to_vec()
}

fn artifact(steps: &mut Vec<Step>, value: &Value) -> ArtifactRef {
    let bytes = value.to_string().into_bytes();
    let reference = ArtifactRef {
        digest: Digest(atsre_store::hash::hex(&sha2::Sha256::digest(&bytes))),
        length_bytes: bytes.len() as u64,
        media_type: "application/json".into(),
    };
    steps.push(Step::Artifact(bytes));
    reference
}

fn dataset_steps(stream: &StreamId) -> Vec<Step> {
    let mut steps = Vec::new();
    let frequency = Frequency::every(FrequencyUnit::Hour);
    let season = SeasonalPeriod { period: 24, strength: finite(0.83) };
    let source = artifact(&mut steps, &json!("time,count\n…"));
    let push = |steps: &mut Vec<Step>, command| steps.push(Step::Dataset(stream.clone(), command));
    push(
        &mut steps,
        d::Command::Register(Box::new(d::DatasetRegistered {
            name: "bikes".into(),
            version: 1,
            raw_table: "raw.raw_bikes_v1".into(),
            rows: 17_379,
            columns: vec![],
            frequency,
            source: d::SourceFile {
                file_name: "bikes.csv".into(),
                digest: source.digest,
                length_bytes: source.length_bytes,
                encoding: "UTF-8".into(),
                delimiter: ",".into(),
            },
            inferences: vec![],
            warnings: vec![],
            known: vec![],
            sentinels: vec![],
        })),
    );
    let profile =
        artifact(&mut steps, &json!({ "frequency": frequency, "seasonal_periods": [season], "series_count": 1 }));
    push(
        &mut steps,
        d::Command::RecordProfile(Box::new(d::DatasetProfiled {
            version: 1,
            profile,
            series_count: 1,
            observations: 17_379,
            length_min: 17_379,
            length_max: 17_379,
            seasonal_periods: vec![season],
            trend_strength: None,
            missing_share: finite(0.0),
            non_negative: true,
            findings: vec!["a daily season".into()],
        })),
    );
    push(&mut steps, d::Command::RecordRules(Box::new(d::AnomalyRulesDerived { version: 1, rules: vec![] })));
    let changes = artifact(&mut steps, &json!([]));
    let panel = artifact(&mut steps, &json!("panel"));
    push(
        &mut steps,
        d::Command::RecordCleaning(Box::new(d::DatasetCleaned {
            version: 1,
            clean_table: "clean.clean_bikes_v1".into(),
            panel_digest: panel.digest,
            changes,
            summary: Default::default(),
        })),
    );
    let node_link = artifact(&mut steps, &json!({ "directed": true, "nodes": [], "links": [] }));
    let variable = |name: &str| Variable { name: name.into(), lag: 0 };
    push(
        &mut steps,
        d::Command::RecordGraph(Box::new(d::GraphDiscovered {
            version: 1,
            target: "count".into(),
            algorithm: "PC".into(),
            reasons: vec![],
            significance_level: finite(0.05),
            knowledge: BackgroundKnowledge::default(),
            graph: CausalGraph {
                variables: vec![variable("temperature"), variable("count")],
                edges: vec![CausalEdge {
                    source: 0,
                    target: 1,
                    source_mark: Mark::Tail,
                    target_mark: Mark::Arrow,
                    statistic: None,
                    p_value: None,
                    confidence: None,
                }],
            },
            node_link,
            drivers: vec![Driver {
                variable: "temperature".into(),
                lag: 0,
                p_value: None,
                confidence: None,
                directed: true,
            }],
            interpretation: "temperature drives count".into(),
        })),
    );
    steps
}

const LIMITS: Limits = Limits { memory_bytes: 1 << 30, deadline_ms: 60_000, threads: 1 };
const NOW: i64 = 1_700_000_000_000_000;

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

pub fn envelope() -> Envelope {
    Envelope {
        actor: "tester".into(),
        correlation: "correlation".into(),
        causation: Some(Position(1)),
        build: "test".into(),
        occurred_at: Timestamp(NOW),
    }
}

/// What a history left in the log: the creating positions of what it made.
#[derive(Debug, Default)]
pub struct Played {
    pub events: u64,
    pub last: Position,
    /// The position of the first event of each type in each stream.
    pub first: BTreeMap<(String, String), Position>,
    /// The position at which each trial was queued or each ensemble was built.
    pub trials: BTreeMap<(String, u32), Position>,
}

impl Played {
    fn note<E: atsre_domain::event::WireEvent>(&mut self, events: &[Recorded<E>]) {
        for event in events {
            let name = (event.stream.0.clone(), event.event.event_type().to_owned());
            self.first.entry(name).or_insert(event.position);
            self.events += 1;
            self.last = event.position;
        }
    }
}

/// Runs the commands through the store.
pub async fn play(store: &Store, steps: Vec<Step>) -> Played {
    let mut played = Played::default();
    let envelope = envelope();
    for step in steps {
        match step {
            Step::Artifact(bytes) => drop(store.artifacts().put(&bytes, "application/json").await.unwrap()),
            Step::Dataset(stream, command) => {
                played.note(&store.execute::<d::Dataset>(&stream, command, &envelope).await.unwrap().events);
            }
            Step::Node(stream, command) => {
                played.note(&store.execute::<n::Node>(&stream, command, &envelope).await.unwrap().events);
            }
            Step::Experiment(stream, command) => {
                let events = store.execute::<e::Experiment>(&stream, command, &envelope).await.unwrap().events;
                for event in &events {
                    let trial = match &event.event {
                        e::Event::TrialQueued(queued) => queued.trial,
                        e::Event::EnsembleBuilt(built) => built.trial,
                        _ => continue,
                    };
                    played.trials.insert((stream.0.clone(), trial.0), event.position);
                }
                played.note(&events);
            }
        }
    }
    played
}

/// An event of an experiment that no build has ever written.
pub async fn append_poison(store: &Store) -> Position {
    let position: i64 = sqlx::query_scalar(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ('experiment', 'poisoned', 1, 'NeverWritten', '1', '{}', '{}') RETURNING position",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    Position(position.unsigned_abs())
}
