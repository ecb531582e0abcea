//! The `dataset` aggregate: a data set by name, from its registration to its causal graph. A new upload under
//! the same name begins a new version; nothing of the old one is touched.

mod command;
mod decide;
mod error;
mod event;
mod state;

pub use command::{Command, Erasure};
pub use error::Error;
pub use event::{
    AnomalyRulesDerived, DatasetCleaned, DatasetErased, DatasetProfiled, DatasetRegistered, Event, GraphDiscovered,
    RegisteredColumn, Sentinel, SourceFile,
};
pub use state::{Dataset, Version};
