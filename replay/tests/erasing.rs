//! A data set is erased: what was observed is gone, what was decided stays, and the log says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod bundles;

use std::io::Cursor;

use atsre_domain::dataset::{self, Dataset};
use atsre_domain::experiment::{self, Command as C, Experiment};
use atsre_domain::table::{Cells, Column, ColumnRole, Table};
use atsre_domain::{Digest, Position, Seed, Sequence, StreamId, Timestamp};
use atsre_projections::PROJECTIONS;
use atsre_projections::runner::catch_up;
use atsre_replay::bundle::{ExportOptions, ImportError, import};
use atsre_replay::fork::{ForkError, ForkRequest, fork};
use atsre_replay::verify::{verify, verify_log, verify_stream};
use atsre_replay::{EraseError, Erased, Verification, erase, forks, history};
use atsre_store::data::TimeAxis;
use atsre_store::testing::TestDatabase;
use atsre_store::{Envelope, Error, Store};
use bundles::support::{self, Step, play};
use bundles::{Parts, anchors, checked, exported, options, python_of};
use serde_json::Value;
use sqlx::Executor as _;

const WHY: &str = "the customer has asked for it";

fn dataset() -> StreamId {
    Store::dataset_stream("bikes")
}

fn envelope() -> Envelope {
    Envelope { actor: "user".into(), ..support::envelope() }
}

/// A history as the agents leave it: what holds observations is sealed, graphs are not; the data are in tables too.
async fn tell(store: &Store, seed: u64) -> [StreamId; 2] {
    for step in support::history(seed, 2) {
        match step {
            Step::Artifact(bytes) => {
                let value: Value = serde_json::from_slice(&bytes).unwrap();
                if value.get("directed").is_some() {
                    store.artifacts().put(&bytes, "application/json").await.unwrap();
                } else {
                    store.artifacts().put_for(&dataset(), &bytes, "application/json").await.unwrap();
                }
            }
            step => drop(play(store, vec![step]).await),
        }
    }
    store.data().write_raw(&dataset(), 1, &table(), TimeAxis::Steps).await.unwrap();
    [0, 1].map(|number| StreamId(format!("experiment-{seed}-{number}")))
}

fn table() -> Table {
    let cells = Cells::Times((0..5).map(Timestamp).collect());
    Table { columns: vec![Column { name: "t".into(), role: ColumnRole::Time, cells }] }
}

async fn follow(store: &Store) {
    for projection in PROJECTIONS {
        catch_up(store, projection).await.unwrap();
    }
}

async fn verified(store: &Store) -> Verification {
    follow(store).await;
    verify(store, &[], |_, _| ()).await.unwrap()
}

async fn erased(store: &Store) -> Erased {
    erase(store, "bikes", WHY, &envelope(), |_| ()).await.unwrap()
}

async fn head(store: &Store) -> Position {
    store.log().head().await.unwrap().position
}

async fn count(store: &Store, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(store.pool()).await.unwrap()
}

