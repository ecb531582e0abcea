//! Reading the figures of one process, all its threads included.

use std::fs;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use crate::MonitorError;

/// Counters since the start of the process, and its memory now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) cpu_ms: u64,
    pub(crate) rss_bytes: u64,
    /// The largest resident set so far, as the kernel counted it; at least `rss_bytes`.
    pub(crate) peak_rss_bytes: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
}

/// Reads one process, and nothing else of the system.
#[derive(Debug)]
pub(crate) struct Reader {
    system: System,
    pid: Pid,
    /// Seconds since 1970: tells the process from a later one with the same id.
    start_time: u64,
}

impl Reader {
    pub(crate) fn new(pid: u32) -> Result<(Self, Reading), MonitorError> {
        let system = System::new().map_err(MonitorError::Unsupported)?;
        let mut reader = Self { system, pid: Pid::from_u32(pid), start_time: 0 };
        let reading = reader.read().map_err(|_| MonitorError::NoSuchProcess(pid))?;
        reader.start_time = reader.system.process(reader.pid).map_or(0, sysinfo::Process::start_time);
        Ok((reader, reading))
    }

    pub(crate) fn read(&mut self) -> Result<Reading, MonitorError> {
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().with_disk_usage().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.pid]), true, kind);
        let ended = || MonitorError::Ended(self.pid.as_u32());
        let process = self.system.process(self.pid).ok_or_else(ended)?;
        let replaced = self.start_time != 0 && process.start_time() != self.start_time;
        // A zombie has ended; only its parent has not asked for it yet.
        if replaced || matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead) {
            return Err(ended());
        }
        let disk = process.disk_usage();
        let rss_bytes = process.memory();
        Ok(Reading {
            cpu_ms: process.accumulated_cpu_time(),
            rss_bytes,
            peak_rss_bytes: high_water_mark(self.pid.as_u32()).map_or(rss_bytes, |peak| peak.max(rss_bytes)),
            read_bytes: disk.total_read_bytes,
            written_bytes: disk.total_written_bytes,
        })
    }
}

/// The kernel's own record of the largest resident set (Linux only): an allocation between two samples is seen.
fn high_water_mark(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}
