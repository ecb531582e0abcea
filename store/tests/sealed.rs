//! Artifacts under the key of their data set: kept secret, kept apart, and lost with the key and only with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use atsre_domain::dataset::{Command, Dataset, Erasure};
use atsre_domain::{Digest, Position, StreamId, Timestamp};
use atsre_store::testing::TestDatabase;
use atsre_store::{Envelope, Error, KeyError, Store};
use sqlx::Executor as _;
use sqlx::postgres::PgPool;

#[path = "../../domain/tests/fixtures/mod.rs"]
mod fixtures;

const BYTES: &[u8] = b"time,demand\n2021-01-01,17\n";

fn dataset(name: &str) -> StreamId {
    Store::dataset_stream(name)
}

fn envelope() -> Envelope {
    Envelope {
        actor: "user".into(),
        correlation: "test".into(),
        causation: None,
        build: "test".into(),
        occurred_at: Timestamp(0),
    }
}

/// The key of a data set that has one.
fn key_file(store: &Store, dataset: &StreamId) -> PathBuf {
    let artifacts = store.artifacts();
    let keyring = artifacts.keyring();
    let keys = keyring.keys(dataset).unwrap();
    assert_eq!(keys.len(), 1, "{keys:?}");
    keyring.path(dataset, keys[0])
}

/// Puts an erasure of the data set on record and destroys its key.
async fn erase(store: &Store, dataset: &StreamId, artifacts: Vec<Digest>) -> Position {
    let keyring = store.artifacts();
    let keys = keyring.keyring().keys(dataset).unwrap();
    let mut registered = fixtures::dataset::registered(1);
    registered.name = dataset.0.clone();
    store.execute::<Dataset>(dataset, Command::Register(Box::new(registered)), &envelope()).await.unwrap();
    let key_ids = keys.iter().map(ToString::to_string).collect();
    let erasure = Erasure { why: "asked for".into(), key_ids, artifacts, unencrypted: vec![] };
    let appended = store.execute::<Dataset>(dataset, Command::Erase(Box::new(erasure)), &envelope()).await.unwrap();
    for key in keys {
        assert!(keyring.keyring().destroy(dataset, key).unwrap());
    }
    *appended.positions().last().unwrap()
}

async fn tamper(database: &TestDatabase, statement: &str) {
    let owner = PgPool::connect(&database.url()).await.unwrap();
    let mut connection = owner.acquire().await.unwrap();
    connection.execute("SET session_replication_role = replica").await.unwrap();
    connection.execute(statement).await.unwrap();
}

#[tokio::test]
async fn what_is_sealed_comes_back_and_the_database_holds_none_of_it() {
    let database = TestDatabase::create().await;
    let (store, bikes) = (database.store(), dataset("bikes"));
    let artifacts = store.artifacts();
    let plain = artifacts.put(b"a graph", "application/json").await.unwrap();
    let sealed = artifacts.put_for(&bikes, BYTES, "text/csv").await.unwrap();
    let again = artifacts.put_for(&bikes, BYTES, "text/csv").await.unwrap();

    assert_eq!((&sealed, sealed.length_bytes, sealed.media_type.as_str()), (&again, BYTES.len() as u64, "text/csv"));
    assert_eq!(artifacts.get(&sealed.digest).await.unwrap(), BYTES);
    assert_eq!(artifacts.get_sound(&[sealed.digest.clone(), plain.digest.clone()]).await.unwrap().len(), 2);
    assert!(artifacts.contains(&sealed.digest).await.unwrap());
    let mut both = vec![sealed.digest.clone(), plain.digest.clone()];
    both.sort();
    assert_eq!(artifacts.digests().await.unwrap(), both);
    assert_eq!(store.media_types(&both).await.unwrap()[&sealed.digest], "text/csv");
    let (rows, found): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE position('demand'::bytea IN bytes) > 0) FROM atsre.sealed_artifacts",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert_eq!((rows, found), (1, 0), "stored once, and not in the clear");

    // Another process with the same data directory reads it; it is as append-only as the rest.
    let other = database.another_store().await;
    assert_eq!(other.artifacts().get(&sealed.digest).await.unwrap(), BYTES);
    for statement in ["UPDATE atsre.sealed_artifacts SET bytes = bytes", "DELETE FROM atsre.sealed_artifacts"] {
        store.pool().execute(statement).await.unwrap_err();
        store.owner_pool().execute(statement).await.unwrap_err();
    }
    store.agent_pool().execute("SELECT bytes FROM atsre.sealed_artifacts").await.unwrap_err();
}

