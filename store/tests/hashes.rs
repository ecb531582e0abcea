//! The two implementations of the hash chains agree on any event whatever.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;

use atsre_domain::Position;
use atsre_store::testing::TestDatabase;
use atsre_store::{Error, Store, StoredEvent, hash};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What is written of an event: stream type, stream, type, version, payload, metadata.
type Written = (String, String, String, String, String, String);

/// Any text that the database takes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,6}", "\\PC{1,12}", "[\u{1}-\u{7f}é日𝄞]{1,9}"]
}

/// JSON whose spelling is no serializer's: the stored bytes count, not the value.
fn json() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}".to_owned()),
        Just("{ \"b\":1.50,\t\"a\" : 1e3, \"a\": null }".to_owned()),
        Just("\"\\u0041\\u0000\\ud834\\udd1e\"".to_owned()),
        text().prop_map(|text| serde_json::to_string(&serde_json::json!({ "text": text, "n": [0.1, -0.0] })).unwrap()),
    ]
}

fn event() -> impl Strategy<Value = Written> {
    (prop_oneof![Just("ledger".to_owned()), text()], "[ab]|\\PC{1,5}", text(), "[1-9][0-9]{0,8}", json(), json())
}

async fn insert(store: &Store, sequences: &mut BTreeMap<(String, String), i64>, event: &Written) {
    let (stream_type, stream, event_type, version, payload, metadata) = event;
    let sequence = sequences.entry((stream_type.clone(), stream.clone())).or_insert(0);
    *sequence += 1;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
         VALUES ($1, $2, $3, $4, $5, $6::text::json, $7::text::json)",
    )
    .bind(stream_type)
    .bind(stream)
    .bind(*sequence)
    .bind(event_type)
    .bind(version)
    .bind(payload)
    .bind(metadata)
    .execute(store.pool())
    .await
    .unwrap();
}

/// Checks every hash of the log anew.
async fn verify(store: &Store, written: &[Written]) {
    let mut last = BTreeMap::new();
    let mut log_hash = hash::empty_log();
    let mut index = 0;
    let check = |event: StoredEvent| {
        let (stream_type, stream, event_type, version, payload, metadata) = &written[index];
        assert_eq!((&event.stream_type, &event.stream.0), (stream_type, stream));
        assert_eq!((&event.event_type, &event.event_version), (event_type, version));
        assert_eq!((&event.payload, &event.metadata), (payload, metadata), "stored byte for byte");
        let key = (event.stream_type.clone(), event.stream.clone());
        let prev = last.get(&key).copied().unwrap_or_else(|| hash::genesis(stream_type, stream));
        assert_eq!(event.prev_hash, prev);
        assert_eq!(event.hash, hash::event_hash(&prev, &event));
        log_hash = hash::log_hash(&log_hash, event.position.0, &event.hash);
        assert_eq!(event.log_hash, log_hash);
        last.insert(key, event.hash);
        index += 1;
        Ok(())
    };
    let head = store.log().read_to_head::<Error>(Position(0), check).await.unwrap();
    assert_eq!(head.position.0 as usize, written.len());
}

#[test]
fn sql_and_rust_agree_on_random_events() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    let mut written = Vec::new();
    let mut sequences = BTreeMap::new();
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, random);
    for _ in 0..200 {
        let event = event().new_tree(&mut runner).unwrap().current();
        runtime.block_on(insert(database.store(), &mut sequences, &event));
        written.push(event);
    }
    runtime.block_on(verify(database.store(), &written));
}
