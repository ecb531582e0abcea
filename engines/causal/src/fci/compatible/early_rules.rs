//! Colliders and rules 1 to 4: where arrows come from.

use std::collections::{BTreeMap, VecDeque};

use atsre_domain::graph::Mark;

use super::Search;
use crate::independence::IndependenceTest;

/// What became of a discriminating path.
enum Discriminated {
    Oriented,
    Undecided,
}

impl<T: IndependenceTest + ?Sized> Search<'_, T> {
    /// Rule 0, from circles and knowledge alone. Knowledge plants whole directed edges.
    pub(super) fn orient_colliders(&mut self) {
        self.pag.forget_marks();
        let nodes = self.pag.nodes();
        for i in 0..nodes {
            for j in (i + 1..nodes).filter(|j| self.pag.adjacent(i, *j)).collect::<Vec<_>>() {
                if self.knowledge.forbids(i, j) {
                    self.pag.orient(j, i);
                } else if self.knowledge.forbids(j, i) || self.knowledge.requires(i, j) {
                    self.pag.orient(i, j);
                } else if self.knowledge.requires(j, i) {
                    self.pag.orient(j, i);
                }
            }
        }
        for (b, a, c) in self.triples() {
            let open = !self.pag.adjacent(a, c) && !self.pag.collider(a, b, c);
            let collider = self.separating.get(&(a, c)).is_some_and(|members| !members.contains(&b));
            if open && collider && self.arrow_allowed(a, b) && self.arrow_allowed(c, b) {
                self.pag.set(b, a, Mark::Arrow);
                self.pag.set(b, c, Mark::Arrow);
            }
        }
    }

    /// Every (b, a, c) with a < c neighbours of b.
    fn triples(&self) -> Vec<(usize, usize, usize)> {
        let mut triples = Vec::new();
        for b in 0..self.pag.nodes() {
            let neighbours = self.pag.neighbours(b);
            for (k, a) in neighbours.iter().enumerate() {
                triples.extend(neighbours[k + 1..].iter().map(|c| (b, *a, *c)));
            }
        }
        triples
    }

    pub(super) fn rules_1_and_2(&mut self) -> bool {
        let mut changed = false;
        for (b, a, c) in self.triples() {
            changed |= self.rule_1(a, b, c);
            changed |= self.rule_1(c, b, a);
            changed |= self.rule_2(a, b, c);
            changed |= self.rule_2(c, b, a);
        }
        changed
    }

    /// `a *→ b o–* c`, a and c not adjacent: `b → c`, whatever stood at c.
    fn rule_1(&mut self, a: usize, b: usize, c: usize) -> bool {
        let applies = !self.pag.adjacent(a, c)
            && self.pag.has(b, a, Mark::Arrow)
            && self.pag.has(b, c, Mark::Circle)
            && self.arrow_allowed(b, c);
        if applies {
            self.pag.orient(b, c);
        }
        applies
    }

    /// `a → b *→ c` or `a *→ b → c`, and `a *–o c`: `a *→ c`.
    fn rule_2(&mut self, a: usize, b: usize, c: usize) -> bool {
        let applies = self.pag.has(c, a, Mark::Circle)
            && self.pag.has(b, a, Mark::Arrow)
            && self.pag.has(c, b, Mark::Arrow)
            && (self.pag.has(a, b, Mark::Tail) || self.pag.has(b, c, Mark::Tail))
            && self.arrow_allowed(a, c);
        if applies {
            self.pag.set(c, a, Mark::Arrow);
        }
        applies
    }

    /// `a *→ b ←* c`, `a *–o d o–* c`, `d *–o b`, a and c not adjacent, d in what separates them: `d *→ b`.
    pub(super) fn rule_3(&mut self) -> bool {
        let mut changed = false;
        for b in 0..self.pag.nodes() {
            let arrows = self.pag.with_mark_at(b, Mark::Arrow);
            for d in self.pag.with_mark_at(b, Mark::Circle) {
                for (k, a) in arrows.iter().enumerate() {
                    for c in &arrows[k + 1..] {
                        let applies = !self.pag.adjacent(*a, *c)
                            && self.separating.get(&(*a, *c)).is_some_and(|members| members.contains(&d))
                            && self.pag.has(d, *a, Mark::Circle)
                            && self.pag.has(d, *c, Mark::Circle)
                            && self.arrow_allowed(d, b);
                        if applies {
                            self.pag.set(b, d, Mark::Arrow);
                            changed = true;
                        }
                    }
                }
            }
        }
        changed
    }

    /// Discriminating paths `d *→ … a *– b o–* c`, found backwards from a.
    pub(super) fn rule_4(&mut self) -> bool {
        let mut changed = false;
        for b in 0..self.pag.nodes() {
            let before: Vec<usize> =
                self.pag.neighbours(b).iter().copied().filter(|a| self.pag.has(*a, b, Mark::Arrow)).collect();
            let after = self.pag.with_mark_at(b, Mark::Circle);
            for a in before {
                for c in &after {
                    if self.pag.directed(a, *c) && self.pag.has(*c, b, Mark::Arrow) {
                        changed |= self.discriminate(a, b, *c);
                    }
                }
            }
        }
        changed
    }

    fn discriminate(&mut self, a: usize, b: usize, c: usize) -> bool {
        let nodes = self.pag.nodes();
        let parents: Vec<bool> = (0..nodes).map(|n| self.pag.directed(n, c)).collect();
        let mut seen = vec![false; nodes];
        seen[a] = true;
        seen[b] = true;
        let mut next: BTreeMap<usize, usize> = BTreeMap::from([(a, b)]);
        let mut waiting = VecDeque::from([a]);
        while let Some(node) = waiting.pop_front() {
            for d in self.pag.with_mark_at(node, Mark::Arrow) {
                if seen[d] || !next.get(&node).is_some_and(|onward| self.pag.collider(d, node, *onward)) {
                    continue;
                }
                next.insert(d, node);
                if d != c
                    && !self.pag.adjacent(d, c)
                    && matches!(self.decide(d, [a, b, c], &next), Discriminated::Oriented)
                {
                    return true;
                }
                if parents[d] {
                    waiting.push_back(d);
                    seen[d] = true;
                }
            }
        }
        false
    }

    /// Asks whether the path from d to b, with b or without it, separates d from c, and orients accordingly.
    fn decide(&mut self, d: usize, [a, b, c]: [usize; 3], next: &BTreeMap<usize, usize>) -> Discriminated {
        let mut path = Vec::new();
        let mut node = d;
        while let Some(onward) = next.get(&node) {
            path.push(*onward);
            node = *onward;
        }
        let mut with_b = self.independent(d, c, &path);
        path.retain(|n| *n != b);
        let without_b = self.independent(d, c, &path);
        if !with_b && !without_b {
            let Some(members) = self.separating.get(&(d, c)) else { return Discriminated::Undecided };
            with_b = members.contains(&b);
        }
        if with_b {
            self.pag.set(b, c, Mark::Tail);
        } else if self.arrow_allowed(a, b) && self.arrow_allowed(c, b) {
            self.pag.set(b, a, Mark::Arrow);
            self.pag.set(b, c, Mark::Arrow);
        } else {
            return Discriminated::Undecided;
        }
        Discriminated::Oriented
    }
}
