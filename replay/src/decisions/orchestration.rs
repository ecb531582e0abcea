//! The orchestrator's steps, taken again.

use atsre_domain::Decider as _;
use atsre_domain::Timestamp;
use atsre_domain::event::WireEvent as _;
use atsre_domain::experiment::{Command, Event};
use atsre_domain::process::{Intent, orchestrator};

use super::difference::Departure;
use super::situation::{Moment, Situation};
use super::{Finding, Standing, acceptance, clock, payload};

const RULE: &str = "the orchestrator's next step (process::orchestrator::next)";

/// Whether the orchestrator would take this step today. It decided on what was known at some moment before this
/// one; others may have gone on meanwhile.
pub(super) fn check(situation: &Situation<'_>, index: usize, event: &Event) -> Option<Finding> {
    // What an agent that gave up records tells of an effect, not of a rule.
    if matches!(event, Event::ExperimentFailed(failed) if failed.reason.starts_with("its next step could not be taken"))
    {
        return None;
    }
    let now = situation.now();
    let recorded = acceptance::command(&now.experiment, event)?;
    let Some(occurred_at) = clock::reading(&situation.evidence.events[index]) else {
        return Some(Finding::unchecked(RULE, "the envelope does not say when this was decided"));
    };
    let mut nearest: Option<Vec<Command>> = None;
    for moment in situation.moments() {
        for commands in readings(moment, occurred_at) {
            if commands.contains(&recorded) {
                return Some(Finding::of(Standing::Decided, RULE));
            }
            nearest.get_or_insert(commands);
        }
    }
    Some(Finding::differs(RULE, departure(situation, event, &nearest.unwrap_or_default())))
}

/// What the orchestrator wants at a moment, for each reading of the clock that it can have had.
fn readings(moment: &Moment, occurred_at: Timestamp) -> Vec<Vec<Command>> {
    let Some(opened) = &moment.experiment.opened else { return Vec::new() };
    let deadlines = orchestrator::timers(opened).map(|timer| match timer {
        Intent::Timer(at) => at,
        Intent::Command(_) | Intent::Effect(_) => unreachable!("the timers are timers"),
    });
    let candidates = clock::candidates(opened, occurred_at, &deadlines);
    let wanted = |at: Timestamp| {
        let intents = orchestrator::next(&moment.experiment, moment.version().as_deref(), at);
        let commands = intents.into_iter().filter_map(|intent| match intent {
            Intent::Command(command) => Some(*command),
            Intent::Effect(_) | Intent::Timer(_) => None,
        });
        commands.collect()
    };
    candidates.into_iter().map(wanted).collect()
}

/// What the orchestrator would do instead.
fn departure(situation: &Situation<'_>, event: &Event, instead: &[Command]) -> Departure {
    let experiment = &situation.now().experiment;
    let events: Vec<Event> =
        instead.iter().filter_map(|command| experiment.decide(command.clone()).ok()?.into_iter().next()).collect();
    if let Some(same) = events.iter().find(|today| today.event_type() == event.event_type()) {
        return Departure::between(&payload(event), &payload(same));
    }
    let types: Vec<&str> = events.iter().map(|today| today.event_type()).collect();
    let today = if types.is_empty() { "nothing".to_owned() } else { types.join(", ") };
    Departure { recorded: Some(event.event_type().to_owned()), today: Some(today), ..Departure::default() }
}
