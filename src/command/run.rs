//! `atsre run`: one experiment to its end.

use std::process::ExitCode;
use std::sync::Arc;

use atsre_actors::Services;
use atsre_actors::intake;
use atsre_curation::ingest::{self, Ingested};
use atsre_domain::experiment::{Budget, Command, Experiment, ExperimentOpened, Objective, Phase};
use atsre_domain::identity::Seed;
use atsre_domain::model::Setting;
use atsre_domain::plan::ReasonerKind;
use atsre_domain::{Finite, Position, StreamId};
use atsre_store::Store;

use super::reading;
use crate::cli;
use crate::config::{self, Config};
use crate::error::Failure;
use crate::leaderboard::Summary;
use crate::node::{self, NodeEnd};
use crate::output;
use crate::watch::{self, Narrator};

/// How long the read models may take to catch up with the end of an experiment.
const CATCH_UP: std::time::Duration = std::time::Duration::from_secs(30);

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, run: &cli::Run, json: bool) -> Result<ExitCode, Failure> {
    let objective = objective(run.objective);
    if objective != Objective::Forecast {
        return Err(Failure::usage(format!(
            "the objective {} is not available yet; use --objective forecast",
            objective.name()
        )));
    }
    let options = reading::options(&run.reading)?;
    let file_name = options.file_name.clone();
    let narrator = Arc::new(Narrator::new(json));
    narrator.tell("•", format!("reading {}", run.reading.file.display()));
    let (bytes, ingested) = intake::read(&run.reading.file, options).await?;
    let request = Request {
        name: run.name.clone().unwrap_or_else(|| ingest::dataset_name_from(&file_name)),
        file_name,
        objective,
        horizon: run.horizon,
        holdout: run.holdout,
        quantiles: run.quantiles.clone(),
        budget: run.budget,
        seed: run.seed,
        reasoner: match run.reasoner {
            cli::Reasoner::Rules => ReasonerKind::Rules,
            cli::Reasoner::Llm => ReasonerKind::Llm,
        },
        approve: run.approve,
        trial_memory: run.trial_memory,
        parallel: run.parallel,
        settings: reading::settings(&run.settings)?,
    };
    // Everything that can be refused is refused here, before anything is stored.
    let prepared = request.prepare(&ingested, config)?;
    if run.reasoner_needs_model() && config.language_model.is_none() {
        narrator.tell("!", "no language model is configured ([language_model] in atsre.toml); the rules will plan");
    }
    execute(config, request, prepared, bytes, ingested, narrator, json).await
}

impl cli::Run {
    const fn reasoner_needs_model(&self) -> bool {
        matches!(self.reasoner, cli::Reasoner::Llm)
    }
}

const fn objective(objective: cli::Objective) -> Objective {
    match objective {
        cli::Objective::Forecast => Objective::Forecast,
        cli::Objective::AnomalyDetection => Objective::AnomalyDetection,
        cli::Objective::Imputation => Objective::Imputation,
    }
}

/// What a user, the demo or the inbox asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The data set's name.
    pub name: String,
    /// The file's name.
    pub file_name: String,
    /// What for.
    pub objective: Objective,
    /// Steps to forecast; from the frequency where absent.
    pub horizon: Option<u32>,
    /// Whether the last horizon is withheld as a test.
    pub holdout: bool,
    /// The quantile levels.
    pub quantiles: Vec<f64>,
    /// The wall time.
    pub budget: std::time::Duration,
    /// The root seed; drawn where absent.
    pub seed: Option<u64>,
    /// Who plans.
    pub reasoner: ReasonerKind,
    /// Whether a person must approve the plan.
    pub approve: bool,
    /// Memory of one trial's process, in bytes.
    pub trial_memory: u64,
    /// Trials at the same time.
    pub parallel: Option<u32>,
    /// Settings of models that every plan keeps, as (`model.setting`, value).
    pub settings: Vec<(String, Setting)>,
}

/// What was checked and settled before anything is stored.
#[derive(Clone, Debug)]
pub struct Prepared {
    target: String,
    horizon: u32,
    quantiles: Vec<Finite>,
    budget: Budget,
}

impl Request {
    /// Checks the request against the data.
    ///
    /// # Errors
    /// When the data or a flag cannot be used; nothing is stored then.
    pub fn prepare(&self, ingested: &Ingested, config: &Config) -> Result<Prepared, Failure> {
        let target = reading::target(ingested)?;
        let panel = reading::regularise(ingested)?.panel;
        let shortest = panel.shortest() as u64;
        let horizon = self.horizon.unwrap_or_else(|| reading::default_horizon(ingested.frequency, shortest));
        reading::check_horizon(&self.file_name, horizon, shortest, self.holdout)?;
        reading::check_quantiles(&self.quantiles)?;
        let quantiles = self.quantiles.iter().filter_map(|q| Finite::of(*q)).collect();
        let cores = config::cores();
        let budget = Budget {
            wall_ms: u64::try_from(self.budget.as_millis()).unwrap_or(u64::MAX),
            cpu_cores: cores,
            parallel_trials: self.parallel.unwrap_or_else(|| config.parallel_trials()).clamp(1, cores.max(1)),
            trial_memory_bytes: self.trial_memory,
            gpu_memory_bytes: gpu_memory(),
        };
        Ok(Prepared { target, horizon, quantiles, budget })
    }
}

