//! Making, starting and stopping the server.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::binaries::Programs;
use super::place::Place;
use super::process::{self, Liveness};
use super::{Error, OWNER, Result, files};

/// How often a state is looked at while waiting for it.
pub(super) const POLL: Duration = Duration::from_millis(10);
/// How long a server may take to come up; the recovery after a crash is part of it.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// After how long someone who waits is told why.
const REPORT_AFTER: Duration = Duration::from_secs(2);
/// How long a server may take to go down before it is asked less politely.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// A log larger than this is set aside at the next start.
const LOG_LIMIT_BYTES: u64 = 16 << 20;

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// A power cut.
    Full,
    /// Nothing: for tests.
    None,
}

/// A server: where it lies and the programs that run it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) place: Place,
    pub(super) programs: Programs,
}

impl Server {
    pub(super) const fn new(place: Place, programs: Programs) -> Self {
        Self { place, programs }
    }

    /// Makes the cluster if there is none and starts it if it does not run. The start lock must be held.
    pub(super) async fn ensure_running(&self, durability: &Durability, report: &impl Fn(&str)) -> Result<()> {
        if !self.place.data().join("PG_VERSION").exists() {
            self.initialise(*durability)?;
        }
        if running_pid(&self.place).is_none() {
            self.clear_leftovers().await?;
            self.configure(*durability)?;
            let child = self.spawn()?;
            return self.await_ready(Some(child), report).await;
        }
        self.await_ready(None, report).await
    }

    /// Makes the cluster under another name first, so that a crash in the middle leaves nothing half made.
    fn initialise(&self, durability: Durability) -> Result<()> {
        let unfinished = self.place.folder.join("data.unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|source| files("remove", &unfinished, source))?;
        }
        fs::create_dir(&unfinished).map_err(|source| files("create", &unfinished, source))?;
        super::place::set_mode(&unfinished, 0o700)?;
        self.place.account.take(&unfinished)?;
        let mut command = self.place.account.command(&self.programs.folder.join("initdb"));
        command.current_dir(&unfinished).arg("--pgdata").arg(&unfinished).args([
            "--username",
            OWNER,
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
            "--auth=trust",
            "--no-instructions",
        ]);
        if durability == Durability::None {
            command.arg("--no-sync");
        }
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| files("run", &self.programs.folder.join("initdb"), source))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Error::Program { program: "initdb".to_owned(), output: text });
        }
        let data = self.place.data();
        fs::rename(&unfinished, &data).map_err(|source| files("rename", &unfinished, source))
    }

    /// Settings for a small machine. They are written at each start, so that they follow the folder around.
    fn configure(&self, durability: Durability) -> Result<()> {
        let data = self.place.data();
        let socket = self.place.socket().to_string_lossy().replace('\'', "''");
        let safety = match durability {
            Durability::Full => "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n",
            Durability::None => "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n",
        };
        // One cluster serves all tests of a process at the same time.
        let connections = match durability {
            Durability::Full => 60,
            Durability::None => 200,
        };
        let settings = format!(
            "# Written by ATSRE at each start; put your own settings into postgresql.conf below the include.\n\
             listen_addresses = ''\nport = 5432\nunix_socket_directories = '{socket}'\nunix_socket_permissions = 0700\n\
             max_connections = {connections}\nshared_buffers = 256MB\nwork_mem = 16MB\nmaintenance_work_mem = 64MB\n\
             max_wal_size = 1GB\nwal_level = minimal\nmax_wal_senders = 0\njit = off\n\
             timezone = 'UTC'\nlog_timezone = 'UTC'\ndatestyle = 'ISO, YMD'\nlc_messages = 'C'\n\
             logging_collector = off\nlog_checkpoints = off\nlog_line_prefix = '%m [%p] '\n{safety}"
        );
        let own = data.join("atsre.conf");
        fs::write(&own, settings).map_err(|source| files("write", &own, source))?;
        self.place.account.take(&own)?;
        let main = data.join("postgresql.conf");
        let text = fs::read_to_string(&main).map_err(|source| files("read", &main, source))?;
        if !text.contains("include 'atsre.conf'") {
            fs::write(&main, format!("{text}\ninclude 'atsre.conf'\n"))
                .map_err(|source| files("write", &main, source))?;
            self.place.account.take(&main)?;
        }
        Ok(())
    }

    /// After a crash the file that names the server's process may name nobody, or by now somebody else. Postgres
    /// itself clears up after a process that is gone, but takes a stranger, or one that has ended and was never
    /// collected, for a live server.
    async fn clear_leftovers(&self) -> Result<()> {
        let data = self.place.data();
        // The children of a killed server notice and leave; until then its memory is in use.
        let mut waited = Duration::ZERO;
        while process::anyone_works_in(&data) && waited < STOP_TIMEOUT {
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
        let pid_file = data.join("postmaster.pid");
        if pid_file.exists() && process::can_tell() && !process::anyone_works_in(&data) {
            fs::remove_file(&pid_file).map_err(|source| files("remove", &pid_file, source))?;
        }
        Ok(())
    }

    fn spawn(&self) -> Result<Child> {
        let log = self.open_log()?;
        let errors = log.try_clone().map_err(|source| files("open", &self.place.log(), source))?;
        let data = self.place.data();
        let program = self.programs.folder.join("postgres");
        self.place
            .account
            .command(&program)
            .arg("-D")
            .arg(&data)
            .current_dir(&data)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A Ctrl-C in the terminal is meant for ATSRE, not for its database.
            .process_group(0)
            .spawn()
            .map_err(|source| files("run", &program, source))
    }

    fn open_log(&self) -> Result<File> {
        let path = self.place.log();
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT_BYTES) {
            let old = path.with_extension("log.old");
            fs::rename(&path, &old).map_err(|source| files("rename", &path, source))?;
        }
        OpenOptions::new().create(true).append(true).open(&path).map_err(|source| files("open", &path, source))
    }

    /// Waits until the server takes connections.
    async fn await_ready(&self, mut child: Option<Child>, report: &impl Fn(&str)) -> Result<()> {
        let mut waited = Duration::ZERO;
        let mut reported = false;
        loop {
            if pid_file(&self.place).is_some_and(|file| file.ready) && self.answers().await {
                if let Some(mut child) = child {
                    // Collects the server when it ends while this process lives.
                    std::thread::spawn(move || child.wait());
                }
                return Ok(());
            }
            let ended = match &mut child {
                Some(child) => child.try_wait().ok().flatten().is_some(),
                None => running_pid(&self.place).is_none(),
            };
            if ended {
                return Err(Error::Program { program: "postgres".to_owned(), output: log_tail(&self.place) });
            }
            if waited >= START_TIMEOUT {
                return Err(Error::Slow {
                    action: "start",
                    seconds: START_TIMEOUT.as_secs(),
                    log: log_tail(&self.place),
                });
            }
            if waited >= REPORT_AFTER && !reported {
                report("waiting for PostgreSQL to recover and come up");
                reported = true;
            }
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
    }

    async fn answers(&self) -> bool {
        tokio::net::UnixStream::connect(self.place.socket_file()).await.is_ok()
    }
}

