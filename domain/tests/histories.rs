//! Whole saved experiments, folded by today's code: what was decided then must still be readable, and mean the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::Path;

use atsre_domain::dataset::Dataset;
use atsre_domain::event::AnyEvent;
use atsre_domain::experiment::{Experiment, Phase, TrialState};
use atsre_domain::graph::DiscoverySettings;
use atsre_domain::policy::best;
use atsre_domain::process::orchestrator;
use atsre_domain::{Decider as _, Timestamp, TrialNumber};
use serde_json::Value;

/// The events of a saved log, in order.
fn saved(name: &str) -> Vec<(String, AnyEvent)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            let version = u32::try_from(event["version"].as_u64().unwrap()).unwrap();
            let (stream_type, event_type) = (event["stream_type"].as_str().unwrap(), event["type"].as_str().unwrap());
            let decoded = AnyEvent::decode(stream_type, event_type, version, event["payload"].clone()).unwrap();
            (event["stream"].as_str().unwrap().to_owned(), decoded)
        })
        .collect()
}

#[test]
fn the_demo_with_its_healed_failure_folds_to_what_it_was() {
    let mut experiments: BTreeMap<String, Experiment> = BTreeMap::new();
    let mut datasets: BTreeMap<String, Dataset> = BTreeMap::new();
    for (stream, event) in saved("bike_sharing_healed.jsonl") {
        match event {
            AnyEvent::Experiment(event) => experiments.entry(stream).or_default().evolve(&event),
            AnyEvent::Dataset(event) => datasets.entry(stream).or_default().evolve(&event),
            AnyEvent::Node(_) => {}
        }
    }

    let experiment = experiments.values().next().unwrap();
    assert_eq!(experiments.len(), 1);
    assert_eq!(experiment.phase, Phase::Completed { best: TrialNumber(7) });
    assert_eq!(best::best(experiment), Some(TrialNumber(7)), "the best is decided as it was then");
    assert_eq!(experiment.trials.len(), 6);
    assert!(experiment.trials.values().all(|trial| matches!(trial.state, TrialState::Completed { .. })));
    let healed = &experiment.trials[&TrialNumber(6)];
    assert_eq!(healed.failures.len(), 2);
    assert_eq!(healed.spec.integer("batch_size", 0), 1024, "halved twice");
    let opened = experiment.opened.as_ref().unwrap();
    let version = datasets[&opened.dataset.stream.0].version(1).unwrap();
    assert_eq!(version.graph_for("users", &DiscoverySettings::default()).unwrap().drivers[0].variable, "weather");
    assert_eq!(orchestrator::next(experiment, Some(version), Timestamp(i64::MAX)), [], "nothing is left to do");
}
