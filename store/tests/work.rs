//! Checkpoints and work under leases.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::time::Duration;

use atsre_domain::{Epoch, Position};
use atsre_store::testing::TestDatabase;
use atsre_store::{Error, Failed, NewWork, Released};
use common::stream;
use serde_json::json;

const LONG: Duration = Duration::from_secs(600);
/// A lease that has run out when it is given.
const EXPIRED: Duration = Duration::ZERO;

fn item(position: u64) -> NewWork {
    NewWork::new(Position(position), 0, "profile", &stream("experiment"), json!({ "n": position }))
}

fn is_lost<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::LeaseLost { .. }))
}

#[tokio::test]
async fn a_checkpoint_moves_once_and_takes_its_work_along() {
    let database = TestDatabase::create().await;
    let (checkpoints, work) = (database.store().checkpoints(), database.store().work());
    assert_eq!(checkpoints.position("orchestrator", 1).await.unwrap(), Position(0));
    checkpoints.advance("orchestrator", 1, Position(0), Position(5), &[item(3), item(5)]).await.unwrap();
    let late = checkpoints.advance("orchestrator", 1, Position(0), Position(7), &[item(7)]).await;
    assert!(matches!(late, Err(Error::CheckpointMoved { .. })));
    assert_eq!(checkpoints.position("orchestrator", 1).await.unwrap(), Position(5));
    assert_eq!(checkpoints.position("orchestrator", 2).await.unwrap(), Position(0), "versions are apart");
    let claimed = work.claim("node", &["profile"], 10, LONG).await.unwrap();
    assert_eq!(
        claimed.iter().map(|item| item.position.0).collect::<Vec<_>>(),
        [3, 5],
        "the late runner's work is not there"
    );
    assert_eq!((claimed[0].attempt, claimed[0].epoch, &claimed[0].payload), (1, Epoch(1), &json!({ "n": 3 })));
    // The same batch again, as after a lost answer, hands nothing out twice.
    assert_eq!(work.enqueue(&[item(3), item(5), item(9)]).await.unwrap(), 1);
    let next = work.claim("node", &["profile"], 10, LONG).await.unwrap();
    assert_eq!(next.iter().map(|item| item.position.0).collect::<Vec<_>>(), [9]);
    assert_eq!(checkpoints.all().await.unwrap(), [("orchestrator".to_owned(), 1, Position(5))]);
}

#[tokio::test]
async fn a_zombie_is_refused_by_its_epoch() {
    let database = TestDatabase::create().await;
    let work = database.store().work();
    work.enqueue(&[item(1)]).await.unwrap();
    let zombie = work.claim("node-a", &["profile"], 1, EXPIRED).await.unwrap().remove(0);
    let holder = work.claim("node-b", &["profile"], 1, LONG).await.unwrap().remove(0);
    assert_eq!((zombie.epoch, holder.epoch, holder.attempt), (Epoch(1), Epoch(2), 2));
    assert!(work.claim("node-c", &["profile"], 1, LONG).await.unwrap().is_empty(), "one holder at a time");
    assert!(is_lost(work.heartbeat(&zombie, LONG).await));
    assert!(is_lost(work.fail(&zombie, "late", 0.0).await));
    assert!(is_lost(work.give_up(&zombie, "late").await));
    assert!(is_lost(work.hand_back(&zombie).await));
    assert!(is_lost(work.complete(&zombie).await));
    work.heartbeat(&holder, LONG).await.unwrap();
    work.complete(&holder).await.unwrap();
    work.complete(&holder).await.unwrap();
    assert!(is_lost(work.complete(&zombie).await), "also after the end");
    assert_eq!(work.open_items(&stream("experiment")).await.unwrap(), 0);
}

#[tokio::test]
async fn an_expired_lease_that_nobody_took_still_counts() {
    let database = TestDatabase::create().await;
    let work = database.store().work();
    work.enqueue(&[item(1)]).await.unwrap();
    let held = work.claim("node", &["profile"], 1, EXPIRED).await.unwrap().remove(0);
    work.heartbeat(&held, LONG).await.unwrap();
    assert!(work.claim("other", &["profile"], 1, LONG).await.unwrap().is_empty());
    work.complete(&held).await.unwrap();
}

