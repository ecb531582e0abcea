//! Whether the process that a file speaks of is still there, and is still that process.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// What is known of a process id that a server left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Liveness {
    /// A live server of this data directory.
    Server,
    /// No such process, or one that has ended and was not collected yet.
    Gone,
    /// Another process has been given the number.
    Stranger,
}

/// What has become of process `pid`, which once was the server of `data`.
pub(super) fn liveness(pid: u32, data: &Path) -> Liveness {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Liveness::Gone };
    match test_kill_process(id) {
        Ok(()) => {}
        Err(rustix::io::Errno::PERM) => return Liveness::Stranger,
        Err(_) => return Liveness::Gone,
    }
    if is_zombie(pid) {
        return Liveness::Gone;
    }
    // Postgres works inside its data directory. Where the platform does not tell, believe the file.
    match fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(folder) if fs::canonicalize(data).is_ok_and(|data| data == folder) => Liveness::Server,
        Ok(_) => Liveness::Stranger,
        Err(_) if can_tell() => {
            // It may have ended between the two looks.
            if test_kill_process(id).is_err() || is_zombie(pid) { Liveness::Gone } else { Liveness::Stranger }
        }
        Err(_) => Liveness::Server,
    }
}

/// Whether this platform tells where a process works.
pub(super) fn can_tell() -> bool {
    Path::new("/proc/self/cwd").exists()
}

/// Whether any live process works in `data`: a server's children outlive it for a moment.
pub(super) fn anyone_works_in(data: &Path) -> bool {
    let (Ok(entries), Ok(data)) = (fs::read_dir("/proc"), fs::canonicalize(data)) else { return false };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .any(|pid: u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data) && !is_zombie(pid))
}

/// Asks the server to stop.
pub(super) fn signal(pid: u32, signal: Signal) {
    if let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have gone already, which is what was wanted.
        let _ = kill_process(id, signal);
    }
}

/// Whether a process has ended without being collected by its parent (containers whose first process never does).
fn is_zombie(pid: u32) -> bool {
    // `pid (name) state …`; the name may hold anything, brackets too.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}
