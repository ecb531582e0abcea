//! A private Postgres cluster in the data directory, for who has no database to name.
//!
//! It listens on a Unix socket only, in a directory that nobody but its own user (and root) may enter. That
//! directory is the lock on the door, so the socket itself asks for no password (`trust`): a password would
//! have to lie in a file with just those permissions, and would add nothing.
//!
//! Several processes may use the cluster at once: a file lock keeps them from starting it twice, and each
//! holds a shared lock while it uses it, so that [`Cluster::stop_when_last`] can tell whether anyone else does.
//! The cluster never touches another one: it has its own folder, its own socket and no port.

mod account;
mod binaries;
mod place;
mod process;
mod server;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use binaries::Version;
use place::Place;
use server::Server;

/// The cluster's superuser, who owns the schema and runs migrations.
pub const OWNER: &str = "atsre_owner";
/// The database that ATSRE works in.
pub const DATABASE: &str = "atsre";

/// How long a process waits for another one that is starting or stopping the cluster.
const LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// Why the private cluster could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Postgres on this machine and it could not be fetched either.
    #[error(
        "there is no PostgreSQL 14 or newer on this machine and it could not be fetched ({reason}); {hint}, or set DATABASE_URL"
    )]
    NoPostgres {
        /// Why fetching failed.
        reason: String,
        /// The package to install here.
        hint: String,
    },
    /// The cluster's files need a version of Postgres that is not there.
    #[error("the cluster in {} was made by PostgreSQL {needed}, but this machine has {found}; {hint}", .folder.display())]
    OtherVersion {
        /// The cluster's folder.
        folder: PathBuf,
        /// The major version that made it.
        needed: u32,
        /// The versions that were found.
        found: String,
        /// The package to install here.
        hint: String,
    },
    /// Postgres refuses to run as root and there is no unprivileged user to run it as.
    #[error("PostgreSQL does not run as root and neither user `postgres` nor user `nobody` exists; create one of them")]
    NoAccount,
    /// A file operation failed.
    #[error("cannot {action} {}", .path.display())]
    Files {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A folder that must be private is not.
    #[error("{} is not a private directory of the database's user; remove it", .0.display())]
    NotPrivate(PathBuf),
    /// A program of Postgres failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: String,
        /// The end of what it said.
        output: String,
    },
    /// Someone else holds the lock for too long.
    #[error("another process has been starting or stopping the cluster in {} for {seconds} s", .folder.display())]
    Busy {
        /// The data directory.
        folder: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// The server did not come up or did not go down in time.
    #[error("PostgreSQL did not {action} within {seconds} s; the end of its log: {log}")]
    Slow {
        /// `start` or `stop`.
        action: &'static str,
        /// How long was waited.
        seconds: u64,
        /// The end of its log.
        log: String,
    },
}

/// A result of the cluster.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How the cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether a server runs.
    pub running: bool,
    /// The URL of the database for its owner, whether or not the server runs.
    pub url: String,
    /// The folder with the cluster's files.
    pub data_dir: PathBuf,
    /// The version of the server's programs; absent when no Postgres was found.
    pub version: Option<String>,
    /// The process id of the server.
    pub pid: Option<u32>,
}

/// A running private cluster. Dropping it leaves the server running: others may use it.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    home: PathBuf,
    version: String,
    /// Held shared as long as this process uses the cluster.
    user_lock: File,
}

impl Cluster {
    /// The running cluster of `data_dir`: found running, started, or made. `report` is told of what takes long.
    ///
    /// # Errors
    /// [`Error`] says what is missing and what to do about it.
    pub async fn start(data_dir: &Path, report: impl Fn(&str)) -> Result<Self> {
        Self::start_with(data_dir, &server::Durability::Full, &report).await
    }

    /// The same without any care for power cuts: for tests.
    pub(crate) async fn start_volatile(data_dir: &Path) -> Result<Self> {
        Self::start_with(data_dir, &server::Durability::None, &|_: &str| ()).await
    }