#[tokio::test]
async fn failures_are_tried_again_until_the_item_is_dead_and_reported() {
    let database = TestDatabase::create().await;
    let work = database.store().work();
    work.enqueue(&[NewWork { max_attempts: 2, ..item(1) }, item(2), NewWork { max_attempts: 1, ..item(3) }])
        .await
        .unwrap();
    let claimed = work.claim("node", &["profile"], 10, LONG).await.unwrap();
    assert_eq!(work.fail(&claimed[0], "first\0", 0.0).await.unwrap(), Failed::Retry(Duration::ZERO));
    assert_eq!(work.fail(&claimed[1], "slow", 1.0).await.unwrap(), Failed::Retry(Duration::from_secs(1)));
    assert_eq!(work.fail(&claimed[2], "only", 0.0).await.unwrap(), Failed::Dead);
    let again = work.claim("node", &["profile"], 10, LONG).await.unwrap();
    let again = again.iter().find(|item| item.position == Position(1)).unwrap();
    assert_eq!((again.attempt, again.last_error.as_deref()), (2, Some("first")));
    assert_eq!(work.fail(again, "second", 0.0).await.unwrap(), Failed::Dead);
    let dead = work.dead(&["profile"]).await.unwrap();
    assert_eq!(dead.iter().map(|item| item.position.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(dead[0].last_error.as_deref(), Some("second"));
    work.acknowledge(dead[0].id).await.unwrap();
    assert_eq!(work.dead(&["profile"]).await.unwrap().len(), 1, "what was not acknowledged is reported again");
    assert_eq!(work.dead(&["other"]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_item_whose_last_lease_expires_is_dead() {
    let database = TestDatabase::create().await;
    let work = database.store().work();
    work.enqueue(&[NewWork { max_attempts: 1, ..item(1) }]).await.unwrap();
    assert_eq!(work.claim("node", &["profile"], 1, EXPIRED).await.unwrap().len(), 1);
    assert!(work.claim("node", &["profile"], 1, LONG).await.unwrap().is_empty());
    assert_eq!(work.dead(&["profile"]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_due_waits_and_what_is_handed_back_does_not_count() {
    let database = TestDatabase::create().await;
    let work = database.store().work();
    work.enqueue(&[NewWork { delay: LONG, ..item(1) }, item(2)]).await.unwrap();
    let held = work.claim("node", &["profile"], 10, LONG).await.unwrap();
    assert_eq!(held.len(), 1, "a timer is not due before its time");
    work.hand_back(&held[0]).await.unwrap();
    let again = work.claim("node", &["profile"], 10, LONG).await.unwrap();
    assert_eq!((again[0].attempt, again[0].epoch), (1, Epoch(2)));
    assert_eq!(work.withdraw(&stream("experiment")).await.unwrap(), 1, "only what has not begun");
    work.complete(&again[0]).await.unwrap();
    assert_eq!(work.sweep(LONG).await.unwrap(), 0);
    assert_eq!(work.sweep(Duration::ZERO).await.unwrap(), 2);
}

#[tokio::test]
async fn the_leases_of_a_dead_node_are_freed_at_once() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let work = store.work();
    work.enqueue(&[item(1), item(2), NewWork { max_attempts: 1, ..item(3) }]).await.unwrap();
    let living = store.lock_node("living").await.unwrap().unwrap();
    let dying = database.another_store().await.lock_node("dying").await.unwrap().unwrap();
    assert!(store.lock_node("dying").await.unwrap().is_none(), "one process a node");
    let kept = work.claim("living/forecaster", &["profile"], 1, LONG).await.unwrap().remove(0);
    assert_eq!(work.claim("dying/curator", &["profile"], 5, LONG).await.unwrap().len(), 2);
    assert_eq!(work.release_orphans().await.unwrap(), Released::default());
    drop(dying);
    // The server takes a moment to notice; the lock is free when it has.
    let mut released = Released::default();
    while released == Released::default() {
        released = work.release_orphans().await.unwrap();
    }
    assert_eq!(released, Released { ready: 1, dead: 1 });
    assert!(living.renew().await.unwrap());
    work.complete(&kept).await.unwrap();
    let again = work.claim("living/curator", &["profile"], 5, LONG).await.unwrap();
    assert_eq!((again.len(), again[0].attempt, again[0].epoch), (1, 2, Epoch(2)));
}

#[tokio::test]
async fn a_sign_of_life_survives_the_loss_of_its_session() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let lock = store.lock_node("node").await.unwrap().unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
         WHERE l.locktype = 'advisory' AND d.datname = current_database()",
    )
    .execute(store.owner_pool())
    .await
    .unwrap();
    while !lock.renew().await.unwrap() {}
    assert!(store.lock_node("node").await.unwrap().is_none());
}

#[tokio::test]
async fn two_claimers_never_take_the_same_item() {
    let database = TestDatabase::create().await;
    let work = database.store().work();
    let items: Vec<NewWork> = (1..=60).map(item).collect();
    work.enqueue(&items).await.unwrap();
    let mut claimers = tokio::task::JoinSet::new();
    for claimer in 0..4 {
        let work = work.clone();
        claimers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = work.claim(&format!("node-{claimer}"), &["profile"], 3, LONG).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|item| item.position.0));
            }
        });
    }
    let mut all: Vec<u64> = claimers.join_all().await.concat();
    all.sort_unstable();
    assert_eq!(all, (1..=60).collect::<Vec<_>>());
}
