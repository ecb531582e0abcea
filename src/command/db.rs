//! `atsre db`: the private cluster.

use std::process::ExitCode;

use anyhow::Context as _;
use atsre_store::cluster::Cluster;

use crate::cli::Db;
use crate::config::Config;
use crate::error::Failure;
use crate::node;
use crate::output;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn run(config: &Config, action: &Db, json: bool) -> Result<ExitCode, Failure> {
    if config.database_url.is_some() && !matches!(action, Db::Psql { .. }) {
        return Err(Failure::usage("a database is given by its URL; the private cluster is not in use"));
    }
    match action {
        Db::Start => {
            node::open_store(config).await?.close().await;
            status(config, json)
        }
        Db::Stop => {
            let stopped = Cluster::stop_at(&config.home).await?;
            if json {
                output::json(&serde_json::json!({ "stopped": stopped }))?;
            } else {
                output::say(if stopped {
                    "The private cluster has stopped."
                } else {
                    "The private cluster was not running."
                });
            }
            Ok(ExitCode::SUCCESS)
        }
        Db::Status => status(config, json),
        Db::Psql { arguments } => psql(config, arguments).await,
    }
}

fn status(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let status = Cluster::status(&config.home)?;
    if json {
        output::json(&serde_json::json!({
            "running": status.running,
            "url": status.url,
            "data_dir": status.data_dir,
            "version": status.version,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let version = status.version.as_deref().unwrap_or("not made yet");
    output::say(format!("{} (PostgreSQL {version})", if status.running { "running" } else { "stopped" }));
    output::say(format!("data: {}", status.data_dir.display()));
    output::say(format!("url:  {}", status.url));
    Ok(ExitCode::SUCCESS)
}

async fn psql(config: &Config, arguments: &[String]) -> Result<ExitCode, Failure> {
    let store = node::open_store(config).await?;
    let (program, url) = match store.cluster() {
        Some(cluster) => (cluster.programs().join("psql"), cluster.url()),
        None => ("psql".into(), config.database_url.clone().unwrap_or_default()),
    };
    store.close().await;
    // Where the machine's own Postgres keeps psql elsewhere than its server programs, the one in PATH serves.
    let program = if program.is_file() { program } else { "psql".into() };
    let status = tokio::process::Command::new(&program)
        .arg(url)
        .args(arguments)
        .status()
        .await
        .with_context(|| format!("{} cannot be started; install the PostgreSQL client", program.display()))?;
    Ok(u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from))
}
