//! Bundles for tests: written from generated histories, taken apart and put together again, and judged by both checkers.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[path = "../forks/mod.rs"]
mod forks;
#[path = "../../../projections/tests/support/mod.rs"]
pub mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use atsre_domain::experiment::{Command as C, Experiment};
use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use atsre_replay::anchor::{AnchorKey, anchor_at, public_key_text};
use atsre_replay::bundle::{BundleVerification, ExportOptions, check, export};
use atsre_store::testing::TestDatabase;
use atsre_store::{Store, hash};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::{Step, history, play};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Two experiments on one data set, a fork of the first and a fork of that one, all with events of their own.
pub struct Forked {
    pub database: TestDatabase,
    pub parent: StreamId,
    pub child: StreamId,
    pub grandchild: StreamId,
}

/// The last sequence that the child shares with its parent, and the grandchild with the child.
pub const SHARED: [u64; 2] = [20, 22];

pub async fn forked(seed: u64) -> Forked {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(seed, 2)).await;
    let [parent, child, grandchild] =
        [format!("experiment-{seed}-0"), format!("child-{seed}"), format!("grandchild-{seed}")].map(StreamId);
    forks::fork(store, &parent, Sequence(SHARED[0]), &child).await;
    for text in ["how?", "when?"] {
        // Somebody else's events stand between those of the fork.
        play(store, support::node_steps(seed + 1_000)).await;
        ask(store, &child, text).await;
    }
    forks::fork(store, &child, Sequence(SHARED[1]), &grandchild).await;
    ask(store, &grandchild, "what \"is\" ü?").await;
    Forked { database, parent, child, grandchild }
}

/// Forks an experiment as the log has it.
pub async fn fork_of(store: &Store, parent: &StreamId, at: Sequence, child: &StreamId) {
    forks::fork(store, parent, at, child).await;
}

pub async fn ask(store: &Store, stream: &StreamId, text: &str) {
    let command = C::AskQuestion { text: text.into() };
    store.execute::<Experiment>(stream, command, &support::envelope()).await.unwrap();
}

pub fn options() -> ExportOptions {
    ExportOptions { build: "test".into(), ..ExportOptions::default() }
}

pub async fn exported(store: &Store, experiment: &StreamId, options: &ExportOptions) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let summary = export(store, experiment, options, &mut file).await.unwrap();
    let bytes = file.into_inner();
    assert_eq!(summary.length_bytes, bytes.len() as u64);
    bytes
}

/// The key of all anchors here.
pub fn key() -> &'static AnchorKey {
    static KEY: OnceLock<AnchorKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        AnchorKey::open_or_create(&folder.path().join("anchor.key")).unwrap()
    })
}

/// A signed anchor at each of these positions, as the log has it.
pub async fn anchors(store: &Store, positions: &[Position]) -> Vec<u8> {
    let mut lines = String::new();
    for position in positions {
        let anchor = anchor_at(store, key(), *position, Timestamp(1_700_000_000_000_001)).await.unwrap();
        lines += &format!("{}\n", serde_json::to_string(&anchor).unwrap());
    }
    lines.into_bytes()
}

/// The members of a bundle, to be altered.
#[derive(Clone, Debug)]
pub struct Parts(pub Vec<(String, Vec<u8>)>);

impl Parts {
    pub fn of(bundle: &[u8]) -> Self {
        let mut zip = ZipArchive::new(Cursor::new(bundle)).unwrap();
        let members = (0..zip.len()).map(|index| {
            let mut member = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            (member.name().to_owned(), bytes)
        });
        Self(members.collect())
    }

    pub fn pack(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.0 {
            zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    pub fn member(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.0.iter_mut().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no member {name}")).1
    }

    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        self.0.push((name.to_owned(), bytes.to_vec()));
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(found, _)| found != name);
    }

