//! A causal graph for Graphviz.

use std::fmt::Write;

use atsre_domain::Finite;
use atsre_domain::graph::{CausalGraph, Mark};

/// The graph in the DOT language; lines are thicker the more certain an edge is.
#[must_use]
pub fn render(graph: &CausalGraph) -> String {
    let mut text =
        String::from("digraph causal {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for variable in &graph.variables {
        let _ = writeln!(text, "  {};", quoted(&variable.to_string()));
    }
    for edge in &graph.edges {
        let name = |v: u32| quoted(&graph.variables[v as usize].to_string());
        let width = 1.0 + 2.0 * edge.confidence.map_or(0.5, Finite::get);
        let _ = writeln!(
            text,
            "  {} -> {} [dir=both, arrowtail={}, arrowhead={}, penwidth={width:.2}];",
            name(edge.source),
            name(edge.target),
            shape(edge.source_mark),
            shape(edge.target_mark)
        );
    }
    text.push_str("}\n");
    text
}

fn shape(mark: Mark) -> &'static str {
    match mark {
        Mark::Tail => "none",
        Mark::Arrow => "normal",
        Mark::Circle => "odot",
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
