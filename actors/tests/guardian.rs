//! The guardian's tree, with children that end, fail and panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use atsre_actors::guardian::{ChildSpec, Guardian, RestartPolicy, TreeEnd};
use atsre_domain::node::Event;
use tokio::sync::mpsc;

fn policy(restarts: u32) -> RestartPolicy {
    RestartPolicy {
        restarts,
        window: Duration::from_secs(60),
        backoff: Duration::from_millis(1),
        backoff_limit: Duration::from_millis(4),
    }
}

/// A child that panics so many times and then runs until it is told to stop.
fn panics(times: u32, restarts: u32) -> (ChildSpec, Rc<Cell<u32>>) {
    let built = Rc::new(Cell::new(0));
    let count = Rc::clone(&built);
    let spec = ChildSpec {
        name: "child",
        policy: policy(restarts),
        build: Box::new(move |mut stop| {
            count.set(count.get() + 1);
            let panics = count.get() <= times;
            Box::pin(async move {
                assert!(!panics, "a planted panic");
                let _ = stop.wait_for(|stop| *stop).await;
                Ok(())
            })
        }),
    };
    (spec, built)
}

async fn next(facts: &mut mpsc::UnboundedReceiver<Event>) -> Event {
    tokio::time::timeout(Duration::from_secs(30), facts.recv()).await.expect("a fact in time").expect("the tree lives")
}

#[actix::test]
async fn a_child_that_panics_is_built_anew_and_each_step_is_told() {
    let (spec, built) = panics(2, 5);
    let (sender, mut facts) = mpsc::unbounded_channel();
    let tree = Guardian::start_tree(vec![spec], sender);

    assert!(matches!(next(&mut facts).await, Event::AgentStarted(e) if e.agent == "child"));
    for restarts in 1..=2 {
        let Event::AgentCrashed(crash) = next(&mut facts).await else { panic!("a crash was due") };
        assert!(crash.panicked);
        assert!(crash.reason.contains("a planted panic"), "{}", crash.reason);
        assert!(matches!(next(&mut facts).await, Event::AgentRestarted(e) if e.restarts == restarts));
    }
    assert_eq!(built.get(), 3, "built from nothing each time");
    tree.guardian.stop_all();
    assert_eq!(tree.end.await.unwrap(), TreeEnd::Stopped);
}

#[actix::test]
async fn past_its_budget_a_child_brings_the_tree_to_an_orderly_end() {
    let (spec, built) = panics(u32::MAX, 3);
    let (steady, _) = panics(0, 3);
    let (sender, mut facts) = mpsc::unbounded_channel();
    let tree = Guardian::start_tree(vec![spec, ChildSpec { name: "steady", ..steady }], sender);

    assert_eq!(tree.end.await.unwrap(), TreeEnd::Escalated { agent: "child".to_owned() });
    assert_eq!(built.get(), 4, "once, and three restarts");
    let mut escalations = 0;
    while let Ok(fact) = facts.try_recv() {
        escalations +=
            u32::from(matches!(fact, Event::SupervisionEscalated(e) if e.agent == "child" && e.restarts == 3));
    }
    assert_eq!(escalations, 1);
}

#[actix::test]
async fn an_error_counts_as_a_crash_without_a_panic() {
    let spec = ChildSpec {
        name: "child",
        policy: policy(0),
        build: Box::new(|_| Box::pin(async { Err("the database is gone".to_owned()) })),
    };
    let (sender, mut facts) = mpsc::unbounded_channel();
    let tree = Guardian::start_tree(vec![spec], sender);

    assert!(matches!(tree.end.await.unwrap(), TreeEnd::Escalated { .. }));
    assert!(matches!(next(&mut facts).await, Event::AgentStarted(_)));
    let Event::AgentCrashed(crash) = next(&mut facts).await else { panic!("a crash was due") };
    assert!(!crash.panicked);
    assert_eq!(crash.reason, "the database is gone");
}
