//! Whatever somebody with a superuser's rights does to the log, `verify` names the place.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "forks/mod.rs"]
mod forks;
#[path = "../../projections/tests/support/mod.rs"]
mod support;

use atsre_domain::{Position, Sequence, StreamId};
use atsre_projections::PROJECTIONS;
use atsre_projections::runner::catch_up;
use atsre_replay::verify::{Anchor, Verification, verify, verify_log, verify_stream};
use atsre_store::testing::TestDatabase;
use atsre_store::{Store, hash};
use forks::fork;
use sqlx::{Connection as _, Executor as _, PgConnection};
use support::{Numbers, history, play};

async fn filled(seed: u64) -> (TestDatabase, PgConnection) {
    let database = TestDatabase::create().await;
    play(database.store(), history(seed, 1)).await;
    for projection in PROJECTIONS {
        catch_up(database.store(), projection).await.unwrap();
    }
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    // Past the triggers, and past the constraints that a copy of the table would not have either.
    owner.execute("SET session_replication_role = replica").await.unwrap();
    (database, owner)
}

async fn verified(store: &Store) -> Verification {
    verify(store, &[], |_, _| ()).await.unwrap()
}

fn kinds_at(verification: &Verification, position: u64) -> Vec<&'static str> {
    verification.differences.iter().filter(|d| d.position.0 == position).map(|d| d.kind).collect()
}

