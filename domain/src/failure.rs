//! What goes wrong with a trial, told by evidence.

use serde::{Deserialize, Serialize};

/// What happened to the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The process passed its memory limit: an allocation was refused, or the watchdog or the kernel killed it.
    OutOfMemory,
    /// The GPU refused an allocation.
    GpuOutOfMemory,
    /// The deadline passed.
    DeadlineExceeded,
    /// No heartbeat came any more.
    Hung,
    /// The process died of a signal that nobody of ours sent.
    Killed,
    /// The process panicked or aborted.
    Crashed,
    /// The process wrote something that is not the protocol.
    ProtocolViolation,
    /// Training gave NaN or infinity.
    NonFinite,
    /// The model cannot be fitted to these data (too short, constant, …).
    Unfit,
    /// The device was lost or is not there.
    DeviceLost,
    /// The worker could not be started.
    StartFailed,
    /// The node stopped while the trial ran.
    Interrupted,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// It may pass by itself.
    Transient,
    /// It needs another configuration.
    Permanent,
    /// A defect of ours; counts double towards giving up.
    Bug,
}

impl FailureKind {
    /// Whether trying again can help.
    #[must_use]
    pub const fn class(self) -> FailureClass {
        match self {
            Self::Killed | Self::StartFailed | Self::Interrupted | Self::DeviceLost => FailureClass::Transient,
            Self::OutOfMemory
            | Self::GpuOutOfMemory
            | Self::DeadlineExceeded
            | Self::Hung
            | Self::NonFinite
            | Self::Unfit => FailureClass::Permanent,
            Self::Crashed | Self::ProtocolViolation => FailureClass::Bug,
        }
    }

    /// The name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutOfMemory => "out_of_memory",
            Self::GpuOutOfMemory => "gpu_out_of_memory",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Hung => "hung",
            Self::Killed => "killed",
            Self::Crashed => "crashed",
            Self::ProtocolViolation => "protocol_violation",
            Self::NonFinite => "non_finite",
            Self::Unfit => "unfit",
            Self::DeviceLost => "device_lost",
            Self::StartFailed => "start_failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What was used when it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// CPU time of all threads, in milliseconds.
    pub cpu_ms: u64,
    /// The largest resident set seen, in bytes.
    pub peak_rss_bytes: u64,
    /// The largest GPU memory of the process seen, in bytes; absent without a GPU.
    pub peak_gpu_mem_bytes: Option<u64>,
    /// Energy, in millijoules; how it was known is in the samples.
    pub energy_mj: u64,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// What the worker or the operating system said.
    pub message: String,
    /// The end of the worker's standard error, or the stack trace; at most 4 KiB.
    pub trace: String,
    /// The exit code, where it exited.
    pub exit_code: Option<i32>,
    /// The signal, where one ended it.
    pub signal: Option<i32>,
}
