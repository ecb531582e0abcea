//! Paths in causal graphs: ancestors, cycles, d-separation. The graph algorithms are petgraph's.

use atsre_domain::graph::{CausalGraph, Mark};
use petgraph::Direction;
use petgraph::algo::{is_cyclic_directed, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed};

/// The directed part of a graph (tail at the cause, arrow at the effect); node weights are indices of variables.
#[must_use]
pub fn directed_part(graph: &CausalGraph) -> DiGraph<usize, ()> {
    let mut directed = DiGraph::with_capacity(graph.variables.len(), graph.edges.len());
    for index in 0..graph.variables.len() {
        directed.add_node(index);
    }
    for edge in &graph.edges {
        let (source, target) = (NodeIndex::new(edge.source as usize), NodeIndex::new(edge.target as usize));
        match (edge.source_mark, edge.target_mark) {
            (Mark::Tail, Mark::Arrow) => {
                directed.add_edge(source, target, ());
            }
            (Mark::Arrow, Mark::Tail) => {
                directed.add_edge(target, source, ());
            }
            (Mark::Tail | Mark::Circle, Mark::Tail | Mark::Circle)
            | (Mark::Arrow, Mark::Arrow | Mark::Circle)
            | (Mark::Circle, Mark::Arrow) => {}
        }
    }
    directed
}

/// Whether following directed edges can lead back to the start.
#[must_use]
pub fn has_directed_cycle(graph: &CausalGraph) -> bool {
    is_cyclic_directed(&directed_part(graph))
}

/// The variables with a directed path to `variable`, ascending, itself left out.
#[must_use]
pub fn ancestors(graph: &CausalGraph, variable: usize) -> Vec<usize> {
    let directed = directed_part(graph);
    let start = NodeIndex::new(variable);
    let mut found = reaching(&directed, &[start]);
    found[variable] = false;
    (0..found.len()).filter(|v| found[*v]).collect()
}

/// Which nodes have a directed path (of any length, zero included) to one of `ends`.
fn reaching<N>(graph: &DiGraph<N, ()>, ends: &[NodeIndex]) -> Vec<bool> {
    let mut found = vec![false; graph.node_count()];
    let reversed = Reversed(graph);
    for end in ends {
        let mut search = Dfs::new(reversed, *end);
        while let Some(node) = search.next(reversed) {
            found[node.index()] = true;
        }
    }
    found
}

/// Whether `given` d-separates `x` from `y` in a directed acyclic graph: no active trail remains
/// (Koller and Friedman 2009, algorithm 3.1).
#[must_use]
pub fn separated<N>(graph: &DiGraph<N, ()>, x: usize, y: usize, given: &[usize]) -> bool {
    let count = graph.node_count();
    let mut observed = vec![false; count];
    given.iter().for_each(|v| observed[*v] = true);
    let opens = reaching(graph, &given.iter().map(|v| NodeIndex::new(*v)).collect::<Vec<_>>());
    // A state is (node, whether the trail came to it from one of its effects).
    let mut seen = vec![[false; 2]; count];
    let mut waiting = vec![(x, true)];
    while let Some((node, from_effect)) = waiting.pop() {
        if std::mem::replace(&mut seen[node][usize::from(from_effect)], true) {
            continue;
        }
        if node == y && !observed[node] {
            return false;
        }
        let to_causes = if from_effect { !observed[node] } else { opens[node] };
        let to_effects = !observed[node];
        if to_causes {
            waiting
                .extend(graph.neighbors_directed(NodeIndex::new(node), Direction::Incoming).map(|n| (n.index(), true)));
        }
        if to_effects {
            waiting.extend(
                graph.neighbors_directed(NodeIndex::new(node), Direction::Outgoing).map(|n| (n.index(), false)),
            );
        }
    }
    true
}

/// The strongly connected component of each node, as a number shared by its members.
pub(crate) fn components(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut graph = DiGraph::<(), ()>::with_capacity(nodes, 0);
    for _ in 0..nodes {
        graph.add_node(());
    }
    for (cause, effect) in edges {
        graph.add_edge(NodeIndex::new(cause), NodeIndex::new(effect), ());
    }
    let mut of = vec![0; nodes];
    for (number, members) in tarjan_scc(&graph).iter().enumerate() {
        members.iter().for_each(|n| of[n.index()] = number);
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(u32, u32)]) -> DiGraph<(), ()> {
        let mut graph = DiGraph::new();
        for _ in 0..5 {
            graph.add_node(());
        }
        for (a, b) in edges {
            graph.add_edge(NodeIndex::new(*a as usize), NodeIndex::new(*b as usize), ());
        }
        graph
    }

    #[test]
    fn chains_forks_and_colliders_separate_as_they_should() {
        let chain = graph(&[(0, 1), (1, 2)]);
        assert!(!separated(&chain, 0, 2, &[]) && separated(&chain, 0, 2, &[1]));
        let fork = graph(&[(1, 0), (1, 2)]);
        assert!(!separated(&fork, 0, 2, &[]) && separated(&fork, 0, 2, &[1]));
        let collider = graph(&[(0, 1), (2, 1), (1, 3)]);
        assert!(separated(&collider, 0, 2, &[]));
        assert!(!separated(&collider, 0, 2, &[1]), "a collider opens when observed");
        assert!(!separated(&collider, 0, 2, &[3]), "and when an effect of it is observed");
    }

    #[test]
    fn components_find_cycles() {
        let of = components(4, [(0, 1), (1, 2), (2, 0), (2, 3)].into_iter());
        assert!(of[0] == of[1] && of[1] == of[2] && of[2] != of[3]);
    }
}
