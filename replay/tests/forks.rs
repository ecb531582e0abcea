//! Forks and past moments, over random histories: what is shared is shared, what is not never shows in the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../../projections/tests/support/mod.rs"]
mod support;

use std::io::Cursor;

use atsre_domain::experiment::{Command, Event, Experiment};
use atsre_domain::identity::Seed;
use atsre_domain::{Decider as _, Position, Sequence, StreamId, Timestamp};
use atsre_projections::runner::catch_up;
use atsre_projections::{PROJECTIONS, compare, find, rows_as_of};
use atsre_replay::bundle::{ExportOptions, check, export, import};
use atsre_replay::fork::{ForkError, ForkRequest, Forked, fork};
use atsre_replay::state::{as_of, events_as_of};
use atsre_replay::verify::verify;
use atsre_store::testing::TestDatabase;
use atsre_store::{Store, StoredEvent};
use serde_json::Value;
use support::{Numbers, Step, envelope, experiment_steps, history, play};

/// Histories in the property test.
const HISTORIES: u64 = 1_000;

fn request(parent: &StreamId, at: Position, overrides: &[(&str, &str)]) -> ForkRequest {
    ForkRequest {
        parent: parent.clone(),
        at,
        reason: "what if?".to_owned(),
        overrides: overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        seed: Seed(99),
        now: Timestamp(1_700_000_000_000_000),
    }
}

async fn forked(store: &Store, parent: &StreamId, at: Position) -> Result<Forked, ForkError> {
    fork(store, request(parent, at, &[]), &envelope()).await
}

async fn stream_of(store: &Store, stream: &StreamId) -> Vec<StoredEvent> {
    store.log().read_stream("experiment", stream).await.unwrap()
}

fn fold(events: &[StoredEvent]) -> Experiment {
    let mut experiment = Experiment::default();
    for event in events {
        experiment.evolve(&event.recorded::<Event>().unwrap().event);
    }
    experiment
}

/// Plays up to so many commands; gives the state and the log's end after each that changed something.
async fn go_on(
    store: &Store,
    stream: &StreamId,
    steps: &mut std::vec::IntoIter<Step>,
    commands: u64,
) -> Vec<(Position, Experiment)> {
    let mut states = Vec::new();
    let mut played = 0;
    while played < commands {
        match steps.next() {
            Some(Step::Artifact(bytes)) => drop(store.artifacts().put(&bytes, "application/json").await.unwrap()),
            Some(Step::Experiment(_, command)) => {
                let appended = store.execute::<Experiment>(stream, command, &envelope()).await.unwrap();
                states.extend(appended.positions().last().map(|last| (*last, appended.state.clone())));
                played += 1;
            }
            Some(_) => {}
            None => break,
        }
    }
    states
}

/// The beginning of a random experiment, and what would come next.
async fn begun(store: &Store, seed: u64) -> (StreamId, Vec<(Position, Experiment)>, std::vec::IntoIter<Step>) {
    let mut numbers = Numbers(seed);
    let stream = StreamId(format!("parent-{seed}"));
    let mut steps = experiment_steps(&mut numbers, &stream, &Store::dataset_stream("bikes")).into_iter();
    let states = go_on(store, &stream, &mut steps, 2 + numbers.below(8)).await;
    (stream, states, steps)
}

