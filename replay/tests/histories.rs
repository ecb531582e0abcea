//! What happened, in order, with causes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../projections/tests/support/mod.rs"]
mod support;

use atsre_domain::{Position, StreamId, dataset, experiment};
use atsre_replay::history;
use atsre_store::testing::TestDatabase;
use atsre_store::{Envelope, Store};
use support::{Step, envelope, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_experiment_is_told_in_order_with_what_it_caused_in_its_data_set() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let stream = StreamId("experiment-51-0".into());
    // The data set's last step, the graph, is taken out and taken later, at the experiment's behest.
    let (mut graph, mut steps) = (None, Vec::new());
    for step in support::history(51, 1) {
        match step {
            Step::Dataset(_, command @ dataset::Command::RecordGraph(_)) => graph = Some(command),
            step => steps.push(step),
        }
    }
    let asked =
        steps.iter().position(|s| matches!(s, Step::Experiment(_, experiment::Command::RequestCausalMap))).unwrap();
    let rest = steps.split_off(asked + 1);
    let before = play(store, steps).await;
    let caused = Envelope { correlation: stream.0.clone(), causation: Some(before.last), ..envelope() };
    let dataset = Store::dataset_stream("bikes");
    let graph = store.execute::<dataset::Dataset>(&dataset, graph.unwrap(), &caused).await.unwrap().positions()[0];
    play(store, rest).await;

    let told = history(store, &stream).await.unwrap();
    assert!(told.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(told.first().unwrap().event_type, "ExperimentOpened");
    assert_eq!(told.last().unwrap().event_type, "ExperimentCompleted");
    let of_data: Vec<_> = told.iter().filter(|event| event.stream == dataset).collect();
    assert_eq!(of_data.len(), 1, "only what this experiment caused");
    assert_eq!((of_data[0].position, of_data[0].causation), (graph, Some(before.last)));
    assert_eq!(of_data[0].payload["algorithm"], "PC");
    let own = store.log().read_stream("experiment", &stream).await.unwrap();
    assert_eq!(told.len(), own.len() + 1);
    assert!(told.iter().all(|event| event.actor == "tester" && event.version == 1 && event.hash.len() == 64));
    assert_eq!(told[0].causation, Some(Position(1)));
}
