//! A recorded history, decided again by today's code.
//!
//! Every recorded event is put to today's rules in the situation in which it was recorded. What an agent decided
//! (a step of the orchestrator, a plan, a retry) is decided anew from the same inputs and must come out the same; what
//! an effect or a person brought (a result, a failure, an answer, an approval) is taken from the record and must still
//! be acceptable to the aggregate.
//!
//! [`redecide`] sees an [`Evidence`] and nothing else: there is no store, no model, no clock and no worker that it could
//! call, and an artifact that the evidence lacks makes a decision unchecked, never guessed.

mod acceptance;
mod clock;
mod difference;
mod evidence;
mod healing;
mod orchestration;
mod planning;
mod situation;
#[cfg(test)]
mod tests;

use atsre_domain::event::{AnyEvent, WireEvent as _};
use atsre_domain::process::Agent;
use atsre_domain::{Position, StreamId};
use serde::Serialize;

pub use difference::Departure;
pub use evidence::{Evidence, EvidenceError};

use situation::Situation;

/// How a recorded event compares with today's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// An agent decided it, and today's code decides the same.
    Decided,
    /// An effect or a person brought it, and today's aggregate takes it as it was taken then.
    Accepted,
    /// An agent decided it, but the record lacks what the decision was made from.
    Unchecked,
    /// Today's code decides otherwise, or does not take it.
    Differs,
}

/// One recorded event under today's code.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The event's place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Who caused it.
    pub actor: String,
    /// How it compares.
    pub standing: Standing,
    /// The rule that it was put to.
    pub rule: &'static str,
    /// Where the two part, or what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departure: Option<Departure>,
}

/// A history under today's code.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Redecided {
    /// The experiment.
    pub experiment: StreamId,
    /// Its events and those of its data, by position.
    pub verdicts: Vec<Verdict>,
}

impl Redecided {
    /// Whether today's code would have taken every decision that it could be asked for.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.first_difference().is_none()
    }

    /// The first decision that today's code would take otherwise.
    #[must_use]
    pub fn first_difference(&self) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.standing == Standing::Differs)
    }

    /// How many events have this standing.
    #[must_use]
    pub fn count(&self, standing: Standing) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.standing == standing).count()
    }
}

/// What a rule says of an event.
#[derive(Debug)]
struct Finding {
    standing: Standing,
    rule: &'static str,
    departure: Option<Departure>,
}

impl Finding {
    const fn of(standing: Standing, rule: &'static str) -> Self {
        Self { standing, rule, departure: None }
    }

    const fn differs(rule: &'static str, departure: Departure) -> Self {
        Self { standing: Standing::Differs, rule, departure: Some(departure) }
    }

    fn unchecked(rule: &'static str, missing: impl Into<String>) -> Self {
        Self { standing: Standing::Unchecked, rule, departure: Some(Departure::told(missing)) }
    }
}

/// Decides a history again.
#[must_use]
pub fn redecide(evidence: &Evidence) -> Redecided {
    let mut situation = Situation::new(evidence);
    let mut verdicts = Vec::with_capacity(evidence.events.len());
    let mut index = 0;
    while let Some(stored) = evidence.events.get(index) {
        let envelope = stored.envelope().ok();
        let actor = envelope.as_ref().map_or_else(String::new, |envelope| envelope.actor.clone());
        let (taken, finding) = match stored.decode() {
            Err(error) => (1, Finding::differs("the wire form of events", Departure::told(atsre_store::told(&error)))),
            Ok(event) => judge(&situation, index, &event, &actor),
        };
        // A command may give several events at once: they stand or fall together.
        for stored in &evidence.events[index..index + taken] {
            verdicts.push(Verdict {
                position: stored.position,
                stream: stored.stream.clone(),
                event_type: stored.event_type.clone(),
                actor: actor.clone(),
                standing: finding.standing,
                rule: finding.rule,
                departure: finding.departure.clone(),
            });
            situation.follow(stored);
        }
        index += taken;
    }
    Redecided { experiment: evidence.experiment.clone(), verdicts }
}

/// Puts the event at `index` to the aggregate first, then to the rule of whoever decided it. With how many events, this
/// one included, the same command gave.
fn judge(situation: &Situation<'_>, index: usize, event: &AnyEvent, actor: &str) -> (usize, Finding) {
    let (taken, accepted) = match acceptance::check(situation, index, event) {
        Ok(taken) => (taken, Finding::of(Standing::Accepted, "the aggregate's own rules")),
        Err(departure) => (1, Finding::differs("the aggregate's own rules", departure)),
    };
    let AnyEvent::Experiment(event) = event else { return (taken, accepted) };
    if accepted.standing == Standing::Differs {
        return (taken, accepted);
    }
    let decided = match Agent::ALL.into_iter().find(|agent| agent.name() == actor) {
        Some(Agent::Orchestrator) => orchestration::check(situation, index, event),
        Some(Agent::Planner) => {
            planning::check(situation, index, event).or_else(|| healing::check(situation, index, event))
        }
        Some(Agent::Forecaster) => healing::outcome(situation, event),
        _ => None,
    };
    (taken, decided.unwrap_or(accepted))
}

/// The JSON of an experiment's event, as it would be stored.
fn payload(event: &atsre_domain::experiment::Event) -> serde_json::Value {
    event.encode().payload
}