/// Free memory of the roomiest GPU, in bytes; zero without one.
fn gpu_memory() -> u64 {
    atsre_monitor::host().map_or(0, |host| host.gpus.iter().map(|gpu| gpu.free_memory_bytes).max().unwrap_or(0))
}

/// Stores the file and opens the experiment. Gives its stream and the log's position before it.
///
/// # Errors
/// When the store does not answer.
pub async fn open(
    services: &Services,
    actor: &str,
    request: &Request,
    prepared: Prepared,
    bytes: &[u8],
    ingested: Ingested,
) -> Result<(StreamId, Position), Failure> {
    // Nobody erases the data set between its registration and the experiment on it.
    let _held = services.store.keep_dataset(&Store::dataset_stream(&request.name)).await?;
    let intake = intake::store(services, actor, &request.name, &request.file_name, bytes, ingested).await?;
    let from = services.store.log().head().await?.position;
    let stream = Store::new_stream();
    let opened = ExperimentOpened {
        name: format!("{}-{}", request.name, &stream.0[stream.0.len().saturating_sub(6)..]),
        dataset: intake.dataset,
        objective: request.objective,
        target: prepared.target,
        horizon: prepared.horizon,
        holdout: request.holdout,
        quantile_levels: prepared.quantiles,
        budget: prepared.budget,
        seed: Seed(request.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 1)),
        reasoner: request.reasoner,
        settings: request.settings.clone(),
        approval_required: request.approve,
        opened_at: (services.clock)(),
    };
    let envelope = services.envelope(actor, &stream, None);
    services.store.execute::<Experiment>(&stream, Command::Open(Box::new(opened)), &envelope).await?;
    Ok((stream, from))
}

/// Runs one experiment on data that were read and checked.
///
/// # Errors
/// What the user is told.
pub async fn execute(
    config: &Config,
    request: Request,
    prepared: Prepared,
    bytes: Vec<u8>,
    ingested: Ingested,
    narrator: Arc<Narrator>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let parallel = prepared.budget.parallel_trials;
    let config = &Config {
        agents: config::Agents { parallel_trials: Some(parallel), ..config.agents.clone() },
        ..config.clone()
    };
    let services = Arc::new(node::services(config, store.clone())?);
    let (stream, from) = open(&services, "user", &request, prepared, &bytes, ingested).await?;
    let watching = to_the_end(&store, vec![(stream.clone(), from)], &narrator);
    let end = node::run(services, None, Arc::clone(&narrator) as _, watching).await?;
    finish(config, &store, &[stream], end, json).await
}

/// Waits until each experiment has ended and the read models show it.
///
/// # Errors
/// When the store does not answer.
pub async fn to_the_end(
    store: &Store,
    experiments: Vec<(StreamId, Position)>,
    narrator: &Narrator,
) -> Result<(), Failure> {
    for (stream, from) in &experiments {
        let experiment = watch::until_ended(store, stream, *from, narrator).await?;
        if experiment.awaits_approval() {
            narrator.tell("?", "the plan waits for a person: `atsre approve` or `atsre reject`, then `atsre resume`");
        }
    }
    let head = store.log().head().await?.position;
    for name in atsre_projections::names() {
        if tokio::time::timeout(CATCH_UP, atsre_projections::wait_for(store, name, head)).await.is_err() {
            narrator.tell("!", format!("the read model {name} has not caught up; `atsre verify` tells why"));
        }
    }
    Ok(())
}

/// Prints what came out, and says with which code the program ends.
///
/// # Errors
/// When the store does not answer.
pub async fn finish(
    config: &Config,
    store: &Store,
    streams: &[StreamId],
    end: NodeEnd<()>,
    json: bool,
) -> Result<ExitCode, Failure> {
    crate::anchors::take_after_work(config, store).await;
    let mut code = ExitCode::SUCCESS;
    let mut summaries = Vec::new();
    for stream in streams {
        let summary = Summary::of(store, stream, &config.report_folder()).await?;
        if !json {
            summary.print();
        }
        let experiment = store.load::<Experiment>(stream).await?.state;
        if !matches!(experiment.phase, Phase::Completed { .. }) && !experiment.awaits_approval() {
            code = ExitCode::FAILURE;
        }
        summaries.push(summary);
    }
    if json {
        match summaries.as_slice() {
            [one] => output::json(one)?,
            many => output::json(&many)?,
        }
    }
    match end {
        NodeEnd::Done(()) => {}
        NodeEnd::Interrupted => {
            output::note("stopped; `atsre resume` goes on from here");
            code = ExitCode::FAILURE;
        }
        NodeEnd::Escalated { agent } => {
            return Err(Failure::failed(format!(
                "{agent} crashed too often; `atsre events --type AgentCrashed` tells why"
            )));
        }
    }
    store.close().await;
    Ok(code)
}