#[tokio::test]
async fn keys_are_made_on_first_use_for_nobody_else_to_read() {
    let database = TestDatabase::create().await;
    let (store, bikes) = (database.store(), dataset("bikes"));
    let hostile = StreamId("../../escaped".into());
    store.artifacts().put(b"plain", "text/plain").await.unwrap();
    assert!(!database.home().join("keys").exists(), "nothing needed one so far");
    for dataset in [&bikes, &hostile] {
        store.artifacts().put_for(dataset, BYTES, "text/csv").await.unwrap();
        let file = key_file(store, dataset);
        assert!(file.starts_with(database.home().join("keys/datasets")), "{}", file.display());
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    }
    assert!(!database.home().join("escaped").exists());
    let text = std::fs::read_to_string(key_file(store, &bikes)).unwrap();
    let secret = text.lines().find(|line| !line.starts_with('#')).unwrap();
    assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()), "{secret}");

    // One that others may read is not used until it is secret again.
    let file = key_file(store, &bikes);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let digest = store.artifacts().digests().await.unwrap();
    let sealed = digest.iter().find(|digest| digest.0 == hash(BYTES)).unwrap();
    std::fs::remove_file(key_file(store, &hostile)).unwrap();
    let refused = store.artifacts().put_for(&bikes, b"more", "text/csv").await.unwrap_err();
    assert!(matches!(&refused, Error::Key(KeyError::Exposed { mode: 0o644, .. })), "{refused:?}");
    let refused = store.artifacts().get(sealed).await.unwrap_err();
    assert!(refused.to_string().contains("chmod 600"), "{refused}");
}

fn hash(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    atsre_store::hash::hex(&sha2::Sha256::digest(bytes))
}

#[tokio::test]
async fn the_same_bytes_under_two_data_sets_are_erased_one_by_one() {
    let database = TestDatabase::create().await;
    let (store, bikes, other) = (database.store(), dataset("bikes"), dataset("other"));
    let artifacts = store.artifacts();
    let digest = artifacts.put_for(&bikes, BYTES, "text/csv").await.unwrap().digest;
    let own = artifacts.put_for(&bikes, b"only here", "text/csv").await.unwrap().digest;
    artifacts.put_for(&other, BYTES, "text/csv").await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM atsre.sealed_artifacts").fetch_one(store.pool()).await.unwrap();
    assert_eq!(rows, 3);

    let position = erase(store, &bikes, vec![digest.clone(), own.clone()]).await;
    assert_eq!(artifacts.get(&digest).await.unwrap(), BYTES, "the other data set still has it");
    let gone = artifacts.get(&own).await.unwrap_err();
    assert!(matches!(&gone, Error::Erased { position: at, .. } if *at == position), "{gone:?}");
    assert_eq!(artifacts.digests().await.unwrap(), std::slice::from_ref(&digest));
    assert!(!artifacts.contains(&own).await.unwrap());
    let sound = artifacts.get_sound(&[digest.clone(), own.clone()]).await.unwrap();
    assert_eq!(sound.keys().collect::<Vec<_>>(), [&digest]);

    // Nothing more is stored for it, until it is begun anew: with a new key.
    let late = artifacts.put_for(&bikes, b"late", "text/csv").await.unwrap_err();
    assert!(matches!(late, Error::ErasedDataset { .. }), "{late:?}");
    artifacts.begin_for(&bikes).await.unwrap();
    artifacts.put_for(&bikes, b"only here", "text/csv").await.unwrap();
    assert_eq!(artifacts.get(&own).await.unwrap(), b"only here");
    erase(store, &other, vec![digest.clone()]).await;
    assert!(matches!(artifacts.get(&digest).await.unwrap_err(), Error::Erased { .. }));
}

#[tokio::test]
async fn a_lost_key_is_no_erasure_and_the_error_names_its_file() {
    let database = TestDatabase::create().await;
    let (store, bikes) = (database.store(), dataset("bikes"));
    let digest = store.artifacts().put_for(&bikes, BYTES, "text/csv").await.unwrap().digest;
    let file = key_file(store, &bikes);
    let copy = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let lost = store.artifacts().get(&digest).await.unwrap_err();
    assert!(matches!(&lost, Error::Corrupt { detail, .. } if detail.contains(file.to_str().unwrap())), "{lost:?}");
    assert!(!store.artifacts().sealing_keys().await.unwrap()[0].there);

    // Put back from a copy, it reads again; another key in its place does not.
    std::fs::write(&file, &copy).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(store.artifacts().get(&digest).await.unwrap(), BYTES);
    std::fs::write(&file, "0".repeat(64)).unwrap();
    assert!(matches!(store.artifacts().get(&digest).await.unwrap_err(), Error::Corrupt { .. }));
    std::fs::write(&file, "no key").unwrap();
    assert!(matches!(store.artifacts().get(&digest).await.unwrap_err(), Error::Key(KeyError::NotAKey { .. })));
}

