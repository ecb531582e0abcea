//! Appending and reading: order, streams, forks, refusals, hashes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use atsre_domain::{Position, Sequence, Timestamp};
use atsre_store::testing::TestDatabase;
use atsre_store::{Adapted, Error, ExecuteError, Recordable, Store, hash};
use common::{Command, Empty, Ledger, NoteWritten, envelope, stream, write};
use cqrs_es::test::TestFramework;

fn note(text: &str) -> NoteWritten {
    NoteWritten { text: text.to_owned() }
}

#[tokio::test]
async fn a_command_appends_what_it_decides() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let ledger = stream("a");
    let command = Command::Write(vec!["one".into(), "two".into()]);
    let appended = store.execute::<Ledger>(&ledger, command, &envelope()).await.unwrap();
    assert_eq!(appended.positions(), [Position(1), Position(2)]);
    assert_eq!(appended.sequence, Sequence(2));
    assert_eq!(appended.state.notes, ["one", "two"]);
    assert_eq!(appended.events[1].event, note("two"));

    let again = database.another_store().await;
    let loaded = again.load::<Ledger>(&ledger).await.unwrap();
    assert_eq!((loaded.state, loaded.sequence), (appended.state, Sequence(2)));

    let stored = store.log().event(Position(2)).await.unwrap();
    assert_eq!(stored.payload, r#"{"text":"two"}"#);
    assert_eq!((stored.event_type.as_str(), stored.event_version.as_str()), ("NoteWritten", "1"));
    let metadata = stored.envelope().unwrap();
    assert_eq!((metadata.actor.as_str(), metadata.correlation_id.as_str()), ("tester", "correlation"));
    assert_eq!(metadata.occurred_at, "2023-11-14T22:13:20.123456Z");
    assert_eq!(metadata.causation(), None);
    let other = store.log().event(Position(1)).await.unwrap().envelope().unwrap();
    assert_ne!(metadata.event_id, other.event_id, "each event has an id of its own");
}

#[tokio::test]
async fn a_repeated_command_changes_nothing_and_a_refused_one_neither() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let ledger = stream("a");
    let once = Command::WriteOnce("one".into());
    assert_eq!(store.execute::<Ledger>(&ledger, once.clone(), &envelope()).await.unwrap().events.len(), 1);
    let repeated = store.execute::<Ledger>(&ledger, once, &envelope()).await.unwrap();
    assert!(repeated.events.is_empty());
    assert_eq!((repeated.sequence, repeated.state.notes.len()), (Sequence(1), 1));
    let refused =
        store.execute::<Ledger>(&ledger, Command::Write(vec!["two".into(), String::new()]), &envelope()).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(Empty))));
    assert_eq!(store.log().head().await.unwrap().position, Position(1));
}

#[tokio::test]
async fn an_adapted_aggregate_works_in_the_test_framework_of_cqrs_es() {
    let given = vec![Recordable(note("one"))];
    let framework = || TestFramework::<Adapted<Ledger>>::with(());
    let result = framework().given(given.clone()).when_async(Command::WriteOnce("two".into())).await;
    result.then_expect_events(vec![Recordable(note("two"))]);
    let result = framework().given(given).when_async(Command::WriteOnce("one".into())).await;
    result.then_expect_events(vec![]);
    let result = framework().given_no_previous_events().when_async(Command::WriteOnce(String::new())).await;
    result.then_expect_error(Empty);
}

#[tokio::test]
async fn writers_on_one_stream_retry_until_each_has_written() {
    let database = TestDatabase::create().await;
    let ledger = stream("contended");
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let store = database.another_store().await;
        let ledger = ledger.clone();
        tasks.spawn(async move {
            for number in 0..10 {
                let command = Command::WriteOnce(format!("{writer}/{number}"));
                while let Err(error) = store.execute::<Ledger>(&ledger, command.clone(), &envelope()).await {
                    assert!(matches!(error, ExecuteError::Conflict { .. }), "{error}");
                }
            }
        });
    }
    tasks.join_all().await;
    let loaded = database.store().load::<Ledger>(&ledger).await.unwrap();
    let mut notes = loaded.state.notes;
    notes.sort();
    notes.dedup();
    assert_eq!((notes.len(), loaded.sequence), (40, Sequence(40)));
}

