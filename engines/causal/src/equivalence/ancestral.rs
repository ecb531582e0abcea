//! Ancestral graphs: what remains of a causal graph when some of its nodes are hidden.

use atsre_domain::graph::Mark;

use super::NotAcyclic;
use crate::fci::{Evidence, Pag, close_marks};
use crate::pattern::Pattern;

/// Whether `given` m-separates `x` from `y` in a graph of directed and bidirected edges: no path is open on which every
/// collider is in `given` or an ancestor of it, and nothing else is in `given` (Richardson and Spirtes 2002, §3.4). In a
/// directed acyclic graph this is d-separation.
#[must_use]
pub fn m_separated(graph: &Pattern, x: usize, y: usize, given: &[usize]) -> bool {
    let nodes = graph.nodes();
    let mut observed = vec![false; nodes];
    given.iter().for_each(|n| observed[*n] = true);
    let opens = ancestors_of(graph, given);
    // A state is a node and whether the path came to it by an arrow.
    let mut seen = vec![[false; 2]; nodes];
    let mut waiting: Vec<(usize, bool)> = Vec::new();
    let mut enter = |waiting: &mut Vec<(usize, bool)>, from: usize, to: usize| {
        let by_arrow = graph.mark_at(to, from) == Some(Mark::Arrow);
        if !std::mem::replace(&mut seen[to][usize::from(by_arrow)], true) {
            waiting.push((to, by_arrow));
        }
    };
    graph.neighbours(x).for_each(|n| enter(&mut waiting, x, n));
    while let Some((node, by_arrow)) = waiting.pop() {
        if node == y {
            return false;
        }
        for next in graph.neighbours(node) {
            let collides = by_arrow && graph.mark_at(node, next) == Some(Mark::Arrow);
            if if collides { opens[node] } else { !observed[node] } {
                enter(&mut waiting, node, next);
            }
        }
    }
    true
}

/// The nodes from which directed edges lead to one of `ends`, these included.
fn ancestors_of(graph: &Pattern, ends: &[usize]) -> Vec<bool> {
    let mut found = vec![false; graph.nodes()];
    ends.iter().for_each(|n| found[*n] = true);
    let mut waiting = ends.to_vec();
    while let Some(node) = waiting.pop() {
        for cause in graph.neighbours(node).filter(|c| graph.directed(*c, node)) {
            if !std::mem::replace(&mut found[cause], true) {
                waiting.push(cause);
            }
        }
    }
    found
}

/// The maximal ancestral graph of a directed acyclic graph over the nodes that are not hidden, which are renumbered in
/// their order (Richardson and Spirtes 2002, §4.2). Two nodes are adjacent where nothing observed separates them, that is
/// where their observed ancestors do not; a tail stands at a node that is an ancestor of the other, else an arrow.
///
/// # Errors
/// [`NotAcyclic`] where the graph has other edges, or a cycle.
pub fn mag_of(graph: &Pattern, hidden: &[bool]) -> Result<Pattern, NotAcyclic> {
    super::cpdag_of(graph)?;
    let observed: Vec<usize> = (0..graph.nodes()).filter(|n| !hidden.get(*n).is_some_and(|h| *h)).collect();
    let above: Vec<Vec<bool>> = observed.iter().map(|n| ancestors_of(graph, &[*n])).collect();
    let mut ancestral = Pattern::empty(observed.len());
    for (j, y) in observed.iter().enumerate() {
        for (i, x) in observed[..j].iter().enumerate() {
            let ancestors = observed.iter().copied().filter(|n| n != x && n != y && (above[i][*n] || above[j][*n]));
            if !m_separated(graph, *x, *y, &ancestors.collect::<Vec<_>>()) {
                let mark = |is_ancestor: bool| if is_ancestor { Mark::Tail } else { Mark::Arrow };
                ancestral.join(i, mark(above[j][*x]), j, mark(above[i][*y]));
            }
        }
    }
    Ok(ancestral)
}

/// The partial ancestral graph of a maximal ancestral graph: the marks that its whole Markov equivalence class shares, and
/// circles for the rest, by the complete rules of Zhang (2008, "On the completeness of orientation rules for causal
/// discovery in the presence of latent confounders and selection bias").
#[must_use]
pub fn pag_of(graph: &Pattern) -> Pattern {
    let nodes = graph.nodes();
    let mut pag = Pag::of_skeleton(nodes, |i, j| graph.adjacent(i, j));
    let known = Known(graph);
    for b in 0..nodes {
        for a in graph.neighbours(b) {
            for c in graph.neighbours(b).filter(|c| a < *c && !graph.adjacent(a, *c)) {
                if known.collider(a, b, c) {
                    pag.set(b, a, Mark::Arrow);
                    pag.set(b, c, Mark::Arrow);
                }
            }
        }
    }
    close_marks(&mut pag, &known);
    pag.into_pattern()
}

/// The graph itself says what is a collider.
struct Known<'a>(&'a Pattern);

impl Known<'_> {
    fn collider(&self, a: usize, b: usize, c: usize) -> bool {
        self.0.mark_at(b, a) == Some(Mark::Arrow) && self.0.mark_at(b, c) == Some(Mark::Arrow)
    }
}

impl Evidence for Known<'_> {
    fn non_collider(&self, a: usize, b: usize, c: usize) -> bool {
        !self.collider(a, b, c)
    }

    fn on_discriminating_path(&self, _d: usize, a: usize, b: usize, c: usize) -> Option<bool> {
        Some(!self.collider(a, b, c))
    }
}
