//! Meek's rules 1 to 3 over lists that are made once, each orientation in force at once.

use super::colliders::Definite;
use super::ordered::Ordered;
use super::vetoed;
use crate::knowledge::Knowledge;

/// Orients `a — b` as `a → b` unless knowledge or the record of ancestors speaks against it. Returns whether it did.
fn apply(graph: &mut Ordered, knowledge: &Knowledge, a: usize, b: usize) -> bool {
    if vetoed(knowledge, a, b) || graph.recorded_above(b, a) {
        return false;
    }
    graph.replace_directed(a, b);
    true
}

/// With `definite` knowledge of triples, first the rules restricted to it; then the ordinary rules.
pub(super) fn close(graph: &mut Ordered, knowledge: &Knowledge, definite: Option<&Definite>) {
    if let Some(definite) = definite {
        close_definite(graph, knowledge, definite);
    }
    let (triples, triangles, kites) = (graph.unshielded_triples(), graph.triangles(), graph.kites());
    loop {
        let mut changed = false;
        for (i, j, k) in &triples {
            if graph.directed(*i, *j) && graph.undirected(*j, *k) {
                changed |= apply(graph, knowledge, *j, *k);
            }
        }
        changed |= shorten(graph, knowledge, &triangles);
        for (i, j, k, l) in &kites {
            if graph.undirected(*i, *j)
                && graph.undirected(*i, *k)
                && graph.directed(*j, *l)
                && graph.directed(*k, *l)
                && graph.undirected(*i, *l)
            {
                changed |= apply(graph, knowledge, *i, *l);
            }
        }
        if !changed {
            return;
        }
    }
}

/// Rule 2: `i → j → k`, `i — k` gives `i → k`.
fn shorten(graph: &mut Ordered, knowledge: &Knowledge, triangles: &[(usize, usize, usize)]) -> bool {
    let mut changed = false;
    for (i, j, k) in triangles {
        if graph.directed(*i, *j) && graph.directed(*j, *k) && graph.undirected(*i, *k) {
            changed |= apply(graph, knowledge, *i, *k);
        }
    }
    changed
}

fn close_definite(graph: &mut Ordered, knowledge: &Knowledge, definite: &Definite) {
    let (triangles, kites) = (graph.triangles(), graph.kites());
    let non_collider = |x: usize, y: usize, z: usize| definite.non_colliders.contains(&(x.min(z), y, x.max(z)));
    let collider = |x: usize, y: usize, z: usize| definite.colliders.contains(&(x.min(z), y, x.max(z)));
    loop {
        let mut changed = false;
        for (i, j, k) in &definite.non_colliders {
            if graph.directed(*i, *j) && graph.undirected(*j, *k) {
                changed |= apply(graph, knowledge, *j, *k);
            } else if graph.directed(*k, *j) && graph.undirected(*j, *i) {
                changed |= apply(graph, knowledge, *j, *i);
            }
        }
        changed |= shorten(graph, knowledge, &triangles);
        for (i, j, k, l) in &kites {
            if collider(*j, *l, *k) && non_collider(*j, *i, *k) && graph.undirected(*i, *l) {
                changed |= apply(graph, knowledge, *i, *l);
            }
        }
        if !changed {
            return;
        }
    }
}
