//! Marks.

use atsre_domain::graph::Mark;

use super::facts::Facts;
use super::removal::Search;
use crate::fci::{Evidence, Pag, close_marks};
use crate::knowledge::Knowledge;
use crate::pattern::Pattern;
use crate::pcmci::LaggedTest;

/// Learns who is an ancestor of whom from a round that may still have too many edges.
pub(super) fn learn<T: LaggedTest>(round: &mut Search<'_, T>, facts: &mut Facts) {
    let triples = unshielded(round);
    let mut inner = Vec::new();
    for (a, b, c) in &triples {
        let Some(set) = round.separating(*a, *c) else { continue };
        if set.contains(b) {
            inner.push((*a, *b, *c));
            continue;
        }
        // Both sides have to depend given the very set, or the edge may be one that is still to go.
        let alpha = round.alpha();
        if round.ask(*a, *b, &set).p_value <= alpha && round.ask(*b, *c, &set).p_value <= alpha {
            facts.note(*b, *a, false);
            facts.note(*b, *c, false);
        }
    }
    let nodes = facts.window().nodes();
    loop {
        let mut changed = false;
        for (a, b, c) in &inner {
            // b is an ancestor of a or of c, since every member of a smallest separating set is.
            if facts.get(*b, *a) == Some(false) {
                changed |= facts.note(*b, *c, true);
            }
        }
        for a in 0..nodes {
            for b in (0..nodes).filter(|b| facts.get(a, *b) == Some(true)).collect::<Vec<_>>() {
                for c in 0..nodes {
                    if c == a || c == b {
                        continue;
                    }
                    if facts.get(b, c) == Some(true) {
                        changed |= facts.note(a, c, true);
                    }
                    // What is no ancestor of b is none of b's ancestor a; and if a is none of c, neither is b.
                    if facts.get(c, b) == Some(false) {
                        changed |= facts.note(c, a, false);
                    }
                    if facts.get(a, c) == Some(false) {
                        changed |= facts.note(b, c, false);
                    }
                }
            }
        }
        if !changed {
            return;
        }
    }
}

/// Triples with adjacent sides and separated ends, each once.
fn unshielded<T>(round: &Search<'_, T>) -> Vec<(usize, usize, usize)> {
    let nodes = round.window().nodes();
    let mut triples = Vec::new();
    for b in 0..nodes {
        let sides: Vec<usize> = (0..nodes).filter(|n| round.adjacent(*n, b)).collect();
        for (k, c) in sides.iter().enumerate() {
            triples.extend(sides[..k].iter().filter(|a| !round.adjacent(**a, *c)).map(|a| (*a, b, *c)));
        }
    }
    triples
}

struct Sets<'a, 'b, T>(&'a Search<'b, T>);

impl<T> Evidence for Sets<'_, '_, T> {
    fn non_collider(&self, a: usize, b: usize, c: usize) -> bool {
        self.0.separating(a, c).is_some_and(|set| set.contains(&b))
    }

    fn on_discriminating_path(&self, d: usize, _a: usize, b: usize, c: usize) -> Option<bool> {
        self.0.separating(d, c).map(|set| set.contains(&b))
    }
}

/// Marks the final skeleton: what is known, colliders, then FCI's rules, the same at every moment.
pub(super) fn complete<T: LaggedTest>(last: &Search<'_, T>, facts: &Facts, knowledge: &Knowledge) -> Pattern {
    let window = last.window();
    let nodes = window.nodes();
    let mut pag = Pag::of_skeleton(nodes, |i, j| last.adjacent(i, j));
    for i in 0..nodes {
        for j in (0..nodes).filter(|j| last.adjacent(i, *j)) {
            match facts.get(i, j) {
                Some(true) => pag.set(i, j, Mark::Tail),
                Some(false) => pag.set(i, j, Mark::Arrow),
                None => {}
            }
        }
    }
    let mut arrows = Vec::new();
    for (a, b, c) in unshielded(last) {
        if last.separating(a, c).is_some_and(|set| !set.contains(&b)) {
            arrows.extend([(b, a), (b, c)]);
        }
    }
    for (at, other) in arrows {
        if pag.has(at, other, Mark::Circle) && !knowledge.requires(at, other) {
            pag.set(at, other, Mark::Arrow);
        }
    }
    loop {
        share_marks(&mut pag, last);
        let before = pag.pattern().clone();
        close_marks(&mut pag, &Sets(last));
        share_marks(&mut pag, last);
        if *pag.pattern() == before {
            return pag.into_pattern();
        }
    }
}

/// Gives every copy of an edge the marks that any of them has, the latest first.
fn share_marks<T>(pag: &mut Pag, last: &Search<'_, T>) {
    let window = last.window();
    for (early, late) in window.pairs().filter(|(i, j)| last.adjacent(*i, *j)) {
        let copies: Vec<(usize, usize)> = window.copies(early, late).collect();
        let mark = |at_early: bool| {
            copies.iter().find_map(|(i, j)| {
                let (at, other) = if at_early { (*i, *j) } else { (*j, *i) };
                pag.pattern().mark_at(at, other).filter(|m| *m != Mark::Circle)
            })
        };
        let (of_early, of_late) = (mark(true), mark(false));
        for (i, j) in copies {
            if let Some(mark) = of_early {
                pag.set(i, j, mark);
            }
            if let Some(mark) = of_late {
                pag.set(j, i, mark);
            }
        }
    }
}
