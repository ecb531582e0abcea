//! Where the cluster lies.
//!
//! In the data directory, as `cluster/`, wherever the server's user can get there. When ATSRE runs as root and
//! a directory above the data directory is closed to that user (`/root`), the cluster lies in
//! `/var/lib/atsre/<hash of the data directory>` instead, and the file `cluster.location` in the data directory
//! says so. When only the data directory itself is closed, its group becomes that of the server's user with the
//! right to pass through and nothing else.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::account::Account;
use super::{Error, Result, files};

/// The file that names the cluster's folder where that is not in the data directory.
const POINTER: &str = "cluster.location";
/// Where clusters go whose data directory the server's user cannot reach.
const ELSEWHERE: &str = "/var/lib/atsre";
/// The longest path of a socket that every platform takes (104 bytes on macOS, 108 on Linux, with the zero).
const SOCKET_PATH_LIMIT: usize = 103;
/// What Postgres calls its socket, for the port that it never opens.
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Where the cluster lies, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The data directory, as a canonical path: ATSRE's own, which holds the locks.
    pub(super) home: PathBuf,
    /// The cluster's folder.
    pub(super) folder: PathBuf,
    /// The user that the server runs as.
    pub(super) account: Account,
}

impl Place {
    /// Finds the place without making anything. The data directory need not exist.
    pub(super) fn locate(home: &Path) -> Result<Self> {
        let account = Account::choose()?;
        let home = canonical(home);
        let folder = match fs::read_to_string(home.join(POINTER)) {
            Ok(text) => PathBuf::from(text.trim_end()),
            Err(_) => home.join("cluster"),
        };
        Ok(Self { home, folder, account })
    }

    /// Finds or decides the place and makes its folders.
    pub(super) fn prepare(home: &Path) -> Result<Self> {
        fs::create_dir_all(home).map_err(|source| files("create", home, source))?;
        let mut place = Self::locate(home)?;
        if !place.folder.exists() && place.account.steps_down() {
            place.open_the_way()?;
        }
        fs::create_dir_all(&place.folder).map_err(|source| files("create", &place.folder, source))?;
        let socket = place.socket();
        if place.folder_is_ours()? {
            set_mode(&place.folder, 0o755)?;
        }
        place.make_private(&socket)?;
        Ok(place)
    }

    /// The server's data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The server's log.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// The directory of the socket: in the cluster's folder, or a short one under `/tmp` where that path would be
    /// longer than the platform takes.
    pub(super) fn socket(&self) -> PathBuf {
        let near = self.folder.join("socket");
        if near.as_os_str().len() + 1 + SOCKET_NAME.len() <= SOCKET_PATH_LIMIT {
            near
        } else {
            Path::new("/tmp").join(format!("atsre-{}", short_hash(&self.folder)))
        }
    }

    /// The path of the socket itself.
    pub(super) fn socket_file(&self) -> PathBuf {
        self.socket().join(SOCKET_NAME)
    }

    /// The URL of a database for a role.
    pub(super) fn url(&self, role: &str, database: &str) -> String {
        let socket = self.socket();
        let encoded: String = socket.to_string_lossy().bytes().fold(String::new(), |mut text, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
            text
        });
        format!("postgres://{role}@{encoded}:5432/{database}")
    }

    /// Makes sure that the server's user can reach the cluster's folder, which may mean another folder.
    fn open_the_way(&mut self) -> Result<()> {
        let closed = |path: &Path| -> Result<bool> { Ok(!self.can_pass(path)?) };
        let above_closed = self.home.ancestors().skip(1).map(closed).collect::<Result<Vec<_>>>()?.contains(&true);
        if above_closed {
            self.folder = Path::new(ELSEWHERE).join(short_hash(&self.home));
            fs::create_dir_all(&self.folder).map_err(|source| files("create", &self.folder, source))?;
            let pointer = self.home.join(POINTER);
            fs::write(&pointer, format!("{}\n", self.folder.display()))
                .map_err(|source| files("write", &pointer, source))?;
        } else if !self.can_pass(&self.home)? {
            // A closed directory has nobody in its group, so giving it the server's group and the bare right to
            // pass opens it to the server alone.
            std::os::unix::fs::chown(&self.home, None, Some(self.account.gid))
                .map_err(|source| files("change the group of", &self.home, source))?;
            let mode = metadata(&self.home)?.mode() & 0o7707;
            set_mode(&self.home, mode | 0o010)?;
        }
        Ok(())
    }

    fn can_pass(&self, directory: &Path) -> Result<bool> {
        let metadata = metadata(directory)?;
        let bit = if metadata.uid() == self.account.uid {
            0o100
        } else if metadata.gid() == self.account.gid {
            0o010
        } else {
            0o001
        };
        Ok(metadata.mode() & bit != 0)
    }

    fn folder_is_ours(&self) -> Result<bool> {
        Ok(metadata(&self.folder)?.uid() == rustix::process::geteuid().as_raw())
    }

    /// Makes a directory that only the server's user may enter, or checks that it is one: under `/tmp` someone
    /// else may have made it first.
    fn make_private(&self, directory: &Path) -> Result<()> {
        match fs::create_dir(directory) {
            Ok(()) => self.account.take(directory)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(files("create", directory, source)),
        }
        let metadata = fs::symlink_metadata(directory).map_err(|source| files("inspect", directory, source))?;
        if !metadata.is_dir() || metadata.uid() != self.account.uid {
            return Err(Error::NotPrivate(directory.to_owned()));
        }
        set_mode(directory, 0o700)
    }
}

fn metadata(path: &Path) -> Result<fs::Metadata> {
    fs::metadata(path).map_err(|source| files("inspect", path, source))
}

pub(super) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|source| files("set the permissions of", path, source))
}

/// The canonical path, also of what does not exist yet.
fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

fn short_hash(path: &Path) -> String {
    blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(folder: &str) -> Place {
        Place { home: PathBuf::from(folder), folder: PathBuf::from(folder), account: Account::choose().unwrap() }
    }

    #[test]
    fn a_long_path_gets_a_short_socket() {
        assert_eq!(place("/data/cluster").socket(), Path::new("/data/cluster/socket"));
        let long = place(&format!("/{}", "d".repeat(100)));
        assert!(long.socket().starts_with("/tmp"));
        assert!(long.socket_file().as_os_str().len() <= SOCKET_PATH_LIMIT);
        assert_ne!(long.socket(), place(&format!("/{}", "e".repeat(100))).socket());
    }

    #[test]
    fn the_url_carries_any_path() {
        assert_eq!(place("/a b/ü'?").url("me", "db"), "postgres://me@%2Fa%20b%2F%C3%BC%27%3F%2Fsocket:5432/db");
    }
}
