//! A graph with the order in which its edges are listed, and a record of ancestors kept up as edges come and go.

use atsre_domain::graph::Mark;

use crate::pattern::Pattern;

/// The marks, and which node is recorded as an ancestor of which.
///
/// The record is not the transitive closure. Adding `a → b` records a above b, everything above a as above b, and a
/// above everything below b, but nothing above a as above anything below b.
pub(super) struct Ordered {
    pattern: Pattern,
    above: Vec<bool>,
}

impl Ordered {
    pub(super) fn of_skeleton(nodes: usize, adjacent: &[bool]) -> Self {
        let pattern = Pattern::undirected_where(nodes, |i, j| adjacent[i * nodes + j]);
        let mut graph = Self { pattern, above: vec![false; nodes * nodes] };
        graph.rebuild();
        graph
    }

    pub(super) fn into_pattern(self) -> Pattern {
        self.pattern
    }

    pub(super) fn nodes(&self) -> usize {
        self.pattern.nodes()
    }

    pub(super) fn adjacent(&self, i: usize, j: usize) -> bool {
        self.pattern.adjacent(i, j)
    }

    pub(super) fn directed(&self, cause: usize, effect: usize) -> bool {
        self.pattern.directed(cause, effect)
    }

    pub(super) fn undirected(&self, i: usize, j: usize) -> bool {
        self.pattern.undirected(i, j)
    }

    pub(super) fn neighbours(&self, node: usize) -> Vec<usize> {
        self.pattern.neighbours(node).collect()
    }

    /// Whether `node` is recorded as an ancestor of `other`.
    pub(super) fn recorded_above(&self, node: usize, other: usize) -> bool {
        self.above[node * self.nodes() + other]
    }

    /// Replaces the edge between the two by `cause → effect`.
    pub(super) fn replace_directed(&mut self, cause: usize, effect: usize) {
        self.take(cause, effect);
        self.pattern.orient(cause, effect);
        self.record(cause, effect);
    }

    /// Replaces the edge between the two by `i ↔ j`.
    pub(super) fn replace_bidirected(&mut self, i: usize, j: usize) {
        self.take(i, j);
        self.pattern.join(i, Mark::Arrow, j, Mark::Arrow);
    }

    fn take(&mut self, i: usize, j: usize) {
        let directed = self.directed(i, j) || self.directed(j, i);
        self.pattern.separate(i, j);
        if directed {
            self.rebuild();
        }
    }

    fn record(&mut self, cause: usize, effect: usize) {
        let nodes = self.nodes();
        self.above[cause * nodes + effect] = true;
        for k in 0..nodes {
            if self.above[k * nodes + cause] {
                self.above[k * nodes + effect] = true;
            }
            if self.above[effect * nodes + k] {
                self.above[cause * nodes + k] = true;
            }
        }
    }

    /// Starts the record anew, with the edges of the upper triangle taken from the last to the first.
    fn rebuild(&mut self) {
        let nodes = self.nodes();
        self.above = (0..nodes * nodes).map(|k| k / nodes == k % nodes).collect();
        for i in (0..nodes).rev() {
            for j in (i + 1..nodes).rev() {
                if self.directed(i, j) {
                    self.record(i, j);
                } else if self.directed(j, i) {
                    self.record(j, i);
                }
            }
        }
    }

    /// Ordered pairs (other, node) of neighbours: those with a tail at `node` first, then those with an arrow, each by
    /// `node`, then by `other`.
    fn listed_pairs(&self) -> Vec<(usize, usize)> {
        let with = |mark: Mark| {
            (0..self.nodes()).flat_map(move |node| {
                self.pattern
                    .neighbours(node)
                    .filter(move |other| self.pattern.mark_at(node, *other) == Some(mark))
                    .map(move |other| (other, node))
            })
        };
        with(Mark::Tail).chain(with(Mark::Arrow)).collect()
    }

    /// Every path x — y — z in the order of the lists, with `x`, `z` adjacent or not as wanted.
    fn paths(&self, ends_adjacent: bool) -> Vec<(usize, usize, usize)> {
        let pairs = self.listed_pairs();
        let mut onward: Vec<Vec<usize>> = vec![Vec::new(); self.nodes()];
        for (y, z) in &pairs {
            onward[*y].push(*z);
        }
        let mut found = Vec::new();
        for (x, y) in &pairs {
            found.extend(
                onward[*y].iter().filter(|z| *z != x && self.adjacent(*x, **z) == ends_adjacent).map(|z| (*x, *y, *z)),
            );
        }
        found
    }

    pub(super) fn unshielded_triples(&self) -> Vec<(usize, usize, usize)> {
        self.paths(false)
    }

    pub(super) fn triangles(&self) -> Vec<(usize, usize, usize)> {
        self.paths(true)
    }

    /// (i, j, k, l) with triangles i j l and i k l, j < k, and j, k not adjacent.
    pub(super) fn kites(&self) -> Vec<(usize, usize, usize, usize)> {
        let triangles = self.triangles();
        let nodes = self.nodes();
        let mut by_ends: Vec<Vec<usize>> = vec![Vec::new(); nodes * nodes];
        for (i, j, l) in &triangles {
            by_ends[i * nodes + l].push(*j);
        }
        let mut found = Vec::new();
        for (i, j, l) in &triangles {
            let others = by_ends[i * nodes + l].iter().filter(|k| j < *k && !self.adjacent(*j, **k));
            found.extend(others.map(|k| (*i, *j, *k, *l)));
        }
        found
    }
}
