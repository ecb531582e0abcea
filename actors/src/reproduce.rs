//! Runs a trial again from its record and compares what comes out with what is on record.

use atsre_domain::experiment::{Event, Experiment, Fingerprint, TrialState};
use atsre_domain::identity::{Attempt, Seed, StreamId, TrialNumber};
use atsre_domain::metric::Metric;
use atsre_domain::model::{Device, Limits};
use atsre_domain::{Decider as _, Digest};
use atsre_forecast::ensemble;
use atsre_forecast::job::TrialResult;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::error::AgentError;
use crate::forecaster::{self, HEARTBEAT_MS};
use crate::services::{Services, compute};
use crate::trial::protocol::{Job, encode_job};
use crate::trial::{self, AttemptOptions, Outcome};

/// Differences up to this share of the value count as the same within tolerance: what another order of additions, or
/// another processor's fused operations, may do.
pub const TOLERANCE: f64 = 1e-6;
/// A repetition is not hurried.
const DEADLINE_MS: u64 = 3_600_000;

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The same bytes.
    Bitwise,
    /// Not the same bytes, but the same numbers as far as [`TOLERANCE`] goes.
    WithinTolerance {
        /// The largest relative difference.
        largest: f64,
        /// Where the first difference is, as a JSON pointer into the result.
        first: String,
    },
    /// Something else.
    Diverged {
        /// The largest relative difference; none where shapes differ or there was no result.
        largest: Option<f64>,
        /// Where the first difference is, or what happened in place of a result.
        first: String,
    },
}

/// A trial run again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reproduction {
    /// The trial.
    pub trial_no: TrialNumber,
    /// Its model.
    pub model: String,
    /// The digest of the result on record.
    pub recorded: Digest,
    /// What came out.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Inputs that are not those on record: the build, the processor's features, the number of threads.
    pub different_inputs: Vec<String>,
}

/// Runs a finished trial again, in a fresh worker, on the data, settings and seed of the attempt that gave its result;
/// for an ensemble, chooses the weights again from its members' results.
///
/// # Errors
/// When the trial has no result, its record is not whole, or its data were erased.
pub async fn reproduce(
    services: &Services,
    stream: &StreamId,
    number: TrialNumber,
) -> Result<Reproduction, AgentError> {
    services.store.load::<Experiment>(stream).await?.state.ensure_input()?;
    let events = services.store.log().read_stream(Experiment::TYPE, stream).await?;
    let mut experiment = Experiment::default();
    let mut started: Option<(Experiment, Attempt, Seed, Fingerprint)> = None;
    for stored in &events {
        let event = stored.recorded::<Event>()?.event;
        match &event {
            // What the trial was given is what was decided when it was leased, just before it started.
            Event::TrialStarted(e) if e.trial == number => {
                started = Some((experiment.clone(), e.attempt, e.seed, e.fingerprint.clone()));
            }
            Event::EnsembleBuilt(e) if e.trial == number => {
                let digest = e.result.digest.clone();
                return again_as_ensemble(services, &experiment, number, digest).await;
            }
            _ => {}
        }
        experiment.evolve(&event);
    }
    let missing = |what: &str| AgentError::Missing(format!("trial {number} has no {what}"));
    let trial = experiment.trials.get(&number).ok_or_else(|| missing("record in this experiment"))?;
    let TrialState::Completed { result, .. } = &trial.state else { return Err(missing("result to compare with")) };
    let (then, _, seed, fingerprint) = started.ok_or_else(|| missing("start on record"))?;
    let (model, recorded) = (trial.spec.model.clone(), result.digest.clone());
    let json = again(services, &then, number, seed, &fingerprint).await?;
    let different_inputs = different_inputs(services, &fingerprint);
    let verdict = match json {
        Ok(json) => compare(services, &recorded, &json).await?,
        Err(failure) => Verdict::Diverged { largest: None, first: failure },
    };
    Ok(Reproduction { trial_no: number, model, recorded, verdict, different_inputs })
}

/// The result's JSON, or why there is none.
async fn again(
    services: &Services,
    then: &Experiment,
    number: TrialNumber,
    seed: Seed,
    fingerprint: &Fingerprint,
) -> Result<Result<Vec<u8>, String>, AgentError> {
    let missing = || AgentError::Missing(format!("what trial {number} was given is not on record"));
    let opened = then.opened.clone().ok_or_else(missing)?;
    let trial = then.trials.get(&number).ok_or_else(missing)?;
    let version = services.version(then, &opened).await?;
    // The very data that it ran on, whatever the data set has become since.
    let panel = rmp_serde::from_slice(&services.store.artifacts().get(&fingerprint.panel).await?)?;
    let limits = Limits { deadline_ms: DEADLINE_MS, ..trial.limits };
    let job = forecaster::job(then, &opened, &version, panel, trial, seed);
    let encoded = encode_job(&Job {
        trial: job,
        limits,
        heartbeat_ms: HEARTBEAT_MS,
        core_milliwatts: services.settings.core_milliwatts,
    })
    .map_err(|error| AgentError::Missing(error.to_string()))?;
    let options = AttemptOptions {
        program: services.settings.worker_program.clone(),
        arguments: services.settings.worker_arguments.clone(),
        heartbeat_timeout: services.settings.heartbeat_timeout,
        sample_interval: services.settings.sample_interval,
        core_milliwatts: services.settings.core_milliwatts,
        clock: services.clock,
    };
    let (sender, mut observations) = mpsc::channel(64);
    let seen = tokio::spawn(async move { while observations.recv().await.is_some() {} });
    let outcome = trial::run(trial::Attempt { job: encoded, limits }, &options, &sender).await;
    drop(sender);
    if seen.await.is_err() {
        tracing::debug!("nobody watched the repetition");
    }
    Ok(match outcome {
        Outcome::Completed { json, .. } => Ok(json),
        Outcome::Failed { failure, .. } => {
            Err(format!("the repetition failed ({}): {}", failure.kind.name(), failure.message))
        }
    })
}

