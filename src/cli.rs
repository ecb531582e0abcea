//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// How a CSV file is read.
#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// The CSV file.
    pub file: PathBuf,
    /// The column to forecast; inferred where there is only one candidate.
    #[arg(long, value_name = "COL")]
    pub target: Option<String>,
    /// The time column.
    #[arg(long, value_name = "COL")]
    pub time: Option<String>,
    /// The item column of a file with many series.
    #[arg(long, value_name = "COL")]
    pub item: Option<String>,
    /// Columns whose future is known; their rows may run past the last target value.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub known: Vec<String>,
    /// How times are written, such as `%d/%m/%Y`.
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<String>,
    /// The distance between observations, such as 15min, hourly, 1D, B, W, M, Q or Y.
    #[arg(long, value_name = "FREQUENCY")]
    pub frequency: Option<String>,
    /// The text encoding, such as utf-8 or latin1.
    #[arg(long, value_name = "ENCODING")]
    pub encoding: Option<String>,
    /// The column delimiter.
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,
    /// The largest file, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub max_bytes: u64,
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

/// `atsre verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// An experiment: its id or its name; the whole log where absent.
    #[arg(conflicts_with_all = ["anchor", "since"])]
    pub experiment: Option<String>,
    /// An anchors file to check the log against, besides the one in the data directory.
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// An evidence bundle instead, with no database.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["experiment", "anchor", "since"])]
    pub bundle: Option<PathBuf>,
    /// Only what came after the anchor of this position.
    #[arg(long, value_name = "POSITION")]
    pub since: Option<u64>,
}

/// `atsre history`.
#[derive(Debug, Args)]
pub struct History {
    /// The experiment: its id or its name.
    pub experiment: String,
    /// Only events of this type, such as TrialFailed.
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Only what this agent, person or policy decided.
    #[arg(long)]
    pub actor: Option<String>,
    /// Only events of this trial, by its number in the experiment.
    #[arg(long, value_name = "NUMBER")]
    pub trial: Option<u32>,
    /// Only what came after a position or a time.
    #[arg(long, value_name = "POSITION|TIME")]
    pub since: Option<String>,
    /// Why the event at this position happened: the chain of causes back to the data.
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["event_type", "actor", "trial", "since"])]
    pub why: Option<u64>,
}

/// `atsre state`.
#[derive(Debug, Args)]
pub struct State {
    /// The experiment: its id or its name.
    pub experiment: String,
    /// The moment: a position of the log, or a time; now where absent.
    #[arg(long, value_name = "POSITION|TIME")]
    pub at: Option<String>,
    /// The rows of this read model as of that moment, such as trials or model_metrics.
    #[arg(long)]
    pub table: Option<String>,
}

/// `atsre replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The experiment: its id or its name.
    pub experiment: Option<String>,
    /// An evidence bundle instead, with no database.
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    pub bundle: Option<PathBuf>,
}

/// `atsre fork`.
#[derive(Debug, Args)]
pub struct Fork {
    /// The experiment to leave: its id or its name.
    pub experiment: String,
    /// The last moment that the two share: a position of the log, or a time.
    #[arg(long, value_name = "POSITION|TIME")]
    pub at: String,
    /// Why.
    #[arg(long)]
    pub why: String,
    /// What is set differently: seed, budget, horizon, quantiles, reasoner, data, models, models.forbid, covariates,
    /// covariates.forbid, significance_level, edge.require, edge.forbid, or MODEL.SETTING.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Only record the fork; `atsre resume` runs it.
    #[arg(long)]
    pub later: bool,
}

/// The filters of a list.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only of this experiment: its id or its name.
    #[arg(long)]
    pub experiment: Option<String>,
    /// Only of this data set.
    #[arg(long)]
    pub dataset: Option<String>,
    /// Only with this status.
    #[arg(long)]
    pub status: Option<String>,
    /// At most so many, the newest first.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
}

/// `atsre events`.
#[derive(Debug, Args)]
pub struct Events {
    /// Only of this experiment: its id or its name.
    #[arg(long)]
    pub experiment: Option<String>,
    /// Only of this type, such as TrialFailed.
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Only after this position.
    #[arg(long, default_value_t = 0)]
    pub after: u64,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
}

/// An engine by itself.
#[derive(Debug, Args)]
pub struct Engine {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
}

/// `atsre causal`.
#[derive(Debug, Args)]
pub struct Causal {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
    /// The algorithm; chosen from the data where it is `auto`. A file without a time column is rows to pc, fci, ges, direct-lingam and
    /// ica-lingam, and moments in time to the others.
    #[arg(long, default_value = "auto", value_parser = [
        "auto", "pc", "fci", "ges", "direct-lingam", "ica-lingam", "var-lingam", "pcmci", "pcmci-plus", "lpcmci", "granger",
    ])]
    pub algorithm: String,
    /// The significance level of the independence tests.
    #[arg(long, default_value_t = 0.01)]
    pub alpha: f64,
    /// The test of independence; chosen from the data where it is not given.
    #[arg(long, value_parser = ["fisher-z", "missing-fisher-z", "chi-square", "g-square", "robust", "kernel"])]
    pub test: Option<String>,
    /// The largest lag, in steps.
    #[arg(long)]
    pub max_lag: Option<u32>,
    /// `default` follows the published algorithms and keeps background knowledge whatever the data; `compatible` answers as
    /// causal-learn, lingam, tigramite and statsmodels do.
    #[arg(long, default_value = "default", value_parser = ["default", "compatible"])]
    pub mode: String,
    /// Background knowledge: a JSON file with tiers, forbidden and required edges.
    #[arg(long, value_name = "FILE")]
    pub knowledge: Option<PathBuf>,
    /// Bootstrap resamples behind each edge's confidence.
    #[arg(long, default_value_t = 20)]
    pub bootstrap: u32,
    /// The seed of the bootstrap.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// The graph as Graphviz DOT.
    #[arg(long, conflicts_with = "svg")]
    pub dot: bool,
    /// The graph as a picture.
    #[arg(long)]
    pub svg: bool,
}

/// `atsre forecast`.
#[derive(Debug, Args)]
pub struct Forecast {
    /// The file.
    #[command(flatten)]
    pub reading: Reading,
    /// The model, or several, as `atsre models` names them.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "auto")]
    pub model: Vec<String>,
    /// The seasonal periods in observations, the main one first; found in the data where absent.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub season: Vec<u32>,
    /// Windows of the rolling-origin backtest; 0 for none; as many as the data bear, at most five, where absent.
    #[arg(long, value_name = "WINDOWS")]
    pub backtest: Option<u32>,
    /// Steps to forecast; from the frequency where absent.
    #[arg(long, value_name = "N")]
    pub horizon: Option<u32>,
    /// The quantile levels.
    #[arg(long, value_delimiter = ',', default_values_t = [0.1, 0.5, 0.9])]
    pub quantiles: Vec<f64>,
    /// A setting of the model, as NAME=VALUE; of one among several, as MODEL.NAME=VALUE.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// The folder of a pretrained model's weights; without it, the hub's cache on this machine is looked into.
    #[arg(long, value_name = "FOLDER")]
    pub weights: Option<PathBuf>,
    /// The seed.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Where deep models compute.
    #[arg(long, default_value = "cpu", value_parser = ["cpu", "gpu"])]
    pub device: String,
    /// CSV on standard output.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// The first series by the first model as a picture.
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub svg: bool,
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
