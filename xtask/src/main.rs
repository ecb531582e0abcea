//! `cargo xtask`: the tasks of this repository.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use xtask::{cases, ci, command};

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Formatting, lints, tests, documentation and licences: what a change has to pass.
    Ci {
        /// Only these steps, in this order.
        steps: Vec<ci::Step>,
    },
    /// Judges reference cases: one line a case, exit code 1 where one differs.
    Cases {
        /// What the cases are about.
        #[arg(value_enum)]
        kind: Kind,
        /// A folder with `cases/` and `data/`, for forecasts with one file a group.
        folder: PathBuf,
    },
    /// Rewrites the golden snapshots, to be reviewed like code.
    Golden,
    /// Runs the benchmarks, optimised; arguments after `--` are passed on.
    Bench {
        /// Which; without one, those of the log.
        #[arg(value_enum)]
        benchmark: Option<Benchmark>,
        /// Arguments of the benchmark program.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Classical time-series statistics.
    Stats,
    /// Forecasts of the classical models.
    Forecast,
    /// Causal discovery.
    Causal,
    /// Forecasts of the pretrained Chronos models; a folder of one or of several.
    Chronos,
}

#[derive(Clone, Copy, ValueEnum)]
enum Benchmark {
    /// Causal discovery beside causal-learn, lingam and tigramite, and known networks; rewrites tables in docs/causal.md.
    Causal,
    /// Forecasting beside statsforecast, and ETTh1; rewrites docs/forecast.md.
    Forecast,
    /// Networks beside PyTorch, Chronos-Bolt and Fracast-0 beside their packages; rewrites docs/deep.md.
    Deep,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().task {
        Task::Ci { steps } => ci::run(&steps).map(|()| ExitCode::SUCCESS),
        Task::Cases { kind: Kind::Stats, folder } => {
            let verdicts = cases::stats::judge(&folder)?;
            print!("{}", cases::render(&verdicts));
            Ok(if verdicts.iter().all(cases::Verdict::agrees) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Cases { kind: Kind::Forecast, folder } => {
            let lines = cases::forecast::judge(&folder)?;
            print!("{}", cases::forecast::render(&lines));
            Ok(if cases::forecast::agrees(&lines) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Cases { kind: Kind::Causal, folder } => {
            let judged = cases::causal::judge(&folder)?;
            print!("{}", cases::causal::render(&judged));
            Ok(if judged.iter().all(|j| j.verdict.agrees()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Cases { kind: Kind::Chronos, folder } => {
            Ok(if cases::chronos::judge(&folder)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        // Golden tests carry `golden` in their names and rewrite their snapshot where the variable is set.
        Task::Golden => {
            command::cargo(&["test", "--workspace", "golden"], &[("UPDATE_GOLDEN", "1")]).map(|()| ExitCode::SUCCESS)
        }
        Task::Bench { benchmark, arguments } => {
            let package = match benchmark {
                None => "atsre-bench",
                Some(Benchmark::Causal) => "atsre-bench-causal",
                Some(Benchmark::Forecast) => "atsre-bench-forecast",
                Some(Benchmark::Deep) => "atsre-bench-deep",
            };
            let mut line = vec!["run", "--release", "--package", package, "--"];
            line.extend(arguments.iter().map(String::as_str));
            command::cargo(&line, &[]).map(|()| ExitCode::SUCCESS)
        }
    }
}
