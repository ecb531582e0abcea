//! The table of known networks in the documentation is what the code yields.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::Path;

use atsre_bench_causal::networks::{SECTION, Values, all, distances, render};
use atsre_bench_peers::page;

#[test]
fn the_page_holds_the_table_that_the_code_yields() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/causal.md");
    let written = std::fs::read_to_string(file).unwrap();
    let table = render(&all().unwrap()).unwrap();
    assert_eq!(
        page::section(&written, SECTION),
        Some(table.trim()),
        "`cargo xtask bench causal -- networks` rewrites the table"
    );
}

#[test]
fn the_tests_for_categories_find_more_than_half_of_what_an_empty_graph_misses() {
    let edges: Vec<(&str, usize, usize)> = all().unwrap().iter().map(|n| (n.name, n.truth.nodes(), n.edges)).collect();
    let expected = [
        ("cancer", 5, 4),
        ("asia", 8, 8),
        ("Sachs, simulated", 11, 17),
        ("alarm", 37, 46),
        ("Sachs, measured", 11, 18),
    ];
    assert_eq!(edges, expected);
    for network in all().unwrap().iter().filter(|n| n.values == Values::Categories) {
        for found in distances(network).unwrap().iter().filter(|d| d.algorithm.ends_with('²')) {
            assert!(2 * found.adjacencies <= network.edges, "{}: {found:?}", network.name);
        }
    }
}
