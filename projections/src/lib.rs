//! Read models: events in, row operations out, and the one runner.
//!
//! A projection is pure: it says which rows an event writes, and which artifacts it must read for that. The runner
//! stores the rows and the checkpoint in one transaction, so each event counts exactly once. Each projection has a
//! version and a schema of its own; people and programs read views in schema `read`, which a rebuild swaps.
//!
//! This crate decides nothing, and nothing decides by reading its tables but the planner's look at history.
//! Start reading at [`projection`], then [`experiments`], then [`runner`].

pub mod as_of;
pub mod cell;
pub mod check;
mod copied;
pub mod datasets;
mod digest;
pub mod erase;
pub mod error;
pub mod experiments;
mod fold;
mod fresh;
mod live;
pub mod projection;
pub mod rebuild;
mod resources;
pub mod row;
pub mod runner;
mod schema;
mod writer;

use atsre_domain::Position;
use atsre_store::Store;

pub use as_of::rows_as_of;
pub use check::Check;
pub use error::Error;
pub use projection::Projection;
pub use rebuild::{Comparison, Difference, compare, rebuild};
pub use runner::run;

/// Every projection.
pub static PROJECTIONS: &[&Projection] = &[&datasets::DATASETS, &experiments::EXPERIMENTS];

/// The names of all projections, as children of the supervision tree.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROJECTIONS.iter().map(|projection| projection.child)
}

/// The projection of this name.
///
/// # Errors
/// [`Error::Unknown`] names those that exist.
pub fn find(name: &str) -> Result<&'static Projection, Error> {
    let found = PROJECTIONS.iter().find(|p| p.name == name || p.child == name);
    found.copied().ok_or_else(|| Error::Unknown {
        name: name.to_owned(),
        known: PROJECTIONS.iter().map(|p| p.name).collect::<Vec<_>>().join(", "),
    })
}

/// Waits until a projection has seen the event at `position`.
///
/// # Errors
/// When the projection is unknown, has stopped at an event before, or the store does not answer.
pub async fn wait_for(store: &Store, name: &str, position: Position) -> Result<(), Error> {
    let projection = find(name)?;
    let mut waiting = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        waiting.tick().await;
        if store.checkpoints().position(projection.child, projection.version).await? >= position {
            return Ok(());
        }
        runner::ensure_not_stopped(store, projection).await?;
    }
}
