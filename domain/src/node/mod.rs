//! The `node` aggregate: one running service, the agents in it, their crashes and restarts.

use serde::{Deserialize, Serialize};

use crate::decider::Decider;
use crate::event::wire_events;

/// A service started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStarted {
    /// The machine's name.
    pub host: String,
    /// The process id.
    pub pid: u32,
    /// The build: version and source revision.
    pub build: String,
    /// Processor cores.
    pub cores: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// GPUs, by name.
    pub gpus: Vec<String>,
}

/// An agent started for the first time on this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStarted {
    /// The agent's name in the supervision tree.
    pub agent: String,
}

/// An agent ended without being asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCrashed {
    /// The agent's name.
    pub agent: String,
    /// Whether it panicked.
    pub panicked: bool,
    /// What it said.
    pub reason: String,
}

/// An agent was built anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRestarted {
    /// The agent's name.
    pub agent: String,
    /// Restarts of this agent on this node, this one included.
    pub restarts: u32,
    /// How long was waited before it, in milliseconds.
    pub backoff_ms: u64,
}

/// An agent crashed more often than its budget allows: the node drains and stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionEscalated {
    /// The agent's name.
    pub agent: String,
    /// Restarts inside the window.
    pub restarts: u32,
    /// The window, in milliseconds.
    pub window_ms: u64,
}

/// A service stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStopped {
    /// Why.
    pub reason: String,
}

/// An event of a `node` stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A service started.
    NodeStarted(NodeStarted),
    /// An agent started.
    AgentStarted(AgentStarted),
    /// An agent crashed.
    AgentCrashed(AgentCrashed),
    /// An agent was built anew.
    AgentRestarted(AgentRestarted),
    /// An agent's restart budget is spent.
    SupervisionEscalated(SupervisionEscalated),
    /// A service stopped.
    NodeStopped(NodeStopped),
}

wire_events!(Event in "node" {
    NodeStarted = 1,
    AgentStarted = 1,
    AgentCrashed = 1,
    AgentRestarted = 1,
    SupervisionEscalated = 1,
    NodeStopped = 1,
});

/// A command to a node: each records one fact that the guardian saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Record this.
    Record(Event),
}

/// Why a node refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing can be recorded before the start.
    #[error("the node has not started")]
    NotStarted,
    /// Nothing can be recorded after the stop.
    #[error("the node has stopped")]
    Stopped,
}

/// The life of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Node {
    /// No event yet.
    #[default]
    Absent,
    /// Running.
    Running,
    /// Stopped.
    Stopped,
}

impl Decider for Node {
    const TYPE: &'static str = "node";
    type Command = Command;
    type Event = Event;
    type Error = Error;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        let Command::Record(event) = command;
        match (self, &event) {
            (Self::Absent, Event::NodeStarted(_)) => Ok(vec![event]),
            (Self::Running, Event::NodeStarted(_)) | (Self::Stopped, Event::NodeStopped(_)) => Ok(Vec::new()),
            (Self::Running, _) => Ok(vec![event]),
            (Self::Absent, _) => Err(Error::NotStarted),
            (Self::Stopped, _) => Err(Error::Stopped),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::NodeStarted(_) => *self = Self::Running,
            Event::NodeStopped(_) => *self = Self::Stopped,
            Event::AgentStarted(_)
            | Event::AgentCrashed(_)
            | Event::AgentRestarted(_)
            | Event::SupervisionEscalated(_) => {}
        }
    }
}
