//! The command line.

mod engines;
mod history;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use engines::{Causal, Engine, Forecast, Reading};
pub use history::{Events, Filter, Fork, History, Replay, State, Verify};

/// An autonomous time series research environment: a CSV goes in; a forecast, its causes, its costs and every
/// decision on the way come out.
#[derive(Debug, Parser)]
#[command(name = "atsre", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    /// Where ATSRE keeps its database, its reports and its settings.
    #[arg(long, global = true, env = "ATSRE_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// A Postgres database to use in place of the private one.
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// One JSON document on standard output, and nothing else there.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The main job on a real data set that ships with the program: from CSV to report.
    Demo(Demo),
    /// One experiment on a CSV file, to its end.
    Run(Box<Run>),
    /// Goes on with what a stop or a crash left unfinished, to the end.
    Resume {
        /// The experiment: its id or its name; all unfinished ones where absent.
        experiment: Option<String>,
    },
    /// Approves the plan of an experiment that was run with --approve.
    Approve {
        /// The experiment: its id or its name.
        experiment: String,
    },
    /// Rejects the plan of an experiment that was run with --approve; the experiment ends.
    Reject {
        /// The experiment: its id or its name.
        experiment: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// The service: agents and the watched inbox, until it is stopped.
    Serve(Serve),
    /// The experiments.
    Experiments(Filter),
    /// The trials.
    Trials(Filter),
    /// The data sets.
    Datasets(Filter),
    /// The causal graphs.
    Graphs(Filter),
    /// The events.
    Events(Events),
    /// The models that a plan can choose from.
    Models,
    /// The decision history of an experiment, told in order, with causes.
    History(History),
    /// Everything that was known of an experiment at a past moment.
    State(State),
    /// A new experiment that shares the past of another and differs from there.
    Fork(Fork),
    /// Ends an experiment that has not ended; what it has found stays.
    Cancel {
        /// The experiment: its id or its name.
        experiment: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// Erases a data set: destroys the keys of its encrypted artifacts, drops its tables and the reports made of it. The
    /// history stays, verifies, and says so. It cannot be undone.
    Erase {
        /// The data set's name, as `atsre datasets` lists it.
        dataset: String,
        /// Why: on record for ever, so without anything that is to be forgotten.
        #[arg(long)]
        why: String,
    },
    /// Experiments side by side, from where they part: decisions, accuracy with a paired test, time, energy.
    Compare {
        /// The experiments: ids or names.
        #[arg(required = true, num_args = 2..=8)]
        experiments: Vec<String>,
    },
    /// The tree of forks that an experiment belongs to, with the best score on each branch.
    Forks {
        /// The experiment: its id or its name.
        experiment: String,
    },
    /// Decides a recorded history again: the decisions that today's code takes from the same inputs, or the first that it
    /// does not. No effect happens.
    Replay(Replay),
    /// Runs a trial again from its record: bitwise equal, within tolerance, or diverged (exit code 3).
    Reproduce {
        /// A trial by its id, or an experiment by its id or name: all its trials that gave a result.
        what: String,
    },
    /// Checks chains, order, lineage, triggers, artifacts, anchors, and read models against a fresh fold. Exit code 3
    /// on a difference.
    Verify(Verify),
    /// An experiment's evidence bundle: everything that somebody elsewhere needs to check its history.
    Export {
        /// The experiment: its id or its name.
        experiment: String,
        /// The file to write.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Restores an evidence bundle into this store.
    Import {
        /// The bundle.
        file: PathBuf,
    },
    /// Signs where the log ends and keeps that outside the database.
    Anchor {
        /// Print it as one line, for a notary or a mail to oneself.
        #[arg(long)]
        print: bool,
    },
    /// Builds read models anew from the events.
    Rebuild {
        /// Which; all where absent.
        projections: Vec<String>,
        /// Only compare a fresh build with what is there. Exit code 3 on a difference.
        #[arg(long)]
        check: bool,
    },
    /// Profile Q of a CSV file; no database.
    Profile(Engine),
    /// The causal graph of a CSV file; no database.
    Causal(Causal),
    /// Forecasts for a CSV file with one model; no database.
    Forecast(Forecast),
    /// The private database.
    Db {
        /// What to do with it.
        #[command(subcommand)]
        action: Db,
    },
    /// A trial's child process.
    #[command(hide = true)]
    Worker,
}

/// `atsre demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// The wall time of the experiment.
    #[arg(long, default_value = "3m", value_parser = duration)]
    pub budget: std::time::Duration,
    /// The root seed.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// The objective of an experiment.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Objective {
    /// Forecast the target over the horizon.
    Forecast,
    /// Label anomalies (not available yet).
    #[value(name = "anomaly_detection", alias = "anomaly-detection")]
    AnomalyDetection,
    /// Fill gaps (not available yet).
    Imputation,
}

/// Who makes the plan.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Reasoner {
    /// Deterministic rules, offline.
    Rules,
    /// A language model, as configured.
    Llm,
}

/// `atsre run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
    /// Steps to forecast; from the frequency where absent.
    #[arg(long, value_name = "N")]
    pub horizon: Option<u32>,
    /// What for.
    #[arg(long, value_enum, default_value = "forecast")]
    pub objective: Objective,
    /// The wall time, such as 90s, 5m or 1h.
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub budget: std::time::Duration,
    /// The root seed; drawn and recorded where absent.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Who makes the plan.
    #[arg(long, value_enum, default_value = "rules")]
    pub reasoner: Reasoner,
    /// Wait for a person to approve the plan.
    #[arg(long)]
    pub approve: bool,
    /// The data set's name; from the file's name where absent.
    #[arg(long)]
    pub name: Option<String>,
    /// Withhold the last horizon of the file from every model and score the forecast on it.
    #[arg(long)]
    pub holdout: bool,
    /// The quantile levels of the forecasts.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])]
    pub quantiles: Vec<f64>,
    /// The memory of one trial's process, such as 512MiB or 2GiB.
    #[arg(long, value_parser = bytes, default_value = "2GiB")]
    pub trial_memory: u64,
    /// Trials that run at the same time; the number of cores where absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub parallel: Option<u32>,
    /// A setting of a model that every plan keeps, such as nhits.batch_size=64.
    #[arg(long = "set", value_name = "MODEL.SETTING=VALUE")]
    pub settings: Vec<String>,
}

/// `atsre serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The watched folder; `inbox` in the home folder where absent.
    #[arg(long, value_name = "DIR")]
    pub inbox: Option<PathBuf>,
}

/// `atsre db`.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Starts the private cluster.
    Start,
    /// Stops it.
    Stop,
    /// Tells whether it runs, and where.
    Status,
    /// Opens it with psql as the owner.
    Psql {
        /// Arguments for psql.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

/// `90s`, `5m`, `1h30m`, or a number of seconds.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let parsed =
        text.parse::<u64>().map(std::time::Duration::from_secs).ok().or_else(|| humantime::parse_duration(text).ok());
    match parsed {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("a time such as 90s, 5m or 1h is expected".to_owned()),
    }
}

/// `512MiB`, `2GiB`, or a number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| "a size such as 512MiB or 2GiB is expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_sizes_are_read_as_people_write_them() {
        assert_eq!(duration("5m"), Ok(std::time::Duration::from_secs(300)));
        assert_eq!(duration("90"), Ok(std::time::Duration::from_secs(90)));
        assert!(duration("0s").is_err());
        assert!(duration("soon").is_err());
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert!(bytes("much").is_err());
    }
}
