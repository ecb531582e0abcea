//! `verify`: everything that `atsre verify` looks at, and its first part beyond the reading that it takes.

use std::time::Instant;

use atsre_domain::Position;
use atsre_replay::verify::{verify, verify_log};
use atsre_store::Store;

use crate::log::{Database, fill};
use crate::outcome::{Bar, Outcome, per_second};

/// Events in one read, as `verify` has it.
const PAGE: usize = 5_000;
/// What is compared takes turns; the quickest of each counts.
const TURNS: usize = 3;

/// All that `atsre verify` looks at: the log by this program and by the database, its artifacts, and every read model
/// against a fresh fold. In seconds for a million events.
///
/// # Errors
/// When the store fails, or the log or a read model is not whole.
pub async fn everything(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let events = fill(store, events).await?;
    for projection in atsre_projections::PROJECTIONS {
        atsre_projections::runner::catch_up(store, projection).await?;
    }
    let mut seconds = f64::INFINITY;
    for _ in 0..TURNS {
        let began = Instant::now();
        let verification = verify(store, &[], |_, _| ()).await?;
        anyhow::ensure!(verification.ok && verification.events == events, "{:?}", verification.differences);
        seconds = seconds.min(began.elapsed().as_secs_f64());
    }
    Ok(Outcome {
        measured: vec![
            ("events".into(), events.to_string()),
            ("read models and all".into(), per_second(events, seconds, "events")),
        ],
        what: "seconds for a million events",
        value: seconds * 1e6 / events as f64,
        bar: Bar::Below(20.0),
    })
}

/// The log and its artifacts by this program alone: the time that it takes more than reading the same log the same way.
///
/// # Errors
/// When the store fails, or the log is not whole.
pub async fn log(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let events = fill(store, events).await?;
    let (mut reading, mut verifying) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        let began = Instant::now();
        anyhow::ensure!(read(store).await? == events, "the log was not read whole");
        reading = reading.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        let verification = verify_log(store, &[], |_, _| ()).await?;
        anyhow::ensure!(verification.ok && verification.events == events, "{:?}", verification.differences);
        verifying = verifying.min(began.elapsed().as_secs_f64());
    }
    // Verifying goes on while the next page is read, so it can cost next to nothing beyond that.
    let beyond = (verifying - reading).max(1e-9 * events as f64);
    Ok(Outcome {
        measured: vec![
            ("events".into(), events.to_string()),
            ("reading alone".into(), per_second(events, reading, "events")),
            ("verifying, reading included".into(), per_second(events, verifying, "events")),
        ],
        what: "events a second beyond reading",
        value: events as f64 / beyond,
        bar: Bar::AtLeast(100_000.0),
    })
}

async fn read(store: &Store) -> anyhow::Result<u64> {
    let (mut at, mut events) = (Position(0), 0);
    loop {
        let page = store.log().scan(at, PAGE).await?;
        let Some(last) = page.events.last() else { return Ok(events) };
        at = last.position;
        events += page.events.len() as u64;
    }
}
