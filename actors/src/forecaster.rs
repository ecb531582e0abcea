//! The Forecaster: leases trials, runs each in its own worker process, and combines what they give.

use std::sync::Arc;

use async_trait::async_trait;
use atsre_domain::experiment::{
    Command, EnsembleBuilt, Experiment, ExperimentOpened, Fingerprint, Member, ResourceSampled, Stage, Trial,
    TrialCompleted, TrialFailed, TrialStarted, TrialState,
};
use atsre_domain::finite::Finite;
use atsre_domain::identity::{Attempt, Epoch, Seed, StreamId, TrialNumber};
use atsre_domain::metric::Metric;
use atsre_domain::model::{Device, Limits};
use atsre_domain::panel::Panel;
use atsre_domain::plan::BacktestPlan;
use atsre_domain::policy::best;
use atsre_domain::process::{Agent, WorkKind};
use atsre_forecast::ensemble;
use atsre_forecast::job::{TrialJob, TrialResult};
use atsre_store::ExecuteError;
use atsre_store::WorkItem;
use tokio::sync::mpsc;

use crate::agent::{self, Role};
use crate::error::AgentError;
use crate::orchestrator::fail_stage;
use crate::progress::{Progress, ProgressSink};
use crate::services::{Services, compute};
use crate::trial::protocol::{Job, encode_job};
use crate::trial::{self, AttemptOptions, Observation, Outcome};

/// How often a worker gives a sign of life.
pub(crate) const HEARTBEAT_MS: u64 = 500;
/// What a trial that runs when the budget ends may still take to finish.
const SHORTEST_DEADLINE_MS: u64 = 3_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct Forecaster {
    concurrency: usize,
    progress: Arc<dyn ProgressSink>,
}

impl Forecaster {
    /// A forecaster that runs so many trials at the same time and tells `progress` how they go.
    #[must_use]
    pub fn new(concurrency: usize, progress: Arc<dyn ProgressSink>) -> Self {
        Self { concurrency: concurrency.max(1), progress }
    }
}

#[async_trait]
impl Role for Forecaster {
    fn agent(&self) -> Agent {
        Agent::Forecaster
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    async fn perform(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        if agent::kind(item) == Some(WorkKind::Combine) {
            return combine(services, item).await;
        }
        match self.run_trial(services, item).await {
            // Another holder of the trial's lease, or the orchestrator, was first: nothing is left to do.
            Err(AgentError::Experiment(ExecuteError::Rejected(refused))) => {
                tracing::info!(stream = %item.stream, %refused, "an outcome came too late");
                Ok(())
            }
            other => other,
        }
    }

    async fn give_up(&self, services: &Services, item: &WorkItem, message: &str) -> Result<(), AgentError> {
        match (agent::kind(item), agent::trial(item)) {
            (Some(WorkKind::RunTrial), Some((trial, attempt))) => {
                let reason = format!("it could not be run: {message}");
                let command = Command::AbandonTrial { trial, attempt, reason };
                services.command(Agent::Forecaster, &item.stream, item.position, command).await
            }
            _ => fail_stage(services, Agent::Forecaster, item, Stage::Ensemble, message).await,
        }
    }
}

/// A trial under a lease.
struct Held<'a> {
    services: &'a Services,
    item: &'a WorkItem,
    dataset: StreamId,
    number: TrialNumber,
    attempt: Attempt,
    epoch: Epoch,
}