#[tokio::test]
async fn a_memory_that_the_database_does_not_share_is_dropped() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let ledger = stream("a");
    write(store, &ledger, &["one", "two"]).await;
    // What a restored backup looks like: the same stream with another past.
    sqlx::raw_sql(
        "ALTER TABLE atsre.events DISABLE TRIGGER USER; DELETE FROM atsre.events; ALTER TABLE atsre.events ENABLE TRIGGER USER; \
         UPDATE atsre.log_head SET position = 0",
    )
    .execute(store.owner_pool())
    .await
    .unwrap();
    write(&database.another_store().await, &ledger, &["other", "past"]).await;
    assert_eq!(store.load::<Ledger>(&ledger).await.unwrap().state.notes, ["other", "past"]);
}

#[tokio::test]
async fn a_fork_shares_the_past_and_nothing_else() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let (parent, child, grandchild) = (stream("parent"), stream("child"), stream("grandchild"));
    write(store, &parent, &["p1", "p2", "p3"]).await;
    let point = store.fork("ledger", &parent, Sequence(2), &child).await.unwrap();
    assert_eq!((point.position, point.sequence), (Position(2), Sequence(2)));
    assert_eq!(
        store.fork("ledger", &parent, Sequence(2), &child).await.unwrap(),
        point,
        "a repetition changes nothing"
    );
    assert_eq!(store.load::<Ledger>(&child).await.unwrap().state.notes, ["p1", "p2"]);
    write(store, &child, &["c3", "c4"]).await;
    write(store, &parent, &["p4"]).await;
    store.fork("ledger", &child, Sequence(3), &grandchild).await.unwrap();
    write(store, &grandchild, &["g4"]).await;
    let early = stream("early");
    store.fork("ledger", &grandchild, Sequence(1), &early).await.unwrap();

    let fresh = database.another_store().await;
    for (ledger, expect) in [
        (&parent, vec!["p1", "p2", "p3", "p4"]),
        (&child, vec!["p1", "p2", "c3", "c4"]),
        (&grandchild, vec!["p1", "p2", "c3", "g4"]),
        (&early, vec!["p1"]),
    ] {
        assert_eq!(fresh.load::<Ledger>(ledger).await.unwrap().state.notes, expect, "{ledger}");
        let events = fresh.log().read_stream("ledger", ledger).await.unwrap();
        for pair in events.windows(2) {
            assert_eq!(pair[1].prev_hash, pair[0].hash, "the chain runs through the fork");
        }
    }
    assert_eq!(store.parent(&child).await.unwrap(), Some((parent.clone(), Sequence(2))));
    assert!(matches!(store.fork("ledger", &parent, Sequence(9), &stream("x")).await, Err(Error::NotFound(_))));
    assert!(matches!(store.fork("ledger", &parent, Sequence(1), &child).await, Err(Error::Occupied(_))));
    let created = store.log().stream_created_at(Position(4)).await.unwrap().unwrap();
    assert_eq!((created.stream, created.last_sequence), (child, Sequence(4)));
    assert_eq!(store.log().stream_created_at(Position(5)).await.unwrap(), None);
}

#[tokio::test]
async fn an_event_cannot_be_written_into_the_prefix_of_a_fork_or_past_a_hole() {
    let database = TestDatabase::create().await;
    let store = database.store();
    write(store, &stream("parent"), &["p1", "p2"]).await;
    store.fork("ledger", &stream("parent"), Sequence(2), &stream("child")).await.unwrap();
    let insert = |stream: &'static str, sequence: i64| {
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
             VALUES ('ledger', $1, $2, 'NoteWritten', '1', '{}', '{}')",
        )
        .bind(stream)
        .bind(sequence)
        .execute(store.pool())
    };
    let code = |error: sqlx::Error| error.into_database_error().unwrap().code().unwrap().into_owned();
    assert_eq!(code(insert("child", 1).await.unwrap_err()), "23505");
    assert_eq!(code(insert("child", 4).await.unwrap_err()), "23000");
    assert_eq!(code(insert("parent", 5).await.unwrap_err()), "23000");
    assert_eq!(code(insert("new", 2).await.unwrap_err()), "23000");
    assert_eq!(code(insert("parent", 2).await.unwrap_err()), "23505");
    insert("child", 3).await.unwrap();
    assert_eq!(store.log().head().await.unwrap().position, Position(3), "a refused event takes no position");
}

