//! A projector that is killed at any moment goes on to the same tables.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use atsre_projections::runner::{catch_up, catch_up_in_batches};
use atsre_projections::{Error, PROJECTIONS, compare, find};
use atsre_store::Store;
use atsre_store::testing::TestDatabase;
use sqlx::{Connection as _, Executor as _, PgConnection};
use support::{append_poison, history, play};

/// Polls a future so many times and then drops it; `None` when it was not done by then.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

async fn ensure_equal_to_a_clean_build(store: &Store) {
    for projection in PROJECTIONS {
        let comparison = compare(store, projection).await.unwrap();
        assert_eq!(comparison.position, store.log().head().await.unwrap().position);
        assert!(comparison.rows > 0);
        assert_eq!(comparison.differences, [], "{}", projection.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_at_every_await_it_ends_with_the_tables_of_a_clean_build() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let played = play(store, history(11, 2)).await;
    for projection in PROJECTIONS {
        let mut dropped = 0;
        // One poll more each time: every await of the first batches is an end once.
        for polls in 1.. {
            match polled(catch_up_in_batches(store, projection, 5), polls).await {
                None => dropped += 1,
                Some(reached) => {
                    assert_eq!(reached.unwrap(), played.last);
                    break;
                }
            }
        }
        assert!(dropped >= 15, "it was dropped {dropped} times only");
    }
    ensure_equal_to_a_clean_build(store).await;
}

/// Ends the server's side of the connection at the k-th statement that writes to a read model or a checkpoint.
const FUSE: &str = "
    CREATE SEQUENCE public.fuse;
    CREATE TABLE public.fuse_at (k bigint);
    INSERT INTO public.fuse_at VALUES (0);
    CREATE FUNCTION public.burn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF nextval('public.fuse') = (SELECT k FROM public.fuse_at) THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER fuse BEFORE INSERT OR UPDATE ON atsre.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION public.burn();";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_at_every_statement_it_ends_with_the_tables_of_a_clean_build() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let projection = find("experiments").unwrap();
    // The tables, while there is nothing to project.
    catch_up(store, projection).await.unwrap();
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    owner.execute(sqlx::raw_sql(FUSE)).await.unwrap();
    for table in projection.tables {
        for moment in ["BEFORE", "AFTER"] {
            let statement = format!(
                "CREATE TRIGGER fuse_{moment} {moment} INSERT OR UPDATE ON experiments_v4.{} FOR EACH STATEMENT EXECUTE FUNCTION public.burn()",
                table.name
            );
            owner.execute(statement.as_str()).await.unwrap();
        }
    }
    let played = play(store, history(12, 1)).await;
    let mut cut = 0;
    for k in 1.. {
        sqlx::query("UPDATE public.fuse_at SET k = $1").bind(k).execute(&mut owner).await.unwrap();
        owner.execute("ALTER SEQUENCE public.fuse RESTART").await.unwrap();
        match catch_up_in_batches(store, projection, 9).await {
            Err(Error::Store(_) | Error::Database(_)) => cut += 1,
            Err(error) => panic!("{error}"),
            Ok(reached) => {
                assert_eq!(reached, played.last);
                break;
            }
        }
    }
    assert!(cut >= 10, "it was cut off {cut} times only");
    catch_up(store, find("datasets").unwrap()).await.unwrap();
    ensure_equal_to_a_clean_build(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_at_once_project_each_event_once() {
    let database = TestDatabase::create().await;
    let (first, second) = (database.store().clone(), database.another_store().await);
    let played = play(&first, history(13, 2)).await;
    for projection in PROJECTIONS {
        let both =
            tokio::join!(catch_up_in_batches(&first, projection, 3), catch_up_in_batches(&second, projection, 4));
        assert_eq!((both.0.unwrap(), both.1.unwrap()), (played.last, played.last));
    }
    ensure_equal_to_a_clean_build(&first).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_event_stops_its_projection_and_no_other() {
    let database = TestDatabase::create().await;
    let store = database.store();
    play(store, history(14, 1)).await;
    let poison = append_poison(store).await;
    let after = play(store, history(15, 1)).await;
    let (experiments, datasets) = (find("experiments").unwrap(), find("datasets").unwrap());
    assert_eq!(catch_up(store, datasets).await.unwrap(), after.last);
    for _ in 0..2 {
        match catch_up(store, experiments).await {
            Err(Error::Stopped { position, message, .. }) => {
                assert_eq!(position, poison);
                assert!(message.contains("NeverWritten"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
    let reached = store.checkpoints().position(experiments.child, experiments.version).await.unwrap();
    assert_eq!(reached.0, poison.0 - 1, "everything before it, and nothing after it");
    let recorded: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, position FROM atsre.projection_failures").fetch_all(store.pool()).await.unwrap();
    assert_eq!(recorded, [("projector:experiments".to_owned(), poison.0 as i64)]);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM experiments").fetch_one(store.pool()).await.unwrap();
    assert_eq!(rows, 1, "the experiment before it");
    let waited = atsre_projections::wait_for(store, "experiments", after.last).await;
    assert!(matches!(waited, Err(Error::Stopped { .. })), "who waits is told");
    // The runner stands still without ending, so that nobody restarts it again and again.
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(atsre_projections::run(store.clone(), "experiments", stopped));
    tokio::task::yield_now().await;
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_the_database_refuses_is_poison_too() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let played = play(store, history(16, 1)).await;
    let projection = find("experiments").unwrap();
    catch_up(store, projection).await.unwrap();
    // From now on the database takes no second experiment.
    let mut owner = PgConnection::connect(&database.url()).await.unwrap();
    owner.execute("CREATE UNIQUE INDEX ON experiments_v4.experiments ((true))").await.unwrap();
    let later = play(store, history(17, 1)).await;
    let opened = later.first[&("experiment-17-0".to_owned(), "ExperimentOpened".to_owned())];
    match catch_up(store, projection).await {
        Err(Error::Stopped { position, .. }) => assert_eq!(position, opened),
        other => panic!("{other:?}"),
    }
    let reached = store.checkpoints().position(projection.child, projection.version).await.unwrap();
    assert_eq!(reached.0, opened.0 - 1);
    assert!(reached > played.last);
}
