//! Property 1 of the log: whatever writers do, every follower sees positions 1..n once, in order.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atsre_domain::Position;
use atsre_store::testing::TestDatabase;
use atsre_store::{Error, hash};
use common::{Command, Ledger, envelope, stream, write};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sqlx::Connection as _;

const WRITERS: u64 = 6;
const FOLLOWERS: u64 = 4;
const COMMANDS: u64 = 40;

/// One writer: commits through the store, and in between does what happens to writers: transactions that are
/// aborted with events in them, and connections that are cut off in the middle of one.
async fn writer(database: Arc<TestDatabase>, seed: u64, committed: Arc<AtomicU64>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let store = database.another_store().await;
    for number in 0..COMMANDS {
        for _ in 0..random.random_range(0..20_u32) {
            tokio::task::yield_now().await;
        }
        let name = stream(&format!("s{}", random.random_range(0..8_u32)));
        match random.random_range(0..10_u32) {
            0..=6 => {
                let notes: Vec<String> =
                    (0..random.random_range(1..4_u32)).map(|n| format!("{seed}/{number}/{n}")).collect();
                let count = notes.len() as u64;
                while store.execute::<Ledger>(&name, Command::Write(notes.clone()), &envelope()).await.is_err() {}
                committed.fetch_add(count, Ordering::SeqCst);
            }
            kind => {
                let mut connection = connect(&database).await;
                let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await.unwrap();
                sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
                sqlx::query(
                    "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
                     VALUES ('ledger', $1, 1, 'NoteWritten', '1', '{}', '{}')",
                )
                .bind(format!("aborted-{seed}-{number}"))
                .execute(&mut connection)
                .await
                .unwrap();
                if kind == 7 {
                    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(store.owner_pool()).await.unwrap();
                } else {
                    sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
                }
            }
        }
    }
}

/// A connection of its own; a server whose queue of callers is full is asked again.
async fn connect(database: &TestDatabase) -> sqlx::PgConnection {
    loop {
        match sqlx::PgConnection::connect(&database.url_for("atsre_service")).await {
            Ok(connection) => return connection,
            Err(error) => assert!(matches!(error, sqlx::Error::Io(_)), "{error}"),
        }
        tokio::task::yield_now().await;
    }
}

/// One follower, which loses its place in memory now and then and goes on from the position that it noted.
async fn follower(
    database: Arc<TestDatabase>,
    seed: u64,
    mut all_written: tokio::sync::watch::Receiver<Option<u64>>,
) -> Vec<u64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let store = database.another_store().await;
    let mut follower = store.log().follow(Position(0));
    let mut seen = Vec::new();
    loop {
        let goal = *all_written.borrow();
        if goal == Some(seen.len() as u64) {
            return seen;
        }
        let limit = random.random_range(1..50);
        let patience = if random.random_bool(0.05) { random.random_range(100..2_000) } else { u32::MAX };
        // Waiting may be cancelled at any moment without losing anything.
        tokio::select! {
            biased;
            events = follower.next(limit) => match events {
                Ok(events) => seen.extend(events.iter().map(|event| event.position.0)),
                Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
            },
            _ = all_written.changed() => {}
            () = yield_some(patience) => {}
        }
        if random.random_bool(0.05) {
            follower = store.log().follow(follower.position());
        }
    }
}

async fn yield_some(times: u32) {
    if times == u32::MAX {
        std::future::pending::<()>().await;
    }
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_follower_sees_every_position_once_and_in_order() {
    let database = Arc::new(TestDatabase::create().await);
    let committed = Arc::new(AtomicU64::new(0));
    let (finished, all_written) = tokio::sync::watch::channel(None);
    let mut followers = tokio::task::JoinSet::new();
    for seed in 0..FOLLOWERS {
        followers.spawn(follower(Arc::clone(&database), 100 + seed, all_written.clone()));
    }
    let mut writers = tokio::task::JoinSet::new();
    for seed in 0..WRITERS {
        writers.spawn(writer(Arc::clone(&database), seed, Arc::clone(&committed)));
    }
    writers.join_all().await;
    let written = committed.load(Ordering::SeqCst);
    finished.send(Some(written)).unwrap();
    let expect: Vec<u64> = (1..=written).collect();
    for seen in followers.join_all().await {
        assert_eq!(seen, expect);
    }
    // What was written is one unbroken chain, by the second implementation of the hashes.
    let mut log_hash = hash::empty_log();
    let mut at = std::collections::BTreeMap::new();
    let head = database
        .store()
        .log()
        .read_to_head::<Error>(Position(0), |event| {
            let prev =
                *at.entry(event.stream.clone()).or_insert_with(|| hash::genesis(&event.stream_type, &event.stream.0));
            assert_eq!((event.prev_hash, event.hash), (prev, hash::event_hash(&prev, &event)));
            log_hash = hash::log_hash(&log_hash, event.position.0, &event.hash);
            assert_eq!(event.log_hash, log_hash);
            at.insert(event.stream, event.hash);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!((head.position.0, head.log_hash), (written, log_hash));
}

#[tokio::test]
async fn a_follower_in_another_process_is_woken() {
    let database = TestDatabase::create().await;
    let reader = database.another_store().await;
    let mut follower = reader.log().follow(Position(0));
    let waiting = tokio::spawn(async move { follower.next(10).await.unwrap().len() });
    write(database.store(), &stream("a"), &["one", "two"]).await;
    assert_eq!(waiting.await.unwrap(), 2, "both events are of one transaction");
}

#[tokio::test]
async fn a_read_that_is_cut_off_says_incomplete() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let notes: Vec<String> = (0..2_500).map(|number| number.to_string()).collect();
    for chunk in notes.chunks(100) {
        store.execute::<Ledger>(&stream("long"), Command::Write(chunk.to_vec()), &envelope()).await.unwrap();
    }
    let reader = database.another_store().await;
    let mut seen = 0;
    // The first page comes; then every connection of the reader is gone, and none can be made.
    let outcome = reader
        .log()
        .read_to_head::<Error>(Position(0), |event| {
            seen = event.position.0;
            if seen == 500 {
                // The pool counts as closed from the call on.
                drop(reader.pool().close());
            }
            Ok(())
        })
        .await;
    match outcome {
        Err(Error::Incomplete { expected, head, source, .. }) => {
            assert_eq!((expected, head), (Position(1_001), Position(2_500)));
            assert!(source.is_some());
        }
        other => panic!("a truncated read must not look whole: {other:?}"),
    }
    assert_eq!(seen, 1_000);
}

#[tokio::test]
async fn a_server_that_ends_the_connection_in_mid_read_gives_an_error() {
    let database = TestDatabase::create().await;
    let store = database.store();
    write(store, &stream("a"), &["1", "2", "3"]).await;
    // Slow enough to be caught in the middle: the victim sleeps inside the very statement that reads the log.
    let mut victim = sqlx::PgConnection::connect(&database.url_for("atsre_service")).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut victim).await.unwrap();
    let reading = tokio::spawn(async move {
        sqlx::query("SELECT e.position, pg_sleep(600) FROM events e ORDER BY e.position")
            .fetch_all(&mut victim)
            .await
            .map(|_| ())
    });
    let running = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep')";
    while !sqlx::query_scalar::<_, bool>(running).bind(pid).fetch_one(store.owner_pool()).await.unwrap() {}
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(store.owner_pool()).await.unwrap();
    let error: Error = reading.await.unwrap().unwrap_err().into();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}