async fn keeps_to_itself(store: &Store, elsewhere: &Store, seed: u64) {
    let (parent, states, mut rest) = begun(store, seed).await;
    let mut numbers = Numbers(seed ^ 0x5eed);
    let (at, then) = &states[numbers.below(states.len() as u64) as usize];
    let before = stream_of(store, &parent).await;

    let Ok(child) = forked(store, &parent, *at).await else {
        assert!(!then.is_open(), "seed {seed}: only what has ended cannot be forked");
        return;
    };

    // fold(child's prefix) = fold(parent up to the fork) = the state when that was the head.
    let in_child = stream_of(store, &child.child).await;
    let (shared, own): (Vec<_>, Vec<_>) = in_child.iter().cloned().partition(|e| e.sequence <= child.at_sequence);
    assert_eq!(shared, before[..shared.len()], "seed {seed}: not one event is copied or changed");
    assert_eq!(&fold(&shared), then, "seed {seed}");
    assert_eq!(&as_of(store, &parent, *at).await.unwrap().experiment, then, "seed {seed}");
    // What had not ended is queued anew, under the same number, and nothing else is.
    let anew = own.iter().filter(|e| e.event_type == "TrialQueued").count();
    assert_eq!(anew, then.trials.values().filter(|trial| !trial.ended()).count(), "seed {seed}");

    // Appends to either never show in the other.
    store.execute::<Experiment>(&child.child, Command::Cancel { reason: "enough".into() }, &envelope()).await.unwrap();
    assert_eq!(stream_of(store, &parent).await, before, "seed {seed}: the child's event shows in the parent");
    let child_now = stream_of(store, &child.child).await;
    go_on(store, &parent, &mut rest, 3).await;
    assert_eq!(stream_of(store, &child.child).await, child_now, "seed {seed}: the parent's event shows in the child");

    // What leaves in a bundle verifies there, and enters another store as it was.
    for stream in [&child.child, &parent] {
        let mut bundle = Cursor::new(Vec::new());
        let options = ExportOptions { build: "test".into(), ..ExportOptions::default() };
        export(store, stream, &options, &mut bundle).await.unwrap();
        let checked = check(&mut bundle).unwrap();
        assert!(checked.ok, "seed {seed}: {:?}", checked.differences);
        import(elsewhere, &mut bundle).await.unwrap();
        let there = stream_of(elsewhere, stream).await;
        assert_eq!(contents(&there), contents(&stream_of(store, stream).await), "seed {seed}: {stream}");
    }
}

