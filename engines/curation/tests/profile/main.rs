//! The profile on data whose properties are known, and on data that have none.
#![allow(clippy::unwrap_used, missing_docs)]

mod known_series;
mod panels;
#[path = "../statistics/sample.rs"]
mod sample;

use std::path::PathBuf;

use atsre_domain::Frequency;
use atsre_domain::panel::{Panel, Series};

/// A column `value` of a committed file.
fn column(file: &str) -> Vec<f64> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.parse().unwrap()).collect()
}

/// A panel without covariates.
fn panel(frequency: Frequency, targets: Vec<Vec<f64>>) -> Panel {
    let series = targets
        .into_iter()
        .enumerate()
        .map(|(i, target)| Series {
            item_id: format!("s{i:03}"),
            times: (0..target.len() as i64).map(atsre_domain::Timestamp).collect(),
            target,
            covariates: Vec::new(),
        })
        .collect();
    Panel { target: "value".into(), frequency, covariates: Vec::new(), series }
}