    /// The lines of a member as JSON.
    pub fn lines(&mut self, name: &str) -> Vec<Value> {
        let text = String::from_utf8(self.member(name).clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn set_lines(&mut self, name: &str, lines: &[Value]) {
        *self.member(name) = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    }

    pub fn manifest(&mut self) -> Value {
        serde_json::from_slice(self.member("manifest.json")).unwrap()
    }

    pub fn set_manifest(&mut self, manifest: &Value) {
        *self.member("manifest.json") = serde_json::to_vec(manifest).unwrap();
    }

    /// Makes the manifest say of each member what it now is, as a forger would.
    pub fn reseal(&mut self) {
        let mut manifest = self.manifest();
        for entry in manifest["members"].as_array_mut().unwrap() {
            let name = entry["name"].as_str().unwrap().to_owned();
            if let Some((_, bytes)) = self.0.iter().find(|(found, _)| *found == name) {
                entry["length_bytes"] = json!(bytes.len());
                entry["sha256"] = json!(hash::hex(&Sha256::digest(bytes)));
            }
        }
        self.set_manifest(&manifest);
    }

    pub fn resealed(&self) -> Self {
        let mut parts = self.clone();
        parts.reseal();
        parts
    }
}

/// Where something differs: position, stream, kind, and of a file its name.
pub type Place = (u64, Option<String>, String, String);

pub fn places(verification: &BundleVerification) -> BTreeSet<Place> {
    python_places(&serde_json::to_value(verification).unwrap())
}

fn python_places(answer: &Value) -> BTreeSet<Place> {
    let place = |difference: &Value| {
        let text = |name: &str| difference[name].as_str().map(str::to_owned);
        let (kind, detail) = (text("kind").unwrap(), text("detail").unwrap());
        let file = if kind == "member" || kind == "extra" { detail.split(':').next().unwrap() } else { "" };
        (difference["position"].as_u64().unwrap(), text("stream"), kind.clone(), file.to_owned())
    };
    answer["differences"].as_array().unwrap().iter().map(place).collect()
}

fn checker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bundle/check_bundle.py")
}

/// The second checker in one process for all tests: starting Python again and again would take most of their time.
struct Python {
    asking: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

const DRIVER: &str = r#"
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import check_bundle
for path in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = check_bundle.main(["--json", path.rstrip("\n")])
    print(json.dumps([status, json.loads(said.getvalue())]), flush=True)
"#;

static PYTHON: OnceLock<Option<Mutex<Python>>> = OnceLock::new();

fn start_python() -> Option<Mutex<Python>> {
    let mut command = Command::new("python3");
    command.args(["-B", "-c", DRIVER]).arg(checker().parent().unwrap());
    match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(mut process) => Some(Mutex::new(Python {
            asking: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("python3: {error}"),
    }
}

/// The second checker's exit status and answer; `None` where there is no Python.
pub fn python(path: &Path) -> Option<(i32, Value)> {
    let mut python = PYTHON.get_or_init(start_python).as_ref()?.lock().unwrap();
    writeln!(python.asking, "{}", path.display()).unwrap();
    let mut answer = String::new();
    python.answers.read_line(&mut answer).unwrap();
    let (status, answer) =
        serde_json::from_str(&answer).expect("an answer; the checker has said above why there is none");
    Some((status, answer))
}

pub fn python_of(bundle: &[u8]) -> Option<(i32, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    std::fs::write(&path, bundle).unwrap();
    python(&path)
}

/// Checks with both checkers, which must agree on the verdict and on every place.
pub fn checked(bundle: &[u8], what: &str) -> BundleVerification {
    let verification = check(Cursor::new(bundle)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(verification.ok, verification.differences.is_empty());
    if let Some((status, answer)) = python_of(bundle) {
        assert_eq!(status, if verification.ok { 0 } else { 3 }, "{what}: {answer:#}\n{:#?}", verification.differences);
        let (rust, python) = (places(&verification), python_places(&answer));
        assert_eq!(rust, python, "{what}: {answer:#}\n{:#?}", verification.differences);
        let mut ours = serde_json::to_value(&verification).unwrap();
        let mut theirs = answer;
        for answer in [&mut ours, &mut theirs] {
            answer.as_object_mut().unwrap().remove("differences");
        }
        assert_eq!(ours, theirs, "{what}");
    }
    verification
}

/// A grandchild's bundle, with an anchor at its last event.
pub async fn grandchild(seed: u64) -> Parts {
    let forked = forked(seed).await;
    let store = forked.database.store();
    let last = store.log().read_stream("experiment", &forked.grandchild).await.unwrap().last().unwrap().position;
    let options = ExportOptions { anchors: anchors(store, &[last]).await, ..options() };
    let parts = Parts::of(&exported(store, &forked.grandchild, &options).await);
    assert_eq!(checked(&parts.pack(), "untouched").differences, []);
    assert_eq!(checked(&parts.resealed().pack(), "untouched and resealed").differences, []);
    parts
}

/// Found by both checkers, with the manifest as it was and with one that says the same; answers with the second.
pub fn found(parts: &Parts, what: &str) -> BundleVerification {
    let naive = checked(&parts.pack(), what);
    assert!(
        !naive.ok && naive.differences.iter().any(|d| d.kind == "member" || d.kind == "extra"),
        "{what}: {naive:?}"
    );
    let resealed = checked(&parts.resealed().pack(), what);
    assert!(!resealed.ok, "{what}: resealed, it was not found");
    resealed
}

#[track_caller]
pub fn assert_named(verification: &BundleVerification, position: u64, kinds: &[&str], what: &str) {
    let named = |d: &&atsre_replay::Difference| d.position.0 == position && kinds.contains(&d.kind);
    assert!(verification.differences.iter().any(|d| named(&d)), "{what}: {:#?}", verification.differences);
}
