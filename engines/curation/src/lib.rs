//! Reading CSV files, profiling, statistical tests, anomaly rules and cleaning.

pub mod ingest;
pub mod profile;
pub mod statistics;
pub mod stream;

pub mod cleaning;
pub mod rules;
