//! Each case here and there, joined into a table.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use atsre_bench_peers::environment::in_own_process;
use atsre_bench_peers::processor::median;
use atsre_bench_peers::table::{against, mebibytes, seconds};
use atsre_bench_peers::{Environment, Table};

use crate::case::{Case, cases};
use crate::worker::Run;

/// The most runs of a peer, the first of which warms up, and the processor time after which none follows: what takes
/// longer runs once.
const PEER_RUNS: (&str, &str) = ("4", "10");

/// A case on both sides.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The case.
    pub case: Case,
    /// This side, in the mode that answers as the peer does.
    pub ours: Run,
    /// This side in its default mode, where that differs.
    pub default: Option<Run>,
    /// The peer.
    pub peer: Run,
}

impl Compared {
    /// How many times the peer's speed this side reaches.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(&self.peer.seconds) / median(&self.ours.seconds)
    }

    /// Whether both found the same graph, in words.
    #[must_use]
    pub fn agreement(&self) -> String {
        if self.ours.graph != self.peer.graph {
            return "**no**".to_owned();
        }
        let (a, b) = (&self.ours.numbers, &self.peer.numbers);
        if a.is_empty() && b.is_empty() {
            return "yes".to_owned();
        }
        let largest = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        match a.len() == b.len() && largest.is_finite() {
            true => format!("yes, numbers to {largest:.0e}"),
            false => "graph yes, **numbers no**".to_owned(),
        }
    }
}

/// Runs the cases whose names contain `only` (all where it is empty), and tells of each as it is done.
///
/// # Errors
/// Samples cannot be written, or either side fails.
pub fn compare(folder: &Path, script: &Path, peers: &Environment, only: &str) -> Result<Vec<Compared>> {
    let chosen = cases().into_iter().filter(|c| c.name.contains(only));
    chosen.map(|case| one(&case, folder, script, peers).with_context(|| case.name)).collect()
}

fn one(case: &Case, folder: &Path, script: &Path, peers: &Environment) -> Result<Compared> {
    let file: PathBuf = folder.join(format!("{}.csv", case.name));
    case.samples().write(&file)?;
    let path = file.to_str().context("the folder's name is not UTF-8")?;
    let here =
        |mode| -> Result<Run> { Ok(serde_json::from_value(in_own_process(&["worker", case.name, mode, path], 1)?)?) };
    let ours = here("compatible")?;
    let default = case.algorithm.has_default_mode().then(|| here("default")).transpose()?;
    let settings = case.algorithm.settings().to_string();
    let arguments = [case.algorithm.name(), path, &settings, PEER_RUNS.0, PEER_RUNS.1];
    let peer: Run = serde_json::from_value(peers.run(script, &arguments, "")?)?;
    let compared = Compared { case: *case, ours, default, peer };
    eprintln!("{}: {}, the same graph: {}", case.name, against(compared.ratio(), case.bar), compared.agreement());
    Ok(compared)
}

/// The table of all cases.
#[must_use]
pub fn table(compared: &[Compared]) -> Table {
    let mut table = Table::new(&[
        "algorithm",
        "samples",
        "ATSRE",
        "default mode",
        "peer",
        "peer's time",
        "ratio (bar)",
        "memory",
        "peer's memory",
        "same graph",
    ]);
    for c in compared {
        let runs = |r: &Run| if r.seconds.len() == 1 { " (one run)" } else { "" };
        table.row([
            c.case.title.to_owned(),
            c.case.data(),
            seconds(median(&c.ours.seconds)),
            c.default.as_ref().map_or_else(|| "the same".to_owned(), |r| seconds(median(&r.seconds))),
            c.peer.by.clone(),
            format!("{}{}", seconds(median(&c.peer.seconds)), runs(&c.peer)),
            against(c.ratio(), c.case.bar),
            memory(&c.ours),
            memory(&c.peer),
            c.agreement(),
        ]);
    }
    table
}

fn memory(run: &Run) -> String {
    let added = run.peak.zip(run.before).map(|(peak, before)| peak - before);
    format!("{} (+{})", mebibytes(run.peak), mebibytes(added))
}
