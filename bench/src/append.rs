//! Commands through the store, against the same events inserted by hand into the same table with the same triggers.

use std::time::Instant;

use anyhow::Context as _;
use atsre_domain::{Decider as _, StreamId, experiment};
use atsre_store::Store;
use sqlx::Connection as _;

use crate::log::{Database, METADATA};
use crate::outcome::{Bar, Outcome, per_second};
use crate::support::{Numbers, Step, envelope, experiment_steps};

/// Commands in one turn; ours and the peer's take turns, so that a noisy disk is noisy for both.
const TURN: usize = 250;

/// One client, one command a transaction.
///
/// # Errors
/// When the store fails or refuses a command of the generator.
pub async fn run(commands: u64) -> anyhow::Result<Outcome> {
    let database = Database::create().await?;
    let store = database.store();
    let (mut ours, mut by_hand) = ((0_u64, 0.0), (0_u64, 0.0));
    let mut hand = sqlx::PgConnection::connect_with(&store.pool().connect_options()).await?;
    for (turn, batch) in commands_of(commands as usize).chunks(TURN).enumerate() {
        let began = Instant::now();
        ours.0 += execute(store, batch, turn).await?;
        ours.1 += began.elapsed().as_secs_f64();
        let decided = decided(batch, turn)?;
        let began = Instant::now();
        by_hand.0 += insert(&mut hand, &decided).await?;
        by_hand.1 += began.elapsed().as_secs_f64();
    }
    let rate = |(events, seconds): (u64, f64)| events as f64 / seconds;
    Ok(Outcome {
        measured: vec![
            ("commands through Store::execute".into(), per_second(ours.0, ours.1, "events")),
            ("the same inserts by hand, same triggers".into(), per_second(by_hand.0, by_hand.1, "events")),
        ],
        what: "ratio",
        value: rate(ours) / rate(by_hand),
        bar: Bar::AtLeast(0.6),
    })
}

/// One command each, of experiments one after the other: (experiment, command).
fn commands_of(count: usize) -> Vec<(usize, experiment::Command)> {
    let mut numbers = Numbers(1);
    let dataset = Store::dataset_stream("bikes");
    let steps = (0..).flat_map(|which| {
        let steps = experiment_steps(&mut numbers, &StreamId(String::new()), &dataset);
        steps.into_iter().filter_map(move |step| match step {
            Step::Experiment(_, command) => Some((which, command)),
            _ => None,
        })
    });
    steps.take(count).collect()
}

async fn execute(store: &Store, batch: &[(usize, experiment::Command)], turn: usize) -> anyhow::Result<u64> {
    let envelope = envelope();
    let mut events = 0;
    for (which, command) in whole(batch) {
        let stream = StreamId(format!("ours-{turn}-{which}"));
        let appended = store.execute::<experiment::Experiment>(&stream, command.clone(), &envelope).await?;
        events += appended.events.len() as u64;
    }
    Ok(events)
}

/// A turn begins in the middle of an experiment, whose first commands were another turn's: those are left out.
fn whole(batch: &[(usize, experiment::Command)]) -> &[(usize, experiment::Command)] {
    let first = batch.iter().position(|(_, command)| matches!(command, experiment::Command::Open(_)));
    &batch[first.unwrap_or(batch.len())..]
}

type Insert = (String, i64, &'static str, String, String);

/// What the domain decides on each command, ready to insert: the peer is measured without deciding.
fn decided(batch: &[(usize, experiment::Command)], turn: usize) -> anyhow::Result<Vec<Vec<Insert>>> {
    let mut states = std::collections::BTreeMap::<usize, (experiment::Experiment, i64)>::new();
    let mut appends = Vec::new();
    for (which, command) in whole(batch) {
        let (state, sequence) = states.entry(*which).or_default();
        let mut append = Vec::new();
        for event in state.decide(command.clone()).context("the generator's command")? {
            use atsre_domain::event::WireEvent as _;
            state.evolve(&event);
            *sequence += 1;
            let encoded = event.encode();
            let version = encoded.event_version.to_string();
            append.push((
                format!("hand-{turn}-{which}"),
                *sequence,
                encoded.event_type,
                version,
                encoded.payload.to_string(),
            ));
        }
        appends.push(append);
    }
    Ok(appends)
}

/// One event is one statement and its own transaction; several share one.
async fn insert(connection: &mut sqlx::PgConnection, appends: &[Vec<Insert>]) -> anyhow::Result<u64> {
    let mut events = 0;
    for append in appends {
        match append.as_slice() {
            [] => {}
            [row] => insert_row(connection, row).await?,
            rows => {
                let mut transaction = connection.begin().await?;
                for row in rows {
                    insert_row(&mut transaction, row).await?;
                }
                transaction.commit().await?;
            }
        }
        events += append.len() as u64;
    }
    Ok(events)
}

async fn insert_row(
    connection: &mut sqlx::PgConnection,
    (stream, sequence, event_type, version, payload): &Insert,
) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ('experiment', $1, $2, $3, $4, $5::json, $6::json)",
    )
    .bind(stream)
    .bind(sequence)
    .bind(event_type)
    .bind(version)
    .bind(payload)
    .bind(METADATA)
    .execute(connection)
    .await?;
    Ok(())
}
