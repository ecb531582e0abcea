//! Two alterations at once: neither hides the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "forks/mod.rs"]
mod forks;
#[path = "../../projections/tests/support/mod.rs"]
mod support;

use atsre_domain::{Sequence, StreamId};
use atsre_projections::PROJECTIONS;
use atsre_projections::runner::catch_up;
use atsre_replay::verify::{Options, Thoroughness, Verification, verify, verify_with};
use atsre_store::testing::TestDatabase;
use sqlx::{Connection as _, Executor as _, PgConnection};
use support::{history, play};

/// What somebody with a superuser's rights does, and where it must show as what.
struct Alteration {
    statement: String,
    /// `None` where it is not at an event.
    position: Option<u64>,
    kinds: &'static [&'static str],
}

impl Alteration {
    fn is_named(&self, verification: &Verification) -> bool {
        verification.differences.iter().any(|difference| {
            self.position.is_none_or(|at| at == difference.position.0) && self.kinds.contains(&difference.kind)
        })
    }
}

/// `#` in a statement stands for the position.
fn alteration(statement: &str, position: u64, kinds: &'static [&'static str]) -> Alteration {
    Alteration { statement: statement.replace('#', &position.to_string()), position: Some(position), kinds }
}

/// The third event is the first of the data set, after two of the node; the fourth names an artifact.
fn alterations(head: u64, shared: u64) -> Vec<Alteration> {
    vec![
        alteration("UPDATE atsre.events SET payload = (payload::text || ' ')::json WHERE position = #", 20, &["hash"]),
        alteration(
            "UPDATE atsre.events SET metadata = replace(metadata::text, 'tester', 'nobody')::json WHERE position = #",
            25,
            &["hash"],
        ),
        alteration("UPDATE atsre.events SET event_type = event_type || 'x' WHERE position = #", 28, &["hash"]),
        alteration(
            "UPDATE atsre.events SET recorded_at = recorded_at + interval '1 microsecond' WHERE position = #",
            31,
            &["hash"],
        ),
        alteration("UPDATE atsre.events SET prev_hash = sha256(prev_hash) WHERE position = #", 35, &["prev_hash"]),
        alteration("UPDATE atsre.events SET hash = sha256(hash) WHERE position = #", 40, &["hash"]),
        alteration("UPDATE atsre.events SET log_hash = sha256(log_hash) WHERE position = #", 45, &["log_hash"]),
        alteration("DELETE FROM atsre.events WHERE position = # - 1", 51, &["gap"]),
        alteration(
            "UPDATE atsre.events SET position = -position WHERE position IN (#, # + 1); \
             UPDATE atsre.events SET position = 2 * # + 1 + position WHERE position < 0",
            55,
            &["sequence", "prev_hash", "log_hash", "time"],
        ),
        alteration(
            "UPDATE atsre.artifacts SET bytes = bytes || ' ' WHERE hash = \
             decode((SELECT payload -> 'profile' ->> 'digest' FROM atsre.events WHERE position = #), 'hex')",
            4,
            &["artifact"],
        ),
        alteration("UPDATE atsre.stream_lineage SET parent_hash = sha256(parent_hash)", shared, &["lineage"]),
        alteration("DELETE FROM atsre.events WHERE aggregate_type = 'node'", 3, &["gap"]),
        alteration("DELETE FROM atsre.events WHERE position > #", head - 3, &["incomplete"]),
        Alteration {
            statement: "ALTER TABLE atsre.events DISABLE TRIGGER events_seal".into(),
            position: None,
            kinds: &["trigger"],
        },
    ]
}

const KEEP: &str = "CREATE TEMPORARY TABLE kept_events AS SELECT * FROM atsre.events; \
    CREATE TEMPORARY TABLE kept_artifacts AS SELECT * FROM atsre.artifacts; \
    CREATE TEMPORARY TABLE kept_lineage AS SELECT * FROM atsre.stream_lineage";

