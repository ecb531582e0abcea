//! The graph that FCI orients: marks, with each node's neighbours at hand.

use atsre_domain::graph::Mark;

use crate::pattern::Pattern;

/// A partial ancestral graph under construction.
#[derive(Clone, Debug)]
pub(crate) struct Pag {
    pattern: Pattern,
    neighbours: Vec<Vec<usize>>,
}

impl Pag {
    /// Every edge of `skeleton` with a circle at both ends.
    pub(crate) fn of_skeleton(nodes: usize, adjacent: impl Fn(usize, usize) -> bool) -> Self {
        let mut pag = Self { pattern: Pattern::undirected_where(nodes, adjacent), neighbours: Vec::new() };
        pag.neighbours = (0..nodes).map(|n| pag.pattern.neighbours(n).collect()).collect();
        pag.forget_marks();
        pag
    }

    /// Sets every mark to a circle.
    pub(crate) fn forget_marks(&mut self) {
        for (i, neighbours) in self.neighbours.iter().enumerate() {
            for j in neighbours {
                self.pattern.join(i, Mark::Circle, *j, Mark::Circle);
            }
        }
    }

    pub(crate) fn into_pattern(self) -> Pattern {
        self.pattern
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(crate) fn nodes(&self) -> usize {
        self.neighbours.len()
    }

    /// The neighbours of a node, ascending.
    pub(crate) fn neighbours(&self, node: usize) -> &[usize] {
        &self.neighbours[node]
    }

    pub(crate) fn adjacent(&self, i: usize, j: usize) -> bool {
        self.pattern.adjacent(i, j)
    }

    /// Whether the mark at `at` on the edge with `other` is `mark`.
    pub(crate) fn has(&self, at: usize, other: usize, mark: Mark) -> bool {
        self.pattern.mark_at(at, other) == Some(mark)
    }

    /// Sets the mark at `at` on its edge with `other`.
    pub(crate) fn set(&mut self, at: usize, other: usize, mark: Mark) {
        if let Some(far) = self.pattern.mark_at(other, at) {
            self.pattern.join(at, mark, other, far);
        }
    }

    /// Sets `cause → effect`.
    pub(crate) fn orient(&mut self, cause: usize, effect: usize) {
        self.pattern.orient(cause, effect);
    }

    pub(crate) fn directed(&self, cause: usize, effect: usize) -> bool {
        self.pattern.directed(cause, effect)
    }

    /// The neighbours whose edge has `mark` at `node`, ascending.
    pub(crate) fn with_mark_at(&self, node: usize, mark: Mark) -> Vec<usize> {
        self.neighbours[node].iter().copied().filter(|other| self.has(node, *other, mark)).collect()
    }

    /// Whether both edges have an arrow at `middle`.
    pub(crate) fn collider(&self, a: usize, middle: usize, c: usize) -> bool {
        self.has(middle, a, Mark::Arrow) && self.has(middle, c, Mark::Arrow)
    }

    pub(crate) fn separate(&mut self, i: usize, j: usize) {
        self.pattern.separate(i, j);
        self.neighbours[i].retain(|n| *n != j);
        self.neighbours[j].retain(|n| *n != i);
    }

    /// Which nodes a path of at least one edge leads to from `start`, where a step may be taken from `a` to `b` if
    /// `step(a, b)` holds.
    pub(crate) fn reached(&self, start: usize, step: impl Fn(usize, usize) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.nodes()];
        let mut waiting = vec![start];
        while let Some(node) = waiting.pop() {
            for next in &self.neighbours[node] {
                if !reached[*next] && step(node, *next) {
                    reached[*next] = true;
                    waiting.push(*next);
                }
            }
        }
        reached
    }
}
