//! Compares what is discovered with known graphs: `known_graphs FOLDER`, FOLDER holding `sim20/` (linear_1.csv with
//! true_edges_1.csv, and so on) or `sachs/` (data.csv with consensus_edges.csv).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use atsre_causal::{DiscoverOptions, discover_rows, svg};
use atsre_domain::graph::Mark;

fn compare(data: &Path, edges: &Path, logarithm: bool) {
    let (names, mut table) = support::read_table(data);
    if logarithm {
        table.iter_mut().flatten().for_each(|v| *v = v.max(1e-3).ln());
    }
    let mut reader = csv::Reader::from_path(edges).unwrap();
    let truth: BTreeSet<(String, String)> =
        reader.records().map(|r| r.unwrap()).map(|r| (r[0].to_owned(), r[1].to_owned())).collect();
    let started = std::time::Instant::now();
    let found = discover_rows(&names, &table, &DiscoverOptions::default()).unwrap();
    let took = started.elapsed();
    let name = |v: u32| found.graph.variables[v as usize].name.clone();
    let (mut adjacent, mut right, mut wrong) = (0, 0, 0);
    for edge in &found.graph.edges {
        let (a, b) = (name(edge.source), name(edge.target));
        let (forwards, backwards) = (truth.contains(&(a.clone(), b.clone())), truth.contains(&(b, a)));
        adjacent += usize::from(forwards || backwards);
        if (edge.source_mark, edge.target_mark) == (Mark::Tail, Mark::Arrow) {
            right += usize::from(forwards);
            wrong += usize::from(backwards);
        }
    }
    println!(
        "{}: {} true edges, {} found, {adjacent} of them adjacent in truth; {right} directed rightly, {wrong} the wrong way; {} tests, {took:?} with {} bootstrap samples",
        data.display(),
        truth.len(),
        found.graph.edges.len(),
        found.tests,
        DiscoverOptions::default().bootstrap
    );
    if let Some(folder) = std::env::args().nth(2) {
        std::fs::write(Path::new(&folder).join("graph.svg"), svg::draw(&found.graph, None)).unwrap();
    }
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder that holds sim20/ or sachs/"));
    for number in 1..=2 {
        let data = folder.join(format!("sim20/linear_{number}.csv"));
        if data.exists() {
            compare(&data, &folder.join(format!("sim20/true_edges_{number}.csv")), false);
        }
    }
    let sachs = folder.join("sachs/data.csv");
    if sachs.exists() {
        compare(&sachs, &folder.join("sachs/consensus_edges.csv"), true);
    }
}
