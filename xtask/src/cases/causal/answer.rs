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

/// The system's counter of processor time advances in steps of some milliseconds: what takes less than a few of them is
/// run again until it does not, and the mean is told.
const SHORTEST: Duration = Duration::from_millis(25);

/// Runs `compute` and tells how much processor time this thread spent on it.
pub(crate) fn timed<T>(compute: impl Fn() -> T) -> (T, Duration) {
    let started = thread_cpu();
    let clock = std::time::Instant::now();
    let mut result = compute();
    let mut runs = 1;
    while clock.elapsed() < SHORTEST {
        result = compute();
        runs += 1;
    }
    let cpu = match (started, thread_cpu()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => clock.elapsed(),
    };
    (result, cpu / runs)
}

/// Processor time of this thread so far, where the system tells it.
fn thread_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
