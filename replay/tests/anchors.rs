//! Anchors: a key that is kept, a file that is only appended to, and a log that must bear them out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../../projections/tests/support/mod.rs"]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use atsre_domain::{Position, Timestamp};
use atsre_replay::anchor::{
    Anchor, AnchorFile, AnchorKey, Error, anchor_now, holds, parse_public_key, public_key_text,
};
use atsre_replay::verify::{Options, Thoroughness, Verification, verify_with};
use atsre_store::testing::TestDatabase;
use atsre_store::{Store, hash};
use sqlx::{Connection as _, Executor as _, PgConnection};
use support::{history, play};

const NOW: Timestamp = Timestamp(1_767_225_600_123_456);

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn key() -> (tempfile::TempDir, AnchorKey) {
    let folder = tempfile::tempdir().unwrap();
    let key = AnchorKey::open_or_create(&folder.path().join("anchor.key")).unwrap();
    (folder, key)
}

#[test]
fn a_key_is_made_once_and_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys").join("anchor.key");
    // When it is first used
    let key = AnchorKey::open_or_create(&path).unwrap();
    // Then nobody else may read it, and it stays the same
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
    assert_eq!(AnchorKey::open_or_create(&path).unwrap().public(), key.public());
    assert_eq!(parse_public_key(&public_key_text(&key.public())).unwrap(), key.public());
    // And another one is another one, which its debugging text does not give away
    let other = AnchorKey::open_or_create(&folder.path().join("other.key")).unwrap();
    assert_ne!(other.public(), key.public());
    let text = std::fs::read_to_string(&path).unwrap();
    let secret = text.lines().last().unwrap();
    assert!(secret.len() == 64 && !format!("{key:?}").contains(secret), "{key:?}");
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchor.key");
    let key = AnchorKey::open_or_create(&path).unwrap();
    for exposed in [0o640, 0o604, 0o660, 0o610] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(exposed)).unwrap();
        match AnchorKey::open_or_create(&path) {
            Err(Error::Exposed { mode, .. }) => assert_eq!(mode, exposed),
            other => panic!("{exposed:o}: {other:?}"),
        }
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    assert_eq!(AnchorKey::open_or_create(&path).unwrap().public(), key.public(), "owner alone, read-only");
}

#[test]
fn what_is_not_a_key_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchor.key");
    let half = "ab".repeat(31);
    let two = format!("{0}\n{0}\n", "ab".repeat(32));
    let bytes: [&[u8]; 6] = [b"", b"# only a comment\n", half.as_bytes(), two.as_bytes(), b"\xff\xfe", b"hello\n"];
    for content in bytes {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(AnchorKey::open_or_create(&path), Err(Error::NotAKey { .. })), "{content:?}");
        assert_eq!(std::fs::read(&path).unwrap(), content, "it is never overwritten");
    }
    let error = AnchorKey::open_or_create(folder.path()).unwrap_err();
    assert!(matches!(error, Error::NotAKey { .. } | Error::Exposed { .. }), "a folder: {error:?}");
}

#[test]
fn a_signature_covers_every_field() {
    let (_folder, key) = key();
    let anchor = key.sign(Position(1_000), [0x5a; 32], NOW);
    anchor.verify_signature(&key.public()).unwrap();
    // What is signed, byte by byte, for whoever checks it with other tools.
    let message = atsre_replay::anchor::message(Position(1_000), &[0x5a; 32], NOW);
    let written = format!("{}{:016x}{}{:016x}", hash::hex(b"ATSRE anchor v1\n"), 1_000, "5a".repeat(32), NOW.0);
    assert_eq!(hash::hex(&message), written);
    // As JSON it comes back the same, and each field that is edited breaks it.
    let json = serde_json::to_string(&anchor).unwrap();
    assert!(json.contains("\"anchored_at\":\"2026-01-01T00:00:00.123456Z\""), "{json}");
    assert_eq!(serde_json::from_str::<Anchor>(&json).unwrap(), anchor);
    let signature = hash::hex(&anchor.signed.as_ref().unwrap().signature.to_bytes());
    let turned = format!("{}{}", &signature[2..], &signature[..2]);
    let edits = [("1000", "1001"), ("5a5a", "5a5b"), (".123456Z", ".123457Z"), (signature.as_str(), turned.as_str())];
    for (from, to) in edits {
        let edited: Anchor = serde_json::from_str(&json.replacen(from, to, 1)).unwrap();
        assert!(matches!(edited.verify_signature(&key.public()), Err(Error::Signature { .. })), "{from} → {to}");
    }
    // Another key, or none.
    let (_other_folder, other) = self::key();
    let forged = other.sign(Position(1_000), [0x5a; 32], NOW);
    assert!(matches!(forged.verify_signature(&key.public()), Err(Error::OtherKey { .. })));
    let mut mixed = forged;
    mixed.signed.as_mut().unwrap().public_key = key.public();
    assert!(matches!(mixed.verify_signature(&key.public()), Err(Error::Signature { .. })), "under another's name");
    let unsigned = Anchor::unsigned(Position(1_000), [0x5a; 32]);
    assert!(matches!(unsigned.verify_signature(&key.public()), Err(Error::Unsigned { .. })));
}

