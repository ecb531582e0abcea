//! A directed acyclic graph of a partly directed one.

use crate::pattern::Pattern;

/// No directed acyclic graph has the same adjacencies, keeps the directed edges and adds no collider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the graph cannot be directed without a cycle or a new collider; nodes {} are left", .0.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))]
pub struct NoExtension(pub Vec<usize>);

/// A directed acyclic graph with the adjacencies and directed edges of `graph` and no unshielded collider beyond its own
/// (Dor and Tarsi 1992, "A simple algorithm to construct a consistent extension of a partially oriented graph"). Of several
/// possible sinks the smallest is taken.
///
/// # Errors
/// [`NoExtension`] where there is none; a CPDAG always has one.
pub fn extension_of(graph: &Pattern) -> Result<Pattern, NoExtension> {
    extension_where(graph, |_, _| true)
}

/// As [`extension_of`], with undirected edges directed only as `allowed(cause, effect)` permits. Finds an extension in which
/// sinks are taken greedily; since taking a permitted sink never rules out another one, there is none where this finds none.
pub(crate) fn extension_where(graph: &Pattern, allowed: impl Fn(usize, usize) -> bool) -> Result<Pattern, NoExtension> {
    let nodes = graph.nodes();
    let mut directed = graph.clone();
    let mut around: Vec<Vec<usize>> = (0..nodes).map(|n| graph.neighbours(n).collect()).collect();
    let mut left: Vec<usize> = (0..nodes).collect();
    while !left.is_empty() {
        let sink = |x: usize| {
            around[x].iter().all(|y| {
                graph.directed(*y, x)
                    || (graph.undirected(*y, x)
                        && allowed(*y, x)
                        && around[x].iter().all(|z| z == y || graph.adjacent(*y, *z)))
            })
        };
        let Some(place) = left.iter().position(|x| sink(*x)) else { return Err(NoExtension(left)) };
        let x = left.remove(place);
        for y in std::mem::take(&mut around[x]) {
            directed.orient(y, x);
            around[y].retain(|n| *n != x);
        }
    }
    Ok(directed)
}
