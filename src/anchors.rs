//! Where anchors are kept, and when they are taken: outside the database, so that they witness against it.

use std::path::PathBuf;
use std::time::Duration;

use atsre_replay::anchor::{Anchor, AnchorFile, AnchorKey, anchor_now, due};
use atsre_store::Store;

use crate::config::Config;
use crate::error::Failure;
use crate::node::clock;
use crate::output;

/// A service takes an anchor after so many events, or after so long.
const EVERY_EVENTS: u64 = 1_000;
const EVERY: Duration = Duration::from_secs(600);
/// How often it looks whether one is due.
const LOOK: Duration = Duration::from_secs(30);

/// The signing key's file.
#[must_use]
pub fn key_path(config: &Config) -> PathBuf {
    config.home.join("keys").join("anchor.key")
}

/// The anchors' file.
#[must_use]
pub fn file(config: &Config) -> AnchorFile {
    AnchorFile::new(config.home.join("anchors.jsonl"))
}

/// Signs the log's end and appends it to the file. The key is made on first use.
///
/// # Errors
/// When the key or the file cannot be used, or the log contradicts itself at its end.
pub async fn take(config: &Config, store: &Store) -> Result<Anchor, Failure> {
    let key = AnchorKey::open_or_create(&key_path(config))?;
    let anchor = anchor_now(store, &key, clock()).await?;
    file(config).append(&anchor)?;
    Ok(anchor)
}

/// As [`take`], where the log has grown since the last anchor. What goes wrong is told and keeps nobody from anything.
pub async fn take_after_work(config: &Config, store: &Store) {
    if let Err(failure) = take_when_due(config, store, 1, EVERY).await {
        output::note(format!("no anchor of the log was taken: {:#}", failure.error));
    }
}

/// Takes anchors as they come due, for as long as the service runs.
pub async fn keep_taking(config: Config, store: Store) {
    let mut looking = tokio::time::interval(LOOK);
    loop {
        looking.tick().await;
        if let Err(failure) = take_when_due(&config, &store, EVERY_EVENTS, EVERY).await {
            tracing::warn!(error = format!("{:#}", failure.error), "no anchor of the log was taken");
        }
    }
}

async fn take_when_due(config: &Config, store: &Store, every_events: u64, every: Duration) -> Result<(), Failure> {
    let (last, head) = (file(config).last()?, store.log().head().await?.position);
    if due(last.as_ref(), head, clock(), every_events, every) {
        take(config, store).await?;
    }
    Ok(())
}
