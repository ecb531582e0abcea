//! What auditors and researchers do with history.
//!
//! [`verify`](mod@verify) proves that the log is whole and unaltered and that the read models say what it says; [`history`](mod@history) tells
//! what an experiment decided, in order, with causes; [`compare`](mod@compare) puts experiments side by side from where they part, and
//! [`forks`](mod@forks) draws the tree that one belongs to; [`decisions`] decides a
//! history again by today's code. Nothing here calls a model, a clock or the network: the
//! functions take a store and give values, and there is no port through which an effect could happen. The exceptions are
//! [`anchor`], which keeps a key and a file outside the database: that is what makes it a witness; and [`erase`](mod@erase),
//! which destroys the keys of a data set, and says so in the log.

pub mod anchor;
pub mod artifacts;
pub mod bundle;
pub mod chain;
pub mod compare;
pub mod decisions;
pub mod erase;
pub mod fork;
pub mod forks;
pub mod history;
mod line;
pub mod lineage;
mod payloads;
pub mod state;
pub mod verify;

pub use compare::{Comparison, compare};
pub use decisions::{Evidence, Redecided, Standing, redecide};
pub use erase::{EraseError, Erased, erase};
pub use forks::{ForkTree, forks};
pub use history::{HistoryEvent, history, why};
pub use line::{Best, Fork, Override};
pub use verify::{Difference, Options, Thoroughness, Verification, verify, verify_log, verify_stream, verify_with};