/// What of an event is the same in every store.
fn contents(events: &[StoredEvent]) -> Vec<(&StreamId, Sequence, &str, &str, &str)> {
    events.iter().map(|e| (&e.stream, e.sequence, &*e.event_type, &*e.payload, &*e.metadata)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_thousand_random_histories_the_branches_keep_to_themselves() {
    let (database, another) = (TestDatabase::create().await, TestDatabase::create().await);
    let (store, elsewhere) = (database.store(), another.store());
    play(store, history(1, 0)).await;
    // The data set's history is in every bundle; the first brings it, and no two at once.
    keeps_to_itself(store, elsewhere, 0).await;
    let lanes = (1..5_u64).map(|lane| {
        let (store, elsewhere) = (store.clone(), elsewhere.clone());
        tokio::spawn(async move {
            for seed in (lane..HISTORIES).step_by(4) {
                keeps_to_itself(&store, &elsewhere, seed).await;
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    for store in [store, elsewhere] {
        for projection in PROJECTIONS {
            catch_up(store, projection).await.unwrap();
            let comparison = compare(store, projection).await.unwrap();
            assert!(!comparison.differs, "rebuild = live: {:?}", comparison.differences);
        }
        let verification = verify(store, &[], |_, _| ()).await.unwrap();
        assert!(verification.ok, "{:?}", verification.differences);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_model_as_of_a_moment_is_what_it_was_then() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let played = play(store, history(7, 1)).await;
    let stream = StreamId("experiment-7-0".to_owned());
    let last = played.last.0;
    let live = async |table: &str| -> Vec<Value> {
        sqlx::query_scalar(&format!("SELECT to_jsonb(r) FROM {table} r ORDER BY r"))
            .fetch_all(store.pool())
            .await
            .unwrap()
    };
    for projection in PROJECTIONS {
        catch_up(store, projection).await.unwrap();
    }
    let events = events_as_of(store, &stream, Position(last)).await.unwrap();
    for table in ["experiments", "trials", "model_metrics", "forecasts", "resource_logs", "datasets", "causal_graphs"] {
        assert_eq!(rows_as_of(store, table, &events).await.unwrap(), live(table).await, "{table}");
    }
    let early = events_as_of(store, &stream, Position(last / 2)).await.unwrap();
    let trials = rows_as_of(store, "trials", &early).await.unwrap();
    assert!(trials.len() < live("trials").await.len() || trials != live("trials").await, "the past is not the present");
    assert!(rows_as_of(store, "no_such_table", &events).await.is_err());
    // Nothing is left behind.
    let scratch: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'as_of%'")
        .fetch_one(store.pool())
        .await
        .unwrap();
    assert_eq!(scratch, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_shows_the_finished_trials_of_its_parent_under_their_ids() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let played = play(store, history(3, 1)).await;
    let parent = StreamId("experiment-3-0".to_owned());
    let events = stream_of(store, &parent).await;
    let completed = events.iter().filter(|e| e.event_type == "TrialCompleted").nth(1).unwrap().position;
    assert!(completed < played.last);

    let child = forked(store, &parent, completed).await.unwrap();

    catch_up(store, find("experiments").unwrap()).await.unwrap();
    let ids = async |experiment: i64, status: &str| -> Vec<i64> {
        sqlx::query_scalar(
            "SELECT trial_id FROM trials WHERE experiment_id = $1 AND trial_id <= $2 AND status = $3 ORDER BY trial_id",
        )
        .bind(experiment)
        .bind(completed.0 as i64)
        .bind(status)
        .fetch_all(store.pool())
        .await
        .unwrap()
    };
    let parent_id = events[0].position.0 as i64;
    let child_id = child.experiment_id.0 as i64;
    let shared = ids(child_id, "COMPLETED").await;
    assert_eq!(shared.len(), 2);
    assert!(shared.iter().all(|id| *id < completed.0 as i64));
    let of_parent: Vec<i64> =
        sqlx::query_scalar("SELECT parent_id FROM experiments WHERE experiment_id = $1 AND fork_reason = 'what if?'")
            .bind(child_id)
            .fetch_all(store.pool())
            .await
            .unwrap();
    assert_eq!(of_parent, [parent_id]);
    // The metrics of a shared trial are there once, and found from both.
    for experiment in [parent_id, child_id] {
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM trials t JOIN model_metrics m USING (trial_id) \
             WHERE t.experiment_id = $1 AND t.trial_id = $2 AND m.metric = 'mase' AND m.split = 'backtest'",
        )
        .bind(experiment)
        .bind(shared[0])
        .fetch_one(store.pool())
        .await
        .unwrap();
        assert_eq!(found, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_settled_cannot_be_set_and_the_last_moment_for_it_is_named() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(5, 1)).await;
    let parent = StreamId("experiment-5-0".to_owned());
    let events = stream_of(store, &parent).await;
    let position_of = |event_type: &str| events.iter().find(|e| e.event_type == event_type).unwrap().position;
    let before = |event_type: &str| {
        let place = events.iter().position(|e| e.event_type == event_type).unwrap();
        events[place - 1].position
    };
    let approved = position_of("PlanApproved");
    let cases = [
        (("horizon", "48"), before("TrialQueued")),
        (("reasoner", "llm"), before("PlanProposed")),
        (("models", "theta"), before("PlanApproved")),
        (("data", "1"), before("DiagnosisRequested")),
    ];
    for (pair, expected) in cases {
        let error = fork(store, request(&parent, approved, &[pair]), &envelope()).await.unwrap_err();
        let ForkError::Settled { latest, .. } = &error else { panic!("{pair:?}: {error}") };
        assert_eq!(*latest, Some(expected), "{pair:?}: {error}");
        assert!(error.to_string().contains(&format!("up to position {expected}")), "{error}");
        fork(store, request(&parent, expected, &[pair]), &envelope()).await.unwrap();
    }
    let end = position_of("ExperimentCompleted");
    assert!(matches!(forked(store, &parent, end).await, Err(ForkError::Settled { .. })), "it has ended there");
    assert!(matches!(forked(store, &parent, Position(0)).await, Err(ForkError::TooEarly { .. })));
    let unknown = fork(store, request(&parent, approved, &[("colour", "red")]), &envelope()).await.unwrap_err();
    assert!(unknown.to_string().contains("significance_level"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forks_of_forks_go_as_deep_as_is_stated() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let (mut stream, states, _) = begun(store, 11).await;
    let mut at = states[0].0;
    for depth in 1..=32 {
        let child = forked(store, &stream, at).await.unwrap_or_else(|error| panic!("depth {depth}: {error}"));
        (stream, at) = (child.child, child.experiment_id);
    }
    let error = forked(store, &stream, at).await.unwrap_err();
    assert!(error.to_string().contains("32 forks deep"), "{error}");
    let events = stream_of(store, &stream).await;
    assert_eq!(events.iter().filter(|e| e.event_type == "ExperimentForked").count(), 32);
}
