//! Read models made anew: the same rows, with readers running.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use atsre_domain::{Position, Recorded};
use atsre_projections::experiments::EXPERIMENTS;
use atsre_projections::runner::catch_up;
use atsre_projections::{Check, PROJECTIONS, Projection, compare, find, rebuild};
use atsre_store::Store;
use atsre_store::testing::TestDatabase;
use sqlx::{Connection as _, Executor as _, PgConnection};
use support::{append_poison, history, play};

async fn schemas(store: &Store) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'experiments%' OR nspname LIKE 'datasets%' ORDER BY 1",
    )
    .fetch_all(store.pool())
    .await
    .unwrap()
}

/// Whether a fold in memory, page by page, proves the live rows to be the same.
async fn proved_same(store: &Store, projection: &'static Projection) -> bool {
    let mut check = Check::begin(store, projection).await.unwrap();
    let mut page = Vec::new();
    for stored in store.log().scan(Position(0), usize::MAX >> 1).await.unwrap().events {
        let (position, sequence, recorded_at) = (stored.position, stored.sequence, stored.recorded_at);
        let event = stored.decode().unwrap();
        page.push(Arc::new(Recorded { position, stream: stored.stream, sequence, recorded_at, event }));
        if page.len() == 37 {
            check.feed(store, &Arc::from(std::mem::take(&mut page))).await;
        }
    }
    check.feed(store, &Arc::from(page)).await;
    check.is_same().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_gives_the_same_rows() {
    let database = TestDatabase::create().await;
    let store = database.store();
    for seed in 21..24 {
        play(store, history(seed, 1)).await;
        for projection in PROJECTIONS {
            catch_up(store, projection).await.unwrap();
            let before = compare(store, projection).await.unwrap();
            let rebuilt = rebuild(store, projection).await.unwrap();
            let after = compare(store, projection).await.unwrap();
            assert!(!before.differs && !rebuilt.differs && !after.differs, "{before:?} {rebuilt:?} {after:?}");
            assert_eq!((&before.digest, before.rows), (&rebuilt.digest, rebuilt.rows));
            assert_eq!(before.digest, after.digest);
            assert!(proved_same(store, projection).await, "{}", projection.name);
        }
    }
    assert_eq!(schemas(store).await, ["datasets_v2", "experiments_v4"], "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_changed_by_hand_is_named_and_a_rebuild_puts_it_right() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(25, 1)).await;
    for projection in PROJECTIONS {
        catch_up(store, projection).await.unwrap();
    }
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    let cases = [
        (
            "UPDATE experiments_v4.model_metrics SET value = regexp_replace(value, '(\\d)[}]$', '\\19}') WHERE trial_no = 3",
            "model_metrics",
            "changed",
            "\"trial_no\": 3",
        ),
        ("DELETE FROM experiments_v4.trials WHERE trial_no = 2", "trials", "missing", "\"trial_no\": 2"),
        (
            "INSERT INTO experiments_v4.experiments SELECT 'forged', 999999, dataset_name, experiment_name, hypothesis, objective, target, horizon, \
          agent_reasoning, reasoner, status, approval_required, awaiting, causal_graph_id, ensemble_strategy, best_trial_no, error, \
          report_digest, seed, created_at, ended_at, parent, fork_reason FROM experiments_v4.experiments",
            "experiments",
            "extra",
            "forged",
        ),
        (
            "UPDATE experiments_v4.samples SET rss_bytes = regexp_replace(rss_bytes, '[0-9]+', '1') WHERE ctid = (SELECT min(ctid) FROM experiments_v4.samples) \
          AND tableoid = (SELECT min(tableoid::bigint)::oid FROM experiments_v4.samples)",
            "samples",
            "changed",
            "window_start",
        ),
        (
            "UPDATE experiments_v4.forecasts SET value = regexp_replace(value, ',[^,]+', ',NULL') WHERE trial_no = 1",
            "forecasts",
            "changed",
            "\"trial_no\": 1",
        ),
    ];
    let projection = find("experiments").unwrap();
    for (statement, table, kind, key) in cases {
        assert_eq!(owner.execute(statement).await.unwrap().rows_affected(), 1, "{statement}");
        let comparison = compare(store, projection).await.unwrap();
        assert!(comparison.differs && !proved_same(store, projection).await);
        assert_eq!(comparison.differences.len(), 1, "{comparison:?}");
        let difference = &comparison.differences[0];
        assert_eq!((difference.table.as_str(), difference.kind.as_str()), (table, kind));
        assert!(difference.key.contains(key), "{difference:?}");
        assert!(rebuild(store, projection).await.unwrap().differs, "it says what it has replaced");
        assert!(!compare(store, projection).await.unwrap().differs && proved_same(store, projection).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_fails_or_is_given_up_leaves_no_connection_in_disorder() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(27, 1)).await;
    let projection = find("experiments").unwrap();
    catch_up(store, projection).await.unwrap();
    // What the next who use the pool get are answers to their own questions.
    let asks = async |count: i64| {
        let answers =
            (0..count).map(|n| sqlx::query_scalar::<_, i64>("SELECT $1::bigint").bind(n).fetch_one(store.pool()));
        let answers: Vec<i64> = futures::future::join_all(answers).await.into_iter().map(Result::unwrap).collect();
        assert!(answers.into_iter().eq(0..count));
    };
    // Given checks that are given up while their rows come
    for _ in 0..5 {
        drop(Check::begin(store, projection).await.unwrap());
        asks(12).await;
    }
    // And a table that is gone
    sqlx::raw_sql("DROP TABLE experiments_v4.model_metrics CASCADE").execute(store.pool()).await.unwrap();
    for _ in 0..5 {
        assert!(!proved_same(store, projection).await);
        asks(12).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_see_a_rebuild() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(26, 1)).await;
    let projection = find("experiments").unwrap();
    catch_up(store, projection).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicU64::new(0));
    // Two readers that take the views in opposite orders: a swap that waits for one while it holds another would deadlock.
    let statements = [
        "SELECT count(*) FROM trials t JOIN experiments e USING (experiment_id) JOIN model_metrics m USING (trial_id)",
        "SELECT count(*) FROM model_metrics m JOIN trials t USING (trial_id) JOIN experiments e USING (experiment_id)",
    ];
    let expected: i64 = sqlx::query_scalar(statements[0]).fetch_one(store.pool()).await.unwrap();
    assert!(expected > 0);
    let readers: Vec<_> = statements
        .into_iter()
        .map(|statement| {
            let (store, done, reads) = (store.clone(), Arc::clone(&done), Arc::clone(&reads));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let mut transaction = store.pool().begin().await.unwrap();
                    for _ in 0..2 {
                        let rows: i64 = sqlx::query_scalar(statement).fetch_one(&mut *transaction).await.unwrap();
                        assert_eq!(rows, expected);
                    }
                    transaction.commit().await.unwrap();
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..10 {
        assert!(!rebuild(store, projection).await.unwrap().differs);
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(reads.load(Ordering::Relaxed) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_live_runner_goes_on_after_a_rebuild() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut running = tokio::spawn(atsre_projections::run(store.clone(), "experiments", stopped));
    let other = database.another_store().await;
    let writing = tokio::spawn({
        let store = other.clone();
        async move { play(&store, history(27, 2)).await }
    });
    let projection = find("experiments").unwrap();
    for _ in 0..5 {
        assert!(!rebuild(&other, projection).await.unwrap().differs);
    }
    let played = writing.await.unwrap();
    tokio::select! {
        ended = &mut running => panic!("the live runner has ended: {ended:?}"),
        caught_up = atsre_projections::wait_for(store, "experiments", played.last) => caught_up.unwrap(),
    }
    assert!(!compare(store, projection).await.unwrap().differs);
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
}

/// The next version: one column more at the end of a view.
static NEXT: std::sync::LazyLock<Projection> = std::sync::LazyLock::new(|| Projection {
    version: 5,
    name: EXPERIMENTS.name,
    child: EXPERIMENTS.child,
    stream_type: EXPERIMENTS.stream_type,
    tables: EXPERIMENTS.tables,
    inherited: EXPERIMENTS.inherited,
    indexes_sql: EXPERIMENTS.indexes_sql,
    views_sql: Box::leak(
        EXPERIMENTS.views_sql.replace("e.input_erased_at", "e.input_erased_at, 5 AS made_by").into_boxed_str(),
    ),
    needs: EXPERIMENTS.needs,
    apply: EXPERIMENTS.apply,
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_built_beside_the_one_that_is_shown() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(28, 1)).await;
    catch_up(store, find("experiments").unwrap()).await.unwrap();
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    owner.execute("CREATE VIEW public.mine AS SELECT experiment_id FROM read.experiments").await.unwrap();
    catch_up(store, &NEXT).await.unwrap();
    let shown: i64 = sqlx::query_scalar("SELECT count(*) FROM experiments").fetch_one(store.pool()).await.unwrap();
    assert_eq!(shown, 1, "the old version is shown while the new one is made");
    assert!(sqlx::query("SELECT made_by FROM experiments").fetch_one(store.pool()).await.is_err());
    rebuild(store, &NEXT).await.unwrap();
    let made_by: i32 = sqlx::query_scalar("SELECT made_by FROM experiments").fetch_one(store.pool()).await.unwrap();
    assert_eq!(made_by, 5);
    let mine: i64 = sqlx::query_scalar("SELECT count(*) FROM public.mine").fetch_one(&mut owner).await.unwrap();
    assert_eq!(mine, 1, "what was built upon a view stays");
    assert_eq!(schemas(store).await, ["experiments_v4", "experiments_v5"], "the old one is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_build_is_cleared_away() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(29, 1)).await;
    let projection = find("datasets").unwrap();
    catch_up(store, projection).await.unwrap();
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    owner.execute("SET ROLE atsre_service; CREATE SCHEMA datasets_v2_building; CREATE TABLE datasets_v2_building.datasets (x int)").await.unwrap();
    assert!(!rebuild(store, projection).await.unwrap().differs);
    assert_eq!(schemas(store).await, ["datasets_v2"]);
    let stopped = find("experiments").unwrap();
    let poison = append_poison(store).await;
    assert!(catch_up(store, stopped).await.is_err());
    assert!(!compare(store, stopped).await.unwrap().differs, "what it has is right, as far as it goes");
    assert!(rebuild(store, stopped).await.is_err(), "the poison is still there");
    let failures: Vec<i64> =
        sqlx::query_scalar("SELECT position FROM atsre.projection_failures").fetch_all(store.pool()).await.unwrap();
    assert_eq!(failures, [poison.0 as i64]);
}
