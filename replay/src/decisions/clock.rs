//! The clock as a decision can have read it.

use atsre_domain::Timestamp;
use atsre_domain::experiment::ExperimentOpened;
use atsre_store::StoredEvent;
use chrono::DateTime;

/// When the writer of an event says that it occurred.
pub(super) fn reading(stored: &StoredEvent) -> Option<Timestamp> {
    let envelope = stored.envelope().ok()?;
    let moment = DateTime::parse_from_rfc3339(&envelope.occurred_at).ok()?;
    Some(Timestamp(moment.timestamp_micros()))
}

/// The readings of the experiment's clock that can make a difference to the orchestrator. That clock stands still while
/// no node runs, so it shows the envelope's time or an earlier one; of the earlier ones only on which side of the
/// deadlines they lie matters.
pub(super) fn candidates(opened: &ExperimentOpened, occurred_at: Timestamp, deadlines: &[Timestamp]) -> Vec<Timestamp> {
    let mut candidates = vec![occurred_at];
    candidates.extend(deadlines.iter().rev().filter(|deadline| **deadline <= occurred_at));
    candidates.push(opened.opened_at);
    candidates
}

/// The least that can have been left of the wall time, in milliseconds: as if no node had ever been down.
pub(super) fn least_remaining_ms(opened: &ExperimentOpened, occurred_at: Timestamp) -> u64 {
    opened.budget.wall_ms.saturating_sub(occurred_at.millis_since(opened.opened_at))
}
