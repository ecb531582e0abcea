//! The past as a tool: a past moment, a fork, and an evidence bundle, on a log of a long life.

use std::io::Cursor;
use std::time::Instant;

use atsre_domain::event::WireEvent as _;
use atsre_domain::identity::Seed;
use atsre_domain::{Position, StreamId, Timestamp};
use atsre_projections::rows_as_of;
use atsre_replay::bundle::{self, ExportOptions};
use atsre_replay::fork::{ForkRequest, fork};
use atsre_replay::state::{as_of, events_as_of};
use atsre_store::{Envelope, Store};

use crate::log::{Database, Row, fill, insert};
use crate::outcome::{Bar, Outcome};

/// The quickest of so many turns counts.
const TURNS: usize = 5;
/// Telemetry of the long experiment in one insert.
const CHUNK: usize = 2_000;

/// One experiment as of a moment in the middle of a log of `events` events, its read model of trials with it.
///
/// # Errors
/// When the store fails.
pub async fn as_of_moment(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let events = fill(store, events).await?;
    let middle = Position(events / 2);
    let experiment = an_experiment(store, middle).await?;
    let (mut state, mut rows) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        let began = Instant::now();
        let known = as_of(store, &experiment, middle).await?;
        anyhow::ensure!(known.experiment.opened.is_some(), "the experiment was not opened by then");
        state = state.min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        let then = events_as_of(store, &experiment, middle).await?;
        rows_as_of(store, "trials", &then).await?;
        rows = rows.min(began.elapsed().as_secs_f64());
    }
    Ok(Outcome {
        measured: vec![
            ("events in the log".into(), events.to_string()),
            ("state of the experiment".into(), milliseconds(state)),
            ("its read model of trials".into(), milliseconds(rows)),
        ],
        what: "seconds for the state and a read model",
        value: state + rows,
        bar: Bar::Below(2.0),
    })
}

/// Forks of an experiment whose history has `events` events, most of them telemetry, early, in the middle and at its end.
///
/// # Errors
/// When the store fails.
pub async fn forks(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let short = fork_times(store, 2_000).await?;
    let long = fork_times(store, events).await?;
    let slowest = |times: &[(u64, f64); 3]| times.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    let mut measured = Vec::new();
    for times in [&short, &long] {
        for (length, seconds) in times {
            measured.push((format!("fork after {length} events of the parent"), milliseconds(*seconds)));
        }
    }
    Ok(Outcome {
        measured,
        what: "milliseconds for the slowest fork",
        value: 1_000.0 * slowest(&long).max(slowest(&short)),
        bar: Bar::Below(50.0),
    })
}

/// The time of a fork near the beginning, in the middle and at the end of an experiment with so many events.
async fn fork_times(store: &Store, events: u64) -> anyhow::Result<[(u64, f64); 3]> {
    let parent = StreamId(format!("long-{events}"));
    lengthen(store, &parent, events).await?;
    let summary = store.log().summary("experiment", &parent).await?;
    let summary = summary.ok_or_else(|| anyhow::anyhow!("the long experiment is not in the log"))?;
    let (first, last) = (summary.created_at.0, summary.last_position.0);
    let mut times = [(0, f64::INFINITY); 3];
    for (time, at) in times.iter_mut().zip([first + (last - first) / 100, first + (last - first) / 2, last]) {
        time.0 = at - first + 1;
        for _ in 0..TURNS {
            let request = ForkRequest {
                parent: parent.clone(),
                at: Position(at),
                reason: "measured".to_owned(),
                overrides: vec![("budget".to_owned(), "5m".to_owned())],
                seed: Seed(7),
                now: Timestamp(0),
            };
            let began = Instant::now();
            fork(store, request, &envelope()).await?;
            time.1 = time.1.min(began.elapsed().as_secs_f64());
        }
    }
    Ok(times)
}

