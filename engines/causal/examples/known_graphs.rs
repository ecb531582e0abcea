//! Compares what is discovered with known graphs: `known_graphs FOLDER...`, each folder holding `data.csv` (or `linear_1.csv` and so on)
//! and `true_edges.csv` (`true_edges_1.csv`; `consensus_edges.csv`), with a third column of lags where rows are in order of time. For
//! rows it prints the structural Hamming distance to the true equivalence class, for series precision and recall of the edges between
//! different columns, whatever their lag.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support/panels.rs"]
mod panels;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;

use atsre_causal::discover::Algorithm;
use atsre_causal::equivalence::{cpdag_of, structural_hamming_distance};
use atsre_causal::pattern::Pattern;
use atsre_causal::{DiscoverOptions, Discovery, discover, discover_rows};
use atsre_domain::frequency::FrequencyUnit;
use atsre_domain::graph::Mark;

fn main() {
    for folder in std::env::args().skip(1) {
        let folder = Path::new(&folder);
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for data in files {
            let stem = data.file_stem().unwrap().to_string_lossy().into_owned();
            let numbered = stem.rsplit_once('_').map(|(_, number)| format!("true_edges_{number}.csv"));
            let candidates =
                ["true_edges.csv".to_owned(), "consensus_edges.csv".to_owned(), format!("{stem}_edges.csv")];
            let edges = if stem == "data" { candidates[..2].to_vec() } else { vec![candidates[2].clone()] };
            let edges = edges.into_iter().chain(numbered).map(|name| folder.join(name)).find(|path| path.exists());
            if let Some(edges) =
                edges.filter(|_| !stem.contains("edges") && data.extension().is_some_and(|e| e == "csv"))
            {
                compare(&data, &edges);
            }
        }
    }
}

fn compare(data: &Path, edges: &Path) {
    let (mut names, mut table) = support::read_table(data);
    if let Some(time) = names.iter().position(|name| name == "time" || name == "timestamp") {
        names.remove(time);
        table.remove(time);
    }
    let mut reader = csv::Reader::from_path(edges).unwrap();
    let lagged = reader.headers().unwrap().iter().any(|h| h.contains("lag"));
    let truth: BTreeSet<(String, String)> = reader
        .records()
        .map(|r| r.unwrap())
        .map(|r| (r[0].to_owned(), r[1].to_owned()))
        .filter(|(a, b)| a != b)
        .collect();
    println!("{} ({} columns, {} rows, {} edges)", data.display(), names.len(), table[0].len(), truth.len());
    for algorithm in std::iter::once(None).chain(Algorithm::ALL.map(Some)) {
        let fits = |a: Algorithm| if lagged { a.works_on_series() } else { a.works_on_rows() };
        if !algorithm.is_none_or(fits) {
            continue;
        }
        let options = DiscoverOptions { algorithm, bootstrap: 0, ..DiscoverOptions::default() };
        let started = std::time::Instant::now();
        let found = if lagged {
            let columns: Vec<(&str, Vec<f64>)> = names.iter().map(String::as_str).zip(table.iter().cloned()).collect();
            discover(&panels::panel(&columns, FrequencyUnit::Step), &options)
        } else {
            discover_rows(&names, &table, &options)
        };
        let took = started.elapsed();
        let label = algorithm.map_or("auto", Algorithm::key);
        match found {
            Ok(found) if lagged => println!("  {label:14} {} {took:.1?} → {}", recall(&found, &truth), found.algorithm),
            Ok(found) => println!("  {label:14} {} {took:.1?} → {}", distance(&found, &names, &truth), found.algorithm),
            Err(error) => println!("  {label:14} {error}: {:?}", std::error::Error::source(&error)),
        }
        if algorithm.is_none() && std::env::var_os("REASONS").is_some() {
            discover_reasons(lagged, &names, &table, &options);
        }
    }
}

fn discover_reasons(lagged: bool, names: &[String], table: &[Vec<f64>], options: &DiscoverOptions) {
    let columns: Vec<(&str, Vec<f64>)> = names.iter().map(String::as_str).zip(table.iter().cloned()).collect();
    let found = if lagged {
        discover(&panels::panel(&columns, FrequencyUnit::Step), options)
    } else {
        discover_rows(names, table, options)
    };
    found.iter().flat_map(|f| &f.reasons).for_each(|reason| println!("      - {reason}"));
}

/// The distance of the graph's equivalence class from the true one's; the class of what is not directed acyclic is itself.
fn distance(found: &Discovery, names: &[String], truth: &BTreeSet<(String, String)>) -> String {
    let at = |name: &str| names.iter().position(|n| n == name).unwrap();
    let mut graph = Pattern::empty(names.len());
    for edge in &found.graph.edges {
        let node = |v: u32| at(&found.graph.variables[v as usize].name);
        // A circle leaves the mark open, as a tail of an undirected edge does.
        let plain = |mark: Mark| if mark == Mark::Circle { Mark::Tail } else { mark };
        let (mut source, mut target) = (plain(edge.source_mark), plain(edge.target_mark));
        if edge.source_mark == Mark::Circle && edge.target_mark == Mark::Arrow {
            (source, target) = (Mark::Tail, Mark::Arrow);
        }
        graph.join(node(edge.source), source, node(edge.target), target);
    }
    let mut dag = Pattern::empty(names.len());
    truth.iter().for_each(|(a, b)| dag.orient(at(a), at(b)));
    let (Ok(want), class) = (cpdag_of(&dag), cpdag_of(&graph).unwrap_or_else(|_| graph.clone())) else {
        return "the known graph has a cycle".to_owned();
    };
    let pairs = || (0..names.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let shared = pairs().filter(|(i, j)| class.adjacent(*i, *j) && want.adjacent(*i, *j)).count();
    format!(
        "distance {:3}; {:3} edges, {:3} of them adjacent in truth",
        structural_hamming_distance(&class, &want).unwrap(),
        found.graph.edges.len(),
        shared
    )
}

/// Precision and recall of directed edges between different columns, an open edge counting for both directions.
fn recall(found: &Discovery, truth: &BTreeSet<(String, String)>) -> String {
    let mut told = BTreeSet::new();
    for edge in &found.graph.edges {
        let name = |v: u32| found.graph.variables[v as usize].name.clone();
        let (a, b) = (name(edge.source), name(edge.target));
        if a != b && edge.source_mark != Mark::Arrow {
            told.insert((a.clone(), b.clone()));
        }
        if a != b && edge.target_mark != Mark::Arrow {
            told.insert((b, a));
        }
    }
    let hits = told.intersection(truth).count() as f64;
    let (precision, recall) = (hits / told.len().max(1) as f64, hits / truth.len() as f64);
    let f1 = if hits > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    format!("F1 {f1:.2} (precision {precision:.2}, recall {recall:.2}), {} edges", told.len())
}