async fn again_as_ensemble(
    services: &Services,
    then: &Experiment,
    number: TrialNumber,
    recorded: Digest,
) -> Result<Reproduction, AgentError> {
    let mut results = Vec::new();
    for trial in then.trials.values() {
        if let TrialState::Completed { result, .. } = &trial.state {
            let bytes = services.store.artifacts().get(&result.digest).await?;
            results.push(serde_json::from_slice::<TrialResult>(&bytes)?);
        }
    }
    let objective: Metric = forecaster::objective(then);
    let built = compute(move || ensemble::greedy(&results.iter().collect::<Vec<_>>(), objective)).await?;
    let verdict = compare(services, &recorded, &serde_json::to_vec(&built.result)?).await?;
    let model = "greedy-ensemble".to_owned();
    Ok(Reproduction { trial_no: number, model, recorded, verdict, different_inputs: Vec::new() })
}

/// What is not as it was when the trial ran.
fn different_inputs(services: &Services, then: &Fingerprint) -> Vec<String> {
    let now = [
        ("build", &then.build, services.build.clone()),
        ("processor features", &then.cpu_features, atsre_monitor::cpu_features()),
    ];
    let mut different: Vec<String> = now
        .into_iter()
        .filter(|(_, then, now)| *then != now)
        .map(|(what, then, now)| format!("{what}: it was {then}, it is {now}"))
        .collect();
    if then.device != name(Device::Cpu) {
        different.push(format!("device: it was {}, whose results vary from run to run", then.device));
    }
    different
}

const fn name(device: Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Gpu => "gpu",
    }
}

async fn compare(services: &Services, recorded: &Digest, json: &[u8]) -> Result<Verdict, AgentError> {
    let on_record = services.store.artifacts().get(recorded).await?;
    if on_record == json {
        return Ok(Verdict::Bitwise);
    }
    let (then, now): (Value, Value) = (serde_json::from_slice(&on_record)?, serde_json::from_slice(json)?);
    let mut differences = Differences::default();
    differences.walk(&then, &now, &mut String::new());
    Ok(match differences {
        Differences { first: None, .. } => {
            Verdict::WithinTolerance { largest: 0.0, first: "only the way in which the JSON is written".to_owned() }
        }
        Differences { first: Some(first), largest, shape: false } if largest <= TOLERANCE => {
            Verdict::WithinTolerance { largest, first }
        }
        Differences { first: Some(first), largest, shape } => {
            Verdict::Diverged { largest: (!shape).then_some(largest), first }
        }
    })
}

/// How two results differ.
#[derive(Debug, Default, PartialEq)]
struct Differences {
    first: Option<String>,
    largest: f64,
    /// Whether more than a number differs.
    shape: bool,
}

impl Differences {
    fn walk(&mut self, then: &Value, now: &Value, path: &mut String) {
        match (then, now) {
            (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
                for (key, then) in a {
                    self.step(then, &b[key], path, key);
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                for (place, (then, now)) in a.iter().zip(b).enumerate() {
                    self.step(then, now, path, &place.to_string());
                }
            }
            (Value::Number(a), Value::Number(b)) => {
                let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
                if a.to_bits() != b.to_bits() {
                    self.note(path);
                    self.largest = self.largest.max((a - b).abs() / a.abs().max(b.abs()).max(f64::MIN_POSITIVE));
                }
            }
            (a, b) if a == b => {}
            _ => {
                self.note(path);
                self.shape = true;
            }
        }
    }

    fn step(&mut self, then: &Value, now: &Value, path: &mut String, name: &str) {
        let length = path.len();
        path.push('/');
        path.push_str(name);
        self.walk(then, now, path);
        path.truncate(length);
    }

    fn note(&mut self, path: &str) {
        self.first.get_or_insert_with(|| path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn between(then: &Value, now: &Value) -> Differences {
        let mut differences = Differences::default();
        differences.walk(then, now, &mut String::new());
        differences
    }

    #[test]
    fn the_first_and_the_largest_difference_are_found() {
        let then = json!({ "a": [1.0, 2.0, 4.0], "b": "same" });
        assert_eq!(between(&then, &then), Differences::default());
        let now = json!({ "a": [1.0, 2.002, 5.0], "b": "same" });
        let found = between(&then, &now);
        assert_eq!(found.first.as_deref(), Some("/a/1"));
        assert!((found.largest - 0.2).abs() < 1e-12 && !found.shape);
    }

    #[test]
    fn another_shape_is_more_than_a_difference_of_numbers() {
        for other in [json!({ "a": [1.0] }), json!({ "a": [1.0, null] }), json!({ "c": [1.0, 2.0] })] {
            assert!(between(&json!({ "a": [1.0, 2.0] }), &other).shape, "{other}");
        }
    }
}
