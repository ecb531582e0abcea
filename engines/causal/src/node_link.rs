//! A causal graph as NetworkX node-link JSON, and back.
//!
//! `networkx.node_link_graph(data)` opens it whatever the version: the list of edges stands under `edges`, the
//! default since 3.6, and under `links`, the default before. A directed edge appears once, from cause to effect. An edge
//! without a direction (`—`, `o–o`, `↔`) appears both ways, so that neither end looks like the cause, and its second
//! appearance is marked `"mirrored": true`.

use std::collections::BTreeMap;

use atsre_domain::Finite;
use atsre_domain::graph::{CausalEdge, CausalGraph, Mark, Variable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Text that is not such a graph.
#[derive(Debug, thiserror::Error)]
pub enum NodeLinkError {
    /// Not the JSON of a node-link graph.
    #[error("not a causal graph in node-link form")]
    Json(#[from] serde_json::Error),
    /// The edges stand under neither `edges` nor `links`.
    #[error("the graph has neither \"edges\" nor \"links\"")]
    NoEdges,
    /// An edge names a node that is not there.
    #[error("an edge names node {0:?}, which is not among the nodes")]
    NoNode(String),
    /// Two nodes have one id.
    #[error("two nodes are called {0:?}")]
    TwiceNamed(String),
}

#[derive(Serialize, Deserialize)]
struct NodeLink {
    directed: bool,
    multigraph: bool,
    graph: Map<String, Value>,
    nodes: Vec<Node>,
    #[serde(default)]
    edges: Option<Vec<Link>>,
    #[serde(default)]
    links: Option<Vec<Link>>,
}

#[derive(Serialize, Deserialize)]
struct Node {
    id: String,
    column: String,
    lag: u32,
}

#[derive(Clone, Serialize, Deserialize)]
struct Link {
    source: String,
    target: String,
    /// The edge as people write it: `-->`, `---`, `<->`, `o->`, `o-o`.
    kind: String,
    source_mark: Mark,
    target_mark: Mark,
    statistic: Option<Finite>,
    p_value: Option<Finite>,
    confidence: Option<Finite>,
    /// Steps from source to target.
    lag: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    mirrored: bool,
}

/// The graph in node-link form, with `attributes` of the graph as a whole (the algorithm, say).
#[must_use]
pub fn to_value(graph: &CausalGraph, attributes: Map<String, Value>) -> Value {
    let nodes =
        graph.variables.iter().map(|v| Node { id: v.to_string(), column: v.name.clone(), lag: v.lag }).collect();
    let mut edges = Vec::with_capacity(graph.edges.len());
    for edge in &graph.edges {
        if (edge.source_mark, edge.target_mark) == (Mark::Arrow, Mark::Tail) {
            edges.push(link(graph, &reversed(edge), false));
            continue;
        }
        edges.push(link(graph, edge, false));
        if (edge.source_mark, edge.target_mark) != (Mark::Tail, Mark::Arrow) {
            edges.push(link(graph, &reversed(edge), true));
        }
    }
    let whole = NodeLink {
        directed: true,
        multigraph: false,
        graph: attributes,
        nodes,
        edges: Some(edges.clone()),
        links: Some(edges),
    };
    serde_json::to_value(whole).unwrap_or(Value::Null)
}

/// Reads what [`to_value`] wrote. Edges come back ordered by (source, target).
///
/// # Errors
/// [`NodeLinkError`] where the JSON is not such a graph.
pub fn from_value(value: Value) -> Result<CausalGraph, NodeLinkError> {
    let read: NodeLink = serde_json::from_value(value)?;
    let mut number = BTreeMap::new();
    for (index, node) in read.nodes.iter().enumerate() {
        if number.insert(node.id.clone(), index as u32).is_some() {
            return Err(NodeLinkError::TwiceNamed(node.id.clone()));
        }
    }
    let find = |id: &String| number.get(id).copied().ok_or_else(|| NodeLinkError::NoNode(id.clone()));
    let mut edges = Vec::new();
    for link in read.edges.or(read.links).ok_or(NodeLinkError::NoEdges)?.iter().filter(|l| !l.mirrored) {
        edges.push(CausalEdge {
            source: find(&link.source)?,
            target: find(&link.target)?,
            source_mark: link.source_mark,
            target_mark: link.target_mark,
            statistic: link.statistic,
            p_value: link.p_value,
            confidence: link.confidence,
        });
    }
    edges.sort_by_key(|e| (e.source, e.target));
    let variables = read.nodes.into_iter().map(|n| Variable { name: n.column, lag: n.lag }).collect();
    Ok(CausalGraph { variables, edges })
}

fn reversed(edge: &CausalEdge) -> CausalEdge {
    CausalEdge {
        source: edge.target,
        target: edge.source,
        source_mark: edge.target_mark,
        target_mark: edge.source_mark,
        ..edge.clone()
    }
}

fn link(graph: &CausalGraph, edge: &CausalEdge, mirrored: bool) -> Link {
    let (source, target) = (&graph.variables[edge.source as usize], &graph.variables[edge.target as usize]);
    Link {
        source: source.to_string(),
        target: target.to_string(),
        kind: kind(edge.source_mark, edge.target_mark),
        source_mark: edge.source_mark,
        target_mark: edge.target_mark,
        statistic: edge.statistic,
        p_value: edge.p_value,
        confidence: edge.confidence,
        lag: i64::from(source.lag) - i64::from(target.lag),
        mirrored,
    }
}

/// `-->`, `---`, `<->`, `o->`, `o-o` and the like.
pub(crate) fn kind(source: Mark, target: Mark) -> String {
    let end = |mark: Mark, arrow: &'static str| match mark {
        Mark::Tail => "-",
        Mark::Arrow => arrow,
        Mark::Circle => "o",
    };
    format!("{}-{}", end(source, "<"), end(target, ">"))
}