/// The digests that the events of a stream name as a trial's or an ensemble's result.
async fn results(store: &Store, stream: &StreamId) -> Vec<Digest> {
    let events = store.log().read_stream("experiment", stream).await.unwrap();
    let of = |event: &atsre_store::StoredEvent| {
        Some(Digest(event.json().ok()?.pointer("/result/digest")?.as_str()?.to_owned()))
    };
    events.iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_observed_is_gone_and_what_was_decided_stays() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let experiments = tell(store, 81).await;
    let before = verified(store).await;
    assert_eq!((before.differences, before.erasures), (vec![], vec![]));
    let (metrics, graphs) = ("SELECT count(*) FROM read.model_metrics", "SELECT count(*) FROM read.causal_graphs");
    let kept = (count(store, metrics).await, count(store, graphs).await);
    assert!(kept.0 > 0 && kept.1 > 0 && count(store, "SELECT count(*) FROM read.forecasts").await > 0);
    let results = results(store, &experiments[0]).await;
    // An older version of the read model, as an upgrade leaves it.
    store
        .pool()
        .execute("CREATE SCHEMA experiments_v1; CREATE TABLE experiments_v1.forecasts AS SELECT * FROM experiments_v4.forecasts")
        .await
        .unwrap();
    let at = head(store).await;

    let done = erased(store).await;

    assert_eq!((done.position.0, done.before, &done.versions), (at.0 + 1, false, &vec![1]));
    assert_eq!((done.keys_destroyed.len(), done.tables_dropped.len(), done.experiments.len()), (1, 1, 2));
    assert!(done.artifacts > 10 && done.unencrypted.is_empty(), "{done:?}");
    assert_eq!(head(store).await.0, at.0 + 3, "one event of the data set, and one of each experiment");
    for result in &results {
        let gone = store.artifacts().get(result).await.unwrap_err();
        assert!(matches!(&gone, Error::Erased { position, .. } if *position == done.position), "{gone:?}");
    }
    assert!(store.artifacts().keyring().keys(&dataset()).unwrap().is_empty());
    assert!(store.data().read_raw(&done.tables_dropped[0]).await.is_err());

    // The read models follow, and a fresh fold is the same.
    let after = verified(store).await;
    assert_eq!(after.differences, []);
    let [told] = after.erasures.as_slice() else { panic!("{:?}", after.erasures) };
    assert_eq!((told.dataset.as_str(), told.by.as_str(), told.why.as_str()), ("bikes", "user", WHY));
    assert_eq!((told.position, told.artifacts, told.experiments), (done.position, done.artifacts, 2));
    assert!(told.erased_at.ends_with('Z'));
    assert_eq!(count(store, "SELECT count(*) FROM read.forecasts").await, 0);
    assert_eq!(count(store, "SELECT count(*) FROM experiments_v1.forecasts").await, 0, "nor in an older version");
    assert_eq!((count(store, metrics).await, count(store, graphs).await), kept);
    let said = "SELECT count(*) FROM read.experiments WHERE input_erased_at IS NOT NULL AND status = 'COMPLETED'";
    assert_eq!(count(store, said).await, 2);
    let said = "SELECT count(*) FROM read.datasets WHERE erased_at IS NOT NULL AND statistics IS NULL";
    assert_eq!(count(store, said).await, 1);
    for projection in PROJECTIONS {
        let rebuilt = atsre_projections::rebuild(store, projection).await.unwrap();
        assert!(!rebuilt.differs, "{rebuilt:?}");
    }

    // By itself an experiment says it as well.
    let alone = verify_stream(store, "experiment", &experiments[1]).await.unwrap();
    assert_eq!((alone.differences, alone.erasures.len()), (vec![], 1));
    let told = history(store, &experiments[0]).await.unwrap();
    let types: Vec<&str> = told.iter().rev().take(2).map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["InputErased", "DatasetErased"]);
    assert!(forks(store, &experiments[0]).await.unwrap().text().contains("erased at"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_again_changes_nothing_and_a_new_version_is_erased_by_itself() {
    let database = TestDatabase::create().await;
    let store = database.store();
    tell(store, 82).await;
    let first = erased(store).await;
    let at = head(store).await;
    let again = erased(store).await;
    assert_eq!((again.before, again.position, head(store).await), (true, first.position, at));
    assert_eq!((again.keys_destroyed.len(), again.tables_dropped.len()), (0, 0));
    assert_eq!(again.experiments, first.experiments);

    // The same file again: a new version, under a new key.
    let newest = store.load::<Dataset>(&dataset()).await.unwrap().state.versions[0].registered.clone();
    let source = newest.source.digest.clone();
    store.artifacts().begin_for(&dataset()).await.unwrap();
    let bytes = serde_json::to_vec(&serde_json::json!("time,count\n…")).unwrap();
    assert_eq!(store.artifacts().put_for(&dataset(), &bytes, "text/csv").await.unwrap().digest, source);
    let second = dataset::DatasetRegistered { version: 2, ..newest };
    let command = dataset::Command::Register(Box::new(second));
    store.execute::<Dataset>(&dataset(), command, &envelope()).await.unwrap();
    assert_eq!(store.artifacts().get(&source).await.unwrap(), bytes);
    assert_eq!(verified(store).await.differences, []);

    let third = erased(store).await;
    assert!(!third.before && third.position > first.position);
    assert_eq!((third.keys_destroyed.len(), third.versions), (1, vec![1, 2]));
    assert!(matches!(store.artifacts().get(&source).await.unwrap_err(), Error::Erased { .. }));
    let verification = verified(store).await;
    assert_eq!(verification.differences, []);
    let versions: Vec<Vec<u32>> = verification.erasures.into_iter().map(|erasure| erasure.versions).collect();
    assert_eq!(versions, [[1], [2]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_still_runs_is_not_erased_under() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let [parent, _] = tell(store, 83).await;
    let child = StreamId("child".into());
    bundles::fork_of(store, &parent, Sequence(20), &child).await;
    let at = head(store).await;
    let refused = erase(store, "bikes", WHY, &envelope(), |_| ()).await.unwrap_err();
    let EraseError::Running { experiments, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(experiments, &[at], "the fork, by its own number");
    assert!(refused.to_string().contains(&at.to_string()), "{refused}");
    let unknown = erase(store, "cars", WHY, &envelope(), |_| ()).await.unwrap_err();
    assert!(matches!(&unknown, EraseError::Unknown { known, .. } if known == &["bikes"]), "{unknown:?}");
    store.execute::<Experiment>(&child, C::Cancel { reason: "enough".into() }, &envelope()).await.unwrap();
    let silent = erase(store, "bikes", " ", &envelope(), |_| ()).await.unwrap_err();
    assert!(matches!(silent, EraseError::Dataset(dataset::Error::NoReason)), "{silent:?}");
    assert_eq!(store.artifacts().keyring().keys(&dataset()).unwrap().len(), 1, "nothing was touched so far");

    let done = erased(store).await;
    assert_eq!(done.experiments.len(), 3, "the fork has to know too");
    let state = store.load::<Experiment>(&child).await.unwrap().state;
    assert_eq!(state.input_erased.unwrap().erased_at_position, done.position);
    assert_eq!(verified(store).await.differences, []);

    // Nothing begins on it any more, at whatever position.
    for (stream, at) in [(&parent, Position(30)), (&parent, done.position), (&child, at)] {
        let request = ForkRequest {
            parent: stream.clone(),
            at,
            reason: "what if".into(),
            overrides: vec![],
            seed: Seed(1),
            now: Timestamp(1_700_000_000_000_000),
        };
        let refused = fork(store, request, &envelope()).await.unwrap_err();
        assert!(
            matches!(&refused, ForkError::Refused(experiment::Error::InputErased { erased_at_position, .. })
                if *erased_at_position == done.position),
            "{refused:?}"
        );
        assert!(refused.to_string().contains(WHY), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_done_erasure_is_found_and_completed() {
    let database = TestDatabase::create().await;
    let store = database.store();
    tell(store, 84).await;
    // Given an erasure that broke off after its record
    let artifacts = store.artifacts();
    let key = artifacts.keyring().keys(&dataset()).unwrap()[0];
    let erasure =
        dataset::Erasure { why: WHY.into(), key_ids: vec![key.to_string()], artifacts: vec![], unencrypted: vec![] };
    let command = dataset::Command::Erase(Box::new(erasure));
    store.execute::<Dataset>(&dataset(), command, &envelope()).await.unwrap();
    // when it is verified, then what is left undone is named;
    let found = verified(store).await.differences;
    assert!(found.iter().all(|d| d.kind == "erasure" && d.detail.contains("again")), "{found:#?}");
    let about = |what: &str| found.iter().filter(|d| d.detail.contains(what)).count();
    assert_eq!((about("key"), about("table"), about("experiment")), (1, 1, 2), "{found:#?}");
    // nothing more is stored for it meanwhile,
    let late = artifacts.put_for(&dataset(), b"late", "text/plain").await.unwrap_err();
    assert!(matches!(late, Error::ErasedDataset { .. }), "{late:?}");
    // and the same request completes it.
    let done = erased(store).await;
    assert!(done.before && done.keys_destroyed == [key.to_string()] && done.tables_dropped.len() == 1, "{done:?}");
    let verification = verified(store).await;
    assert_eq!(verification.differences, []);
    assert!(verification.erasures[0].artifacts > 10 && verification.erasures.len() == 1);

    // A key that somebody puts back is no secret.
    let path = artifacts.keyring().path(&dataset(), key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "a copy").unwrap();
    let found = verified(store).await.differences;
    assert!(found.iter().any(|d| d.kind == "erasure" && d.detail.contains(path.to_str().unwrap())), "{found:#?}");
    assert_eq!(erased(store).await.keys_destroyed, [key.to_string()]);
    assert_eq!(verified(store).await.differences, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_of_a_sealed_artifact_is_verified() {
    let database = TestDatabase::create().await;
    let store = database.store();
    tell(store, 81).await;
    // Given the profile's sealed bytes, which an event names, and the right to do anything
    let profiled: i64 =
        sqlx::query_scalar("SELECT min(position) FROM atsre.events WHERE event_type = 'DatasetProfiled'")
            .fetch_one(store.pool())
            .await
            .unwrap();
    let owner = store.owner_pool();
    owner.execute("ALTER TABLE atsre.sealed_artifacts DISABLE TRIGGER ALL").await.unwrap();
    let row = format!(
        "hash = decode((SELECT payload #>> '{{profile,digest}}' FROM atsre.events WHERE position = {profiled}), 'hex')"
    );
    let of_event = (profiled.unsigned_abs(), "artifact");
    for (column, altered, named) in [
        ("bytes", "set_byte(bytes, 3, get_byte(bytes, 3) # 1)", of_event),
        ("bytes", "set_byte(bytes, octet_length(bytes) - 1, get_byte(bytes, octet_length(bytes) - 1) # 1)", of_event),
        ("hash", "sha256(hash)", of_event),
        ("key_id", "gen_random_uuid()", of_event),
        // The artifact is found by its hash all the same; that it lies under a data set without a key is told.
        ("dataset", "dataset || '!'", (0, "key")),
    ] {
        // When a column is altered
        owner.execute("CREATE TABLE atsre.kept AS SELECT * FROM atsre.sealed_artifacts").await.unwrap();
        let statement = format!("UPDATE atsre.sealed_artifacts SET {column} = {altered} WHERE {row}");
        assert_eq!(owner.execute(statement.as_str()).await.unwrap().rows_affected(), 1, "{statement}");
        // Then the event that names the artifact is named, or the key that is not there
        let verification = verify_log(store, &[], |_, _| ()).await.unwrap();
        let found: Vec<(u64, &str)> = verification
            .differences
            .iter()
            .filter(|difference| difference.kind != "trigger")
            .map(|difference| (difference.position.0, difference.kind))
            .collect();
        assert!(found.contains(&named), "{column}: {:?}", verification.differences);
        owner
            .execute(sqlx::raw_sql(
                "TRUNCATE atsre.sealed_artifacts; INSERT INTO atsre.sealed_artifacts SELECT * FROM atsre.kept; \
                 DROP TABLE atsre.kept",
            ))
            .await
            .unwrap();
    }
    owner.execute("ALTER TABLE atsre.sealed_artifacts ENABLE TRIGGER ALL").await.unwrap();
    assert_eq!(verify_log(store, &[], |_, _| ()).await.unwrap().differences, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_key_is_a_difference_and_not_an_erasure() {
    let database = TestDatabase::create().await;
    let store = database.store();
    tell(store, 85).await;
    follow(store).await;
    let artifacts = store.artifacts();
    let key = artifacts.keyring().keys(&dataset()).unwrap()[0];
    let path = artifacts.keyring().path(&dataset(), key);
    std::fs::remove_file(&path).unwrap();
    let verification = verified(store).await;
    let of = |kind: &str| verification.differences.iter().filter(|d| d.kind == kind).collect::<Vec<_>>();
    assert_eq!((verification.ok, verification.erasures.len(), of("key").len()), (false, 0, 1));
    assert!(of("key")[0].detail.contains(path.to_str().unwrap()), "{:?}", of("key"));
    assert!(of("artifact").len() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_tells_what_was_erased_and_lacks_nothing_else() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let [experiment, _] = tell(store, 86).await;
    let before = exported(store, &experiment, &options()).await;
    assert_eq!(checked(&before, "before").erased, []);
    let done = erased(store).await;
    let last = head(store).await;
    let options = ExportOptions { anchors: anchors(store, &[last]).await, ..options() };
    let after = exported(store, &experiment, &options).await;

    let verification = checked(&after, "after");
    assert_eq!(verification.differences, []);
    assert!(verification.erased.len() > 5 && verification.artifacts == 1, "the graph stays: {verification:?}");
    let mut parts = Parts::of(&after);
    assert_eq!(parts.manifest()["erased"].as_array().unwrap().len(), verification.erased.len());
    assert!(!parts.0.iter().any(|(name, _)| name == "report.html"));
    if let Some((_, answer)) = python_of(&after) {
        assert_eq!(answer["erased"].as_array().unwrap().len(), verification.erased.len());
    }

    // What no event says was erased must be there; what the manifest does not say is not accepted either.
    let graph = parts.0.iter().find(|(name, _)| name.starts_with("artifacts/")).unwrap().0.clone();
    let graph_digest = graph.trim_start_matches("artifacts/").to_owned();
    let mut without = parts.clone();
    without.remove(&graph);
    let mut manifest = without.manifest();
    manifest["members"].as_array_mut().unwrap().retain(|member| member["name"] != graph.as_str());
    let mut erased: Vec<String> = verification.erased.iter().map(|digest| digest.0.clone()).collect();
    erased.push(graph_digest);
    erased.sort();
    manifest["erased"] = erased.into();
    without.set_manifest(&manifest);
    let found = checked(&without.pack(), "the graph is left out, and said to be erased");
    assert!(found.differences.iter().any(|d| d.kind == "artifact"), "{:?}", found.differences);
    let mut silent = parts.clone();
    let mut manifest = silent.manifest();
    manifest.as_object_mut().unwrap().remove("erased");
    silent.set_manifest(&manifest);
    let found = checked(&silent.pack(), "the manifest is silent");
    assert!(found.differences.iter().any(|d| d.kind == "manifest"), "{:?}", found.differences);
    // Before the erasure nothing may be missing, whatever the manifest says.
    let mut early = Parts::of(&before);
    let name = format!("artifacts/{}", verification.erased[0]);
    early.remove(&name);
    let mut manifest = early.manifest();
    manifest["members"].as_array_mut().unwrap().retain(|member| member["name"] != name.as_str());
    manifest["erased"] = serde_json::json!([verification.erased[0]]);
    early.set_manifest(&manifest);
    assert!(!checked(&early.pack(), "nothing was erased").ok);

    // Elsewhere it is as erased as here; and here the bundle from before does not bring it back.
    let target = TestDatabase::create().await;
    import(target.store(), Cursor::new(&after)).await.unwrap();
    let there = verified(target.store()).await;
    assert_eq!((there.differences, there.erasures.len()), (vec![], 1));
    assert_eq!(checked(&exported(target.store(), &experiment, &bundles::options()).await, "again").differences, []);
    let refused = import(store, Cursor::new(&before)).await.unwrap_err();
    assert!(matches!(&refused, ImportError::Erased { position, .. } if *position == done.position), "{refused:?}");
    assert_eq!(head(store).await, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_imported_is_sealed_here_and_erased_here() {
    let source = TestDatabase::create().await;
    let [experiment, _] = tell(source.store(), 87).await;
    let bundle = exported(source.store(), &experiment, &options()).await;
    let target = TestDatabase::create().await;
    let store = target.store();
    import(store, Cursor::new(&bundle)).await.unwrap();
    let (sealed, plain) = ("SELECT count(*) FROM atsre.sealed_artifacts", "SELECT count(*) FROM atsre.artifacts");
    assert!(count(store, sealed).await > 5);
    assert_eq!(count(store, plain).await, 2, "the graph and the receipt");
    assert_eq!(verified(store).await.differences, []);
    assert_eq!(import(store, Cursor::new(&bundle)).await.unwrap().appended, 0, "again changes nothing");

    let done = erased(store).await;
    assert_eq!((done.experiments.len(), done.keys_destroyed.len()), (1, 1));
    assert_eq!(verified(store).await.differences, []);
    let results = results(source.store(), &experiment).await;
    assert!(matches!(store.artifacts().get(&results[0]).await.unwrap_err(), Error::Erased { .. }));
    assert!(source.store().artifacts().get(&results[0]).await.is_ok(), "the other store has a key of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_build_stored_in_the_clear_is_told() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, support::history(88, 1)).await;
    let done = erased(store).await;
    assert!(done.artifacts == 0 && done.unencrypted.len() > 5, "{done:?}");
    let verification = verified(store).await;
    assert_eq!(verification.differences, []);
    assert_eq!(verification.erasures[0].unencrypted, done.unencrypted);
    assert!(store.artifacts().get(&done.unencrypted[0]).await.is_ok(), "it says so because it is so");
    // What was made of it is gone from the read models all the same.
    assert_eq!(count(store, "SELECT count(*) FROM read.forecasts").await, 0);
}
