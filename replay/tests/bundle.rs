//! An experiment's history leaves the database in one file, is checked without one, and enters another one whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod bundles;

use std::collections::BTreeMap;
use std::io::Cursor;

use atsre_domain::{Position, Sequence, StreamId};
use atsre_projections::PROJECTIONS;
use atsre_projections::runner::catch_up;
use atsre_replay::anchor::public_key_text;
use atsre_replay::bundle::{
    BundleError, ExportError, ExportOptions, ImportError, check, check_import, export, import, receipts,
};
use atsre_replay::verify::verify;
use atsre_store::Store;
use atsre_store::testing::TestDatabase;
use bundles::support::{Numbers, history, play};
use bundles::{Parts, SHARED, anchors, ask, checked, exported, forked, key, options, python, python_of};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// What of an event must be the same wherever it is: its stream, sequence, type, version, payload and metadata.
fn contents(bundle: &[u8]) -> Vec<[Value; 7]> {
    let fields = ["stream_type", "stream", "sequence", "event_type", "event_version", "payload", "metadata"];
    let lines = Parts::of(bundle).lines("events.jsonl");
    lines.into_iter().map(|line| fields.map(|field| line[field].clone())).collect()
}

async fn head(store: &Store) -> Position {
    store.log().head().await.unwrap().position
}

