//! The commands, a file each.

pub mod anchor;
pub mod approval;
pub mod bundle;
pub mod causal;
pub mod compare;
pub mod db;
pub mod demo;
pub mod erase;
pub mod forecast;
pub mod fork;
pub mod history;
pub mod lists;
pub mod models;
pub mod moment;
pub mod profile;
pub mod reading;
pub mod rebuild;
pub mod replay;
pub mod reproduce;
pub mod resume;
pub mod run;
pub mod serve;
pub mod state;
pub mod verify;
pub mod worker;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::error::Failure;

/// Runs the command.
///
/// # Errors
/// What the user is told.
pub async fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let json = cli.json;
    let config = Config::load(&cli)?;
    match cli.command {
        Command::Demo(demo) => demo::run(&config, &demo, json).await,
        Command::Run(run) => run::run(&config, &run, json).await,
        Command::Resume { experiment } => resume::run(&config, experiment.as_deref(), json).await,
        Command::Approve { experiment } => approval::run(&config, &experiment, None, json).await,
        Command::Reject { experiment, why } => approval::run(&config, &experiment, Some(&why), json).await,
        Command::Serve(serve) => serve::run(&config, &serve).await,
        Command::Experiments(filter) => lists::experiments(&config, &filter, json).await,
        Command::Trials(filter) => lists::trials(&config, &filter, json).await,
        Command::Datasets(filter) => lists::datasets(&config, &filter, json).await,
        Command::Graphs(filter) => lists::graphs(&config, &filter, json).await,
        Command::Events(filter) => lists::events(&config, &filter, json).await,
        Command::Models => models::run(json),
        Command::History(asked) => history::run(&config, &asked, json).await,
        Command::State(asked) => state::run(&config, &asked, json).await,
        Command::Compare { experiments } => compare::run(&config, &experiments, json).await,
        Command::Forks { experiment } => compare::forks(&config, &experiment, json).await,
        Command::Reproduce { what } => reproduce::run(&config, &what, json).await,
        Command::Replay(asked) => replay::run(&config, &asked, json).await,
        Command::Fork(asked) => fork::run(&config, &asked, json).await,
        Command::Cancel { experiment, why } => approval::cancel(&config, &experiment, &why, json).await,
        Command::Erase { dataset, why } => erase::run(&config, &dataset, &why, json).await,
        Command::Verify(asked) => match &asked.bundle {
            Some(file) => bundle::check(file, json),
            None => verify::run(&config, &asked, json).await,
        },
        Command::Export { experiment, output } => bundle::export(&config, &experiment, &output, json).await,
        Command::Import { file } => bundle::import(&config, &file, json).await,
        Command::Anchor { print } => anchor::run(&config, print, json).await,
        Command::Rebuild { projections, check } => rebuild::run(&config, &projections, check, json).await,
        Command::Profile(engine) => profile::run(&engine, json),
        Command::Causal(causal) => causal::run(&causal, json),
        Command::Forecast(forecast) => forecast::run(&forecast, json),
        Command::Db { action } => db::run(&config, &action, json).await,
        Command::Worker => Ok(worker::run()),
    }
}
