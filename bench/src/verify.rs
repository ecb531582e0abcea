//! `verify`, beyond reading: the time that it takes more than reading the same log the same way.

use std::time::Instant;

use atsre_domain::Position;
use atsre_replay::verify::{verify, verify_log};
use atsre_store::Store;

use crate::log::{Database, fill};
use crate::outcome::{Bar, Outcome, per_second};

/// Events in one read, as `verify` has it.
const PAGE: usize = 5_000;
/// Reading and verifying take turns; the quickest of each counts.
const TURNS: usize = 3;

/// Reading, verifying the log and its artifacts, and (for information) the read models as well.
///
/// # Errors
/// When the store fails, or the log is not whole.
pub async fn run(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let events = fill(store, events).await?;
    for projection in atsre_projections::PROJECTIONS {
        atsre_projections::runner::catch_up(store, projection).await?;
    }
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
    let began = Instant::now();
    anyhow::ensure!(verify(store, &[], |_, _| ()).await?.ok, "the read models differ");
    let everything = began.elapsed().as_secs_f64();
    // Verifying goes on while the next page is read, so it can cost next to nothing beyond that.
    let beyond = (verifying - reading).max(1e-9 * events as f64);
    Ok(Outcome {
        measured: vec![
            ("events".into(), events.to_string()),
            ("reading alone".into(), per_second(events, reading, "events")),
            ("verifying, reading included".into(), per_second(events, verifying, "events")),
            ("with every read model against a fresh fold".into(), per_second(events, everything, "events")),
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
