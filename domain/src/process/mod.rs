//! Process managers: what each agent does when something has happened. Pure values in, intents out; the runner
//! stores the intents and the agent's checkpoint in one transaction.

pub mod orchestrator;
pub mod subscription;

use serde::{Deserialize, Serialize};

use crate::experiment::Command;
use crate::identity::{StreamId, Timestamp};

/// The agents of the supervision tree that take work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agent {
    /// Walks each experiment through its stages.
    Orchestrator,
    /// Profile, anomaly rules, cleaning.
    Curator,
    /// Causal graph and drivers.
    CausalAnalyst,
    /// Plan, and healing of failed trials.
    Planner,
    /// Trials and their ensemble.
    Forecaster,
    /// Report.
    Reporter,
}

impl Agent {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Orchestrator, Self::Curator, Self::CausalAnalyst, Self::Planner, Self::Forecaster, Self::Reporter];

    /// The name in the supervision tree, in events and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::Curator => "curator",
            Self::CausalAnalyst => "causal-analyst",
            Self::Planner => "planner",
            Self::Forecaster => "forecaster",
            Self::Reporter => "reporter",
        }
    }
}

/// A kind of work; each belongs to one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// Look at an experiment and take its next step.
    Advance,
    /// Profile, derive rules, clean.
    Diagnose,
    /// Discover the causal graph.
    MapCauses,
    /// Make a plan.
    Plan,
    /// Decide on a failed trial.
    Heal,
    /// Run a trial.
    RunTrial,
    /// Build the ensemble.
    Combine,
    /// Write the report.
    Report,
}

impl WorkKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Advance,
        Self::Diagnose,
        Self::MapCauses,
        Self::Plan,
        Self::Heal,
        Self::RunTrial,
        Self::Combine,
        Self::Report,
    ];

    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Advance => "advance",
            Self::Diagnose => "diagnose",
            Self::MapCauses => "map_causes",
            Self::Plan => "plan",
            Self::Heal => "heal",
            Self::RunTrial => "run_trial",
            Self::Combine => "combine",
            Self::Report => "report",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Who does it.
    #[must_use]
    pub const fn agent(self) -> Agent {
        match self {
            Self::Advance => Agent::Orchestrator,
            Self::Diagnose => Agent::Curator,
            Self::MapCauses => Agent::CausalAnalyst,
            Self::Plan | Self::Heal => Agent::Planner,
            Self::RunTrial | Self::Combine => Agent::Forecaster,
            Self::Report => Agent::Reporter,
        }
    }
}

/// A piece of work. Its id is derived from the event it answers, so that doing a batch again inserts nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// What to do.
    pub kind: WorkKind,
    /// The stream it concerns.
    pub stream: StreamId,
    /// For a trial: its number and attempt.
    pub trial: Option<(u32, u32)>,
}

/// What a process manager wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Issue a command to the experiment.
    Command(Box<Command>),
    /// Have an agent do this for the experiment.
    Effect(WorkKind),
    /// Be woken at this time.
    Timer(Timestamp),
}
