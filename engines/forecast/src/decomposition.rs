//! Taking a series apart into trend, seasons and a remainder by locally weighted regression.

mod loess;
mod mstl;
mod stl;

pub use mstl::{Parts, mstl};
pub use stl::{Decomposition, Stl};
