//! Rules 5 to 10: where tails come from.

use atsre_domain::graph::Mark;

use super::Search;
use super::paths::{PathSearch, circle_step, possibly_directed_step, semi_directed_step};
use crate::fci::pag::Pag;
use crate::hash_order::in_set_order;
use crate::independence::IndependenceTest;

impl<T: IndependenceTest + ?Sized> Search<'_, T> {
    /// `a o–o b` and an uncovered circle path a, c, …, d, b with a, d and b, c not adjacent: all of it undirected.
    pub(super) fn rule_5(&mut self) -> bool {
        let mut changed = false;
        for b in 0..self.pag.nodes() {
            for a in self.pag.with_mark_at(b, Mark::Circle) {
                if !self.pag.has(a, b, Mark::Circle) {
                    continue;
                }
                let of = |pag: &Pag, node: usize, far: usize| -> Vec<usize> {
                    let around = pag.neighbours(node).iter().copied();
                    around.filter(|n| *n != far && circle_step(pag, node, *n) && !pag.adjacent(far, *n)).collect()
                };
                let (firsts, lasts) = (of(&self.pag, a, b), of(&self.pag, b, a));
                for c in &firsts {
                    for d in &lasts {
                        changed |= self.undirect_circle_paths(a, b, *c, *d);
                    }
                }
            }
        }
        changed
    }

    fn undirect_circle_paths(&mut self, a: usize, b: usize, c: usize, d: usize) -> bool {
        let mut search = PathSearch::new(&self.pag, vec![c], &[a, b]);
        let mut changed = false;
        while let Some(path) = search.next(&self.pag, d, |from, to| circle_step(&self.pag, from, to)) {
            let mut ring = vec![b, a];
            ring.extend(&path);
            ring.push(b);
            for pair in ring.windows(2) {
                self.pag.set(pair[0], pair[1], Mark::Tail);
                self.pag.set(pair[1], pair[0], Mark::Tail);
            }
            changed = true;
        }
        changed
    }

    /// `a — b o–* c`: `b –* c`.
    pub(super) fn rule_6(&mut self) -> bool {
        let mut changed = false;
        for b in 0..self.pag.nodes() {
            let undirected = self.pag.with_mark_at(b, Mark::Tail).iter().any(|a| self.pag.has(*a, b, Mark::Tail));
            if undirected {
                for c in self.pag.with_mark_at(b, Mark::Circle) {
                    self.pag.set(b, c, Mark::Tail);
                    changed = true;
                }
            }
        }
        changed
    }

    /// `a –o b o–* c`, a and c not adjacent: `b –* c`.
    pub(super) fn rule_7(&mut self) -> bool {
        let mut changed = false;
        for b in 0..self.pag.nodes() {
            let circles = self.pag.with_mark_at(b, Mark::Circle);
            let tails: Vec<usize> = circles.iter().copied().filter(|a| self.pag.has(*a, b, Mark::Tail)).collect();
            for c in circles {
                if tails.iter().any(|a| *a != c && !self.pag.adjacent(*a, c)) {
                    self.pag.set(b, c, Mark::Tail);
                    changed = true;
                }
            }
        }
        changed
    }

    /// `a → b → c` or `a –o b → c`, and `a o→ c`: `a → c`; tried for a < c only.
    pub(super) fn rule_8(&mut self) -> bool {
        let mut changed = false;
        for b in 0..self.pag.nodes() {
            for (k, a) in self.pag.neighbours(b).to_vec().iter().enumerate() {
                for c in &self.pag.neighbours(b).to_vec()[k + 1..] {
                    let applies = self.pag.has(*a, b, Mark::Tail)
                        && !self.pag.has(b, *a, Mark::Tail)
                        && self.pag.directed(b, *c)
                        && self.pag.has(*a, *c, Mark::Circle)
                        && self.pag.has(*c, *a, Mark::Arrow);
                    if applies {
                        self.pag.orient(*a, *c);
                        changed = true;
                    }
                }
            }
        }
        changed
    }

    /// `a o→ c` and an uncovered possibly directed path a, b, …, c with b, c not adjacent: `a → c`.
    pub(super) fn rule_9(&mut self) -> bool {
        let mut changed = false;
        for c in 0..self.pag.nodes() {
            for a in self.pag.with_mark_at(c, Mark::Arrow) {
                if !self.pag.has(a, c, Mark::Circle) {
                    continue;
                }
                let pag = &self.pag;
                let applies = pag.neighbours(a).iter().any(|b| {
                    *b != c
                        && semi_directed_step(pag, a, *b)
                        && !pag.adjacent(*b, c)
                        && PathSearch::new(pag, vec![a, *b], &[a, *b])
                            .next(pag, c, |from, to| possibly_directed_step(pag, from, to))
                            .is_some()
                });
                if applies {
                    self.pag.orient(a, c);
                    changed = true;
                }
            }
        }
        changed
    }

    /// `a o→ c`, `b → c ← d`, and semi-directed ways from two neighbours of a that are not adjacent, one to b and one to
    /// d: `a → c`. Each two neighbours are tried in one order.
    pub(super) fn rule_10(&mut self) -> bool {
        let mut changed = false;
        // A tail where a circle was does not change where one can go.
        let mut reach: Vec<Option<Vec<bool>>> = vec![None; self.pag.nodes()];
        for c in 0..self.pag.nodes() {
            let causes = self.pag.with_mark_at(c, Mark::Arrow);
            for a in causes.clone() {
                if causes.len() < 2 || !self.pag.has(a, c, Mark::Circle) {
                    continue;
                }
                let around = self.pag.neighbours(a).iter().copied();
                let children = in_set_order(around.filter(|n| *n != c && semi_directed_step(&self.pag, a, *n)));
                for child in &children {
                    if reach[*child].is_none() {
                        let step = |from, to| semi_directed_step(&self.pag, from, to);
                        reach[*child] = Some(self.pag.reached(*child, step));
                    }
                }
                let leads = |from: usize, to: usize| reach[from].as_ref().is_some_and(|r| r[to]);
                let directed: Vec<usize> = causes.iter().copied().filter(|b| self.pag.has(*b, c, Mark::Tail)).collect();
                let applies = directed.iter().enumerate().any(|(k, b)| {
                    directed[k + 1..].iter().any(|d| {
                        children.iter().enumerate().any(|(m, one)| {
                            let others = &children[m + 1..];
                            others
                                .iter()
                                .any(|two| leads(*one, *b) && leads(*two, *d) && !self.pag.adjacent(*one, *two))
                        })
                    })
                });
                if applies {
                    self.pag.orient(a, c);
                    changed = true;
                }
            }
        }
        changed
    }
}