#[tokio::test]
async fn a_moment_is_looked_up_to_a_position() {
    let database = TestDatabase::create().await;
    let store = database.store();
    for name in ["a", "b", "c", "d", "e"] {
        write(store, &stream(name), &["x", "y"]).await;
    }
    let log = store.log();
    let events = log.read(Position(0), 100).await.unwrap();
    assert_eq!(log.position_at(Timestamp(events[0].recorded_at.0 - 1)).await.unwrap(), Position(0));
    assert_eq!(log.position_at(Timestamp(i64::MAX)).await.unwrap(), Position(10));
    for event in &events {
        let expect = events.iter().rfind(|other| other.recorded_at <= event.recorded_at).unwrap().position;
        assert_eq!(log.position_at(event.recorded_at).await.unwrap(), expect);
    }
    let streams = log.streams("ledger").await.unwrap();
    assert_eq!(streams.iter().map(|s| s.created_at.0).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
    assert_eq!(Store::dataset_stream("bikes"), Store::dataset_stream("bikes"));
    assert_ne!(Store::dataset_stream("bikes"), Store::dataset_stream("bike"));
}

#[tokio::test]
async fn nobody_changes_what_was_written() {
    let database = TestDatabase::create().await;
    let store = database.store();
    write(store, &stream("a"), &["one", "two"]).await;
    store.artifacts().put(b"bytes", "text/plain").await.unwrap();
    store.fork("ledger", &stream("a"), Sequence(1), &stream("b")).await.unwrap();
    for pool in [store.pool(), store.owner_pool()] {
        for statement in [
            "UPDATE events SET payload = '{}' WHERE position = 1",
            "UPDATE events SET payload = '{}' WHERE position = 99",
            "DELETE FROM events",
            "TRUNCATE events",
            "UPDATE artifacts SET media_type = 'x'",
            "DELETE FROM artifacts",
            "TRUNCATE artifacts",
            "UPDATE stream_lineage SET fork_sequence = 2",
            "DELETE FROM stream_lineage",
        ] {
            let error = sqlx::query(statement).execute(pool).await.unwrap_err();
            let code = error.as_database_error().unwrap().code().unwrap().into_owned();
            assert_eq!(code, "42501", "{statement}: {error}");
        }
    }
    let error = sqlx::query("UPDATE log_head SET position = 0").execute(store.pool()).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501", "the service cannot move the head");
    assert_eq!(store.log().read(Position(0), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_log_with_a_hole_or_without_its_tail_is_incomplete() {
    let database = TestDatabase::create().await;
    let store = database.store();
    write(store, &stream("a"), &["1", "2", "3", "4", "5"]).await;
    let delete = |position: i64| async move {
        let statement = format!(
            "ALTER TABLE events DISABLE TRIGGER USER; DELETE FROM events WHERE position = {position}; \
             ALTER TABLE events ENABLE TRIGGER USER"
        );
        sqlx::raw_sql(&statement).execute(store.owner_pool()).await.unwrap();
    };
    delete(5).await;
    let cut = store.log().read(Position(0), 100).await.unwrap_err();
    assert!(matches!(cut, Error::Incomplete { expected: Position(5), found: None, head: Position(5), .. }), "{cut}");
    assert_eq!(
        store.log().read(Position(0), 4).await.unwrap().len(),
        4,
        "a full page proves nothing about what follows it"
    );
    delete(2).await;
    let hole = store.log().read(Position(0), 3).await.unwrap_err();
    assert!(matches!(hole, Error::Incomplete { expected: Position(2), found: Some(Position(3)), .. }), "{hole}");
    assert_eq!(store.log().scan(Position(0), 100).await.unwrap().events.len(), 3, "an auditor sees what is left");
    let whole = store.log().read_to_head::<Error>(Position(0), |_| Ok(())).await;
    assert!(matches!(whole, Err(Error::Incomplete { .. })));
}

#[tokio::test]
async fn the_head_of_an_empty_log_is_the_same_in_both_implementations() {
    let database = TestDatabase::create().await;
    let head = database.store().log().head().await.unwrap();
    assert_eq!((head.position, head.log_hash), (Position(0), hash::empty_log()));
}
