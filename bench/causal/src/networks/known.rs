//! The networks, committed with their source and licence in `data/README.md`.

use anyhow::{Context, Result};
use atsre_causal::pattern::Pattern;

use crate::samples::Samples;

/// What the cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Codes of categories.
    Categories,
    /// Measurements.
    Numbers,
}

/// A network.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What the cells are.
    pub values: Values,
    /// The rows.
    pub samples: Samples,
    /// The true directed acyclic graph.
    pub truth: Pattern,
    /// Its edges.
    pub edges: usize,
}

/// Every network.
///
/// # Errors
/// A committed file cannot be understood; the message names the network.
pub fn all() -> Result<Vec<Known>> {
    let network =
        |name, values, rows, edges| read(name, values, rows, edges).with_context(|| format!("network {name}"));
    let (categories, numbers) = (Values::Categories, Values::Numbers);
    Ok(vec![
        network(
            "cancer",
            categories,
            include_str!("../../data/cancer.csv"),
            include_str!("../../data/cancer.edges.csv"),
        )?,
        network("asia", categories, include_str!("../../data/asia.csv"), include_str!("../../data/asia.edges.csv"))?,
        network(
            "Sachs, simulated",
            categories,
            include_str!("../../data/sachs_simulated.csv"),
            include_str!("../../data/sachs_simulated.edges.csv"),
        )?,
        network("alarm", categories, include_str!("../../data/alarm.csv"), include_str!("../../data/alarm.edges.csv"))?,
        network(
            "Sachs, measured",
            numbers,
            include_str!("../../data/sachs.csv"),
            include_str!("../../data/sachs.edges.csv"),
        )?,
    ])
}

fn read(name: &'static str, values: Values, rows: &str, edges: &str) -> Result<Known> {
    let samples = Samples::parse(rows)?;
    let column = |name: &str| {
        let at = samples.names.iter().position(|n| n == name.trim());
        at.with_context(|| format!("the rows have no column {name:?}"))
    };
    let mut truth = Pattern::empty(samples.names.len());
    let mut count = 0;
    for line in edges.lines().skip(1).filter(|l| !l.trim().is_empty()) {
        let (cause, effect) = line.split_once(',').with_context(|| format!("{line:?} is no edge"))?;
        truth.orient(column(cause)?, column(effect)?);
        count += 1;
    }
    Ok(Known { name, values, samples, truth, edges: count })
}
