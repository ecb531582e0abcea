//! What is in the file besides the events: the manifest, the other members, zip's own bytes, and files that mean harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod bundles;

use std::io::{Cursor, Write as _};

use atsre_replay::bundle::{BundleError, check};
use bundles::support::Numbers;
use bundles::{assert_named, checked, found, grandchild, python_of};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_the_manifest_says_is_checked() {
    let parts = grandchild(89).await;
    let manifest = parts.clone().manifest();
    let altered = |pointer: &str, value: Value| {
        let (mut parts, mut altered) = (parts.clone(), manifest.clone());
        *altered.pointer_mut(pointer).unwrap() = value;
        parts.set_manifest(&altered);
        let verification = checked(&parts.pack(), pointer);
        assert!(!verification.ok, "{pointer} was not found");
        verification
    };
    for index in 0..manifest["members"].as_array().unwrap().len() {
        let at = |field: &str| format!("/members/{index}/{field}");
        assert_named(&altered(&at("sha256"), json!("0".repeat(64))), 0, &["member"], "sha256");
        let length = manifest["members"][index]["length_bytes"].as_u64().unwrap();
        assert_named(&altered(&at("length_bytes"), json!(length + 1)), 0, &["member"], "length_bytes");
        assert_named(
            &altered(&at("length_bytes"), json!(length.saturating_sub(1))),
            0,
            &["member", "manifest"],
            "length",
        );
        assert_named(&altered(&at("length_bytes"), json!(u64::MAX)), 0, &["member"], "length_bytes");
        for name in ["../../x", "/etc/passwd", "manifest.json", "artifacts/../../x", "README.txt\u{0}"] {
            assert_named(&altered(&at("name"), json!(name)), 0, &["member"], name);
        }
    }
    for count in ["events", "streams", "lineage", "artifacts", "artifact_bytes", "anchors"] {
        assert_named(&altered(&format!("/counts/{count}"), json!(7_777)), 0, &["manifest"], count);
    }
    for index in 0..manifest["streams"].as_array().unwrap().len() {
        for field in ["events", "last_sequence", "last_position"] {
            altered(&format!("/streams/{index}/{field}"), json!(7_777));
            altered(&format!("/streams/{index}/{field}"), json!(0));
        }
        for field in ["stream", "stream_type", "last_hash"] {
            altered(&format!("/streams/{index}/{field}"), json!("other"));
        }
    }
    let last = manifest["head"]["position"].as_u64().unwrap();
    assert_named(&altered("/head/log_hash", json!("0".repeat(64))), last, &["head"], "the head's hash");
    assert_named(&altered("/head/position", json!(last - 1)), last, &["head"], "the head");
    altered("/experiment/id", json!(1));
    altered("/experiment/id", Value::Null);
    altered("/experiment/stream", manifest["streams"][0]["stream"].clone());

    // What makes it no manifest at all.
    let unreadable = |bytes: &[u8]| {
        let mut parts = parts.clone();
        *parts.member("manifest.json") = bytes.to_vec();
        let bundle = parts.pack();
        if let Some((status, answer)) = python_of(&bundle) {
            assert_eq!((status, &answer["ok"]), (3, &json!(false)), "{answer}");
        }
        check(Cursor::new(bundle)).unwrap_err()
    };
    for (field, value) in [("format", json!("other")), ("counts", json!(1)), ("more", json!(1)), ("build", json!(null))]
    {
        let mut other = manifest.clone();
        other[field] = value;
        let error = unreadable(other.to_string().as_bytes());
        assert!(matches!(error, BundleError::NoManifest(_)), "{field}: {error:?}");
    }
    let mut later = manifest.clone();
    later["format_version"] = json!(2);
    assert!(matches!(unreadable(later.to_string().as_bytes()), BundleError::Format { found: 2, known: 1 }));
    assert!(matches!(unreadable(b""), BundleError::NoManifest(_)));
    assert!(matches!(unreadable(&[b'['; 100_000]), BundleError::NoManifest(_)));
    let mut subject = manifest.clone();
    subject["experiment"] = json!([manifest["experiment"]["stream"], manifest["experiment"]["id"]]);
    assert!(matches!(unreadable(subject.to_string().as_bytes()), BundleError::NoManifest(_)));
    let mut without = parts.clone();
    without.remove("manifest.json");
    assert!(matches!(check(Cursor::new(without.pack())), Err(BundleError::NoManifest(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_missing_or_do_not_belong_are_named() {
    let parts = grandchild(90).await;
    for name in ["events.jsonl", "lineage.jsonl", "anchors.jsonl", "README.txt", "check_bundle.py"] {
        let mut missing = parts.clone();
        missing.remove(name);
        assert_named(&found(&missing, name), 0, &["member"], name);
        let mut manifest = missing.manifest();
        manifest["members"].as_array_mut().unwrap().retain(|member| member["name"] != name);
        missing.set_manifest(&manifest);
        assert_named(&checked(&missing.pack(), name), 0, &["member"], name);
    }
    for name in ["more.txt", "../../x", "/tmp/x", "artifacts/", "artifacts/short", "manifest.json/x", "ü"] {
        let mut more = parts.clone();
        more.add(name, b"x");
        let unlisted = found(&more, name);
        assert!(unlisted.differences.iter().any(|d| d.kind == "extra" && d.detail.starts_with(name)), "{unlisted:#?}");
        let mut manifest = more.manifest();
        manifest["members"].as_array_mut().unwrap().push(json!({ "name": name, "length_bytes": 1, "sha256": "" }));
        more.set_manifest(&manifest);
        more.reseal();
        assert_named(&checked(&more.pack(), name), 0, &["member"], name);
    }
    let mut checker = parts.clone();
    checker.member("check_bundle.py").extend(b"\nsys.exit(0)\n");
    assert_named(&checked(&checker.pack(), "another checker"), 0, &["member"], "another checker");

    // Two members of one name, of which readers show one or the other.
    let mut double = parts.clone();
    double.add("README.txu", b"another");
    let mut bytes = double.pack();
    while let Some(at) = bytes.windows(10).position(|window| window == b"README.txu") {
        bytes[at + 9] = b't';
    }
    let doubled = checked(&bytes, "two of one name");
    assert_named(&doubled, 0, &["extra"], "two of one name");
    // Something before the first member, and something behind the last.
    let whole = parts.pack();
    let mut before = b"hidden".to_vec();
    before.extend(&whole);
    match check(Cursor::new(&before)) {
        Ok(verification) => assert!(!verification.ok, "bytes before the first member"),
        Err(error) => assert!(matches!(error, BundleError::NotABundle(_)), "{error:?}"),
    }
    let mut commented = whole.clone();
    let end = commented.len();
    commented[end - 2] = 6;
    commented.extend(b"hidden");
    assert_named(&checked(&commented, "a comment"), 0, &["extra"], "a comment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_and_hostile_files_give_errors_and_never_a_panic() {
    let parts = grandchild(91).await;
    let whole = parts.pack();
    let mut numbers = Numbers(91);
    for _ in 0..60 {
        let cut = &whole[..numbers.below(whole.len() as u64) as usize];
        assert!(matches!(check(Cursor::new(cut)), Err(BundleError::NotABundle(_))), "cut at {}", cut.len());
    }
    let untouched = check(Cursor::new(&whole)).unwrap();
    for round in 0..400 {
        let at = numbers.below(whole.len() as u64) as usize;
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << numbers.below(8);
        // A few bits of zip's own, such as a time, mean nothing. Whatever verifies says what the untouched one says.
        let verdict = check(Cursor::new(&damaged));
        if let Ok(verification) = verdict.as_ref().map_err(drop).and_then(|v| if v.ok { Ok(v) } else { Err(()) }) {
            assert_eq!(*verification, untouched, "a bit at byte {at}");
        }
        if round % 20 == 0 {
            let status = python_of(&damaged).map(|(status, _)| status);
            assert!(status.is_none_or(|status| status == 0 || status == 3), "a bit at byte {at}");
        }
    }
    // Lengths that are not true: in the zip's directory, and of what a little file unpacks to.
    let mut declared = whole.clone();
    let directory = declared.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    declared[directory + 24..directory + 28].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    assert!(check(Cursor::new(&declared)).map_or(true, |found| !found.ok || found == untouched), "a declared length");
    let mut bomb = parts.clone();
    bomb.member("events.jsonl").extend(vec![b'a'; 80 << 20]);
    let verification = check(Cursor::new(bomb.pack())).unwrap();
    assert!(verification.differences.iter().any(|d| d.detail.contains("it has more")), "{verification:#?}");
    bomb.reseal();
    let verification = check(Cursor::new(bomb.pack())).unwrap();
    assert!(verification.differences.iter().any(|d| d.detail.contains("line")), "{verification:#?}");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("manifest.json", SimpleFileOptions::default()).unwrap();
    zip.write_all(&vec![b' '; 80 << 20]).unwrap();
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(check(Cursor::new(bomb)), Err(BundleError::NoManifest(_))));
}
