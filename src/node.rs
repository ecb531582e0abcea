//! A running node: the store, the agents under their guardian, the projectors beside them.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use atsre_actors::agent::{self, Role};
use atsre_actors::causal_analyst::CausalAnalyst;
use atsre_actors::curator::Curator;
use atsre_actors::forecaster::Forecaster;
use atsre_actors::guardian::{ChildSpec, Guardian, RestartPolicy, TreeEnd};
use atsre_actors::inbox;
use atsre_actors::orchestrator::Orchestrator;
use atsre_actors::planner::Planner;
use atsre_actors::progress::ProgressSink;
use atsre_actors::reporter::Reporter;
use atsre_actors::{Services, Settings};
use atsre_domain::node::{Command, Event, Node, NodeStarted, NodeStopped};
use atsre_domain::{StreamId, Timestamp};
use atsre_store::{NodeLock, Store, StoreConfig, told};
use tokio::sync::mpsc;

use crate::anchors;
use crate::config::Config;
use crate::error::Failure;
use crate::output;

/// How often leases of nodes that died are looked for.
const ORPHAN_INTERVAL: Duration = Duration::from_secs(5);

/// The build: the version, and the source revision where the build knew it.
#[must_use]
pub fn build() -> String {
    match option_env!("ATSRE_REVISION") {
        Some(revision) => format!("{}+{revision}", env!("CARGO_PKG_VERSION")),
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The wall clock: the one place that reads it.
#[must_use]
pub fn clock() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_micros())
}

/// Opens the store, telling the user what takes long.
///
/// # Errors
/// When there is no Postgres, or it cannot be started or reached.
pub async fn open_store(config: &Config) -> Result<Store, Failure> {
    std::fs::create_dir_all(&config.home).with_context(|| format!("{} cannot be made", config.home.display()))?;
    let settings = match &config.database_url {
        Some(url) => StoreConfig::at(url, &config.home),
        None => StoreConfig::private(&config.home),
    };
    Ok(Store::open(&settings, |told| output::note(told)).await?)
}

/// What agents of this node are given.
///
/// # Errors
/// When the path of this program is not known.
pub fn services(config: &Config, store: Store) -> Result<Services, Failure> {
    let worker_program = std::env::current_exe().context("the path of this program is not known")?;
    Ok(Services {
        store,
        node: Store::new_stream(),
        build: build(),
        settings: Settings {
            worker_program,
            worker_arguments: vec!["worker".to_owned()],
            heartbeat_timeout: config.agents.heartbeat_timeout(),
            sample_interval: config.agents.sample_interval(),
            core_milliwatts: config.agents.core_milliwatts,
            parallel_trials: config.parallel_trials(),
            report_folder: config.report_folder(),
            language_model: config.language_model.clone(),
        },
        clock,
        signer: anchors::signer(config),
    })
}

/// How a node's work ended.
#[derive(Debug)]
pub enum NodeEnd<T> {
    /// What was waited for has come.
    Done(T),
    /// A signal asked it to stop.
    Interrupted,
    /// An agent passed its restart budget.
    Escalated {
        /// The agent.
        agent: String,
    },
}

/// Runs a node until `until` resolves, a signal comes, or the tree gives up. Everything is drained before it returns.
///
/// # Errors
/// When the node cannot be recorded in the log, or `until` fails.
pub async fn run<T>(
    services: Arc<Services>,
    watched: Option<(PathBuf, inbox::Take)>,
    progress: Arc<dyn ProgressSink>,
    until: impl Future<Output = Result<T, Failure>>,
) -> Result<NodeEnd<T>, Failure> {
    // The lock is what tells other nodes that this one lives; the database lets go of it when the process dies.
    let lock = services.store.lock_node(&services.node.0).await?.context("this node is running already")?;
    services.store.work().release_orphans().await?;
    record(&services, Event::NodeStarted(started()?)).await?;
    let (facts, recorder) = recorder(Arc::clone(&services));
    let tree = Guardian::start_tree(children(&services, watched, progress), facts);
    let housekeeping = actix::spawn(keep_house(Arc::clone(&services), lock));
    let mut tree_end = tree.end;
    let stop = tree.guardian;
    let outcome = tokio::select! {
        outcome = until => outcome.map(NodeEnd::Done),
        () = signal() => Ok(NodeEnd::Interrupted),
        end = &mut tree_end => Ok(match end {
            Ok(TreeEnd::Escalated { agent }) => NodeEnd::Escalated { agent },
            Ok(TreeEnd::Stopped) | Err(_) => NodeEnd::Interrupted,
        }),
    };
    if !matches!(outcome, Ok(NodeEnd::Escalated { .. })) {
        stop.stop_all();
        if tree_end.await.is_err() {
            tracing::warn!("the supervision tree ended without a word");
        }
    }
    housekeeping.abort();
    recorder.await.context("the node's events could not be recorded")?;
    let reason = match &outcome {
        Ok(NodeEnd::Done(_)) => "its work is done".to_owned(),
        Ok(NodeEnd::Interrupted) => "it was asked to stop".to_owned(),
        Ok(NodeEnd::Escalated { agent }) => format!("{agent} passed its restart budget"),
        Err(failure) => failure.error.to_string(),
    };
    record(&services, Event::NodeStopped(NodeStopped { reason })).await?;
    outcome
}

