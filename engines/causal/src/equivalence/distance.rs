//! How far two graphs are apart.

use crate::pattern::Pattern;

/// The structural Hamming distance (Tsamardinos, Brown and Aliferis 2006): the number of pairs of nodes whose edge is
/// missing in one graph, additional, or marked otherwise. `None` where the graphs have different numbers of nodes.
#[must_use]
pub fn structural_hamming_distance(a: &Pattern, b: &Pattern) -> Option<usize> {
    let differs = |i: usize, j: usize| a.mark_at(i, j) != b.mark_at(i, j) || a.mark_at(j, i) != b.mark_at(j, i);
    let nodes = a.nodes();
    (nodes == b.nodes()).then(|| (0..nodes).map(|i| (0..i).filter(|j| differs(i, *j)).count()).sum())
}
