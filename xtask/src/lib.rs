//! The repository's own tasks, behind `cargo xtask`.
//!
//! A library, so that tests judge the committed reference cases with the very code that `cargo xtask cases` runs.
//! Start reading at [`ci`] for what a change has to pass, or at [`cases`] for how results are compared with references.

pub mod cases;
pub mod ci;
pub mod command;
pub mod licence;
