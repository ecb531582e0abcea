//! Every version of every event that was ever written stays readable: one file each, written once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixtures;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use atsre_domain::event::{AnyEvent, DecodeError, EncodedEvent, WireEvent};
use atsre_domain::failure::FailureKind;
use atsre_domain::plan::TrialRole;
use atsre_domain::{dataset, experiment, node};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use fixtures::{dataset as d, experiment as x, node as n};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus")
}

/// Every event type of every stream with the newest version of its payload.
fn versions() -> impl Iterator<Item = (&'static str, &'static str, u32)> {
    let of = |stream: &'static str, versions: &'static [(&'static str, u32)]| {
        versions.iter().map(move |(event_type, version)| (stream, *event_type, *version))
    };
    of("dataset", dataset::Event::VERSIONS)
        .chain(of("experiment", experiment::Event::VERSIONS))
        .chain(of("node", node::Event::VERSIONS))
}

fn relative(stream: &str, event_type: &str, version: u32) -> String {
    format!("{stream}/{event_type}/v{version}.json")
}

fn read(relative: &str) -> Vec<u8> {
    std::fs::read(corpus().join(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

fn encode(event: &AnyEvent) -> EncodedEvent {
    match event {
        AnyEvent::Dataset(e) => e.encode(),
        AnyEvent::Experiment(e) => e.encode(),
        AnyEvent::Node(e) => e.encode(),
    }
}

fn decode(stream: &str, event_type: &str, version: u32) -> AnyEvent {
    let relative = relative(stream, event_type, version);
    let payload: Value = serde_json::from_slice(&read(&relative)).expect("a corpus file is JSON");
    AnyEvent::decode(stream, event_type, version, payload).unwrap_or_else(|error| panic!("{relative}: {error:?}"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

/// The committed hashes, by path.
fn sums() -> BTreeMap<String, String> {
    let text = String::from_utf8(read("SHA256SUMS")).expect("hashes are text");
    text.lines()
        .map(|line| {
            let (hash, path) = line.split_once("  ").expect("a line is a hash, two spaces and a path");
            (path.to_owned(), hash.to_owned())
        })
        .collect()
}

/// The corpus's files, by their path inside it.
fn files() -> Vec<String> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).expect("a folder of the corpus").map(|entry| entry.unwrap().path()).collect()
    };
    let folders = |folder: &Path| entries(folder).into_iter().filter(|path| path.is_dir()).collect::<Vec<_>>();
    let mut files: Vec<String> = folders(&corpus())
        .iter()
        .flat_map(|stream| folders(stream))
        .flat_map(|event_type| entries(&event_type))
        .map(|path| path.strip_prefix(corpus()).unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    files
}

#[test]
fn every_version_of_every_event_has_a_file() {
    let expected: Vec<String> =
        versions().flat_map(|(stream, name, newest)| (1..=newest).map(move |v| relative(stream, name, v))).collect();
    let mut expected = expected;
    expected.sort();
    assert_eq!(files(), expected);
}

#[test]
fn every_version_of_every_event_is_read_and_written_back_the_same() {
    for (stream, event_type, newest) in versions() {
        for version in 1..=newest {
            let event = decode(stream, event_type, version);
            assert_eq!(event.names(), (stream, event_type));
            let encoded = encode(&event);
            assert_eq!((encoded.event_type, encoded.event_version), (event_type, newest));
            // Through text, as the log stores it.
            let text = encoded.payload.to_string();
            let again = AnyEvent::decode(stream, event_type, newest, serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(again, event, "{event_type} version {version}");
            let from_text = AnyEvent::decode_text(stream, event_type, newest, &text).unwrap();
            assert_eq!(from_text, event, "{event_type} version {version}");
        }
    }
}

#[test]
fn nobody_edits_a_file_of_the_corpus() {
    let sums = sums();
    let actual: BTreeMap<String, String> =
        files().into_iter().map(|path| (path.clone(), hexadecimal(&Sha256::digest(read(&path))))).collect();
    assert_eq!(actual, sums, "stored events are for ever: write a new version in place of changing an old one");
}

#[test]
fn the_corpus_shows_every_field() {
    fn nulls(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(values) => values.iter().any(nulls),
            Value::Object(fields) => fields.values().any(nulls),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    for path in files() {
        let payload: Value = serde_json::from_slice(&read(&path)).unwrap();
        assert!(payload.is_object() && !nulls(&payload), "{path} leaves an optional field out");
    }
}

#[test]
fn an_unknown_stream_or_event_type_is_told_by_name() {
    let error = AnyEvent::decode("invoice", "InvoicePaid", 1, json!({})).unwrap_err();
    assert_eq!(error.to_string(), "unknown event type InvoicePaid in stream type invoice");
    // An event of another stream type is unknown in this one.
    let error = AnyEvent::decode("node", "TrialFailed", 1, json!({})).unwrap_err();
    let DecodeError::UnknownType { stream_type, event_type } = error else { panic!("{error:?}") };
    assert_eq!((stream_type.as_str(), event_type.as_str()), ("node", "TrialFailed"));
}

#[test]
fn a_version_that_this_build_does_not_know_is_refused_and_so_is_version_zero() {
    for (stream, event_type, newest) in versions() {
        let payload: Value = serde_json::from_slice(&read(&relative(stream, event_type, newest))).unwrap();
        for version in [0, newest + 1, u32::MAX] {
            match AnyEvent::decode(stream, event_type, version, payload.clone()) {
                Err(DecodeError::UnknownVersion { event_type: named, found, newest: known }) => {
                    assert_eq!((named.as_str(), found, known), (event_type, version, newest));
                }
                other => panic!("{event_type} version {version}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_payload_of_another_shape_is_refused_with_its_cause() {
    for (stream, event_type, newest) in versions() {
        match AnyEvent::decode(stream, event_type, newest, json!("a text is no payload")) {
            Err(error @ DecodeError::Shape { .. }) => {
                assert!(std::error::Error::source(&error).is_some(), "{event_type} hides the cause");
            }
            other => panic!("{event_type}: {other:?}"),
        }
        let whole: Value = serde_json::from_slice(&read(&relative(stream, event_type, newest))).unwrap();
        // serde would read a struct from an array as well.
        let in_order = Value::Array(whole.as_object().unwrap().values().cloned().collect());
        let of_another_shape = whole.as_object().unwrap().keys().map(|required| {
            let mut payload = whole.clone();
            payload[required] = json!({ "neither": "this", "nor": "that" });
            payload
        });
        for payload in of_another_shape.chain([in_order]) {
            let text = AnyEvent::decode_text(stream, event_type, newest, &payload.to_string());
            assert!(matches!(text, Err(DecodeError::Shape { .. })), "{event_type} {payload}: {text:?}");
            let decoded = AnyEvent::decode(stream, event_type, newest, payload.clone());
            assert!(matches!(decoded, Err(DecodeError::Shape { .. })), "{event_type} {payload}: {decoded:?}");
        }
    }
}

#[test]
fn not_a_number_cannot_enter_an_event() {
    let mut payload: Value = serde_json::from_slice(&read("experiment/TrialCompleted/v1.json")).unwrap();
    payload["scores"][0]["value"] = Value::Null;
    let decoded = AnyEvent::decode("experiment", "TrialCompleted", 1, payload);
    assert!(matches!(decoded, Err(DecodeError::Shape { .. })), "{decoded:?}");
}

/// One event of each type, with every optional field.
fn specimens() -> Vec<AnyEvent> {
    use experiment::Event as E;
    let datasets = [
        dataset::Event::DatasetRegistered(d::registered(1)),
        dataset::Event::DatasetProfiled(d::profiled(1)),
        dataset::Event::AnomalyRulesDerived(d::rules(1)),
        dataset::Event::DatasetCleaned(d::cleaned(1)),
        dataset::Event::GraphDiscovered(d::graph(1, d::TARGET)),
        dataset::Event::DatasetErased(d::erased(&[1])),
    ];
    let nodes = [n::started(), n::agent_started(), n::crashed(), n::restarted(), n::escalated(), n::stopped()];
    let experiments: [E; 29] = [
        x::opened().into(),
        x::forked().into(),
        experiment::DiagnosisRequested {}.into(),
        experiment::CausalMapRequested {}.into(),
        experiment::PlanRequested {}.into(),
        x::proposed(&["theta", "nhits"]).into(),
        experiment::PlanApproved { by: "policy".to_owned() }.into(),
        experiment::PlanRejected { by: "ada".to_owned(), reason: "no deep models, please".to_owned() }.into(),
        x::queued(1, TrialRole::Baseline, "seasonal-naive").into(),
        x::leased(1, 1, 1).into(),
        x::started(1, 1, 1).into(),
        x::sampled(1, 1, 0).into(),
        x::completed(1, 1, 1, 0.812).into(),
        x::failed(2, 1, 1, FailureKind::OutOfMemory).into(),
        x::retried(2, 2).into(),
        x::abandoned(2).into(),
        x::ensemble(4, &[(1, 0.375), (3, 0.625)]).into(),
        x::report().into(),
        experiment::ExperimentCompleted { best: atsre_domain::TrialNumber(4) }.into(),
        experiment::ExperimentFailed { reason: "every trial failed, the fallback included".to_owned() }.into(),
        experiment::ExperimentCancelled { reason: "the plan was rejected: no deep models, please".to_owned() }.into(),
        x::completion_requested(1).into(),
        x::completion_received(1).into(),
        x::completion_failed(2).into(),
        x::question().into(),
        x::answer().into(),
        x::stage_failed(experiment::Stage::CausalMap).into(),
        x::fallback_taken().into(),
        x::input_erased().into(),
    ];
    let datasets = datasets.into_iter().map(AnyEvent::Dataset);
    datasets
        .chain(experiments.into_iter().map(AnyEvent::Experiment))
        .chain(nodes.into_iter().map(AnyEvent::Node))
        .collect()
}

/// Writes the files of new versions and their hashes; what is there stays as it is.
#[test]
#[ignore = "writes to the source tree: run it by name after adding an event or a version"]
fn write_missing_files() {
    let mut sums = if corpus().join("SHA256SUMS").exists() { sums() } else { BTreeMap::new() };
    for event in specimens() {
        let encoded = encode(&event);
        let path = relative(event.names().0, encoded.event_type, encoded.event_version);
        let file = corpus().join(&path);
        if file.exists() {
            continue;
        }
        assert!(!sums.contains_key(&path), "{path} was in the corpus and is gone: take it back from the repository");
        let text = serde_json::to_string_pretty(&encoded.payload).unwrap() + "\n";
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
        sums.insert(path, hexadecimal(&Sha256::digest(text)));
    }
    let lines: String = sums.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
    std::fs::write(corpus().join("SHA256SUMS"), lines).unwrap();
}
