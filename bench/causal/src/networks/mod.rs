//! Networks whose graph is known: how far from the truth each algorithm ends.

mod known;
mod table;

pub use known::{Known, Values, all};
pub use table::{SECTION, distances, render};
