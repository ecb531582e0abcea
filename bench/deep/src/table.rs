//! Both sides beside each other.

use std::collections::BTreeMap;

use atsre_bench_peers::Table;
use atsre_bench_peers::processor::median;
use atsre_bench_peers::table::seconds;
use serde::Deserialize;

use crate::case::{Case, Work};

/// What the peers' script writes.
#[derive(Clone, Debug, Deserialize)]
pub struct Peers {
    /// The libraries and their versions.
    pub by: String,
    /// Processor seconds of each run, by model.
    pub seconds: BTreeMap<String, Vec<f64>>,
}

/// One compared case.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The case.
    pub case: Case,
    /// Our processor seconds of each run.
    pub ours: Vec<f64>,
    /// The peer's.
    pub theirs: Vec<f64>,
}

/// The table: both sides' middle, and the ratio beside the bar.
#[must_use]
pub fn table(all: &[Compared]) -> Table {
    let mut table = Table::new(&["model", "work", "ours", "peer", "ours / peer", "bar"]);
    for Compared { case, ours, theirs } in all {
        let (ours, theirs) = (median(ours), median(theirs));
        let ratio = ours / theirs;
        // NaN is above every bar.
        let verdict = if ratio <= case.bar { "" } else { " (**above**)" };
        table.row([
            case.model.clone(),
            words(&case.work),
            seconds(ours),
            seconds(theirs),
            format!("{ratio:.2}{verdict}"),
            format!("{:.1}", case.bar),
        ]);
    }
    table
}

fn words(work: &Work) -> String {
    match work {
        Work::Step { batch, input, horizon, .. } => {
            format!("training step, {batch} windows of {input}, {horizon} steps")
        }
        Work::Forecast { series: 1, length, horizon, .. } => format!("forecast of {length} values, {horizon} steps"),
        Work::Forecast { series, length, horizon, .. } => {
            format!("forecast of {series} × {length} values, {horizon} steps")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::all;

    #[test]
    fn a_missed_bar_is_said_and_so_is_a_side_that_is_missing() {
        let case = all(None).remove(0);
        let compared = |ours: f64, theirs: &[f64]| {
            table(&[Compared { case: case.clone(), ours: vec![ours], theirs: theirs.to_vec() }]).markdown()
        };
        assert!(!compared(0.9, &[1.0]).contains("above"));
        assert!(compared(1.1, &[1.0]).contains("1.10 (**above**)"));
        assert!(compared(1.1, &[]).contains("above"));
    }
}
