//! Where a model's folder is: named outright, or inside a hub's cache. Nothing is ever fetched.

use std::path::{Path, PathBuf};

use super::error::Error;

/// The environment variables that place the hub's cache, the strongest first, and what to add to each.
const PLACES: [(&str, &str); 4] = [
    ("HF_HUB_CACHE", ""),
    ("HF_HOME", "hub"),
    ("XDG_CACHE_HOME", "huggingface/hub"),
    ("HOME", ".cache/huggingface/hub"),
];

/// The folder of a model. `named` may be that folder itself or a repository's folder in a hub's cache
/// (`models--ORGANISATION--NAME`); where it is empty, `repository` (`ORGANISATION/NAME`) is looked up in the cache.
///
/// # Errors
/// [`Error::NotFound`] or [`Error::NotCached`].
pub fn locate(named: &str, repository: &str) -> Result<PathBuf, Error> {
    if named.is_empty() {
        let cache = cache();
        return cached(&cache, repository)
            .ok_or_else(|| Error::NotCached { repository: repository.to_string(), cache });
    }
    let path = PathBuf::from(named);
    if !path.is_dir() {
        return Err(match path.read_link() {
            Ok(target) => Error::DanglingLink { path, target },
            Err(_) => Error::NotFound { path },
        });
    }
    if !path.join("config.json").exists() && path.join("snapshots").is_dir() {
        return newest(&path).ok_or(Error::NotFound { path: path.join("snapshots") });
    }
    Ok(path)
}

/// A repository's folder in a hub's cache, where it is there.
#[must_use]
pub fn cached(cache: &Path, repository: &str) -> Option<PathBuf> {
    newest(&cache.join(format!("models--{}", repository.replace('/', "--"))))
}

/// The cache that the hub's own programs use on this machine.
fn cache() -> PathBuf {
    let place = PLACES.iter().find_map(|(variable, below)| {
        std::env::var_os(variable).filter(|v| !v.is_empty()).map(|v| PathBuf::from(v).join(below))
    });
    place.unwrap_or_default()
}

/// The snapshot that `refs/main` names; without it, the last by name.
fn newest(repository: &Path) -> Option<PathBuf> {
    let snapshots = repository.join("snapshots");
    let named = std::fs::read_to_string(repository.join("refs/main")).ok().map(|name| snapshots.join(name.trim()));
    if let Some(folder) = named.filter(|folder| folder.is_dir()) {
        return Some(folder);
    }
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&snapshots).ok()?.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders.pop()
}
