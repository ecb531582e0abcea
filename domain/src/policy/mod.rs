//! Decision policies: pure functions from what is known to what to do, with their reasons.

pub mod best;
pub mod device;
pub mod fallback;
pub mod feasibility;
pub mod healing;
pub mod llm;
pub mod planning;
pub mod reasoner;
