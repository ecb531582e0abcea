//! A graph under construction: which nodes are adjacent, and the mark at each end of each edge.

use atsre_domain::graph::Mark;

/// Marks of a graph over numbered nodes. There is at most one edge between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    nodes: usize,
    marks: Vec<Option<Mark>>,
}

impl Pattern {
    /// A graph without edges.
    #[must_use]
    pub fn empty(nodes: usize) -> Self {
        Self { nodes, marks: vec![None; nodes * nodes] }
    }

    /// A graph in which every two nodes for which `adjacent` holds are joined by an undirected edge.
    #[must_use]
    pub fn undirected_where(nodes: usize, adjacent: impl Fn(usize, usize) -> bool) -> Self {
        let mut pattern = Self::empty(nodes);
        for i in 0..nodes {
            for j in 0..i {
                if adjacent(i, j) {
                    pattern.join(i, Mark::Tail, j, Mark::Tail);
                }
            }
        }
        pattern
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// The mark at node `at` on its edge with `other`.
    #[must_use]
    pub fn mark_at(&self, at: usize, other: usize) -> Option<Mark> {
        self.marks[at * self.nodes + other]
    }

    /// Sets the edge between two nodes.
    pub fn join(&mut self, i: usize, mark_i: Mark, j: usize, mark_j: Mark) {
        self.marks[i * self.nodes + j] = Some(mark_i);
        self.marks[j * self.nodes + i] = Some(mark_j);
    }

    /// Sets `cause → effect`.
    pub fn orient(&mut self, cause: usize, effect: usize) {
        self.join(cause, Mark::Tail, effect, Mark::Arrow);
    }

    /// Removes the edge between two nodes, if there is one.
    pub fn separate(&mut self, i: usize, j: usize) {
        self.marks[i * self.nodes + j] = None;
        self.marks[j * self.nodes + i] = None;
    }

    /// Whether there is an edge between two nodes.
    #[must_use]
    pub fn adjacent(&self, i: usize, j: usize) -> bool {
        self.mark_at(i, j).is_some()
    }

    /// Whether the edge is `cause → effect`.
    #[must_use]
    pub fn directed(&self, cause: usize, effect: usize) -> bool {
        self.mark_at(cause, effect) == Some(Mark::Tail) && self.mark_at(effect, cause) == Some(Mark::Arrow)
    }

    /// Whether the edge is `i — j`.
    #[must_use]
    pub fn undirected(&self, i: usize, j: usize) -> bool {
        self.mark_at(i, j) == Some(Mark::Tail) && self.mark_at(j, i) == Some(Mark::Tail)
    }

    /// The nodes adjacent to `node`, ascending.
    pub fn neighbours(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.marks[node * self.nodes..(node + 1) * self.nodes]
            .iter()
            .enumerate()
            .filter(|(_, m)| m.is_some())
            .map(|(j, _)| j)
    }

    /// Every directed edge, (cause, effect).
    pub fn directed_edges(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.nodes).flat_map(move |i| self.neighbours(i).filter(move |j| self.directed(i, *j)).map(move |j| (i, j)))
    }
}