/// The first difference must be at the place, and of one of these kinds.
fn assert_named(verification: &Verification, position: u64, kinds: &[&str], what: &str) {
    assert!(!verification.ok, "{what} was not found");
    let first = &verification.differences[0];
    assert_eq!(first.position.0, position, "{what}: {:?}", verification.differences);
    assert!(kinds.contains(&first.kind), "{what}: {first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untouched_log_is_whole() {
    let (database, _owner) = filled(31).await;
    let store = database.store();
    let verification = verified(store).await;
    assert_eq!(verification.differences, []);
    let head = store.log().head().await.unwrap();
    assert_eq!((verification.events, verification.head.position), (head.position.0, head.position));
    assert_eq!(verification.head.log_hash, hash::hex(&head.log_hash));
    let stream = verify_stream(store, "experiment", &StreamId("experiment-31-0".into())).await.unwrap();
    assert!(stream.ok && stream.events > 50, "{stream:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_of_an_event_is_sealed() {
    let (database, mut owner) = filled(32).await;
    let store = database.store();
    let head = store.log().head().await.unwrap().position.0;
    // What is set in its place, by column, and the kinds of difference by which the place may show.
    let columns: &[(&str, &str, &[&str])] = &[
        ("aggregate_type", "'other'", &["sequence", "prev_hash", "unreadable"]),
        ("aggregate_id", "'other'", &["sequence", "prev_hash"]),
        ("sequence", "sequence + 1000000", &["hash"]),
        ("event_type", "event_type || 'x'", &["hash"]),
        ("event_version", "'7'", &["hash"]),
        ("payload", "(payload::text || ' ')::json", &["hash"]),
        ("metadata", "replace(metadata::text, 'tester', 'Tester')::json", &["hash"]),
        ("recorded_at", "recorded_at + interval '1 microsecond'", &["hash"]),
        ("prev_hash", "sha256(prev_hash)", &["hash"]),
        ("hash", "sha256(hash)", &["hash"]),
        ("log_hash", "sha256(log_hash)", &["log_hash"]),
    ];
    let mut numbers = Numbers(32);
    for (column, value, kinds) in columns {
        let position = 1 + numbers.below(head - 1);
        owner.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM atsre.events").await.unwrap();
        let statement = format!("UPDATE atsre.events SET {column} = {value} WHERE position = {position}");
        assert_eq!(owner.execute(statement.as_str()).await.unwrap().rows_affected(), 1);
        let verification = verified(store).await;
        assert_named(&verification, position, kinds, column);
        restore(&mut owner).await;
        assert!(verified(store).await.ok, "after {column} was put back");
    }
    // A position is moved to the end: the gap is named by the event that came in its place.
    owner.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM atsre.events").await.unwrap();
    let position = 1 + numbers.below(head - 1);
    owner
        .execute(format!("UPDATE atsre.events SET position = {head} + 1 WHERE position = {position}").as_str())
        .await
        .unwrap();
    let verification = verified(store).await;
    assert_named(&verification, position + 1, &["gap"], "position");
    assert!(kinds_at(&verification, head + 1).contains(&"head"), "{:?}", verification.differences);
}

async fn restore(owner: &mut PgConnection) {
    owner
        .execute("DELETE FROM atsre.events; INSERT INTO atsre.events SELECT * FROM kept; DROP TABLE kept")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_swapped_and_cut_events_are_named() {
    let (database, mut owner) = filled(33).await;
    let store = database.store();
    let head = store.log().head().await.unwrap().position.0;
    let cases: [(String, u64, &[&str]); 4] = [
        ("DELETE FROM atsre.events WHERE position = 20".into(), 21, &["gap"]),
        (
            "UPDATE atsre.events e SET payload = o.payload FROM atsre.events o \
             WHERE (e.position, o.position) IN ((30, 31), (31, 30))"
                .into(),
            30,
            &["hash"],
        ),
        (
            "UPDATE atsre.events SET position = -position WHERE position IN (40, 41); \
             UPDATE atsre.events SET position = CASE position WHEN -40 THEN 41 ELSE 40 END WHERE position < 0"
                .into(),
            40,
            &["sequence", "prev_hash", "log_hash", "time"],
        ),
        (format!("DELETE FROM atsre.events WHERE position > {head} - 3"), head - 3, &["incomplete"]),
    ];
    for (statement, position, kinds) in cases {
        owner.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM atsre.events").await.unwrap();
        owner.execute(sqlx::raw_sql(&statement)).await.unwrap();
        assert_named(&verified(store).await, position, kinds, &statement);
        restore(&mut owner).await;
    }
    owner.execute("UPDATE atsre.log_head SET log_hash = sha256(log_hash)").await.unwrap();
    assert_named(&verified(store).await, head, &["head"], "the head's hash");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_by_itself_names_the_place_too() {
    let (database, mut owner) = filled(34).await;
    let store = database.store();
    let stream = StreamId("experiment-34-0".into());
    let events = store.log().read_stream("experiment", &stream).await.unwrap();
    let (changed, deleted) = (&events[10], &events[20]);
    owner
        .execute(format!("UPDATE atsre.events SET payload = '{{}}' WHERE position = {}", changed.position).as_str())
        .await
        .unwrap();
    let verification = verify_stream(store, "experiment", &stream).await.unwrap();
    assert_named(&verification, changed.position.0, &["hash", "unreadable"], "a payload");
    owner.execute(format!("DELETE FROM atsre.events WHERE position = {}", deleted.position).as_str()).await.unwrap();
    let verification = verify_stream(store, "experiment", &stream).await.unwrap();
    assert_named(&verification, events[21].position.0, &["gap"], "a deletion");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_are_checked_against_the_events_that_name_them() {
    let (database, mut owner) = filled(35).await;
    let store = database.store();
    let first = |name: &str| {
        let statement = format!("SELECT min(position) FROM atsre.events WHERE event_type = '{name}'");
        async move { sqlx::query_scalar::<_, i64>(&statement).fetch_one(store.pool()).await.unwrap() as u64 }
    };
    let (profiled, completed) = (first("DatasetProfiled").await, first("TrialCompleted").await);
    let digest = |position: u64, path: &str| {
        format!("decode((SELECT payload #>> '{path}' FROM atsre.events WHERE position = {position}), 'hex')")
    };
    owner.execute("ALTER TABLE atsre.artifacts DROP CONSTRAINT artifacts_hash_is_of_bytes").await.unwrap();
    let changed = format!(
        "UPDATE atsre.artifacts SET bytes = bytes || ' ' WHERE hash = {}",
        digest(profiled, "{profile,digest}")
    );
    assert_eq!(owner.execute(changed.as_str()).await.unwrap().rows_affected(), 1);
    let deleted = format!("DELETE FROM atsre.artifacts WHERE hash = {}", digest(completed, "{result,digest}"));
    assert_eq!(owner.execute(deleted.as_str()).await.unwrap().rows_affected(), 1);
    let verification = verified(store).await;
    let found: Vec<_> = verification.differences.iter().map(|d| (d.position.0, d.kind)).collect();
    assert_eq!(found, [(profiled, "artifact"), (completed, "artifact")], "{:?}", verification.differences);
    assert!(verification.differences[1].detail.contains("missing"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_changed_by_hand_is_named_with_table_and_key() {
    let (database, mut owner) = filled(36).await;
    let statement = "UPDATE experiments_v4.trials SET status = 'ABANDONED' WHERE trial_no = 4";
    assert_eq!(owner.execute(statement).await.unwrap().rows_affected(), 1);
    let verification = verified(database.store()).await;
    assert_eq!(verification.differences.len(), 1);
    let difference = &verification.differences[0];
    assert_eq!(difference.kind, "read_model");
    assert!(difference.detail.contains("trials") && difference.detail.contains("\"trial_no\": 4"), "{difference:?}");
}

/// Rewrites the log from a position on as a superuser can who knows the recipe: content, both chains and the head.
async fn forge(store: &Store, owner: &mut PgConnection, from: Position) {
    let events = store.log().scan(Position(0), 100_000).await.unwrap().events;
    let mut log_hash = hash::empty_log();
    let mut streams = std::collections::BTreeMap::new();
    for mut event in events {
        if event.position == from {
            event.metadata = event.metadata.replace("tester", "nobody");
        }
        let genesis = hash::genesis(&event.stream_type, &event.stream.0);
        event.prev_hash = streams.get(&event.stream).copied().unwrap_or(genesis);
        event.hash = hash::event_hash(&event.prev_hash, &event);
        log_hash = hash::log_hash(&log_hash, event.position.0, &event.hash);
        streams.insert(event.stream.clone(), event.hash);
        sqlx::query(
            "UPDATE atsre.events SET metadata = $2::json, prev_hash = $3, hash = $4, log_hash = $5 WHERE position = $1",
        )
        .bind(event.position.0 as i64)
        .bind(&event.metadata)
        .bind(event.prev_hash.as_slice())
        .bind(event.hash.as_slice())
        .bind(log_hash.as_slice())
        .execute(&mut *owner)
        .await
        .unwrap();
    }
    sqlx::query("UPDATE atsre.log_head SET log_hash = $1").bind(log_hash.as_slice()).execute(owner).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anchor_tells_a_log_that_was_rewritten_with_its_chains() {
    let (database, mut owner) = filled(37).await;
    let store = database.store();
    let head = store.log().head().await.unwrap();
    let anchor = |position: u64, log_hash: &[u8; 32]| Anchor::unsigned(Position(position), *log_hash);
    let early = store.log().event(Position(25)).await.unwrap();
    let anchors = [anchor(25, &early.log_hash), anchor(head.position.0, &head.log_hash)];
    assert!(verify(store, &anchors, |_, _| ()).await.unwrap().ok);
    forge(store, &mut owner, Position(30)).await;
    assert!(verified(store).await.ok, "without an anchor it cannot be told");
    let verification = verify(store, &anchors, |_, _| ()).await.unwrap();
    assert_named(&verification, head.position.0, &["anchor"], "the forgery");
    assert_eq!(verification.differences.len(), 1, "what was anchored before it still holds");
    // And with it a tail that was cut, head and all.
    owner.execute("DELETE FROM atsre.events WHERE position > 25").await.unwrap();
    sqlx::query("UPDATE atsre.log_head SET position = 25, log_hash = $1")
        .bind(early.log_hash.as_slice())
        .execute(&mut owner)
        .await
        .unwrap();
    let verification = verify(store, &anchors, |_, _| ()).await.unwrap();
    assert_named(&verification, head.position.0, &["anchor"], "the cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_is_followed_into_its_parent() {
    let (database, mut owner) = filled(38).await;
    let store = database.store();
    let (parent, child) = (StreamId("experiment-38-0".into()), StreamId("fork".into()));
    fork(store, &parent, Sequence(8), &child).await;
    assert_eq!(verify_log(store, &[], |_, _| ()).await.unwrap().differences, []);
    let stream = verify_stream(store, "experiment", &child).await.unwrap();
    assert!(stream.ok && stream.events == 9, "{stream:?}");
    let shared = store.log().read_stream("experiment", &parent).await.unwrap()[7].position.0;
    owner.execute("UPDATE atsre.stream_lineage SET fork_sequence = 7").await.unwrap();
    let verification = verify_log(store, &[], |_, _| ()).await.unwrap();
    assert_named(&verification, shared, &["lineage"], "another parent's event");
    let verification = verify_stream(store, "experiment", &child).await.unwrap();
    assert_named(&verification, shared, &["lineage"], "the same, of the stream alone");
}
