//! The equivalence class of a directed acyclic graph.

use std::cmp::Reverse;

use crate::pattern::Pattern;

/// A graph that is not directed and acyclic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAcyclic {
    /// An edge is not directed.
    #[error("the edge between nodes {0} and {1} is not directed")]
    Undirected(usize, usize),
    /// Directed edges form a cycle.
    #[error("directed edges form a cycle through node {0}")]
    Cycle(usize),
}

/// The CPDAG of a directed acyclic graph: the same adjacencies, directed where every member of its Markov equivalence class
/// agrees (Chickering 1995, "A transformational characterization of equivalent Bayesian network structures", algorithms
/// *Order-Edges* and *Label-Edges*).
///
/// # Errors
/// [`NotAcyclic`] where the graph has another kind of edge, or a cycle.
pub fn cpdag_of(graph: &Pattern) -> Result<Pattern, NotAcyclic> {
    let nodes = graph.nodes();
    for i in 0..nodes {
        if let Some(j) = graph.neighbours(i).find(|j| !graph.directed(i, *j) && !graph.directed(*j, i)) {
            return Err(NotAcyclic::Undirected(i, j));
        }
    }
    let mut parents: Vec<Vec<usize>> =
        (0..nodes).map(|y| graph.neighbours(y).filter(|x| graph.directed(*x, y)).collect()).collect();
    let order = topological_order(&parents)?;
    let mut place = vec![0; nodes];
    order.iter().enumerate().for_each(|(k, node)| place[*node] = k);
    // Effects from the first, and of each its causes from the last.
    parents.iter_mut().for_each(|causes| causes.sort_by_key(|x| Reverse(place[*x])));
    let mut compelled: Vec<Option<bool>> = vec![None; nodes * nodes];
    for y in &order {
        let y = *y;
        for x in &parents[y] {
            if compelled[x * nodes + y].is_none() {
                label(graph, &parents, &mut compelled, *x, y);
            }
        }
    }
    let mut pattern = Pattern::undirected_where(nodes, |i, j| graph.adjacent(i, j));
    for (x, y) in graph.directed_edges() {
        if compelled[x * nodes + y] == Some(true) {
            pattern.orient(x, y);
        }
    }
    Ok(pattern)
}

/// Labels all unlabelled edges into `y`, of which `x → y` is the lowest.
fn label(graph: &Pattern, parents: &[Vec<usize>], compelled: &mut [Option<bool>], x: usize, y: usize) {
    let nodes = parents.len();
    for w in &parents[x] {
        if compelled[w * nodes + x] != Some(true) {
            continue;
        }
        if !graph.adjacent(*w, y) {
            parents[y].iter().for_each(|p| compelled[p * nodes + y] = Some(true));
            return;
        }
        compelled[w * nodes + y] = Some(true);
    }
    let other_cause = parents[y].iter().any(|z| *z != x && !graph.adjacent(*z, x));
    for p in &parents[y] {
        compelled[p * nodes + y].get_or_insert(other_cause);
    }
}

/// Causes before effects; among nodes that could come next, the smallest first.
pub(super) fn topological_order(parents: &[Vec<usize>]) -> Result<Vec<usize>, NotAcyclic> {
    let nodes = parents.len();
    let mut waiting_for: Vec<usize> = parents.iter().map(Vec::len).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (y, causes) in parents.iter().enumerate() {
        causes.iter().for_each(|x| children[*x].push(y));
    }
    let mut ready: std::collections::BTreeSet<usize> = (0..nodes).filter(|n| waiting_for[*n] == 0).collect();
    let mut order = Vec::with_capacity(nodes);
    while let Some(node) = ready.pop_first() {
        order.push(node);
        for child in &children[node] {
            waiting_for[*child] -= 1;
            if waiting_for[*child] == 0 {
                ready.insert(*child);
            }
        }
    }
    (0..nodes).find(|n| waiting_for[*n] > 0).map_or(Ok(order), |node| Err(NotAcyclic::Cycle(node)))
}
