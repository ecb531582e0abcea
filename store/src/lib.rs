//! Everything that speaks to Postgres.
//!
//! [`Store::open`] gives a [`Store`]: in the database of a URL, or in a private [`cluster`] that it starts in the
//! data directory. Through it:
//!
//! - [`Store::execute`] runs a command on an aggregate and appends what it decides; [`Store::load`] folds a stream;
//! - [`Store::log`] reads the [`EventLog`] by position or by stream, and makes [`Follower`]s of it;
//! - [`Store::artifacts`], [`Store::checkpoints`], [`Store::work`] and [`Store::data`] hold big bytes, how far each
//!   follower has come, the work that is handed out under leases, and the raw and clean data tables.
//!
//! This crate deliberately knows no event by name (but for a few look-ups and erasures), no read model and no agent. Nothing else writes SQL against
//! `events`. Start reading at [`EventLog`], then `migrations/0001_create_event_log.sql`, which holds the order and
//! the hash chains.

mod adapter;
mod artifacts;
mod bootstrap;
mod cache;
mod checkpoints;
mod cipher;
pub mod cluster;
pub mod data;
mod erasures;
mod error;
mod execute;
mod follower;
mod fork;
pub mod hash;
mod hold;
mod keyring;
mod log;
mod lookup;
mod node_lock;
mod node_status;
mod repository;
mod roles;
mod sealed;
mod sealing;
mod sql_hashes;
mod store;
mod stored_event;
pub mod testing;
mod transfer;
mod wake;
mod work;

pub use adapter::{Adapted, Recordable};
pub use artifacts::Artifacts;
pub use checkpoints::Checkpoints;
pub use erasures::Erasures;
pub use error::{Error, ExecuteError, KeyError, Result, told};
pub use execute::{Appended, Envelope, Loaded};
pub use follower::Follower;
pub use fork::ForkPoint;
pub use hold::Hold;
pub use keyring::Keyring;
pub use log::{EventLog, Head, Page, PageOfType, StreamSummary};
pub use lookup::PastScore;
pub use node_lock::NodeLock;
pub use node_status::NodeStatus;
pub use repository::LogRepository;
pub use roles::{Role, SEARCH_PATH};
pub use sealed::SealingKey;
pub use sealing::Sealing;
pub use sql_hashes::{Findings, LastBefore};
pub use store::{Store, StoreConfig};
pub use stored_event::{Metadata, StoredEvent, rfc3339};
pub use transfer::{History, Imported, Lineage, Missing};
pub use work::{Failed, NewWork, Released, Work, WorkItem};
