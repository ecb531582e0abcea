//! What an algorithm answers to a case.

use std::time::Duration;

use serde_json::Value;

use crate::cases::Tolerance;

/// An algorithm's answer in the shape of a case's `expected`.
pub(crate) struct Answer {
    /// The entries of `expected` that are judged; the rest informs only.
    pub(crate) judged: &'static [&'static str],
    /// The answer, with at least the judged entries that the case has.
    pub(crate) found: Value,
    /// How far a number may be off, by its path.
    pub(crate) tolerance: fn(&str) -> Tolerance,
    /// Processor time of the algorithm alone.
    pub(crate) cpu: Duration,
}

/// Runs `compute` and tells how much processor time this thread spent on it.
pub(crate) fn timed<T>(compute: impl FnOnce() -> T) -> (T, Duration) {
    let started = thread_cpu();
    let clock = std::time::Instant::now();
    let result = compute();
    let wall = clock.elapsed();
    let cpu = match (started, thread_cpu()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => wall,
    };
    (result, if wall < COUNTER_STEPS { wall } else { cpu })
}

/// The system's counter advances in steps of some milliseconds; below ten of them the clock, which can only show more, is
/// the better measure.
const COUNTER_STEPS: Duration = Duration::from_millis(40);

/// Processor time of this thread so far, where the system tells it.
fn thread_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