/// What `postmaster.pid` says.
struct PidFile {
    pid: u32,
    ready: bool,
}

fn pid_file(place: &Place) -> Option<PidFile> {
    let text = fs::read_to_string(place.data().join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    // Lines 2 to 7: data directory, start time, port, socket directory, address, memory key; line 8: the state.
    Some(PidFile { pid, ready: lines.nth(6).is_some_and(|state| state.trim() == "ready") })
}

/// The process id of the live server, if there is one.
pub(super) fn running_pid(place: &Place) -> Option<u32> {
    let file = pid_file(place)?;
    (process::liveness(file.pid, &place.data()) == Liveness::Server).then_some(file.pid)
}

/// Stops the server. Says whether it ran.
pub(super) async fn stop(place: &Place) -> Result<bool> {
    let Some(pid) = running_pid(place) else { return Ok(false) };
    // First: no more connections, and open transactions are rolled back. Then: at once; the next start recovers.
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        process::signal(pid, signal);
        let mut waited = Duration::ZERO;
        while waited < STOP_TIMEOUT {
            if process::liveness(pid, &place.data()) != Liveness::Server {
                return Ok(true);
            }
            tokio::time::sleep(POLL).await;
            waited += POLL;
        }
    }
    Err(Error::Slow { action: "stop", seconds: 3 * STOP_TIMEOUT.as_secs(), log: log_tail(place) })
}

fn log_tail(place: &Place) -> String {
    const TAIL_BYTES: i64 = 2000;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(place.log())?;
        let length = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
        file.seek(SeekFrom::End(-length.min(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_else(|_| "(no log)".to_owned())
}
