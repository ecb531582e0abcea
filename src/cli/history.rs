//! The past: lists, history, state, forks and verification.

use std::path::PathBuf;

use clap::Args;

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
    /// covariates.forbid, significance_level, algorithm, edge.require, edge.forbid, rules.off, rules.on, or MODEL.SETTING.
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
