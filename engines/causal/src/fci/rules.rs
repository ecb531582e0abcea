//! The orientation rules 1 to 10 of Zhang (2008), applied so that the order of the columns has no influence.

use std::collections::{BTreeMap, BTreeSet};

use atsre_domain::graph::Mark;

use super::evidence::Evidence;
use super::pag::Pag;
use super::uncovered::{ends_of_uncovered_paths, uncovered_circle_cycle};

/// Marks that a round wants at (node, on the edge with).
#[derive(Default)]
struct Wanted(BTreeMap<(usize, usize), (bool, bool)>);

impl Wanted {
    fn add(&mut self, pag: &Pag, at: usize, other: usize, mark: Mark) {
        if pag.has(at, other, Mark::Circle) {
            let (arrow, tail) = self.0.entry((at, other)).or_default();
            *arrow |= mark == Mark::Arrow;
            *tail |= mark == Mark::Tail;
        }
    }

    fn cause(&mut self, pag: &Pag, cause: usize, effect: usize) {
        self.add(pag, cause, effect, Mark::Tail);
        self.add(pag, effect, cause, Mark::Arrow);
    }
}

/// Replaces circles until no rule has anything to say. Each round finds everything that the rules say of the graph as it is
/// and then sets it all at once; a circle for which two rules want different marks stays for good, for then the evidence
/// contradicts itself. Arrows and tails that are there are never changed.
pub(crate) fn close_marks(pag: &mut Pag, evidence: &impl Evidence) {
    let mut disputed: BTreeSet<(usize, usize)> = BTreeSet::new();
    // The rules about tails need the arrows complete (Zhang 2008, §4): first 1 to 4, then all.
    for rules in [early as fn(&Pag, &mut Wanted, &dyn Evidence), every] {
        loop {
            let mut wanted = Wanted::default();
            rules(pag, &mut wanted, evidence);
            let mut changed = false;
            for ((at, other), (arrow, tail)) in wanted.0 {
                if arrow && tail {
                    disputed.insert((at, other));
                } else if !disputed.contains(&(at, other)) {
                    pag.set(at, other, if arrow { Mark::Arrow } else { Mark::Tail });
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
    }
}

fn every(pag: &Pag, wanted: &mut Wanted, evidence: &dyn Evidence) {
    early(pag, wanted, evidence);
    rule_5(pag, wanted);
    rules_6_and_7(pag, wanted);
    rule_8(pag, wanted);
    rules_9_and_10(pag, wanted);
}

fn early(pag: &Pag, wanted: &mut Wanted, evidence: &dyn Evidence) {
    for b in 0..pag.nodes() {
        for a in pag.neighbours(b) {
            for c in pag.neighbours(b).iter().filter(|c| *c != a) {
                rules_1_and_2(pag, wanted, evidence, *a, b, *c);
            }
        }
        rule_3(pag, wanted, evidence, b);
        for c in pag.with_mark_at(b, Mark::Circle) {
            rule_4(pag, wanted, evidence, b, c);
        }
    }
}

/// 1: `a *→ b o–* c` not a collider: `b → c`. 2: `a → b *→ c` or `a *→ b → c`, and `a *–o c`: `a *→ c`.
fn rules_1_and_2(pag: &Pag, wanted: &mut Wanted, evidence: &dyn Evidence, a: usize, b: usize, c: usize) {
    if !pag.has(b, a, Mark::Arrow) {
        return;
    }
    if !pag.adjacent(a, c) {
        if pag.has(b, c, Mark::Circle) && evidence.non_collider(a, b, c) {
            wanted.cause(pag, b, c);
        }
    } else if pag.has(c, b, Mark::Arrow) && (pag.has(a, b, Mark::Tail) || pag.has(b, c, Mark::Tail)) {
        wanted.add(pag, c, a, Mark::Arrow);
    }
}

/// `a *→ b ←* c`, `a *–o d o–* c` not a collider, `d *–o b`: `d *→ b`.
fn rule_3(pag: &Pag, wanted: &mut Wanted, evidence: &dyn Evidence, b: usize) {
    let arrows = pag.with_mark_at(b, Mark::Arrow);
    for d in pag.with_mark_at(b, Mark::Circle) {
        let sides: Vec<usize> = arrows.iter().copied().filter(|a| pag.has(d, *a, Mark::Circle)).collect();
        let unshielded = |a: usize, c: usize| !pag.adjacent(a, c) && evidence.non_collider(a, d, c);
        if sides.iter().enumerate().any(|(k, a)| sides[..k].iter().any(|c| unshielded(*a, *c))) {
            wanted.add(pag, b, d, Mark::Arrow);
        }
    }
}

/// A path d, …, a, b, c discriminates b: every node between d and b is a collider on it and a cause of c, and d is not
/// adjacent to c. Whether b is a collider too is then decided by what separates d from c.
fn rule_4(pag: &Pag, wanted: &mut Wanted, evidence: &dyn Evidence, b: usize, c: usize) {
    let link = |q: usize| pag.directed(q, c);
    for a in pag.neighbours(b).iter().copied().filter(|a| link(*a) && pag.has(*a, b, Mark::Arrow)) {
        let mut seen = vec![false; pag.nodes()];
        [a, b, c].iter().for_each(|n| seen[*n] = true);
        let mut waiting = vec![a];
        while let Some(q) = waiting.pop() {
            for d in pag.with_mark_at(q, Mark::Arrow) {
                if std::mem::replace(&mut seen[d], true) {
                    continue;
                }
                if !pag.adjacent(d, c) {
                    discriminate(pag, wanted, evidence.on_discriminating_path(d, a, b, c), [a, b, c]);
                } else if link(d) && pag.has(d, q, Mark::Arrow) {
                    waiting.push(d);
                }
            }
        }
    }
}

fn discriminate(pag: &Pag, wanted: &mut Wanted, non_collider: Option<bool>, [a, b, c]: [usize; 3]) {
    match non_collider {
        Some(true) => wanted.cause(pag, b, c),
        Some(false) if !pag.has(b, a, Mark::Tail) => {
            wanted.add(pag, b, a, Mark::Arrow);
            wanted.add(pag, b, c, Mark::Arrow);
            wanted.add(pag, c, b, Mark::Arrow);
        }
        Some(false) | None => {}
    }
}

/// `a o–o b` on an uncovered cycle of circles: all of it is undirected (selection).
fn rule_5(pag: &Pag, wanted: &mut Wanted) {
    for a in 0..pag.nodes() {
        for b in pag.neighbours(a).iter().copied().filter(|b| a < *b) {
            if let Some(cycle) = uncovered_circle_cycle(pag, a, b) {
                for k in 0..cycle.len() {
                    let (i, j) = (cycle[k], cycle[(k + 1) % cycle.len()]);
                    wanted.add(pag, i, j, Mark::Tail);
                    wanted.add(pag, j, i, Mark::Tail);
                }
            }
        }
    }
}

/// 6: `a — b o–* c`: `b –* c`. 7: `a –o b o–* c`, a and c not adjacent: `b –* c`.
fn rules_6_and_7(pag: &Pag, wanted: &mut Wanted) {
    for b in 0..pag.nodes() {
        let tails: Vec<usize> = pag.neighbours(b).iter().copied().filter(|a| pag.has(*a, b, Mark::Tail)).collect();
        for c in pag.with_mark_at(b, Mark::Circle) {
            let applies = tails.iter().any(|a| {
                pag.has(b, *a, Mark::Tail) || (*a != c && pag.has(b, *a, Mark::Circle) && !pag.adjacent(*a, c))
            });
            if applies {
                wanted.add(pag, b, c, Mark::Tail);
            }
        }
    }
}

/// Every `a o→ c`.
fn half_oriented(pag: &Pag) -> impl Iterator<Item = (usize, usize)> {
    (0..pag.nodes()).flat_map(move |a| {
        pag.with_mark_at(a, Mark::Circle).into_iter().filter(move |c| pag.has(*c, a, Mark::Arrow)).map(move |c| (a, c))
    })
}

/// `a → b → c` or `a –o b → c`, and `a o→ c`: `a → c`.
fn rule_8(pag: &Pag, wanted: &mut Wanted) {
    for (a, c) in half_oriented(pag) {
        let between = |b: usize| pag.directed(b, c) && pag.has(a, b, Mark::Tail) && !pag.has(b, a, Mark::Tail);
        if pag.neighbours(a).iter().any(|b| between(*b)) {
            wanted.add(pag, a, c, Mark::Tail);
        }
    }
}

/// 9: `a o→ c` and an uncovered possibly directed path a, b, …, c with b, c not adjacent: `a → c`. 10: `a o→ c`, `b → c ← d`,
/// and uncovered possibly directed paths from a to b and from a to d whose second nodes differ and are not adjacent: `a → c`.
fn rules_9_and_10(pag: &Pag, wanted: &mut Wanted) {
    for (a, c) in half_oriented(pag) {
        let firsts: Vec<usize> = pag
            .neighbours(a)
            .iter()
            .copied()
            .filter(|m| *m != c && !pag.has(a, *m, Mark::Arrow) && !pag.has(*m, a, Mark::Tail))
            .collect();
        let causes: Vec<usize> = pag.neighbours(c).iter().copied().filter(|b| *b != a && pag.directed(*b, c)).collect();
        let ends: Vec<Vec<bool>> = firsts.iter().map(|m| ends_of_uncovered_paths(pag, a, *m, c)).collect();
        let around = firsts.iter().zip(&ends).any(|(m, ends)| !pag.adjacent(*m, c) && ends[c]);
        let both = || {
            (0..firsts.len()).any(|k| {
                (0..k).any(|l| {
                    !pag.adjacent(firsts[k], firsts[l])
                        && causes.iter().any(|b| ends[k][*b] && causes.iter().any(|d| d != b && ends[l][*d]))
                })
            })
        };
        if around || both() {
            wanted.add(pag, a, c, Mark::Tail);
        }
    }
}
