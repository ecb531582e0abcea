//! From the way a process ended to the kind of its failure.

use std::process::ExitStatus;

use atsre_domain::failure::{Failure, FailureKind, Usage};
use atsre_domain::model::Limits;

/// The end of standard error that an event keeps.
const TRACE_BYTES: usize = 4096;

/// Who ended the process, where it was us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// It ended by itself.
    Itself,
    /// The watchdog saw it pass its memory limit.
    MemoryWatchdog,
    /// Its deadline passed.
    Deadline,
    /// Its heartbeat stopped.
    Heartbeat,
    /// It did not speak the protocol.
    Protocol,
}

/// Everything that is known of the end.
pub(super) struct Evidence<'a> {
    pub(super) ended_by: EndedBy,
    pub(super) status: Option<ExitStatus>,
    /// What the worker itself said.
    pub(super) said: Option<(FailureKind, String)>,
    pub(super) protocol_error: Option<String>,
    pub(super) stderr: &'a str,
    pub(super) usage: Usage,
    pub(super) limits: Limits,
}

pub(super) fn classify(evidence: &Evidence<'_>) -> Failure {
    let (exit_code, signal) = exit(evidence.status);
    let (kind, message) = kind(evidence, exit_code, signal);
    Failure { kind, message, trace: tail(evidence.stderr), exit_code, signal }
}

fn kind(evidence: &Evidence<'_>, exit_code: Option<i32>, signal: Option<i32>) -> (FailureKind, String) {
    let mib = |bytes: u64| bytes >> 20;
    let (peak, limit) = (mib(evidence.usage.peak_rss_bytes), mib(evidence.limits.memory_bytes));
    match evidence.ended_by {
        EndedBy::MemoryWatchdog => {
            return (
                FailureKind::OutOfMemory,
                format!("the worker passed its memory limit: {peak} MiB of {limit} MiB"),
            );
        }
        EndedBy::Deadline => {
            return (
                FailureKind::DeadlineExceeded,
                format!("the worker was not done after {} ms", evidence.limits.deadline_ms),
            );
        }
        EndedBy::Heartbeat => return (FailureKind::Hung, "the worker gave no sign of life any more".to_owned()),
        EndedBy::Itself | EndedBy::Protocol => {}
    }
    if let Some((kind, message)) = &evidence.said {
        return (*kind, message.clone());
    }
    if let Some(line) =
        evidence.stderr.lines().rev().find(|l| l.contains("memory allocation of") && l.contains("failed"))
    {
        return (FailureKind::OutOfMemory, line.trim().to_owned());
    }
    if evidence.stderr.contains("Cannot allocate memory") || evidence.stderr.contains("failed to allocate") {
        return (FailureKind::OutOfMemory, last_line(evidence.stderr));
    }
    if let Some(error) = &evidence.protocol_error {
        return (FailureKind::ProtocolViolation, error.clone());
    }
    match (signal, exit_code) {
        // The kernel's out-of-memory killer sends the same signal as an operator; the peak tells them apart.
        (Some(9), _)
            if evidence.usage.peak_rss_bytes.saturating_mul(10) >= evidence.limits.memory_bytes.saturating_mul(9) =>
        {
            (FailureKind::OutOfMemory, format!("the worker was killed at {peak} MiB of {limit} MiB"))
        }
        (Some(signal @ (9 | 15 | 2 | 1)), _) => {
            (FailureKind::Killed, format!("the worker was killed by signal {signal}"))
        }
        (Some(signal), _) => {
            (FailureKind::Crashed, format!("the worker died of signal {signal}: {}", last_line(evidence.stderr)))
        }
        (None, Some(0)) => (FailureKind::ProtocolViolation, "the worker ended without a result".to_owned()),
        (None, Some(code)) => {
            (FailureKind::Crashed, format!("the worker ended with code {code}: {}", last_line(evidence.stderr)))
        }
        (None, None) => (FailureKind::Killed, "the worker's end was not seen".to_owned()),
    }
}

#[cfg(unix)]
fn exit(status: Option<ExitStatus>) -> (Option<i32>, Option<i32>) {
    use std::os::unix::process::ExitStatusExt as _;
    status.map_or((None, None), |s| (s.code(), s.signal()))
}

#[cfg(not(unix))]
fn exit(status: Option<ExitStatus>) -> (Option<i32>, Option<i32>) {
    (status.and_then(|s| s.code()), None)
}

fn last_line(text: &str) -> String {
    text.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("it said nothing").trim().to_owned()
}

fn tail(text: &str) -> String {
    let mut start = text.len().saturating_sub(TRACE_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    // A NUL cannot be stored in the log's text.
    text[start..].replace('\0', "\u{fffd}")
}