fn started() -> Result<NodeStarted, Failure> {
    let host = atsre_monitor::host().context("this machine's facts cannot be read")?;
    Ok(NodeStarted {
        host: host.name,
        pid: std::process::id(),
        build: build(),
        cores: host.cores,
        memory_bytes: host.memory_bytes,
        gpus: host.gpus.into_iter().map(|gpu| gpu.name).collect(),
    })
}

async fn record(services: &Services, event: Event) -> Result<(), Failure> {
    let envelope = services.envelope("guardian", &services.node, None);
    services.store.execute::<Node>(&services.node, Command::Record(event), &envelope).await?;
    Ok(())
}

/// Writes what the guardian sees to the node's stream, in order.
fn recorder(services: Arc<Services>) -> (mpsc::UnboundedSender<Event>, tokio::task::JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let task = actix::spawn(async move {
        while let Some(event) = receiver.recv().await {
            if let Err(failure) = record(&services, event).await {
                tracing::error!(error = %failure.error, "a node event could not be recorded");
            }
        }
    });
    (sender, task)
}

async fn keep_house(services: Arc<Services>, lock: NodeLock) {
    let mut interval = tokio::time::interval(ORPHAN_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = lock.renew().await {
            tracing::warn!(%error, "the node's sign of life could not be renewed");
        }
        if let Err(error) = services.store.work().release_orphans().await {
            tracing::warn!(%error, "leases of dead nodes could not be released");
        }
    }
}

/// The whole tree, as one table.
fn children(
    services: &Arc<Services>,
    watched: Option<(PathBuf, inbox::Take)>,
    progress: Arc<dyn ProgressSink>,
) -> Vec<ChildSpec> {
    let parallel = services.settings.parallel_trials as usize;
    let roles: Vec<Arc<dyn Role>> = vec![
        Arc::new(Orchestrator),
        Arc::new(Curator),
        Arc::new(CausalAnalyst),
        Arc::new(Planner),
        Arc::new(Forecaster::new(parallel, progress)),
        Arc::new(Reporter),
    ];
    let mut children: Vec<ChildSpec> = roles.into_iter().map(|role| agent_child(services, role)).collect();
    for name in atsre_projections::names() {
        let store = services.store.clone();
        children.push(ChildSpec {
            name,
            policy: RestartPolicy::default(),
            build: Box::new(move |stop| {
                let store = store.clone();
                Box::pin(async move { atsre_projections::run(store, name, stop).await.map_err(|error| told(&error)) })
            }),
        });
    }
    if let Some((folder, take)) = watched {
        let take = std::rc::Rc::new(take);
        children.push(ChildSpec {
            name: "inbox",
            policy: RestartPolicy::default(),
            build: Box::new(move |stop| {
                let take = std::rc::Rc::clone(&take);
                Box::pin(inbox::watch(folder.clone(), Box::new(move |path| take(path)), stop))
            }),
        });
    }
    children
}

fn agent_child(services: &Arc<Services>, role: Arc<dyn Role>) -> ChildSpec {
    let services = Arc::clone(services);
    ChildSpec {
        name: role.agent().name(),
        policy: RestartPolicy::default(),
        build: Box::new(move |stop| {
            let running = agent::run(Arc::clone(&services), Arc::clone(&role), stop);
            Box::pin(async move { running.await.map_err(|error| error.told()) })
        }),
    }
}

/// Resolves when the user or the system asks the program to stop.
pub async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The stream that a person names: by the position of the event that created it, or by its name where that is unique.
///
/// # Errors
/// When there is no such experiment, or the name is not unique.
pub async fn find_experiment(store: &Store, named: &str) -> Result<StreamId, Failure> {
    use atsre_domain::experiment::Experiment;
    if let Ok(position) = named.parse::<u64>() {
        let found = store.log().stream_created_at(atsre_domain::Position(position)).await?;
        return match found {
            Some(summary) if summary.stream_type == "experiment" => Ok(summary.stream),
            _ => Err(Failure::usage(format!("there is no experiment {position}; `atsre experiments` lists them"))),
        };
    }
    let mut found = Vec::new();
    for summary in store.log().streams("experiment").await? {
        if summary.stream.0 == named {
            return Ok(summary.stream);
        }
        let state = store.load::<Experiment>(&summary.stream).await?.state;
        if state.opened.is_some_and(|opened| opened.name == named) {
            found.push(summary);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.stream.clone()),
        [] => Err(Failure::usage(format!("there is no experiment {named:?}; `atsre experiments` lists them"))),
        many => {
            let ids: Vec<String> = many.iter().map(|s| s.created_at.to_string()).collect();
            Err(Failure::usage(format!(
                "several experiments are named {named:?}: give an id, one of {}",
                ids.join(", ")
            )))
        }
    }
}
