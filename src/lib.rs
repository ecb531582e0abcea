//! The `atsre` program as a library, so that tests can drive it: the command line and the wiring of agents,
//! projections and store. No decisions live here.
//!
//! Start reading at [`cli`], which lists the commands; each command has a file in [`command`]. [`node`] wires the
//! supervision tree.

pub mod anchors;
pub mod cli;
pub mod command;
pub mod config;
pub mod error;
pub mod leaderboard;
pub mod node;
pub mod output;
pub mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::error::Failure;

/// Runs the program with these arguments; the first is the program's own name.
pub fn run_program(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let wrong_usage = error.use_stderr();
            if error.print().is_err() {
                return ExitCode::from(1);
            }
            return ExitCode::from(if wrong_usage { 2 } else { 0 });
        }
    };
    if matches!(cli.command, Command::Worker) {
        return command::worker::run();
    }
    output::start_logging(cli.verbose);
    match run_cli(cli) {
        Ok(code) => code,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn run_cli(cli: Cli) -> Result<ExitCode, Failure> {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap_or_else(|error| unreachable!("the operating system refuses threads: {error}"))
    };
    actix::System::with_tokio_rt(runtime).block_on(command::dispatch(cli))
}
