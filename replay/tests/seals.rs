//! The triggers, the functions that they call, and the lineage: what seals the log is verified with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "forks/mod.rs"]
mod forks;
#[path = "../../projections/tests/support/mod.rs"]
mod support;

use atsre_domain::{Position, Sequence, StreamId};
use atsre_replay::verify::{Options, Thoroughness, Verification, verify_log, verify_with};
use atsre_store::testing::TestDatabase;
use atsre_store::{Store, hash};
use forks::fork;
use sqlx::{Connection as _, Executor as _, PgConnection};
use support::{history, play};

async fn filled(seed: u64) -> (TestDatabase, PgConnection) {
    let database = TestDatabase::create().await;
    play(database.store(), history(seed, 1)).await;
    let owner = PgConnection::connect(&database.url()).await.unwrap();
    (database, owner)
}

async fn run(owner: &mut PgConnection, statement: &str) {
    owner.execute(sqlx::raw_sql(statement)).await.unwrap();
}

async fn verified(store: &Store) -> Verification {
    verify_log(store, &[], |_, _| ()).await.unwrap()
}

fn named(verification: &Verification) -> Vec<(&'static str, &str)> {
    verification.differences.iter().map(|difference| (difference.kind, difference.detail.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_that_is_not_as_it_was_made_is_named() {
    let (database, mut owner) = filled(61).await;
    let fresh = verified(database.store()).await;
    assert_eq!((named(&fresh), fresh.notes.clone()), (vec![], vec![]));
    // What is done, how it is put back, and what is said of it.
    let cases = [
        (
            "ALTER TABLE atsre.events DISABLE TRIGGER events_seal",
            "ALTER TABLE atsre.events ENABLE TRIGGER events_seal",
            "trigger events_seal of table events is disabled",
        ),
        (
            "ALTER TABLE atsre.events ENABLE REPLICA TRIGGER events_append_only",
            "ALTER TABLE atsre.events ENABLE TRIGGER events_append_only",
            "trigger events_append_only of table events is disabled",
        ),
        (
            "ALTER TABLE atsre.stream_lineage DISABLE TRIGGER ALL",
            "ALTER TABLE atsre.stream_lineage ENABLE TRIGGER ALL",
            "trigger stream_lineage_append_only of table stream_lineage is disabled",
        ),
        (
            "DROP TRIGGER artifacts_append_only ON atsre.artifacts",
            "CREATE TRIGGER artifacts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.artifacts \
             FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change()",
            "trigger artifacts_append_only of table artifacts is missing",
        ),
        (
            "DROP TRIGGER sealed_artifacts_append_only ON atsre.sealed_artifacts",
            "CREATE TRIGGER sealed_artifacts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.sealed_artifacts \
             FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change()",
            "trigger sealed_artifacts_append_only of table sealed_artifacts is missing",
        ),
        (
            "CREATE OR REPLACE TRIGGER anchors_append_only BEFORE DELETE ON atsre.anchors \
             FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change()",
            "CREATE OR REPLACE TRIGGER anchors_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON atsre.anchors \
             FOR EACH STATEMENT EXECUTE FUNCTION atsre.refuse_change()",
            "trigger anchors_append_only of table anchors fires at other occasions than it was made for",
        ),
        (
            "CREATE TRIGGER helpful BEFORE INSERT ON atsre.events FOR EACH STATEMENT \
             EXECUTE FUNCTION atsre.refuse_change()",
            "DROP TRIGGER helpful ON atsre.events",
            "trigger helpful of table events is none of this program's: somebody has added it",
        ),
        (
            "CREATE RULE quietly AS ON DELETE TO atsre.events DO INSTEAD NOTHING",
            "DROP RULE quietly ON atsre.events",
            "rule quietly of table events is none of this program's",
        ),
    ];
    for (done, back, said) in cases {
        // When somebody does it
        run(&mut owner, done).await;
        // Then exactly this is named
        assert_eq!(named(&verified(database.store()).await), [("trigger", said)], "{done}");
        run(&mut owner, back).await;
        assert!(verified(database.store()).await.ok, "after {back}");
    }
    // And a function that does something else under the same name.
    for function in ["seal_event", "refuse_change", "wake_followers"] {
        run(
            &mut owner,
            &format!(
                "CREATE OR REPLACE FUNCTION atsre.{function}() RETURNS trigger LANGUAGE plpgsql \
                 AS $$ BEGIN RETURN NEW; END $$"
            ),
        )
        .await;
        let verification = verified(database.store()).await;
        let said = format!("function atsre.{function} was replaced");
        let told = named(&verification);
        assert!(told.iter().any(|(kind, detail)| *kind == "trigger" && detail.starts_with(&said)), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_put_in_while_the_trigger_slept_is_found() {
    let (database, mut owner) = filled(62).await;
    let store = database.store();
    let head = store.log().head().await.unwrap();
    let last = store.log().event(head.position).await.unwrap();
    // Given a trigger that was disabled, a forged event with hashes by the recipe, and the trigger enabled again
    let mut forged = last.clone();
    forged.position = Position(head.position.0 + 1);
    forged.sequence = Sequence(last.sequence.0 + 1);
    forged.prev_hash = last.hash;
    forged.hash = hash::event_hash(&forged.prev_hash, &forged);
    forged.log_hash = hash::log_hash(&head.log_hash, forged.position.0, &forged.hash);
    run(&mut owner, "ALTER TABLE atsre.events DISABLE TRIGGER events_seal").await;
    sqlx::query(
        "INSERT INTO atsre.events SELECT aggregate_type, aggregate_id, $2, event_type, event_version, payload, metadata, \
                $1, recorded_at, $3, $4, $5 FROM atsre.events WHERE position = $1 - 1",
    )
    .bind(forged.position.0 as i64)
    .bind(forged.sequence.0 as i64)
    .bind(forged.prev_hash.as_slice())
    .bind(forged.hash.as_slice())
    .bind(forged.log_hash.as_slice())
    .execute(&mut owner)
    .await
    .unwrap();
    run(&mut owner, "ALTER TABLE atsre.events ENABLE TRIGGER events_seal").await;
    // When the log is verified
    let verification = verified(store).await;
    // Then the head tells, and a note says that the trigger was touched
    let found: Vec<_> = verification.differences.iter().map(|d| (d.position, d.kind)).collect();
    assert_eq!(found, [(forged.position, "head")], "{:?}", verification.differences);
    assert_eq!(verification.notes.len(), 1, "{:?}", verification.notes);
    assert!(verification.notes[0].ends_with("trigger events_seal of table events"), "{:?}", verification.notes);
    // And an event whose hashes are made up is named itself.
    run(&mut owner, "SET session_replication_role = replica").await;
    let made_up = format!("UPDATE atsre.events SET hash = sha256('x') WHERE position = {}", forged.position);
    run(&mut owner, &made_up).await;
    let kinds: Vec<_> = verified(store).await.differences.iter().map(|d| (d.position, d.kind)).collect();
    assert!(kinds.contains(&(forged.position, "hash")) && kinds.contains(&(forged.position, "head")), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_answers_otherwise_than_this_program_is_named() {
    let (database, mut owner) = filled(63).await;
    let store = database.store();
    let options = Options { thoroughness: Thoroughness::Recomputed, ..Options::default() };
    let whole = verify_with(store, &options, |_, _| ()).await.unwrap();
    assert_eq!((whole.differences.len(), whole.notes.len()), (0, 0), "SQL and Rust agree: {whole:?}");
    // Given a database that hashes in its own way
    run(
        &mut owner,
        "CREATE OR REPLACE FUNCTION atsre.log_hash_after(log_hash_before bytea, \"position\" bigint, event_hash bytea) \
         RETURNS bytea LANGUAGE sql STABLE AS $$ SELECT CASE WHEN \"position\" = 9 THEN sha256('x') ELSE \
         sha256('\\x02'::bytea || log_hash_before || int8send(\"position\") || event_hash) END $$",
    )
    .await;
    // When both recompute
    let verification = verify_with(store, &options, |_, _| ()).await.unwrap();
    // Then the event on which they differ is named, and the function
    let told: Vec<_> = verification.differences.iter().map(|d| (d.position.0, d.kind)).collect();
    let head = store.log().head().await.unwrap().position.0;
    assert_eq!(told, [(9, "implementations"), (head, "trigger")], "{:?}", verification.differences);
    assert!(verification.differences[0].detail.contains("log_hash"));
    // And a database that cannot answer is not taken for one that agrees.
    run(&mut owner, "DROP FUNCTION atsre.log_hash_after(bytea, bigint, bytea)").await;
    let verification = verify_with(store, &options, |_, _| ()).await.unwrap();
    assert_eq!(verification.differences[0].kind, "implementations", "{:?}", verification.differences);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_of_the_lineage_is_verified() {
    let (database, mut owner) = filled(64).await;
    let store = database.store();
    // Given a fork, and a fork of it from what it shares with its parent
    let (root, first, second) =
        (StreamId("experiment-64-0".into()), StreamId("first".into()), StreamId("second".into()));
    let began_first = fork(store, &root, Sequence(9), &first).await.0;
    let began_second = fork(store, &first, Sequence(6), &second).await.0;
    let shared = store.log().read_stream("experiment", &root).await.unwrap();
    let (ninth, sixth) = (shared[8].position.0, shared[5].position.0);
    assert_eq!(named(&verified(store).await), []);
    run(&mut owner, "SET session_replication_role = replica").await;
    run(&mut owner, "CREATE TEMPORARY TABLE kept AS SELECT * FROM atsre.stream_lineage").await;
    let first_row = |change: &str| format!("UPDATE atsre.stream_lineage SET {change} WHERE child = 'first'");
    let second_row = |change: &str| format!("UPDATE atsre.stream_lineage SET {change} WHERE child = 'second'");
    let cases = [
        (first_row("parent = 'nobody'"), vec![ninth, began_first, sixth]),
        (first_row("fork_sequence = 8"), vec![ninth, began_first]),
        (first_row("parent_hash = sha256(parent_hash)"), vec![ninth, began_first]),
        (first_row("parent_hash = 'short'"), vec![ninth, began_first]),
        (first_row("forked_at_position = forked_at_position - 1"), vec![ninth - 1]),
        (first_row("forked_at_position = 1000000"), vec![1_000_000]),
        (first_row("aggregate_type = 'other'"), vec![ninth, began_first, sixth]),
        (first_row("child = 'other'"), vec![began_first, sixth]),
        (second_row("parent = 'experiment-64-0'"), vec![began_second]),
        (second_row("fork_sequence = 7"), vec![sixth, began_second]),
        ("DELETE FROM atsre.stream_lineage WHERE child = 'second'".to_owned(), vec![began_second]),
        (first_row("parent = 'second'"), vec![ninth, began_first, sixth]),
    ];
    for (statement, mut places) in cases {
        // When one column is altered, or the row deleted
        run(&mut owner, &statement).await;
        // Then it is named as the lineage's, at the shared event and at the fork's first own one
        let verification = verified(store).await;
        let mut told: Vec<_> = verification.differences.iter().map(|d| d.position.0).collect();
        assert!(verification.differences.iter().all(|d| d.kind == "lineage"), "{statement}: {verification:#?}");
        told.sort_unstable();
        places.sort_unstable();
        assert_eq!(told, places, "{statement}: {:#?}", verification.differences);
        let options = Options { thoroughness: Thoroughness::Recomputed, ..Options::default() };
        let recomputed = verify_with(store, &options, |_, _| ()).await.unwrap();
        assert_eq!(recomputed.differences, verification.differences, "{statement}: SQL agrees");
        run(&mut owner, "DELETE FROM atsre.stream_lineage; INSERT INTO atsre.stream_lineage SELECT * FROM kept").await;
    }
    assert!(verified(store).await.ok, "after everything was put back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_that_does_not_say_so_first_is_named() {
    let (database, _owner) = filled(65).await;
    let store = database.store();
    let (root, child) = (StreamId("experiment-65-0".into()), StreamId("silent".into()));
    // Given a fork with nothing of its own: that is only worth a note
    store.fork("experiment", &root, Sequence(8), &child).await.unwrap();
    let verification = verified(store).await;
    assert_eq!((verification.ok, verification.notes.len()), (true, 1), "{verification:?}");
    // When its first own event is another one
    let eighth = store.log().read_stream("experiment", &root).await.unwrap()[7].recorded().unwrap();
    let position = forks::append(store, &child, Sequence(9), &eighth.event).await;
    // Then that event is named
    let verification = verified(store).await;
    let told: Vec<_> = verification.differences.iter().map(|d| (d.position, d.kind)).collect();
    assert_eq!(told, [(position, "lineage")], "{:?}", verification.differences);
}
