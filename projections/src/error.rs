//! What goes wrong with a read model.

use atsre_domain::Position;

/// A read model's failure, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such projection.
    #[error("there is no read model {name}; there are {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// An event cannot be projected: the projection has stopped there and skips nothing.
    #[error("the read model {name} stopped at event {position}: {message}")]
    Stopped {
        /// The projection.
        name: String,
        /// The event.
        position: Position,
        /// Why.
        message: String,
    },
    /// The store did not do it.
    #[error("the store did not do it")]
    Store(#[from] atsre_store::Error),
    /// The database did not do it.
    #[error("the database did not do it")]
    Database(#[from] sqlx::Error),
}
