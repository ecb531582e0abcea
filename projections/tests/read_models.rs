//! What the views show after whole experiments.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use atsre_domain::dataset::Command;
use atsre_domain::graph::DiscoverySettings;
use atsre_projections::{PROJECTIONS, find, wait_for};
use atsre_store::Store;
use atsre_store::testing::TestDatabase;
use serde_json::{Value, json};
use support::{MODELS, Played, Step, history, play};

async fn projected(seed: u64, experiments: usize) -> (TestDatabase, Played) {
    let database = TestDatabase::create().await;
    let played = play(database.store(), history(seed, experiments)).await;
    for projection in PROJECTIONS {
        atsre_projections::runner::catch_up(database.store(), projection).await.unwrap();
    }
    (database, played)
}

async fn json_rows(store: &Store, statement: &str) -> Vec<Value> {
    let statement = format!("SELECT to_jsonb(r) FROM ({statement}) r");
    sqlx::query_scalar(&statement).fetch_all(store.pool()).await.unwrap()
}

async fn count(pool: &sqlx::PgPool, view: &str) -> i64 {
    sqlx::query_scalar(&format!("SELECT count(*) FROM {view}")).fetch_one(pool).await.unwrap()
}

const VIEWS: [&str; 7] =
    ["datasets", "causal_graphs", "experiments", "trials", "model_metrics", "forecasts", "resource_logs"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_that_may_read_them_finds_the_views_unqualified() {
    let (database, _) = projected(1, 1).await;
    let store = database.store();
    for view in VIEWS {
        let rows = count(store.pool(), view).await;
        assert!(rows > 0, "{view} is empty");
        assert_eq!(count(store.agent_pool(), view).await, rows, "{view} as a language model's SQL sees it");
        assert_eq!(count(store.owner_pool(), &format!("read.{view}")).await, rows, "{view} as its owner sees it");
    }
    let written = sqlx::query("DELETE FROM trials").execute(store.agent_pool()).await;
    assert!(written.is_err(), "the agent only reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_numbers_that_people_see_are_positions() {
    let (database, played) = projected(2, 2).await;
    let store = database.store();
    let opened: Vec<i64> =
        sqlx::query_scalar("SELECT experiment_id FROM experiments ORDER BY 1").fetch_all(store.pool()).await.unwrap();
    let mut expected: Vec<i64> =
        played.first.iter().filter(|((_, name), _)| name == "ExperimentOpened").map(|(_, at)| at.0 as i64).collect();
    expected.sort_unstable();
    assert_eq!(opened, expected);
    let trials: Vec<(String, i32, i64)> = sqlx::query_as(
        "SELECT e.stream, t.trial_no, t.trial_id FROM trials t JOIN experiments e USING (experiment_id) ORDER BY 1, 2",
    )
    .fetch_all(store.pool())
    .await
    .unwrap();
    let expected: Vec<(String, i32, i64)> =
        played.trials.iter().map(|((stream, number), at)| (stream.clone(), *number as i32, at.0 as i64)).collect();
    assert_eq!(trials, expected);
    let dataset = Store::dataset_stream("bikes").0;
    let ids: (i64, i64) = sqlx::query_as("SELECT dataset_id, graph_id FROM datasets, causal_graphs")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(ids.0 as u64, played.first[&(dataset.clone(), "DatasetRegistered".to_owned())].0);
    assert_eq!(ids.1 as u64, played.first[&(dataset, "GraphDiscovered".to_owned())].0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_say_what_the_events_say() {
    let (database, played) = projected(3, 1).await;
    let store = database.store();
    let experiment = &json_rows(store, "SELECT * FROM experiments").await[0];
    assert_eq!(experiment["status"], "COMPLETED");
    assert_eq!(experiment["hypothesis"], "the season explains most");
    assert_eq!(experiment["agent_reasoning"][0]["observation"], "a season");
    let ensemble = MODELS.len() as u32 + 2;
    let best = played.trials[&("experiment-3-0".to_owned(), ensemble)];
    assert_eq!(experiment["best_trial_id"], best.0);
    let trials = json_rows(store, "SELECT * FROM trials ORDER BY trial_no").await;
    assert_eq!(trials.len(), MODELS.len() + 2);
    assert!(trials.iter().all(|trial| trial["status"] == "COMPLETED" && trial["error"] == Value::Null));
    assert_eq!(trials[0]["role"], "baseline");
    assert_eq!(trials[0]["hyperparameters"], json!({ "season": 24 }));
    let healed = trials.iter().find(|trial| trial["attempt"] == 2).expect("with this seed, a trial fails once");
    assert_eq!(healed["diagnosis"], "it passed its memory limit → a smaller batch");
    let graph = &json_rows(store, "SELECT * FROM causal_graphs").await[0];
    assert_eq!(graph["adjacency_matrix"]["matrix"], json!([[0, -1], [1, 0]]), "temperature — at its end, → at count's");
    assert_eq!(graph["dataset_name"], "bikes");
    let metrics = count(store.pool(), "model_metrics").await;
    assert_eq!(metrics, trials.len() as i64 * 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forecasts_and_samples_are_unfolded() {
    let (database, _) = projected(4, 1).await;
    let store = database.store();
    let forecasts = json_rows(store, "SELECT * FROM forecasts WHERE trial_id = (SELECT min(trial_id) FROM trials) ORDER BY quantile NULLS FIRST, step").await;
    assert_eq!(forecasts.len(), 24 * 4);
    assert_eq!(
        (&forecasts[0]["quantile"], &forecasts[0]["value"]),
        (&Value::Null, &Value::Null),
        "a missing mean is NULL"
    );
    assert_eq!((&forecasts[1]["step"], &forecasts[1]["ts"]), (&json!(2), &json!("2023-11-14T23:13:20+00:00")));
    assert_eq!(forecasts[24]["quantile"], 0.1);
    // The artifact, by another way.
    let stored: Value = sqlx::query_scalar(
        "SELECT convert_from(a.bytes, 'UTF8')::jsonb FROM atsre.artifacts a \
         JOIN trials t ON decode(t.result_digest, 'hex') = a.hash ORDER BY t.trial_id LIMIT 1",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert_eq!(forecasts[24 + 5]["value"], stored["forecasts"][0]["quantiles"][0][5]);

    let sampled: (i64, i64) = sqlx::query_as(
        "SELECT count(*), (count(DISTINCT log_time) FILTER (WHERE cpu_usage_percent BETWEEN 0 AND 200 AND gpu_util_percent IS NULL))::bigint \
         FROM resource_logs WHERE trial_id IS NOT NULL",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    let batches: i64 = sqlx::query_scalar("SELECT count(*) FROM atsre.events WHERE event_type = 'ResourceSampled'")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert!(batches > 0);
    assert_eq!(sampled, (batches * 60, batches * 60));
    let first: (f64, i64) = sqlx::query_as(
        "SELECT l.ram_usage_mb, (e.payload #>> '{batch,rss_bytes,1}')::bigint FROM resource_logs l JOIN atsre.events e \
           ON e.event_type = 'ResourceSampled' \
          AND l.log_time = to_timestamp(((e.payload #>> '{batch,window_start}')::numeric + 100000) / 1000000) LIMIT 1",
    )
    .fetch_one(store.pool())
    .await
    .unwrap();
    assert_eq!(first.0, first.1 as f64 / 1_048_576.0);
    let partitions: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_inherits WHERE inhparent = 'experiments_v4.samples'::regclass")
            .fetch_one(store.pool())
            .await
            .unwrap();
    assert!(partitions >= 1, "a partition a day");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_find_similar_trials_in_the_views() {
    let (database, _) = projected(5, 2).await;
    let store = database.store();
    let hourly = json!({ "multiple": 1, "unit": "hour" });
    let past = store.similar_trials("other data", &hourly, 24, 100).await.unwrap();
    assert_eq!(past.len(), 2 * (MODELS.len() + 2));
    assert!(past.iter().all(|(name, _, value, best)| name == "bikes" && best <= value));
    assert!(store.similar_trials("other data", &hourly, 7, 100).await.unwrap().is_empty(), "another season");
    assert_eq!(store.similar_trials("bikes", &json!(null), 1, 5).await.unwrap().len(), 5, "the same data set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runner_follows_and_stops_when_told() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running: Vec<_> = atsre_projections::names()
        .map(|name| tokio::spawn(atsre_projections::run(store.clone(), name, stopped.clone())))
        .collect();
    let played = play(store, history(6, 1)).await;
    for name in atsre_projections::names() {
        wait_for(store, name, played.last).await.unwrap();
    }
    assert_eq!(count(store.pool(), "experiments").await, 1);
    stop.send(true).unwrap();
    for runner in running {
        runner.await.unwrap().unwrap();
    }
    assert!(find("nothing").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_events_may_name_the_same_artifact() {
    // Given a graph that was sought again in another way, and came out the same byte for byte
    let mut steps = history(4, 1);
    let sought = steps.iter().find_map(|step| match step {
        Step::Dataset(stream, Command::RecordGraph(graph)) => Some((stream.clone(), graph.clone())),
        _ => None,
    });
    let (stream, mut graph) = sought.unwrap();
    graph.settings = Some(DiscoverySettings { algorithm: Some("pc".into()), ..DiscoverySettings::default() });
    steps.push(Step::Dataset(stream, Command::RecordGraph(graph)));
    let database = TestDatabase::create().await;
    play(database.store(), steps).await;

    // When the read models follow
    for projection in PROJECTIONS {
        atsre_projections::runner::catch_up(database.store(), projection).await.unwrap();
    }

    // Then both are there
    let graphs = json_rows(database.store(), "SELECT graph_structure FROM causal_graphs").await;
    assert_eq!(graphs.len(), 2);
    assert_eq!(graphs[0], graphs[1]);
}
