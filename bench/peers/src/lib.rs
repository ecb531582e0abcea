//! What the benchmarks beside Python peers share.
//!
//! A benchmark runs the same work here and in a Python library, each in a process of its own, on one thread, and prints
//! a table of processor times, memory and ratios. Start reading at [`environment`], which makes the peers' virtual
//! environment and runs a script in it; [`processor`] and [`memory`] measure this side, [`table`] and [`page`] write.

pub mod environment;
pub mod machine;
pub mod memory;
pub mod page;
pub mod processor;
pub mod table;

pub use environment::Environment;
pub use table::Table;