async fn verifies(store: &Store) {
    for projection in PROJECTIONS {
        catch_up(store, projection).await.unwrap();
    }
    let verification = verify(store, &[], |_, _| ()).await.unwrap();
    assert_eq!(verification.differences, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_has_the_whole_history_and_verifies_without_a_database() {
    let forked = forked(61).await;
    let store = forked.database.store();
    let own = store.log().read_stream("experiment", &forked.parent).await.unwrap();
    let last = own.last().unwrap().position;
    let anchors = anchors(store, &[Position(2), last, head(store).await]).await;
    let public_key = public_key_text(&key().public()).into_bytes();
    let options = ExportOptions { anchors: anchors.clone(), public_key: Some(public_key.clone()), ..options() };
    let bundle = exported(store, &forked.parent, &options).await;

    let verification = checked(&bundle, "a bundle");
    assert_eq!(verification.differences, []);
    assert_eq!((&verification.experiment, verification.experiment_id), (&forked.parent, Some(own[0].position)));
    assert_eq!((verification.streams, verification.build.as_str()), (2, "test"));
    assert_eq!((verification.anchors_compared, verification.anchors_elsewhere), (2, 1), "2 is before the first event");
    assert_eq!(verification.anchors_signed, 3);
    assert!(verification.artifacts > 5 && verification.log_links > 10, "{verification:?}");
    let dataset = store.log().read_stream("dataset", &Store::dataset_stream("bikes")).await.unwrap();
    assert_eq!(verification.events, (own.len() + dataset.len()) as u64);

    let mut parts = Parts::of(&bundle);
    let lines = parts.lines("events.jsonl");
    for event in own.iter().chain(&dataset) {
        let line = lines.iter().find(|line| line["position"] == event.position.0).unwrap();
        assert_eq!(line["payload"], event.payload, "the stored text, byte for byte");
        assert_eq!(line["metadata"], event.metadata);
    }
    assert_eq!((parts.member("anchors.jsonl").clone(), parts.member("public_key").clone()), (anchors, public_key));
    assert_eq!(parts.member("report.html"), b"\"<html>\"");
    assert_eq!(bundle, exported(store, &forked.parent, &options).await, "the same history gives the same bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forks_bundle_has_its_ancestors_up_to_the_fork() {
    let forked = forked(62).await;
    let store = forked.database.store();
    let bundle = exported(store, &forked.grandchild, &options()).await;
    assert_eq!(checked(&bundle, "a grandchild").differences, []);
    let mut own = BTreeMap::new();
    for line in Parts::of(&bundle).lines("events.jsonl") {
        own.entry(line["stream"].as_str().unwrap().to_owned())
            .or_insert(vec![])
            .push(line["sequence"].as_u64().unwrap());
    }
    let [first, second] = SHARED;
    assert_eq!(own[&forked.parent.0], (1..=first).collect::<Vec<_>>());
    assert_eq!(own[&forked.child.0], (first + 1..=second).collect::<Vec<_>>());
    assert_eq!(own[&forked.grandchild.0], [second + 1, second + 2]);
    assert_eq!(own.len(), 4, "and the data set");
    let lineage = Parts::of(&bundle).lines("lineage.jsonl");
    let of = |field: &str| lineage.iter().map(|row| row[field].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("child"), [&forked.child.0, &forked.grandchild.0]);
    assert_eq!(of("parent"), [&forked.parent.0, &forked.child.0]);

    // A fork of an early point of a fork shares the root's event, and may have no event of its own yet.
    let early = StreamId("early".into());
    store.fork("experiment", &forked.grandchild, Sequence(3), &early).await.unwrap();
    let bundle = exported(store, &early, &options()).await;
    let verification = checked(&bundle, "an early fork");
    assert_eq!((verification.differences, verification.experiment_id), (vec![], None));
    let target = TestDatabase::create().await;
    let summary = import(target.store(), Cursor::new(&bundle)).await.unwrap();
    assert_eq!((summary.forks, summary.experiment_id), (3, None));
    assert!(summary.unfinished.contains(&early));
    verifies(target.store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_imported_verifies_and_can_be_exported_again() {
    let forked = forked(63).await;
    for (experiment, forks, ended) in [(&forked.parent, 0, true), (&forked.grandchild, 2, false)] {
        let bundle = exported(forked.database.store(), experiment, &options()).await;
        let target = TestDatabase::create().await;
        // The other store has a past of its own.
        play(target.store(), bundles::support::node_steps(5)).await;
        let before = head(target.store()).await;

        let summary = import(target.store(), Cursor::new(&bundle)).await.unwrap();
        assert_eq!((summary.appended, summary.present), (contents(&bundle).len() as u64, 0));
        assert_eq!((summary.forks, &summary.experiment), (forks, experiment));
        assert_eq!(summary.unfinished.is_empty(), ended, "{:?}", summary.unfinished);
        assert_eq!(head(target.store()).await.0, before.0 + summary.appended);
        verifies(target.store()).await;
        let receipt = check_import(target.store(), &summary.receipt).await.unwrap();
        assert_eq!(receipt.differences, []);
        assert_eq!(receipt.manifest, check(Cursor::new(&bundle)).unwrap().manifest, "the origin's own words");

        let again = exported(target.store(), experiment, &options()).await;
        assert_eq!(contents(&again), contents(&bundle));
        assert_eq!(checked(&again, "exported again").differences, []);

        let repeated = import(target.store(), Cursor::new(&bundle)).await.unwrap();
        assert_eq!((repeated.appended, repeated.present, repeated.forks), (0, summary.appended, 0));
        assert_eq!(repeated.receipt, summary.receipt);
        assert_eq!(head(target.store()).await.0, before.0 + summary.appended, "importing again changes nothing");
        assert_eq!(receipts(target.store()).await.unwrap(), [summary.receipt]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_completes_what_is_there_and_refuses_what_differs() {
    let forked = forked(64).await;
    let (store, target) = (forked.database.store(), TestDatabase::create().await);
    // Given the fork, and with it the beginning of its parent; when the parent itself is imported
    let child = exported(store, &forked.child, &options()).await;
    import(target.store(), Cursor::new(&child)).await.unwrap();
    let parent = exported(store, &forked.parent, &options()).await;
    let summary = import(target.store(), Cursor::new(&parent)).await.unwrap();
    // then the rest of it is appended, and the fork stays what it was.
    assert!(summary.present > SHARED[0] && summary.appended > 0, "{summary:?}");
    verifies(target.store()).await;
    let again = exported(target.store(), &forked.child, &options()).await;
    assert_eq!(contents(&again), contents(&child));

    // Given a fork that goes on here and there; when it is imported, then nothing is appended, not even the artifacts.
    ask(target.store(), &forked.child, "here?").await;
    ask(store, &forked.child, "there?").await;
    let before = (head(target.store()).await, target.store().artifacts().digests().await.unwrap());
    let other = exported(store, &forked.child, &options()).await;
    let refused = import(target.store(), Cursor::new(&other)).await;
    assert!(matches!(&refused, Err(ImportError::Occupied(what)) if what.contains(&forked.child.0)), "{refused:?}");
    // Given a stream that is a fork there and none here, the same.
    let elsewhere = TestDatabase::create().await;
    ask_first(elsewhere.store(), &forked.child).await;
    let refused = import(elsewhere.store(), Cursor::new(&other)).await;
    assert!(matches!(&refused, Err(ImportError::Occupied(_))), "{refused:?}");
    assert_eq!(head(elsewhere.store()).await, Position(1));
    assert_eq!(before, (head(target.store()).await, target.store().artifacts().digests().await.unwrap()));
}

/// An event in a stream of its own, under the name of what is a fork elsewhere.
async fn ask_first(store: &Store, stream: &StreamId) {
    sqlx::query(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ('experiment', $1, 1, 'QuestionAsked', '1', '{}', '{}')",
    )
    .bind(&stream.0)
    .execute(store.pool())
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_tells_an_import_that_was_altered() {
    let forked = forked(65).await;
    let bundle = exported(forked.database.store(), &forked.child, &options()).await;
    let target = TestDatabase::create().await;
    let receipt = import(target.store(), Cursor::new(&bundle)).await.unwrap().receipt;
    let mut owner = PgConnection::connect(&target.url()).await.unwrap();
    owner.execute("SET session_replication_role = replica").await.unwrap();
    owner
        .execute(
            "UPDATE atsre.events SET metadata = replace(metadata::text, 'tester', 'nobody')::json WHERE position = 9",
        )
        .await
        .unwrap();
    let verification = check_import(target.store(), &receipt).await.unwrap();
    assert!(!verification.ok);
    assert!(verification.differences[0].detail.contains("other content"), "{:?}", verification.differences);
    owner.execute("DELETE FROM atsre.events WHERE position = 9").await.unwrap();
    let verification = check_import(target.store(), &receipt).await.unwrap();
    assert_eq!(verification.differences.iter().map(|d| d.kind).collect::<Vec<_>>(), ["incomplete"]);
    owner.execute("DELETE FROM atsre.sealed_artifacts WHERE media_type = 'application/json'").await.unwrap();
    let verification = check_import(target.store(), &receipt).await.unwrap();
    assert!(verification.differences.iter().filter(|d| d.kind == "artifact").count() > 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_does_not_verify_is_not_exported() {
    let forked = forked(66).await;
    let store = forked.database.store();
    let events = store.log().read_stream("experiment", &forked.parent).await.unwrap();
    let mut owner = PgConnection::connect(&forked.database.url()).await.unwrap();
    owner.execute("SET session_replication_role = replica").await.unwrap();
    let refused = async |experiment: &StreamId, options: &ExportOptions| {
        export(store, experiment, options, Cursor::new(Vec::new())).await.unwrap_err()
    };
    let absent = refused(&StreamId("nobody".into()), &options()).await;
    assert!(matches!(absent, ExportError::NoExperiment(_)), "{absent:?}");
    let broken = ExportOptions { anchors: b"{\"position\":1}\n".to_vec(), ..options() };
    let broken = refused(&forked.parent, &broken).await;
    assert!(matches!(broken, ExportError::Anchors { line: 1, .. }), "{broken:?}");
    let wrong = format!("{{\"position\":{},\"log_hash\":\"{}\"}}", events[3].position, "0".repeat(64));
    let wrong = refused(&forked.parent, &ExportOptions { anchors: wrong.into_bytes(), ..options() }).await;
    assert!(matches!(&wrong, ExportError::DoesNotVerify(found) if found[0].kind == "anchor"), "{wrong:?}");

    let changed = &events[5];
    let statement = format!("UPDATE atsre.events SET payload = '{{}}' WHERE position = {}", changed.position);
    owner.execute(statement.as_str()).await.unwrap();
    let altered = refused(&forked.parent, &options()).await;
    let ExportError::DoesNotVerify(differences) = &altered else { panic!("{altered:?}") };
    assert_eq!((differences[0].position, differences[0].kind), (changed.position, "hash"));
    assert!(altered.to_string().contains(&format!("position {}", changed.position)), "{altered}");

    let statement = format!("DELETE FROM atsre.events WHERE position = {}", changed.position);
    owner.execute(statement.as_str()).await.unwrap();
    let holed = refused(&forked.parent, &options()).await;
    assert!(matches!(&holed, ExportError::DoesNotVerify(found) if found[0].kind == "sequence"), "{holed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_artifact_that_is_missing_stops_the_export() {
    let forked = forked(67).await;
    let mut owner = PgConnection::connect(&forked.database.url()).await.unwrap();
    owner.execute("SET session_replication_role = replica").await.unwrap();
    owner.execute("DELETE FROM atsre.artifacts").await.unwrap();
    let refused = export(forked.database.store(), &forked.parent, &options(), Cursor::new(Vec::new())).await;
    assert!(matches!(refused, Err(ExportError::Store(atsre_store::Error::NoArtifact(_)))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bundle_that_does_not_verify_or_cannot_be_read_is_not_imported() {
    let database = TestDatabase::create().await;
    play(database.store(), history(68, 1)).await;
    let bundle = exported(database.store(), &StreamId("experiment-68-0".into()), &options()).await;
    let target = TestDatabase::create().await;
    let mut parts = Parts::of(&bundle);
    parts.member("README.txt").push(b'!');
    let refused = import(target.store(), Cursor::new(parts.pack())).await;
    assert!(matches!(&refused, Err(ImportError::DoesNotVerify(found)) if found.differences.len() == 1), "{refused:?}");
    let refused = import(target.store(), Cursor::new(&bundle[..bundle.len() / 2])).await;
    assert!(matches!(refused, Err(ImportError::Bundle(BundleError::NotABundle(_)))), "{refused:?}");

    // An event that a later build wrote verifies, but cannot be read here.
    sqlx::query(
        "INSERT INTO atsre.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         SELECT 'experiment', aggregate_id, max(sequence) + 1, 'NeverWritten', '1', '{}', '{}' \
         FROM atsre.events WHERE aggregate_type = 'experiment' GROUP BY aggregate_id",
    )
    .execute(database.store().pool())
    .await
    .unwrap();
    let later = exported(database.store(), &StreamId("experiment-68-0".into()), &options()).await;
    assert!(checked(&later, "a later build's").ok);
    let refused = import(target.store(), Cursor::new(&later)).await;
    assert!(matches!(refused, Err(ImportError::Unreadable(_))), "{refused:?}");
    assert_eq!(head(target.store()).await, Position(0));
    assert_eq!(target.store().artifacts().digests().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unzipped_bundle_is_checked_where_it_lies() {
    let forked = forked(69).await;
    let bundle = exported(forked.database.store(), &forked.child, &options()).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in Parts::of(&bundle).0 {
        let path = folder.path().join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let Some((status, answer)) = python(folder.path()) else { return };
    assert_eq!((status, &answer["ok"]), (0, &Value::Bool(true)), "{answer:#}");
    // The script that came with it, with no argument, as a person runs it.
    let shipped = std::process::Command::new("python3").arg("check_bundle.py").current_dir(&folder).output().unwrap();
    assert!(String::from_utf8_lossy(&shipped.stdout).contains("The bundle verifies."), "{shipped:?}");
    assert!(shipped.status.success());
    std::fs::write(folder.path().join("more"), "x").unwrap();
    let shipped = std::process::Command::new("python3").arg("check_bundle.py").current_dir(&folder).output().unwrap();
    assert_eq!(shipped.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&shipped.stdout).contains("more: the manifest does not list it"), "{shipped:?}");
    // As one file; and what cannot be read as a bundle at all.
    for (bytes, status) in [(bundle.as_slice(), 0), (b"not a zip", 3)] {
        assert_eq!(python_of(bytes).unwrap().0, status);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, bytes).unwrap();
        let checker = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bundle/check_bundle.py");
        let output = std::process::Command::new("python3").arg("-B").arg(checker).arg(file.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{output:?}");
    }
}

#[test]
fn whatever_bytes_are_given_the_answer_is_an_error_and_not_a_panic() {
    let mut numbers = Numbers(70);
    for length in [0, 1, 21, 22, 23, 100, 5_000] {
        let bytes: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        assert!(matches!(check(Cursor::new(&bytes)), Err(BundleError::NotABundle(_))), "{length} bytes");
        // The end of a zip file that promises what is not there.
        let mut promising = bytes;
        promising.extend(b"PK\x05\x06\0\0\0\0\xfe\xff\xfe\xff\xff\xff\xff\x7f\0\0\0\0\0\0");
        assert!(matches!(check(Cursor::new(&promising)), Err(BundleError::NotABundle(_))), "{length} bytes");
    }
}
