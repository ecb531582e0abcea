//! What ends the watching of a process.

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// There was never such a process.
    #[error("there is no process {0} to watch")]
    NoSuchProcess(u32),
    /// The process has ended, or its id belongs to another process now: the last sample was the last.
    #[error("process {0} has ended")]
    Ended(u32),
    /// The operating system does not say anything about processes.
    #[error("this system gives no figures of processes")]
    Unsupported(#[source] sysinfo::Error),
}
