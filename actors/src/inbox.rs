//! The inbox: a watched folder. A CSV file that is laid there becomes a data set and an experiment, once.
//!
//! A file `NAME.csv` may come with `NAME.json` beside it, which says what would otherwise be flags: target, time,
//! item, horizon, budget and so on. A file that was taken moves to `taken/`, one that was refused to `refused/`
//! with the reason beside it, so that nothing is lost and nothing is taken twice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What is done with a file; the error is told to the person who laid it there.
pub type Take = Box<dyn Fn(PathBuf) -> LocalBoxFuture<'static, Result<(), String>>>;

/// Watches `folder` until told to stop.
///
/// # Errors
/// When the folder cannot be made or read.
pub async fn watch(folder: PathBuf, take: Take, mut stop: watch::Receiver<bool>) -> Result<(), String> {
    let told = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    for sub in ["taken", "refused"] {
        let path = folder.join(sub);
        tokio::fs::create_dir_all(&path).await.map_err(|e| told(&path, e))?;
    }
    let mut sizes: Vec<(PathBuf, u64)> = Vec::new();
    while !*stop.borrow() {
        let seen = list(&folder).await.map_err(|e| told(&folder, e))?;
        for (path, size) in &seen {
            // A file that still grows is still being written.
            if sizes.contains(&(path.clone(), *size)) {
                settle(&folder, path, take(path.clone()).await).await.map_err(|e| told(path, e))?;
            }
        }
        sizes = seen;
        tokio::select! {
            changed = stop.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    Ok(())
}

async fn list(folder: &Path) -> std::io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        let metadata = entry.metadata().await?;
        if metadata.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            found.push((path, metadata.len()));
        }
    }
    found.sort();
    Ok(found)
}

async fn settle(folder: &Path, path: &Path, outcome: Result<(), String>) -> std::io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    let into = folder.join(if outcome.is_ok() { "taken" } else { "refused" });
    let mut target = into.join(name);
    let mut copy = 1;
    while tokio::fs::try_exists(&target).await? {
        copy += 1;
        let stem = path.file_stem().unwrap_or(name).to_string_lossy();
        target = into.join(format!("{stem}-{copy}.csv"));
    }
    tokio::fs::rename(path, &target).await?;
    let beside = path.with_extension("json");
    if tokio::fs::try_exists(&beside).await? {
        tokio::fs::rename(&beside, target.with_extension("json")).await?;
    }
    if let Err(reason) = outcome {
        tracing::warn!(file = %path.display(), reason, "a file in the inbox was refused");
        tokio::fs::write(target.with_extension("reason.txt"), reason + "\n").await?;
    }
    Ok(())
}