impl Forecaster {
    async fn run_trial(&self, services: &Services, item: &WorkItem) -> Result<(), AgentError> {
        let (experiment, opened) = services.experiment(&item.stream).await?;
        let Some((number, attempt)) = agent::trial(item) else { return Ok(()) };
        let Some(trial) = experiment.trials.get(&number) else { return Ok(()) };
        if !experiment.is_open()
            || trial.ended()
            || trial.attempt != attempt
            || matches!(trial.state, TrialState::Failed)
        {
            return Ok(());
        }
        let epoch = Epoch(trial.epoch.0 + 1);
        let held = Held { services, item, dataset: opened.dataset.stream.clone(), number, attempt, epoch };
        held.command(Command::LeaseTrial { trial: number, epoch, node: services.node.clone() }).await?;
        let version = services.version(&experiment, &opened).await?;
        let panel = services.panel(&version).await?;
        let remaining = services.remaining_ms(&opened).await?.max(SHORTEST_DEADLINE_MS);
        let limits = Limits { deadline_ms: trial.limits.deadline_ms.min(remaining), ..trial.limits };
        let seed = opened.seed.for_trial(number, attempt);
        let job = job(&experiment, &opened, &version, panel, trial, seed);
        let encoded = encode_job(&Job {
            trial: job,
            limits,
            heartbeat_ms: HEARTBEAT_MS,
            core_milliwatts: services.settings.core_milliwatts,
        })
        .map_err(|error| AgentError::Missing(error.to_string()))?;
        let panel_digest = version.cleaned.map(|c| c.panel_digest).unwrap_or(atsre_domain::Digest(String::new()));
        let started = |pid| TrialStarted {
            trial: number,
            attempt,
            epoch,
            pid,
            seed,
            fingerprint: Fingerprint {
                panel: panel_digest.clone(),
                engine: format!("atsre-forecast {}", services.build),
                build: services.build.clone(),
                threads: limits.threads,
                cpu_features: atsre_monitor::cpu_features(),
                device: match trial.spec.device {
                    Device::Cpu => "cpu".to_owned(),
                    Device::Gpu => "gpu".to_owned(),
                },
            },
        };
        let attempt_of = trial::Attempt { job: encoded, limits };
        let outcome = self.observe(&held, trial, attempt_of, started).await?;
        held.record(outcome).await
    }

    /// Runs the attempt and records what is seen of it.
    async fn observe(
        &self,
        held: &Held<'_>,
        trial: &Trial,
        attempt: trial::Attempt,
        started: impl Fn(u32) -> TrialStarted,
    ) -> Result<Outcome, AgentError> {
        let settings = &held.services.settings;
        let options = AttemptOptions {
            program: settings.worker_program.clone(),
            arguments: settings.worker_arguments.clone(),
            heartbeat_timeout: settings.heartbeat_timeout,
            sample_interval: settings.sample_interval,
            core_milliwatts: settings.core_milliwatts,
            clock: held.services.clock,
        };
        let (sender, mut observations) = mpsc::channel(64);
        let running = trial::run(attempt, &options, &sender);
        tokio::pin!(running);
        let mut outcome = None;
        // What was observed before the end is in the channel when the end is seen; it is read to its last.
        while outcome.is_none() || !observations.is_empty() {
            let observation = tokio::select! {
                biased;
                Some(observation) = observations.recv() => observation,
                ended = &mut running, if outcome.is_none() => {
                    outcome = Some(ended);
                    continue;
                }
            };
            match observation {
                Observation::Started { pid } => held.command(Command::StartTrial(Box::new(started(pid)))).await?,
                Observation::Progress { fraction, message } => {
                    let stream = held.item.stream.clone();
                    let model = trial.spec.model.clone();
                    self.progress.report(Progress { experiment: stream, trial: held.number, model, fraction, message });
                }
                Observation::Sampled(batch) => {
                    let sampled = ResourceSampled { trial: held.number, attempt: held.attempt, batch };
                    held.command(Command::SampleResources(Box::new(sampled))).await?;
                }
            }
        }
        outcome.ok_or_else(|| AgentError::Missing("the attempt ended without an outcome".to_owned()))
    }
}

impl Held<'_> {
    async fn command(&self, command: Command) -> Result<(), AgentError> {
        self.services.command(Agent::Forecaster, &self.item.stream, self.item.position, command).await
    }

    async fn record(&self, outcome: Outcome) -> Result<(), AgentError> {
        let (trial, attempt, epoch) = (self.number, self.attempt, self.epoch);
        match outcome {
            Outcome::Completed { json, usage } => {
                let result: TrialResult = serde_json::from_slice(&json)?;
                let artifacts = self.services.store.artifacts();
                let artifact = artifacts.put_for(&self.dataset, &json, "application/json").await?;
                let (scores, notes) = (result.scores, result.notes);
                let completed = TrialCompleted { trial, attempt, epoch, result: artifact, scores, usage, notes };
                self.command(Command::CompleteTrial(Box::new(completed))).await
            }
            Outcome::Failed { failure, usage } => {
                let class = failure.kind.class();
                let failed = TrialFailed { trial, attempt, epoch, failure, class, usage };
                self.command(Command::FailTrial(Box::new(failed))).await
            }
        }
    }
}

