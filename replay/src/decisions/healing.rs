//! What became of failed attempts, decided again.

use atsre_domain::experiment::{Event, Trial};
use atsre_domain::identity::Attempt;
use atsre_domain::policy::healing::{self, Healing};

use super::difference::Departure;
use super::situation::Situation;
use super::{Finding, Standing, clock, payload};

const RULE: &str = "healing of a failed attempt (policy::healing::heal)";
const SEED: &str = "the seed of an attempt (Seed::for_trial)";
const DATA: &str = "the data version of a trial (DatasetCleaned)";
const CLASS: &str = "the class of a failure (FailureKind::class)";

/// Whether a failed attempt would be retried, or given up, in the same way today.
pub(super) fn check(situation: &Situation<'_>, index: usize, event: &Event) -> Option<Finding> {
    let now = situation.now();
    let (number, waited) = match event {
        Event::TrialRetried(retried) => (retried.trial, retried.limits.deadline_ms),
        // Written where the planner itself failed: an outcome, not a decision.
        Event::TrialAbandoned(given_up) if given_up.reason.starts_with("no decision on the failure") => return None,
        Event::TrialAbandoned(given_up) => (given_up.trial, u64::MAX),
        _ => return None,
    };
    let trial = now.experiment.trials.get(&number)?;
    let opened = now.experiment.opened.as_ref()?;
    let Some(occurred_at) = clock::reading(&situation.evidence.events[index]) else {
        return Some(Finding::unchecked(RULE, "the envelope does not say when this was decided"));
    };
    // The clock may have stood still while no node ran: as much was left as the envelope's time says, or more. Of more,
    // the deadline on record tells how much, where it was cut short.
    let least = clock::least_remaining_ms(opened, occurred_at);
    let candidates = [u64::MAX, waited, least].into_iter().filter(|remaining| *remaining >= least);
    let mut nearest = None;
    for remaining in candidates {
        let today = healed(trial, number, remaining);
        if today == *event {
            return Some(Finding::of(Standing::Decided, RULE));
        }
        nearest.get_or_insert(today);
    }
    let today = nearest?;
    let departure = if std::mem::discriminant(&today) == std::mem::discriminant(event) {
        Departure::between(&payload(event), &payload(&today))
    } else {
        Departure::between(&kind(event), &kind(&today))
    };
    Some(Finding::differs(RULE, departure))
}

fn kind(event: &Event) -> serde_json::Value {
    use atsre_domain::event::WireEvent as _;
    serde_json::json!({ event.event_type(): payload(event) })
}

/// What healing says today, as the event that it would become.
fn healed(trial: &Trial, number: atsre_domain::TrialNumber, remaining_ms: u64) -> Event {
    match healing::heal(trial, remaining_ms) {
        Healing::Retry { diagnosis, changes, spec, limits } => atsre_domain::experiment::TrialRetried {
            trial: number,
            attempt: Attempt(trial.attempt.0 + 1),
            diagnosis,
            changes,
            spec,
            limits,
        }
        .into(),
        Healing::Abandon { reason } => atsre_domain::experiment::TrialAbandoned { trial: number, reason }.into(),
    }
}

/// Whether the parts of an attempt's record that a rule gives are what the rule gives today.
pub(super) fn outcome(situation: &Situation<'_>, event: &Event) -> Option<Finding> {
    let now = situation.now();
    match event {
        Event::TrialStarted(started) => {
            let opened = now.experiment.opened.as_ref()?;
            let seed = opened.seed.for_trial(started.trial, started.attempt);
            if seed != started.seed {
                return Some(Finding::differs(SEED, field("seed", started.seed.0, seed.0)));
            }
            let panel = now.version().and_then(|version| Some(version.cleaned.as_ref()?.panel_digest.clone()));
            match panel {
                Some(panel) if panel != started.fingerprint.panel => {
                    Some(Finding::differs(DATA, field("fingerprint.panel", &started.fingerprint.panel, panel)))
                }
                _ => Some(Finding::of(Standing::Decided, SEED)),
            }
        }
        Event::TrialFailed(failed) if failed.class != failed.failure.kind.class() => {
            let today = format!("{:?}", failed.failure.kind.class());
            Some(Finding::differs(CLASS, field("class", format!("{:?}", failed.class), today)))
        }
        _ => None,
    }
}

fn field(path: &str, recorded: impl std::fmt::Display, today: impl std::fmt::Display) -> Departure {
    Departure {
        path: path.to_owned(),
        recorded: Some(recorded.to_string()),
        today: Some(today.to_string()),
        detail: String::new(),
    }
}
