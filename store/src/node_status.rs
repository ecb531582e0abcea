//! What each node last said of itself: a view that cqrs-es keeps and postgres-es stores.
//!
//! It is written after the commit, by the process that committed, as well as it can. That is good enough for a
//! status line and for nothing else: decisions and read models follow the log.

use std::sync::Arc;

use atsre_domain::Decider;
use atsre_domain::event::WireEvent;
use cqrs_es::persist::GenericQuery;
use cqrs_es::{DomainEvent as _, EventEnvelope, View};
use postgres_es::PostgresViewRepository;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgPool;

use crate::{Adapted, Result, Store};

/// The stream type that the view is of.
pub(crate) const STREAM_TYPE: &str = "node";
/// The view's table.
const TABLE: &str = "atsre.node_status";

/// What a node last said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The node's stream.
    pub node: String,
    /// How many events it has written, as far as the view has seen.
    pub events: u64,
    /// The type of the last one, such as `AgentRestarted`.
    pub last_event: String,
    /// When its first event occurred, in RFC 3339.
    pub first_at: String,
    /// When its last event occurred, in RFC 3339.
    pub last_at: String,
}

impl<D: Decider<Event: WireEvent>> View<Adapted<D>> for NodeStatus {
    fn update(&mut self, event: &EventEnvelope<Adapted<D>>) {
        let occurred_at = event.metadata.get("occurred_at").cloned().unwrap_or_default();
        if self.events == 0 {
            self.first_at.clone_from(&occurred_at);
            self.node.clone_from(&event.aggregate_id);
        }
        self.events += 1;
        self.last_event = event.payload.event_type();
        self.last_at = occurred_at;
    }
}

type Repository<D> = PostgresViewRepository<NodeStatus, Adapted<D>>;

/// The query that keeps the view.
pub(crate) fn query<D: Decider<Event: WireEvent>>(
    pool: &PgPool,
) -> GenericQuery<Repository<D>, NodeStatus, Adapted<D>> {
    let mut query = GenericQuery::new(Arc::new(Repository::<D>::new(TABLE, pool.clone())));
    query.use_error_handler(Box::new(|error| tracing::warn!(%error, "the node status view was not updated")));
    query
}

impl Store {
    /// What each node last said of itself, by node. A hint for the operator, never evidence.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn node_status(&self) -> Result<Vec<NodeStatus>> {
        let rows = sqlx::query("SELECT payload FROM atsre.node_status ORDER BY view_id").fetch_all(self.pool()).await?;
        rows.iter().map(|row| Ok(row.try_get::<sqlx::types::Json<NodeStatus>, _>("payload")?.0)).collect()
    }
}
