//! Whether a live read model has the rows that a fold of the log gives, without writing that fold anywhere.
//!
//! Whoever reads the log anyway hands its events on. The answer "the same" is proved by a digest of each row; anything
//! else only says that [`crate::compare`] has to look, which names the rows.

use std::sync::Arc;

use atsre_domain::event::AnyEvent;
use atsre_domain::{Position, Recorded};
use atsre_store::Store;
use tokio::task::JoinSet;

use crate::digest::RowDigest;
use crate::error::Error;
use crate::fold::fold_recorded;
use crate::fresh::FreshRows;
use crate::live::LiveRows;
use crate::projection::Projection;
use crate::schema;

/// A live read model, held at the event up to which it was when the check began, and the fold so far.
#[derive(Debug)]
pub struct Check {
    projection: &'static Projection,
    position: Position,
    /// A task, given up when the check is dropped.
    live: JoinSet<Option<Vec<Vec<RowDigest>>>>,
    fresh: FreshRows,
}

impl Check {
    /// Begins: the live rows are read from here on, as they are now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin(store: &Store, projection: &'static Projection) -> Result<Self, Error> {
        schema::ensure(store, projection).await?;
        let held = LiveRows::hold(store, projection).await?;
        let position = held.position();
        let mut live = JoinSet::new();
        live.spawn(held.digests());
        Ok(Self { projection, position, live, fresh: FreshRows::new(projection) })
    }

    /// The projection whose read model it is.
    #[must_use]
    pub const fn projection(&self) -> &'static Projection {
        self.projection
    }

    /// Folds the next events of the log, of all its streams, from its beginning. Those that the live read model has not
    /// seen are left out.
    pub async fn feed(&mut self, store: &Store, events: &[Arc<Recorded<AnyEvent>>]) {
        let seen = events.partition_point(|event| event.position <= self.position);
        let mut rest = &events[..seen];
        while !rest.is_empty() && !self.fresh.is_given_up() {
            match fold_recorded(store, self.projection, rest).await {
                Ok(folded) if folded.poison.is_none() => {
                    self.fresh.write(folded.merged);
                    rest = &rest[folded.events..];
                }
                // Why is found and told by whoever compares the tables.
                Ok(_) | Err(_) => self.fresh.give_up(),
            }
        }
    }

    /// Whether both have the same rows. `false` where that is not known: rows differ, or could not be read or folded here.
    pub async fn is_same(mut self) -> bool {
        if self.fresh.is_given_up() {
            return false;
        }
        let live = self.live.join_next().await.and_then(Result::ok).flatten();
        live.is_some() && live == self.fresh.into_digests()
    }
}
