//! The user that the server runs as. Postgres refuses root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::{Error, Result, files};

/// The user that the server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// Its user id.
    pub(super) uid: u32,
    /// Its group id.
    pub(super) gid: u32,
    /// Whether this process is root and must step down to it.
    step_down: bool,
}

impl Account {
    /// This user; for root, `postgres` where that user exists, else `nobody`.
    pub(super) fn choose() -> Result<Self> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: rustix::process::getegid().as_raw(), step_down: false });
        }
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some(Self { uid: id("-u", name)?, gid: id("-g", name)?, step_down: true }))
            .filter(|account| account.uid != 0)
            .ok_or(Error::NoAccount)
    }

    /// Whether this process is root and the server is not.
    pub(super) const fn steps_down(&self) -> bool {
        self.step_down
    }

    /// A program that will run as this user. The standard library drops the supplementary groups as well.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if self.step_down {
            command.uid(self.uid).gid(self.gid);
        }
        // The environment of whoever started us must not reach into the cluster (PGDATA, PGPORT, locale).
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }

    /// Gives a path to this user.
    pub(super) fn take(&self, path: &Path) -> Result<()> {
        if self.step_down {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
                .map_err(|source| files("change the owner of", path, source))?;
        }
        Ok(())
    }
}

/// What `id` says; it knows users of directories that `/etc/passwd` does not.
fn id(option: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").arg(option).arg(user).output().ok().filter(|o| o.status.success())?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