    async fn start_with(data_dir: &Path, durability: &server::Durability, report: &impl Fn(&str)) -> Result<Self> {
        let place = Place::prepare(data_dir)?;
        let _starting = lock_exclusively(&place, "start.lock").await?;
        let user_lock = open_lock(&place, "users.lock")?;
        user_lock.lock_shared().map_err(|source| files("lock", &place.home.join("users.lock"), source))?;
        let programs = binaries::find_or_fetch(&place, report).await?;
        let version = programs.version.to_string();
        let home = place.home.clone();
        let server = Server::new(place, programs);
        server.ensure_running(durability, report).await?;
        Ok(Self { server, home, version, user_lock })
    }

    /// How the cluster of `data_dir` is, without starting or making anything.
    ///
    /// # Errors
    /// When the data directory cannot be read.
    pub fn status(data_dir: &Path) -> Result<Status> {
        let place = Place::locate(data_dir)?;
        let version = binaries::find(&place).ok().map(|programs| programs.version.to_string());
        let pid = server::running_pid(&place);
        Ok(Status { running: pid.is_some(), url: place.url(OWNER, DATABASE), data_dir: place.data(), version, pid })
    }

    /// Stops the cluster of `data_dir` if it runs; whoever uses it loses the connection. Says whether it ran.
    ///
    /// # Errors
    /// When the server does not stop in time.
    pub async fn stop_at(data_dir: &Path) -> Result<bool> {
        let place = Place::locate(data_dir)?;
        if !place.folder.exists() {
            return Ok(false);
        }
        let _stopping = lock_exclusively(&place, "start.lock").await?;
        server::stop(&place).await
    }

    /// Stops the server; whoever uses it loses the connection.
    ///
    /// # Errors
    /// When the server does not stop in time.
    pub async fn stop(self) -> Result<()> {
        let home = self.home.clone();
        drop(self);
        Self::stop_at(&home).await.map(|_| ())
    }

    /// Stops the server unless another process uses it. Says whether it was stopped.
    ///
    /// # Errors
    /// When the server does not stop in time.
    pub async fn stop_when_last(self) -> Result<bool> {
        let _stopping = lock_exclusively(&self.server.place, "start.lock").await?;
        // Nobody can begin to use the cluster while the start lock is held, so giving up the own share first is safe.
        let _ = self.user_lock.unlock();
        match self.user_lock.try_lock() {
            Ok(()) => server::stop(&self.server.place).await,
            Err(_) => Ok(false),
        }
    }

    /// The URL of the database for its owner.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.place.url(OWNER, DATABASE)
    }

    /// The URL of a database for a role.
    #[must_use]
    pub fn url_for(&self, role: &str, database: &str) -> String {
        self.server.place.url(role, database)
    }

    /// The version of the server's programs, such as `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder of the server's programs, `psql` among them where the machine has it.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.server.programs.folder
    }

    /// The folder with the cluster's files.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.server.place.data()
    }

    /// The process id of the server, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        server::running_pid(&self.server.place)
    }
}

/// Takes a file lock in the data directory, waiting for whoever holds it.
async fn lock_exclusively(place: &Place, name: &str) -> Result<File> {
    let file = open_lock(place, name)?;
    let polls = LOCK_TIMEOUT.as_millis() / server::POLL.as_millis();
    for _ in 0..polls {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(server::POLL).await,
            Err(TryLockError::Error(source)) => return Err(files("lock", &place.home.join(name), source)),
        }
    }
    Err(Error::Busy { folder: place.home.clone(), seconds: LOCK_TIMEOUT.as_secs() })
}

fn open_lock(place: &Place, name: &str) -> Result<File> {
    let path = place.home.join(name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&path)
        .map_err(|source| files("open", &path, source))
}

/// A file operation's error with its place.
fn files(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Files { action, path: path.to_owned(), source }
}
