//! Two alterations of a bundle at once: neither hides the other, from either checker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod bundles;

use atsre_replay::bundle::BundleVerification;
use bundles::{Parts, checked, found, grandchild};
use serde_json::{Value, json};

/// What somebody does to a bundle, and where it must show as what.
struct Alteration {
    what: &'static str,
    apply: Box<dyn Fn(&mut Parts)>,
    /// `None` where it is not at an event.
    position: Option<u64>,
    kinds: &'static [&'static str],
}

impl Alteration {
    fn is_named(&self, verification: &BundleVerification) -> bool {
        verification.differences.iter().any(|difference| {
            self.position.is_none_or(|at| at == difference.position.0) && self.kinds.contains(&difference.kind)
        })
    }
}

/// Alters the event of a position, wherever in the file it now stands. What is not there any more stays away.
fn event(parts: &mut Parts, position: u64, alter: impl Fn(&mut Value)) {
    let mut lines = parts.lines("events.jsonl");
    lines.iter_mut().filter(|line| line["position"] == position).for_each(alter);
    parts.set_lines("events.jsonl", &lines);
}

fn field(what: &'static str, position: u64, value: impl Fn(&Value) -> Value + 'static) -> Alteration {
    let kinds: &[&str] = match what {
        "prev_hash" => &["prev_hash"],
        "log_hash" | "previous_log_hash" => &["log_hash"],
        _ => &["hash"],
    };
    let apply = Box::new(move |parts: &mut Parts| event(parts, position, |line| line[what] = value(&line[what])));
    Alteration { what, apply, position: Some(position), kinds }
}

fn flipped(value: &Value) -> Value {
    let text = value.as_str().unwrap();
    json!(format!("{}{}", if text.starts_with('0') { '1' } else { '0' }, &text[1..]))
}

/// Each of every kind, at places of their own: events of the root well apart from each other, an artifact, the ends.
fn alterations(parts: &Parts) -> Vec<Alteration> {
    let lines = parts.clone().lines("events.jsonl");
    let root: Vec<&Value> = lines.iter().filter(|l| l["stream"].as_str().unwrap().starts_with("experiment")).collect();
    // Neighbours would show each other's breaks: only every second event is altered.
    let at = |place: usize| root[2 * place]["position"].as_u64().unwrap();
    let last = lines.last().unwrap()["position"].as_u64().unwrap();
    let before_last = lines[lines.len() - 2]["position"].as_u64().unwrap();
    let dataset = lines.iter().find(|l| l["stream_type"] == "dataset").unwrap()["stream"].clone();
    let fork = parts.clone().lines("lineage.jsonl")[0]["forked_at_position"].as_u64().unwrap();
    let artifact = parts.0.iter().map(|(name, _)| name).find(|name| name.starts_with("artifacts/")).unwrap().clone();
    let stays = |line: &Value, position| line["position"] != position;
    let alteration =
        |what, position, kinds, apply: Box<dyn Fn(&mut Parts)>| Alteration { what, apply, position, kinds };
    vec![
        field("event_version", at(1), |_| json!("7")),
        field("payload", at(2), |payload| json!(format!("{} ", payload.as_str().unwrap()))),
        field("metadata", at(3), |metadata| json!(metadata.as_str().unwrap().replace("tester", "Tester"))),
        field("recorded_at_us", at(4), |moment| json!(moment.as_i64().unwrap() + 1)),
        field("prev_hash", at(5), flipped),
        field("hash", at(6), flipped),
        field("log_hash", at(7), flipped),
        field("previous_log_hash", at(8), flipped),
        alteration(
            "a byte of an artifact",
            None,
            &["artifact", "extra"],
            Box::new(move |parts| parts.member(&artifact).push(b' ')),
        ),
        alteration(
            "the tail",
            Some(before_last),
            &["incomplete"],
            Box::new(move |parts| {
                let lines = parts.lines("events.jsonl");
                parts.set_lines(
                    "events.jsonl",
                    &lines.into_iter().filter(|line| stays(line, last)).collect::<Vec<Value>>(),
                );
            }),
        ),
        alteration(
            "a stream",
            None,
            &["incomplete"],
            Box::new(move |parts| {
                let lines = parts.lines("events.jsonl");
                let rest: Vec<Value> = lines.into_iter().filter(|line| line["stream"] != dataset).collect();
                parts.set_lines("events.jsonl", &rest);
            }),
        ),
        alteration(
            "lineage",
            Some(fork),
            &["lineage"],
            Box::new(|parts| {
                let mut forks = parts.lines("lineage.jsonl");
                forks[0]["parent_hash"] = flipped(&forks[0]["parent_hash"]);
                parts.set_lines("lineage.jsonl", &forks);
            }),
        ),
        alteration(
            "a signature",
            Some(last),
            &["anchor"],
            Box::new(|parts| {
                let mut anchors = parts.lines("anchors.jsonl");
                anchors[0]["signature"] = flipped(&anchors[0]["signature"]);
                parts.set_lines("anchors.jsonl", &anchors);
            }),
        ),
        alteration(
            "the manifest",
            None,
            &["manifest"],
            Box::new(|parts| {
                let mut manifest = parts.manifest();
                manifest["counts"]["lineage"] = json!(7);
                parts.set_manifest(&manifest);
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_alterations_is_found_and_named_by_both_checkers() {
    // Given a fork of a fork
    let parts = grandchild(91).await;
    let alterations = alterations(&parts);
    let mut pairs = 0;
    for (index, first) in alterations.iter().enumerate() {
        for second in &alterations[index..] {
            // When it is altered in two ways, and its manifest is made to say the same
            let mut altered = parts.clone();
            (first.apply)(&mut altered);
            if first.what != second.what {
                (second.apply)(&mut altered);
            }
            let what = format!("{} and {}", first.what, second.what);
            let verification = checked(&altered.resealed().pack(), &what);
            // Then both are named
            for alteration in [first, second] {
                assert!(alteration.is_named(&verification), "{what}: {}: {verification:#?}", alteration.what);
            }
            pairs += 1;
        }
    }
    assert_eq!(pairs, 14 * 15 / 2);
    // And without the manifest's help as well.
    let mut altered = parts.clone();
    (alterations[1].apply)(&mut altered);
    (alterations[8].apply)(&mut altered);
    found(&altered, "a payload and an artifact");
}