/// An experiment of which a trial ran for a long time: a generated one until its first telemetry, and then telemetry.
async fn lengthen(store: &Store, stream: &StreamId, events: u64) -> anyhow::Result<()> {
    let (rows, _) = crate::log::events(2_000)?;
    let named = rows.iter().find(|row| row.encoded.event_type == "ResourceSampled");
    let named = named.map(|row| row.stream.clone()).ok_or_else(|| anyhow::anyhow!("no telemetry was generated"))?;
    let own: Vec<&Row> = rows.iter().filter(|row| row.stream_type == "experiment" && row.stream == named).collect();
    let begun = own.iter().position(|row| row.encoded.event_type == "ResourceSampled").unwrap_or(0);
    let (before, sample) = (&own[..begun], own[begun]);
    let under = |row: &Row, sequence: usize| Row {
        stream: stream.0.clone(),
        sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
        ..row.clone()
    };
    let begin: Vec<Row> = before.iter().enumerate().map(|(index, row)| under(row, index + 1)).collect();
    insert(store, &begin).await?;
    // A chunk at a time: all of it at once would not fit into memory.
    let (mut next, last) = (begin.len() + 1, usize::try_from(events)?);
    while next <= last {
        let chunk: Vec<Row> = (next..=last).take(CHUNK).map(|sequence| under(sample, sequence)).collect();
        insert(store, &chunk).await?;
        next += chunk.len();
    }
    sqlx::query("VACUUM ANALYZE atsre.events").execute(store.owner_pool()).await?;
    Ok(())
}

/// An experiment's bundle written to memory and checked, with telemetry enough that it has about `events` events.
///
/// # Errors
/// When the store fails, or the bundle does not verify.
pub async fn bundles(events: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let parent = StreamId("long".to_owned());
    // The artifacts and data sets that the events name.
    fill(store, 2_000).await?;
    lengthen(store, &parent, events).await?;
    let options = ExportOptions { build: "bench".to_owned(), ..ExportOptions::default() };
    let (mut exporting, mut checking, mut bytes) = (f64::INFINITY, f64::INFINITY, 0);
    for _ in 0..TURNS {
        let mut file = Cursor::new(Vec::new());
        let began = Instant::now();
        bundle::export(store, &parent, &options, &mut file).await?;
        exporting = exporting.min(began.elapsed().as_secs_f64());
        file.set_position(0);
        let began = Instant::now();
        let verification = bundle::check(&mut file)?;
        checking = checking.min(began.elapsed().as_secs_f64());
        anyhow::ensure!(verification.ok, "{:?}", verification.differences);
        bytes = uncompressed(&file.into_inner())?;
    }
    let megabytes = bytes as f64 / 1e6;
    Ok(Outcome {
        measured: vec![
            ("events".into(), events.to_string()),
            ("content of the bundle".into(), format!("{megabytes:.1} MB")),
            ("export".into(), format!("{:.1} MB/s", megabytes / exporting)),
            ("check".into(), format!("{:.1} MB/s", megabytes / checking)),
        ],
        what: "MB of content a second, the slower of the two",
        value: megabytes / exporting.max(checking),
        bar: Bar::AtLeast(50.0),
    })
}

/// The bytes of all members.
fn uncompressed(bundle: &[u8]) -> anyhow::Result<u64> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bundle))?;
    let mut bytes = 0;
    for index in 0..zip.len() {
        bytes += zip.by_index_raw(index)?.size();
    }
    Ok(bytes)
}

/// An experiment that had begun by then.
async fn an_experiment(store: &Store, at: Position) -> anyhow::Result<StreamId> {
    for position in (1..=at.0).rev() {
        let event = store.log().event(Position(position)).await?;
        if event.stream_type == atsre_domain::experiment::Event::STREAM_TYPE {
            return Ok(event.stream);
        }
    }
    anyhow::bail!("there is no experiment up to position {at}")
}

fn envelope() -> Envelope {
    Envelope {
        actor: "bench".to_owned(),
        correlation: "bench".to_owned(),
        causation: None,
        build: "bench".to_owned(),
        occurred_at: Timestamp(0),
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", 1_000.0 * seconds)
}