const RESTORE: &str = "DELETE FROM atsre.events; INSERT INTO atsre.events SELECT * FROM kept_events; \
    DELETE FROM atsre.artifacts; INSERT INTO atsre.artifacts SELECT * FROM kept_artifacts; \
    DELETE FROM atsre.stream_lineage; INSERT INTO atsre.stream_lineage SELECT * FROM kept_lineage; \
    ALTER TABLE atsre.events ENABLE TRIGGER events_seal";

async fn owner_of(database: &TestDatabase) -> PgConnection {
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    owner.execute("SET session_replication_role = replica").await.unwrap();
    owner.execute("ALTER TABLE atsre.artifacts DROP CONSTRAINT artifacts_hash_is_of_bytes").await.unwrap();
    owner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_alterations_is_found_and_named() {
    // Given a log with a fork
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(51, 1)).await;
    let (parent, child) = (StreamId("experiment-51-0".into()), StreamId("fork".into()));
    forks::fork(store, &parent, Sequence(8), &child).await;
    let shared = store.log().read_stream("experiment", &parent).await.unwrap()[7].position.0;
    let head = store.log().head().await.unwrap().position.0;
    assert!(head > 65, "the places below are all in the log");
    let mut owner = owner_of(&database).await;
    owner.execute(sqlx::raw_sql(KEEP)).await.unwrap();
    let options = Options { thoroughness: Thoroughness::Recomputed, ..Options::default() };
    assert_eq!(verify_with(store, &options, |_, _| ()).await.unwrap().differences, []);
    let alterations = alterations(head, shared);
    for (index, first) in alterations.iter().enumerate() {
        for second in &alterations[index..] {
            // When one is made, or two
            owner.execute(sqlx::raw_sql(&first.statement)).await.unwrap();
            if first.statement != second.statement {
                owner.execute(sqlx::raw_sql(&second.statement)).await.unwrap();
            }
            // Then each is named at its place, and SQL and Rust agree on all of it
            let verification = verify_with(store, &options, |_, _| ()).await.unwrap();
            for one in [first, second] {
                let (this, told) = (&one.statement, &verification.differences);
                let both = format!("of {} and {}", first.statement, second.statement);
                assert!(one.is_named(&verification), "{this}\n{both}\n{told:#?}");
                assert!(told.iter().all(|difference| difference.kind != "implementations"), "{both}\n{told:#?}");
            }
            owner.execute(sqlx::raw_sql(RESTORE)).await.unwrap();
        }
    }
    assert!(verify_with(store, &options, |_, _| ()).await.unwrap().ok, "after everything was put back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_event_does_not_hide_an_altered_read_model() {
    // Given a log and its read models
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(52, 1)).await;
    for projection in PROJECTIONS {
        catch_up(store, projection).await.unwrap();
    }
    let mut owner = owner_of(&database).await;
    owner.execute(sqlx::raw_sql(KEEP)).await.unwrap();
    let row = "UPDATE experiments_v4.trials SET status = 'ABANDONED' WHERE trial_no = 4";
    assert_eq!(owner.execute(row).await.unwrap().rows_affected(), 1);
    let foldable = alterations(70, 11).into_iter().filter(|one| {
        matches!(one.kinds[0], "hash" | "prev_hash" | "log_hash" | "artifact") && !one.statement.contains("event_type")
    });
    for other in foldable {
        // When something else is altered too
        owner.execute(sqlx::raw_sql(&other.statement)).await.unwrap();
        // Then both are named
        let verification = verify(store, &[], |_, _| ()).await.unwrap();
        let told = &verification.differences;
        assert!(other.is_named(&verification), "{}\n{told:#?}", other.statement);
        let row = |d: &&atsre_replay::Difference| d.kind == "read_model" && d.detail.contains("\"trial_no\": 4");
        assert!(told.iter().any(|difference| row(&difference)), "{}\n{told:#?}", other.statement);
        owner.execute(sqlx::raw_sql(RESTORE)).await.unwrap();
    }
    // And a log that cannot be folded says that its read models were not compared.
    owner.execute("DELETE FROM atsre.events WHERE position = 30").await.unwrap();
    let verification = verify(store, &[], |_, _| ()).await.unwrap();
    assert!(!verification.ok);
    let said = verification.notes.iter().any(|note| note.contains("read models were not compared"));
    assert!(said, "{:?}", verification.notes);
}
