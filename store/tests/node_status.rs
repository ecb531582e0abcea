//! The view that cqrs-es keeps and postgres-es stores.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use atsre_domain::{Decider, StreamId};
use atsre_store::NodeStatus;
use atsre_store::testing::TestDatabase;
use common::{Command, Empty, Ledger, NoteWritten, envelope, stream};

/// The small aggregate under the name that the view is kept for.
#[derive(Clone, Debug, Default)]
struct Node(Ledger);

impl Decider for Node {
    const TYPE: &'static str = "node";
    type Command = Command;
    type Event = NoteWritten;
    type Error = Empty;

    fn decide(&self, command: Command) -> Result<Vec<NoteWritten>, Empty> {
        self.0.decide(command)
    }

    fn evolve(&mut self, event: &NoteWritten) {
        self.0.evolve(event);
    }
}

#[tokio::test]
async fn what_a_node_says_of_itself_is_kept_in_a_view() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let say = |node: StreamId, notes: Vec<String>| async move {
        store.execute::<Node>(&node, Command::Write(notes), &envelope()).await.unwrap();
    };
    say(stream("node-a"), vec!["up".into(), "well".into()]).await;
    say(stream("node-b"), vec!["up".into()]).await;
    say(stream("node-a"), vec!["down".into()]).await;
    store.execute::<Ledger>(&stream("no-node"), Command::Write(vec!["x".into()]), &envelope()).await.unwrap();
    let at = "2023-11-14T22:13:20.123456Z".to_owned();
    let status = |node: &str, events| NodeStatus {
        node: node.to_owned(),
        events,
        last_event: "NoteWritten".to_owned(),
        first_at: at.clone(),
        last_at: at.clone(),
    };
    assert_eq!(store.node_status().await.unwrap(), [status("node-a", 3), status("node-b", 1)]);
}
