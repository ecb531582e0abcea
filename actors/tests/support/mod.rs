//! What the integration tests share.

pub mod language_model_server;
pub mod recorder;
pub mod situation;