/// What a trial runs, as far as it is decided when its lease begins.
pub(crate) fn job(
    experiment: &Experiment,
    opened: &ExperimentOpened,
    version: &atsre_domain::dataset::Version,
    panel: Panel,
    trial: &Trial,
    seed: Seed,
) -> TrialJob {
    TrialJob {
        panel,
        spec: trial.spec.clone(),
        horizon: opened.horizon,
        quantile_levels: opened.quantile_levels.iter().map(|q| q.get()).collect(),
        backtest: backtest(experiment, opened, version),
        holdout: if opened.holdout { opened.horizon } else { 0 },
        seed: seed.0,
        threads: trial.limits.threads,
    }
}

/// The plan's backtest; before there is a plan, the one that the plan will have.
fn backtest(
    experiment: &Experiment,
    opened: &ExperimentOpened,
    version: &atsre_domain::dataset::Version,
) -> BacktestPlan {
    experiment.proposed.as_ref().map_or_else(
        || {
            let profiled = version.profiled.as_ref();
            let season = profiled.and_then(|p| p.seasonal_periods.first()).map_or(1, |s| s.period);
            let shortest = profiled.map_or(0, |p| p.length_min);
            let holdout = if opened.holdout { opened.horizon } else { 0 };
            BacktestPlan::rolling_origin(shortest, holdout, opened.horizon, season)
        },
        |proposed| proposed.plan.backtest,
    )
}

async fn combine(services: &Services, item: &WorkItem) -> Result<(), AgentError> {
    let (experiment, opened) = services.experiment(&item.stream).await?;
    if !experiment.is_open() || experiment.ensemble.is_some() || !experiment.trials_ended() {
        return Ok(());
    }
    let mut numbers = Vec::new();
    let mut results = Vec::new();
    for (number, trial) in &experiment.trials {
        if let TrialState::Completed { result, .. } = &trial.state {
            let bytes = services.store.artifacts().get(&result.digest).await?;
            results.push(serde_json::from_slice::<TrialResult>(&bytes)?);
            numbers.push(*number);
        }
    }
    let objective = objective(&experiment);
    let built = compute(move || {
        let members: Vec<&TrialResult> = results.iter().collect();
        ensemble::greedy(&members, objective)
    })
    .await?;
    let members = numbers
        .into_iter()
        .zip(&built.weights)
        .filter(|(_, weight)| **weight > 0.0)
        .filter_map(|(trial, weight)| Some(Member { trial, weight: Finite::of(*weight)? }))
        .collect();
    let (artifacts, bytes) = (services.store.artifacts(), serde_json::to_vec(&built.result)?);
    let result = artifacts.put_for(&opened.dataset.stream, &bytes, "application/json").await?;
    let event = EnsembleBuilt {
        trial: experiment.next_trial(),
        strategy: "weighted_avg".to_owned(),
        members,
        result,
        scores: built.result.scores,
    };
    let stream: &StreamId = &item.stream;
    services.command(Agent::Forecaster, stream, item.position, Command::BuildEnsemble(Box::new(event))).await
}

/// MASE, unless a member has none (a constant history has no scale).
pub(crate) fn objective(experiment: &Experiment) -> Metric {
    let defined = |metric| {
        experiment.trials.values().all(|trial| match &trial.state {
            TrialState::Completed { scores, .. } => {
                best::score(scores, metric, atsre_domain::metric::Split::Backtest).is_some()
            }
            _ => true,
        })
    };
    [Metric::Mase, Metric::Wql].into_iter().find(|metric| defined(*metric)).unwrap_or(Metric::Mae)
}
