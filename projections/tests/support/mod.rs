//! Deterministic histories: what whole experiments leave in the log, as commands, without any engine.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

mod life;

use std::collections::BTreeMap;

use atsre_domain::experiment::{self as e, Command as C};
use atsre_domain::frequency::{Frequency, FrequencyUnit};
use atsre_domain::graph::{BackgroundKnowledge, CausalEdge, CausalGraph, Driver, Mark, Variable};
use atsre_domain::profile::SeasonalPeriod;
use atsre_domain::{ArtifactRef, Digest, Finite, Position, Recorded, StreamId, Timestamp, dataset as d, node as n};
use atsre_store::{Envelope, Store};
use serde_json::{Value, json};
use sha2::Digest as _;

pub use life::{MODELS, experiment_steps};

const NOW: i64 = 1_700_000_000_000_000;

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
            settings: None,
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
                effect: None,
            }],
            interpretation: "temperature drives count".into(),
            settings: None,
        })),
    );
    steps
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
