//! Where anchors are kept, and when they are taken: outside the database, so that they witness against it.

use std::path::PathBuf;
use std::time::Duration;

use atsre_actors::signer::{AnchorSignature, AnchorSigner};
use atsre_domain::Position;
use atsre_replay::anchor::{Anchor, AnchorFile, AnchorKey, Error, anchor_at, anchor_now, due, public_key_text};
use atsre_store::Store;

use crate::config::Config;
use crate::error::Failure;
use crate::node::clock;
use crate::output;

/// A service takes an anchor after so many events, or after so long.
const EVERY_EVENTS: u64 = 1_000;
const EVERY: Duration = Duration::from_secs(600);
/// A node's own events at the log's end beyond which nobody looks for the last event of work.
const NODE_EVENTS: usize = 64;
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
    let (anchors, now) = (file(config), clock());
    let anchor = anchor_now(store, &key, now).await?;
    // A node's own events are in no bundle: with the last event before them anchored as well, a bundle that ends there
    // has an anchor to be compared with.
    let last = anchors.last()?.map_or(Position(0), |last| last.position);
    if let Some(position) = last_of_work(store, anchor.position).await?
        && position > last
        && position < anchor.position
    {
        anchors.append(&anchor_at(store, &key, position, now).await?)?;
    }
    anchors.append(&anchor)?;
    Ok(anchor)
}

/// Signs the anchors of reports with the same key, and keeps them in the same file.
#[must_use]
pub fn signer(config: &Config) -> AnchorSigner {
    let (key_path, anchors) = (key_path(config), file(config));
    let sign = move |position, log_hash| -> Result<Anchor, Error> {
        let anchor = AnchorKey::open_or_create(&key_path)?.sign(position, log_hash, clock());
        anchors.append(&anchor)?;
        Ok(anchor)
    };
    AnchorSigner::new(move |position, log_hash| {
        let anchor = sign(position, log_hash).map_err(|error| atsre_store::told(&error))?;
        let signed = anchor.signed.ok_or("the key signed nothing")?;
        Ok(AnchorSignature {
            anchored_at: atsre_store::rfc3339(signed.anchored_at),
            public_key: public_key_text(&signed.public_key),
            signature: atsre_store::hash::hex(&signed.signature.to_bytes()),
        })
    })
}

/// The last event up to a position that is not a node's own; none where it lies far back.
async fn last_of_work(store: &Store, at: Position) -> Result<Option<Position>, Failure> {
    for position in (1..=at.0).rev().take(NODE_EVENTS) {
        if store.log().event(Position(position)).await?.stream_type != "node" {
            return Ok(Some(Position(position)));
        }
    }
    Ok(None)
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