#[tokio::test]
async fn a_sealed_copy_that_was_altered_is_found() {
    let database = TestDatabase::create().await;
    let (store, bikes) = (database.store(), dataset("bikes"));
    let first = store.artifacts().put_for(&bikes, BYTES, "text/csv").await.unwrap().digest;
    let second = store.artifacts().put_for(&bikes, b"another one", "text/csv").await.unwrap().digest;
    let hash = |digest: &Digest| format!("'\\x{digest}'::bytea");
    for change in [
        "set_byte(bytes, 0, get_byte(bytes, 0) # 1)".to_owned(),
        "set_byte(bytes, 30, get_byte(bytes, 30) # 1)".to_owned(),
        "substr(bytes, 1, 40)".to_owned(),
        format!("(SELECT bytes FROM atsre.sealed_artifacts WHERE hash = {})", hash(&second)),
    ] {
        let kept = format!("CREATE TABLE kept AS SELECT * FROM atsre.sealed_artifacts WHERE hash = {}", hash(&first));
        tamper(&database, &kept).await;
        tamper(&database, &format!("UPDATE atsre.sealed_artifacts SET bytes = {change} WHERE hash = {}", hash(&first)))
            .await;
        let altered = store.artifacts().get(&first).await.unwrap_err();
        assert!(matches!(&altered, Error::Corrupt { what, .. } if what.contains(&first.0)), "{change}: {altered:?}");
        assert_eq!(store.artifacts().get_sound(std::slice::from_ref(&first)).await.unwrap().len(), 0);
        tamper(
            &database,
            "UPDATE atsre.sealed_artifacts s SET bytes = k.bytes FROM kept k WHERE k.hash = s.hash; DROP TABLE kept",
        )
        .await;
        assert_eq!(store.artifacts().get(&first).await.unwrap(), BYTES);
    }
    // Behind another copy that is whole, it is found by who looks for that.
    assert_eq!(store.artifacts().altered_copies().await.unwrap(), []);
    store.artifacts().put_for(&dataset("other"), BYTES, "text/csv").await.unwrap();
    let one = format!(
        "(hash, key_id) = (SELECT hash, max(key_id::text)::uuid FROM atsre.sealed_artifacts WHERE hash = {} GROUP BY hash)",
        hash(&first)
    );
    tamper(&database, &format!("UPDATE atsre.sealed_artifacts SET bytes = substr(bytes, 1, 41) WHERE {one}")).await;
    assert_eq!(store.artifacts().get(&first).await.unwrap(), BYTES);
    assert_eq!(store.artifacts().altered_copies().await.unwrap(), [first]);
}

#[tokio::test]
async fn a_destroyed_key_leaves_nothing_behind() {
    let database = TestDatabase::create().await;
    let (store, bikes) = (database.store(), dataset("bikes"));
    store.artifacts().put_for(&bikes, BYTES, "text/csv").await.unwrap();
    let artifacts = store.artifacts();
    let key = artifacts.keyring().keys(&bikes).unwrap()[0];
    let file = key_file(store, &bikes);
    // A second name of the same file shows what became of its bytes.
    let witness = database.home().join("witness");
    std::fs::hard_link(&file, &witness).unwrap();
    assert!(artifacts.keyring().destroy(&bikes, key).unwrap());
    assert!(std::fs::read(&witness).unwrap().iter().all(|byte| *byte == 0), "overwritten, not only unlinked");
    assert!(!file.exists() && !file.parent().unwrap().exists());
    assert!(!artifacts.keyring().destroy(&bikes, key).unwrap(), "again changes nothing");
}

#[tokio::test]
async fn who_erases_a_data_set_waits_for_those_who_work_on_it() {
    let database = TestDatabase::create().await;
    let (store, bikes) = (database.store(), dataset("bikes"));
    let one = store.keep_dataset(&bikes).await.unwrap();
    let two = store.keep_dataset(&bikes).await.unwrap();
    let _other = store.seize_dataset(&dataset("other")).await.unwrap();
    let seizing = tokio::spawn({
        let (store, bikes) = (store.clone(), bikes.clone());
        async move { store.seize_dataset(&bikes).await.map(drop) }
    });
    drop((one, two));
    seizing.await.unwrap().unwrap();
    // Let go of with its session: it can be had again.
    drop(store.keep_dataset(&bikes).await.unwrap());
}
