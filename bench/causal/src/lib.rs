//! Causal discovery beside its Python peers, and on networks whose graph is known.
//!
//! Start reading at [`case`], which lists what is compared; [`comparison`] runs each case here ([`worker`]) and there
//! and joins both; [`large`] is PC on a thousand columns; [`networks`] needs no peer.

pub mod case;
pub mod comparison;
pub mod large;
pub mod networks;
pub mod samples;
pub mod simulation;
pub mod worker;