#[test]
fn a_file_of_anchors_is_appended_to_and_read_to_the_letter() {
    let (folder, key) = key();
    let file = AnchorFile::new(folder.path().join("anchors.jsonl"));
    assert_eq!(file.last().unwrap(), None);
    assert!(matches!(file.read(), Err(Error::Files { .. })), "an auditor's file must be there");
    let anchors = [1, 2, 3].map(|position| key.sign(Position(position), [position as u8; 32], NOW));
    for anchor in &anchors {
        file.append(anchor).unwrap();
    }
    assert_eq!(file.read().unwrap(), anchors);
    assert_eq!(file.last().unwrap(), Some(anchors[2].clone()));
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(text.lines().count(), 3);
    // An anchor without a signature is one too.
    let unsigned = format!("{{\"position\":4,\"log_hash\":\"{}\"}}\n", "ab".repeat(32));
    std::fs::write(file.path(), format!("{text}{unsigned}")).unwrap();
    assert_eq!(file.last().unwrap(), Some(Anchor::unsigned(Position(4), [0xab; 32])));
    // Nothing else is overlooked.
    let line = text.lines().next().unwrap();
    let bad = [
        String::new(),
        "not JSON".to_owned(),
        line[..line.len() - 1].to_owned(),
        line.replace("\"signature\"", "\"signatur\""),
        line.replace("123456Z", "123456+00:00"),
        line.replace("log_hash\":\"01", "log_hash\":\"0"),
        format!("{{\"position\":4,\"log_hash\":\"{}\",\"signature\":\"{}\"}}", "ab".repeat(32), "ab".repeat(64)),
        format!("{{\"position\":-4,\"log_hash\":\"{}\"}}", "ab".repeat(32)),
    ];
    for bad in bad {
        std::fs::write(file.path(), format!("{line}\n{bad}\n{line}\n")).unwrap();
        match file.read() {
            Err(Error::Line { line, .. }) => assert_eq!(line, 2, "{bad}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
    // Nor is a line that was cut off: nothing is appended to it.
    std::fs::write(file.path(), format!("{line}\n{}", &line[..30])).unwrap();
    assert!(matches!(file.append(&anchors[0]), Err(Error::Line { line: 2, .. })));
}

async fn filled(seed: u64) -> (TestDatabase, PgConnection) {
    let database = TestDatabase::create().await;
    play(database.store(), history(seed, 1)).await;
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    owner.execute("SET session_replication_role = replica").await.unwrap();
    (database, owner)
}

async fn verified(store: &Store, options: Options<'_>) -> Verification {
    verify_with(store, &Options { thoroughness: Thoroughness::Recomputed, ..options }, |_, _| ()).await.unwrap()
}

fn told(verification: &Verification) -> Vec<(u64, &'static str)> {
    verification.differences.iter().map(|difference| (difference.position.0, difference.kind)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anchors_are_checked_with_their_signatures() {
    let (database, mut owner) = filled(71).await;
    let store = database.store();
    let ((_folder, key), (_other_folder, other)) = (key(), key());
    // Given an anchor of the head, one of before, and one of the empty log
    let now = anchor_now(store, &key, NOW).await.unwrap();
    let head = now.position;
    let twentieth = store.log().event(Position(20)).await.unwrap();
    let early = key.sign(Position(20), twentieth.log_hash, NOW);
    let empty = key.sign(Position(0), hash::empty_log(), NOW);
    let anchors = [empty.clone(), early.clone(), now.clone()];
    let trusted = [key.public()];
    let verification = verified(store, Options { anchors: &anchors, trusted: &trusted, ..Options::default() }).await;
    assert_eq!((told(&verification), verification.anchors_checked), (vec![], 3));
    assert_eq!(verification.notes, Vec::<String>::new());
    // Without a trusted key that is said, and so is what nobody signed.
    let unsigned = [Anchor::unsigned(early.position, early.log_hash), now.clone()];
    let verification = verified(store, Options { anchors: &unsigned, ..Options::default() }).await;
    assert!(verification.ok && verification.notes.len() == 2, "{verification:?}");
    assert!(verification.notes[0].contains("1 of 2 anchors are not signed"), "{:?}", verification.notes);
    assert!(verification.notes[1].contains(&public_key_text(&key.public())), "{:?}", verification.notes);
    // When an anchor was edited, is of another key, of another log, or of a position that is not there
    let mut edited = early.clone();
    edited.log_hash[0] ^= 1;
    let stranger = other.sign(early.position, early.log_hash, NOW);
    let of_another_log = key.sign(early.position, [7; 32], NOW);
    let beyond = key.sign(Position(head.0 + 5), now.log_hash, NOW);
    let not_empty = key.sign(Position(0), [7; 32], NOW);
    let said = [
        (edited, "changed after it was signed"),
        (stranger, "none of those trusted"),
        (of_another_log, "the log says"),
        (beyond, "its tail was cut"),
        (not_empty, "the log says"),
    ];
    for (anchor, said) in said {
        // Then it is named at its position
        let anchors = [now.clone(), anchor];
        let verification =
            verified(store, Options { anchors: &anchors, trusted: &trusted, ..Options::default() }).await;
        assert_eq!(told(&verification), [(anchors[1].position.0, "anchor")], "{said}");
        assert!(verification.differences[0].detail.contains(said), "{said}: {:?}", verification.differences);
    }
    // And a head that its last event does not bear out is not signed.
    assert!(holds(store, &early).await.unwrap() && holds(store, &empty).await.unwrap());
    owner.execute("UPDATE atsre.log_head SET log_hash = sha256(log_hash)").await.unwrap();
    assert!(matches!(anchor_now(store, &key, NOW).await, Err(Error::Contradiction { .. })));
    owner.execute("UPDATE atsre.events SET log_hash = sha256(log_hash) WHERE position = 20").await.unwrap();
    assert!(!holds(store, &early).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_since_an_anchor_looks_at_what_came_after() {
    let (database, mut owner) = filled(72).await;
    let store = database.store();
    let (_folder, key) = key();
    let head = store.log().head().await.unwrap().position.0;
    let at = |position: u64| async move { store.log().event(Position(position)).await.unwrap() };
    let anchor = key.sign(Position(40), at(40).await.log_hash, NOW);
    let (trusted, anchors) = ([key.public()], [key.sign(Position(20), at(20).await.log_hash, NOW)]);
    let options = Options { since: Some(&anchor), trusted: &trusted, anchors: &anchors, ..Options::default() };
    // Given a log that is whole
    let verification = verified(store, options).await;
    assert_eq!((told(&verification), verification.events), (vec![], head - 40));
    assert_eq!((verification.head.position.0, verification.anchors_checked), (head, 1));
    let since = verification.since.unwrap();
    assert_eq!((since.position, since.log_hash), (Position(40), hash::hex(&anchor.log_hash)));
    assert_eq!(since.not_looked_at.len(), 3, "what was not looked at is said: {:?}", since.not_looked_at);
    // An anchor of the empty log is the whole log; one of the head leaves nothing.
    let empty = key.sign(Position(0), hash::empty_log(), NOW);
    let all = verified(store, Options { since: Some(&empty), ..options }).await;
    assert_eq!((told(&all), all.events), (vec![], head));
    let end = anchor_now(store, &key, NOW).await.unwrap();
    let nothing = verified(store, Options { since: Some(&end), ..options }).await;
    assert_eq!((told(&nothing), nothing.events), (vec![], 0));
    // When something before it and something after it is altered
    owner.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM atsre.events").await.unwrap();
    let put_back = "DELETE FROM atsre.events; INSERT INTO atsre.events SELECT * FROM kept";
    owner.execute("UPDATE atsre.events SET metadata = '{}' WHERE position = 30").await.unwrap();
    assert!(verified(store, options).await.ok, "before the anchor nothing is looked at");
    owner.execute("UPDATE atsre.events SET payload = (payload::text || ' ')::json WHERE position = 50").await.unwrap();
    assert_eq!(told(&verified(store, options).await), [(50, "hash")]);
    owner.execute(put_back).await.unwrap();
    // Then what followed the anchor in the log, and in each stream, is held against what stands before it.
    owner.execute("UPDATE atsre.events SET hash = sha256(hash) WHERE position = 40").await.unwrap();
    let next = (41..=head).collect::<Vec<_>>();
    let verification = verified(store, options).await;
    let first = &verification.differences[0];
    assert!(next.contains(&first.position.0) && first.kind == "prev_hash", "{:?}", verification.differences);
    owner.execute(put_back).await.unwrap();
    owner.execute("DELETE FROM atsre.events WHERE position = 41").await.unwrap();
    assert_eq!(told(&verified(store, options).await)[0], (42, "gap"));
    owner.execute(put_back).await.unwrap();
    // And the anchor must be sound, and the log must have it.
    let mut edited = anchor.clone();
    edited.log_hash[0] ^= 1;
    let verification = verified(store, Options { since: Some(&edited), ..options }).await;
    assert!(verification.differences[0].detail.contains("changed after it was signed"), "{verification:?}");
    let other = key.sign(Position(40), [7; 32], NOW);
    assert_eq!(told(&verified(store, Options { since: Some(&other), ..options }).await)[0], (40, "anchor"));
    let beyond = key.sign(Position(head + 9), [7; 32], NOW);
    let verification = verified(store, Options { since: Some(&beyond), ..options }).await;
    assert_eq!(told(&verification), [(head + 9, "anchor")], "{:?}", verification.differences);
}
