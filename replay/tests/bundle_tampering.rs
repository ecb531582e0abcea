//! Whatever somebody does to a bundle, with or without making its manifest say the same, both checkers name the place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod bundles;

use atsre_domain::{Position, Sequence, StreamId, Timestamp};
use atsre_store::StoredEvent;
use atsre_store::hash::{self, Hash};
use bundles::{Parts, assert_named, checked, exported, forked, found, grandchild, options};
use serde_json::{Value, json};

/// The indices of some lines: of the data set, of the root, of the child, of the grandchild.
fn samples(lines: &[Value]) -> Vec<usize> {
    let of = |stream: &str, last: bool| {
        let mut indices = (0..lines.len()).filter(|i| lines[*i]["stream"].as_str().unwrap().starts_with(stream));
        if last { indices.next_back().unwrap() } else { indices.nth(1).unwrap() }
    };
    let dataset = lines.iter().position(|line| line["stream_type"] == "dataset").unwrap();
    vec![dataset, of("experiment", false), of("child", true), of("grandchild", true)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_an_event_is_sealed() {
    let parts = grandchild(81).await;
    let lines = parts.clone().lines("events.jsonl");
    let flipped = |value: &Value| {
        let text = value.as_str().unwrap();
        json!(format!("{}{}", if text.starts_with('0') { '1' } else { '0' }, &text[1..]))
    };
    for index in samples(&lines) {
        let line = &lines[index];
        let position = line["position"].as_u64().unwrap();
        let text = |field: &str, more: &str| json!(format!("{}{more}", line[field].as_str().unwrap()));
        let number = |field: &str, more: u64| json!(line[field].as_u64().unwrap() + more);
        let cases: [(&str, Value, &[&str]); 13] = [
            ("stream_type", json!("other"), &["sequence", "prev_hash"]),
            ("stream", json!("other"), &["sequence", "prev_hash"]),
            ("sequence", number("sequence", 1), &["hash"]),
            ("event_type", text("event_type", "x"), &["hash"]),
            ("event_version", json!("7"), &["hash"]),
            ("payload", text("payload", " "), &["hash"]),
            ("metadata", json!(line["metadata"].as_str().unwrap().replace("tester", "Tester")), &["hash"]),
            ("recorded_at_us", number("recorded_at_us", 1), &["hash"]),
            ("prev_hash", flipped(&line["prev_hash"]), &["prev_hash"]),
            ("hash", flipped(&line["hash"]), &["hash"]),
            ("log_hash", flipped(&line["log_hash"]), &["log_hash"]),
            ("previous_log_hash", flipped(&line["previous_log_hash"]), &["log_hash"]),
            ("position", number("position", 1_000), &["log_hash"]),
        ];
        for (field, value, kinds) in cases {
            let what = format!("{field} of event {position}");
            let place = if field == "position" { position + 1_000 } else { position };
            let mut altered = lines.clone();
            altered[index][field] = value;
            let mut parts = parts.clone();
            parts.set_lines("events.jsonl", &altered);
            assert_named(&found(&parts, &what), place, kinds, &what);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_not_events_are_named() {
    let parts = grandchild(82).await;
    let text = String::from_utf8(parts.clone().member("events.jsonl").clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let before = serde_json::from_str::<Value>(lines[4]).unwrap()["position"].as_u64().unwrap();
    let deep = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    let altered: Vec<(&str, String)> = vec![
        ("an empty line", String::new()),
        ("half a line", lines[5][..90].to_owned()),
        ("an array", format!("[{}]", lines[5])),
        ("a field more", lines[5].replacen('{', "{\"more\":1,", 1)),
        ("a field less", lines[5].replacen("\"event_version\":\"1\",", "", 1)),
        ("a field twice", lines[5].replacen('{', "{\"event_version\":\"1\",", 1)),
        ("a number as text", lines[5].replacen("\"sequence\":", "\"sequence\":\"1\",\"x\":", 1)),
        ("a fraction", lines[5].replacen("\"sequence\":", "\"sequence\":1.0,\"x\":", 1)),
        ("upper case", lines[5].replace("hash\":\"", "hash\":\"A")),
        ("no text", lines[5].replacen("\"payload\":\"", "\"payload\":\"\\ud800", 1)),
        ("not a number", lines[5].replacen("\"sequence\":", "\"sequence\":NaN,\"x\":", 1)),
        ("too deep", deep),
    ];
    for (what, line) in altered {
        let mut lines = lines.clone();
        lines[5] = &line;
        let mut parts = parts.clone();
        *parts.member("events.jsonl") = format!("{}\n", lines.join("\n")).into_bytes();
        assert_named(&found(&parts, what), before, &["unreadable"], what);
    }
    let mut bytes = parts.clone();
    *bytes.member("events.jsonl") = [b"\xff\n", text.as_bytes()].concat();
    assert_named(&found(&bytes, "no UTF-8"), 0, &["unreadable"], "no UTF-8");

    // Payloads that are sealed, but no JSON.
    for payload in
        ["{", "[1,]", "{\"a\":NaN}", "1e999", "\"\\ud800\"", "\u{feff}{}", &format!("{0}{0}", "[".repeat(300))]
    {
        let mut lines = parts.clone().lines("events.jsonl");
        let last = lines.len() - 1;
        lines[last]["payload"] = json!(payload);
        forge(&mut lines, last);
        let mut parts = parts.clone();
        parts.set_lines("events.jsonl", &lines);
        let position = lines[last]["position"].as_u64().unwrap();
        assert_named(&found(&parts, payload), position, &["unreadable"], payload);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanged_missing_and_added_lines_are_named() {
    let parts = grandchild(83).await;
    let lines = parts.clone().lines("events.jsonl");
    let altered = |lines: &[Value], what: &str| {
        let mut parts = parts.clone();
        parts.set_lines("events.jsonl", lines);
        found(&parts, what)
    };
    let position = |index: usize| lines[index]["position"].as_u64().unwrap();
    let last = lines.len() - 1;

    let mut swapped = lines.clone();
    swapped.swap(10, 11);
    assert_named(&altered(&swapped, "order"), position(10), &["order"], "order");
    let mut without = lines.clone();
    let next = (8..last).find(|index| lines[*index]["stream"] == lines[7]["stream"]).unwrap();
    without.remove(7);
    assert_named(&altered(&without, "one missing"), position(next), &["sequence", "prev_hash"], "one missing");
    let mut twice = lines.clone();
    twice.insert(7, lines[7].clone());
    assert_named(&altered(&twice, "one twice"), position(7), &["order", "sequence"], "one twice");
    let tail = altered(&lines[..last], "the tail");
    assert_named(&tail, position(last - 1), &["incomplete"], "the tail");
    assert_named(&altered(&[], "everything"), position(last), &["incomplete"], "everything");

    for stream_type in ["dataset", "experiment"] {
        let rest: Vec<Value> = lines.iter().filter(|line| line["stream_type"] != stream_type).cloned().collect();
        let missing = altered(&rest, stream_type);
        let stream = lines.iter().find(|line| line["stream_type"] == stream_type).unwrap()["stream"].as_str().unwrap();
        let named = |d: &&atsre_replay::Difference| d.kind == "incomplete" && d.stream == Some(StreamId(stream.into()));
        assert!(missing.differences.iter().any(|d| named(&d)), "{missing:#?}");
    }
    // The data set is gone, and the manifest is rewritten as if there had never been one.
    let mut gone = parts.clone();
    let rest: Vec<Value> = lines.iter().filter(|line| line["stream_type"] != "dataset").cloned().collect();
    gone.set_lines("events.jsonl", &rest);
    rewrite(&mut gone);
    let opened = lines.iter().find(|line| line["event_type"] == "ExperimentOpened").unwrap();
    let gone = checked(&gone.pack(), "a data set that never was");
    assert_named(&gone, opened["position"].as_u64().unwrap(), &["incomplete"], "a data set that never was");

    // A stream that has no business here.
    let mut foreign = lines.clone();
    let mut event = lines[last].clone();
    event["stream"] = json!("foreign");
    event["sequence"] = json!(1);
    event["prev_hash"] = json!(hash::hex(&hash::genesis("experiment", "foreign")));
    event["position"] = json!(position(last) + 1);
    event["previous_log_hash"] = lines[last]["log_hash"].clone();
    foreign.push(event);
    forge(&mut foreign, last + 1);
    let mut parts = parts.clone();
    parts.set_lines("events.jsonl", &foreign);
    rewrite(&mut parts);
    let foreign = checked(&parts.pack(), "a foreign stream");
    assert_eq!(
        foreign.differences.iter().map(|d| (d.position.0, d.kind)).collect::<Vec<_>>(),
        [(position(last) + 1, "extra")]
    );
}

fn hash_of(value: &Value) -> Hash {
    hash::from_hex(value.as_str().unwrap()).unwrap()
}

/// Gives an altered event the hashes that its content has.
fn forge(lines: &mut [Value], index: usize) {
    let line = &mut lines[index];
    let text = |field: &str| line[field].as_str().unwrap().to_owned();
    let mut event = StoredEvent {
        position: Position(line["position"].as_u64().unwrap()),
        stream_type: text("stream_type"),
        stream: StreamId(text("stream")),
        sequence: Sequence(line["sequence"].as_u64().unwrap()),
        event_type: text("event_type"),
        event_version: text("event_version"),
        payload: text("payload"),
        metadata: text("metadata"),
        recorded_at: Timestamp(line["recorded_at_us"].as_i64().unwrap()),
        prev_hash: hash_of(&line["prev_hash"]),
        hash: Hash::default(),
        log_hash: Hash::default(),
    };
    event.hash = hash::event_hash(&event.prev_hash, &event);
    let log_hash = hash::log_hash(&hash_of(&line["previous_log_hash"]), event.position.0, &event.hash);
    line["hash"] = json!(hash::hex(&event.hash));
    line["log_hash"] = json!(hash::hex(&log_hash));
}

/// Makes the manifest say all that the events say, as a forger would who knows the format.
fn rewrite(parts: &mut Parts) {
    let lines = parts.lines("events.jsonl");
    let mut manifest = parts.manifest();
    let mut streams: std::collections::BTreeMap<(String, String), Value> = Default::default();
    for line in &lines {
        let name = |field: &str| line[field].as_str().unwrap().to_owned();
        let end = streams.entry((name("stream_type"), name("stream"))).or_insert(json!({ "events": 0 }));
        *end = json!({
            "stream_type": line["stream_type"], "stream": line["stream"],
            "events": end["events"].as_u64().unwrap() + 1, "last_sequence": line["sequence"],
            "last_position": line["position"], "last_hash": line["hash"],
        });
    }
    manifest["counts"]["events"] = json!(lines.len());
    manifest["counts"]["streams"] = json!(streams.len());
    manifest["streams"] = streams.into_values().collect();
    if let Some(last) = lines.last().filter(|last| last["position"].as_u64() >= manifest["head"]["position"].as_u64()) {
        manifest["head"] = json!({ "position": last["position"], "log_hash": last["log_hash"] });
    }
    let names: Vec<String> = parts.0.iter().map(|(name, _)| name.clone()).collect();
    let text: String = lines.iter().map(|line| line["payload"].as_str().unwrap()).collect();
    let gone = |name: &str| name.strip_prefix("artifacts/").is_some_and(|digest| !text.contains(digest));
    names.iter().filter(|name| gone(name)).for_each(|name| parts.remove(name));
    let members = manifest["members"].as_array_mut().unwrap();
    members.retain(|member| !gone(member["name"].as_str().unwrap()));
    let artifacts: Vec<u64> = members
        .iter()
        .filter(|member| member["name"].as_str().unwrap().starts_with("artifacts/"))
        .map(|member| member["length_bytes"].as_u64().unwrap())
        .collect();
    manifest["counts"]["artifacts"] = json!(artifacts.len());
    manifest["counts"]["artifact_bytes"] = json!(artifacts.iter().sum::<u64>());
    parts.set_manifest(&manifest);
    parts.reseal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_event_breaks_the_chain_or_the_anchor() {
    let parts = grandchild(84).await;
    let lines = parts.clone().lines("events.jsonl");
    let last = lines.len() - 1;
    for index in samples(&lines).into_iter().filter(|index| *index != last) {
        let next = lines[index + 1..].iter().find(|line| line["stream"] == lines[index]["stream"]);
        let mut forged = lines.clone();
        forged[index]["metadata"] = json!(lines[index]["metadata"].as_str().unwrap().replace("tester", "nobody"));
        forge(&mut forged, index);
        let mut parts = parts.clone();
        parts.set_lines("events.jsonl", &forged);
        rewrite(&mut parts);
        let verification = checked(&parts.pack(), "a forged event");
        match next {
            Some(next) => {
                assert_named(&verification, next["position"].as_u64().unwrap(), &["prev_hash"], "in the middle")
            }
            // The last shared event: the fork says which hash it follows.
            None => assert_named(&verification, lines[index]["position"].as_u64().unwrap(), &["lineage"], "at a fork"),
        }
    }
    // The last event has nothing after it: only what is outside of the chains can tell.
    let mut forged = lines.clone();
    forged[last]["metadata"] = json!(lines[last]["metadata"].as_str().unwrap().replace("tester", "nobody"));
    forge(&mut forged, last);
    let mut parts = parts.clone();
    parts.set_lines("events.jsonl", &forged);
    rewrite(&mut parts);
    let position = lines[last]["position"].as_u64().unwrap();
    let verification = checked(&parts.pack(), "a forged last event");
    assert_eq!(
        verification.differences.iter().map(|d| (d.position.0, d.kind)).collect::<Vec<_>>(),
        [(position, "anchor")]
    );
    parts.member("anchors.jsonl").clear();
    let mut manifest = parts.manifest();
    manifest["counts"]["anchors"] = json!(0);
    parts.set_manifest(&manifest);
    parts.reseal();
    assert!(
        checked(&parts.pack(), "without the anchor").ok,
        "without the anchor it cannot be told, and README says so"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lineage_and_anchors_are_held_against_the_events() {
    let parts = grandchild(85).await;
    let lineage = parts.clone().lines("lineage.jsonl");
    let zeros = "0".repeat(64);
    for (index, row) in lineage.iter().enumerate() {
        let more = |field: &str| json!(row[field].as_u64().unwrap() + 1);
        let cases = [
            ("stream_type", json!("other")),
            ("child", json!("other")),
            ("parent", json!("other")),
            ("fork_sequence", more("fork_sequence")),
            ("parent_hash", json!(zeros)),
            ("forked_at_position", more("forked_at_position")),
        ];
        for (field, value) in cases {
            let what = format!("{field} of fork {index}");
            let mut altered = lineage.clone();
            altered[index][field] = value;
            let mut parts = parts.clone();
            parts.set_lines("lineage.jsonl", &altered);
            let verification = found(&parts, &what);
            assert!(verification.differences.iter().any(|d| d.kind == "lineage"), "{what}: {verification:#?}");
        }
        let mut fewer = lineage.clone();
        fewer.remove(index);
        let mut without = parts.clone();
        without.set_lines("lineage.jsonl", &fewer);
        found(&without, "a fork is missing");
        let mut twice = parts.clone();
        twice.set_lines("lineage.jsonl", &[lineage.clone(), vec![row.clone()]].concat());
        let twice = found(&twice, "a fork twice");
        assert_named(&twice, row["forked_at_position"].as_u64().unwrap(), &["lineage"], "a fork twice");
    }
    let mut circle = lineage.clone();
    circle[0]["parent"] = lineage[1]["child"].clone();
    let mut circular = parts.clone();
    circular.set_lines("lineage.jsonl", &circle);
    found(&circular, "forks in a circle");
    let mut many = parts.clone();
    many.set_lines("lineage.jsonl", &vec![lineage[0].clone(); 300]);
    assert_named(&found(&many, "many forks"), 0, &["lineage"], "many forks");

    let anchor = parts.clone().lines("anchors.jsonl").remove(0);
    let position = anchor["position"].as_u64().unwrap();
    let mut wrong = parts.clone();
    wrong.set_lines("anchors.jsonl", &[json!({ "position": position, "log_hash": zeros })]);
    assert_named(&found(&wrong, "an anchor"), position, &["anchor"], "an anchor");
    let signature = anchor["signature"].as_str().unwrap();
    let flipped = format!("{}{}", if signature.starts_with('0') { '1' } else { '0' }, &signature[1..]);
    // The base point of the curve: a key that is one, and not the one that signed.
    let other = format!("58{}", "66".repeat(31));
    for (field, value) in
        [("anchored_at", "2020-01-01T00:00:00.000000Z"), ("signature", flipped.as_str()), ("public_key", &other)]
    {
        let mut forged = anchor.clone();
        forged[field] = json!(value);
        wrong.set_lines("anchors.jsonl", &[forged]);
        assert_named(&found(&wrong, field), position, &["anchor"], field);
    }
    for field in ["anchored_at", "signature", "public_key"] {
        let mut torn = anchor.clone();
        torn.as_object_mut().unwrap().remove(field);
        wrong.set_lines("anchors.jsonl", &[torn]);
        assert_named(&found(&wrong, field), 0, &["anchor"], field);
    }
    for line in ["", "[]", "{\"position\":1}", "{\"position\":-1,\"log_hash\":\"\"}", "x"] {
        let mut broken = parts.clone();
        *broken.member("anchors.jsonl") = format!("{anchor}\n{line}\n").into_bytes();
        assert_named(&found(&broken, line), 0, &["anchor"], line);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artifacts_and_the_report_are_held_against_the_events() {
    let parts = grandchild(86).await;
    let lines = parts.clone().lines("events.jsonl");
    let names: Vec<String> =
        parts.0.iter().map(|(name, _)| name.clone()).filter(|n| n.starts_with("artifacts/")).collect();
    for name in &names {
        let digest = name.strip_prefix("artifacts/").unwrap();
        let naming = lines.iter().find(|line| line["payload"].as_str().unwrap().contains(digest)).unwrap();
        let position = naming["position"].as_u64().unwrap();
        let mut changed = parts.clone();
        changed.member(name)[0] ^= 1;
        assert_named(&found(&changed, name), position, &["artifact"], "a changed artifact");
        let mut longer = parts.clone();
        longer.member(name).push(b' ');
        assert_named(&found(&longer, name), position, &["artifact"], "a longer artifact");
        let mut missing = parts.clone();
        missing.remove(name);
        assert_named(&found(&missing, name), position, &["artifact"], "a missing artifact");
        let mut manifest = missing.manifest();
        manifest["members"].as_array_mut().unwrap().retain(|member| member["name"] != **name);
        missing.set_manifest(&manifest);
        let unlisted = checked(&missing.pack(), "an artifact that never was");
        assert_named(&unlisted, position, &["artifact"], "an artifact that never was");
    }
    let extra = format!("artifacts/{}", hash::hex(&hash::empty_log()));
    let mut parts = parts.clone();
    parts.add(&extra, b"\x02");
    assert_named(&found(&parts, "an artifact that nobody names"), 0, &["extra"], "an artifact that nobody names");
    let mut manifest = parts.manifest();
    manifest["members"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": extra, "length_bytes": 1, "sha256": extra[10..] }));
    parts.set_manifest(&manifest);
    let listed = checked(&parts.pack(), "listed, but nobody names it");
    assert!(
        listed.differences.iter().any(|d| d.kind == "extra" && d.detail.contains("no event names it")),
        "{listed:#?}"
    );

    // A report that the events do not name, and one that is not what they name.
    let mut report = grandchild(87).await;
    report.add("report.html", b"<html>all is well</html>");
    let mut manifest = report.manifest();
    manifest["members"].as_array_mut().unwrap().push(json!({ "name": "report.html", "length_bytes": 0, "sha256": "" }));
    report.set_manifest(&manifest);
    assert_named(&found(&report, "a report"), 0, &["extra"], "a report");
    let forked = forked(88).await;
    let mut parts = Parts::of(&exported(forked.database.store(), &forked.parent, &options()).await);
    *parts.member("report.html") = b"<html>all is well</html>".to_vec();
    assert_named(&found(&parts, "another report"), 0, &["member"], "another report");
    parts.remove("report.html");
    found(&parts, "no report");
}
