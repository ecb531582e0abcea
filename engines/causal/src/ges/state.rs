//! The equivalence class that the search stands at.

use crate::equivalence::{close, cpdag_of, extension_where};
use crate::knowledge::Knowledge;
use crate::pattern::Pattern;

/// A set of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeSet(Vec<u64>);

impl NodeSet {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![0; nodes.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, node: usize) {
        self.0[node / 64] |= 1 << (node % 64);
    }

    pub(super) fn contains(&self, node: usize) -> bool {
        self.0[node / 64] >> (node % 64) & 1 == 1
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(k, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros() as usize;
                    word &= word - 1;
                    k * 64 + bit
                })
            })
        })
    }

    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Adds the members of `other` that are not in `barred`; returns whether any was new.
    fn add_all(&mut self, other: &Self, barred: &Self, fresh: &mut Vec<usize>) {
        for (k, word) in self.0.iter_mut().enumerate() {
            let mut new = other.0[k] & !barred.0[k] & !*word;
            *word |= new;
            while new != 0 {
                fresh.push(k * 64 + new.trailing_zeros() as usize);
                new &= new - 1;
            }
        }
    }
}

/// What one node is joined to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Around {
    /// By an undirected edge.
    pub(super) neighbours: NodeSet,
    /// Its causes.
    pub(super) parents: NodeSet,
    /// By any edge.
    pub(super) adjacent: NodeSet,
    /// Undirected or towards its effects.
    onward: NodeSet,
}

/// A class, one of its members, and the sets that the operators ask for.
pub(super) struct State<'a> {
    class: Pattern,
    member: Pattern,
    around: Vec<Around>,
    knowledge: Option<&'a Knowledge>,
}

impl<'a> State<'a> {
    /// The class of the graph that has the required edges and no other.
    pub(super) fn new(nodes: usize, knowledge: Option<&'a Knowledge>) -> Self {
        let mut member = Pattern::empty(nodes);
        if let Some(knowledge) = knowledge {
            for i in 0..nodes {
                (0..nodes).filter(|j| knowledge.requires(i, *j)).for_each(|j| member.orient(i, j));
            }
        }
        // Knowledge is compiled only where its required edges have no cycle.
        let class = cpdag_of(&member).unwrap_or_else(|_| Pattern::empty(nodes));
        let around = sets(&class);
        Self { class, member, around, knowledge }
    }

    pub(super) fn nodes(&self) -> usize {
        self.around.len()
    }

    pub(super) fn around(&self) -> &[Around] {
        &self.around
    }

    pub(super) fn class(&self) -> &Pattern {
        &self.class
    }

    pub(super) fn member(&self) -> &Pattern {
        &self.member
    }

    /// Whether knowledge leaves no edge between the two.
    pub(super) fn excluded(&self, i: usize, j: usize) -> bool {
        self.knowledge.is_some_and(|k| k.excludes(i, j))
    }

    /// Whether knowledge requires an edge between the two.
    pub(super) fn required(&self, i: usize, j: usize) -> bool {
        self.knowledge.is_some_and(|k| k.requires(i, j) || k.requires(j, i))
    }

    /// Whether knowledge has anything to say.
    pub(super) fn is_bound(&self) -> bool {
        self.knowledge.is_some()
    }

    /// Whether all of `nodes` are adjacent to each other.
    pub(super) fn clique(&self, nodes: &[usize]) -> bool {
        nodes.iter().enumerate().all(|(k, i)| nodes[..k].iter().all(|j| self.around[*i].adjacent.contains(*j)))
    }

    /// Whether a semi-directed path leads from `start` to `end` past none of `barred`.
    pub(super) fn leads(&self, start: usize, end: usize, barred: &NodeSet) -> bool {
        let mut seen = NodeSet::new(self.nodes());
        seen.insert(start);
        let mut waiting = vec![start];
        while let Some(node) = waiting.pop() {
            if self.around[node].onward.contains(end) {
                return true;
            }
            seen.add_all(&self.around[node].onward, barred, &mut waiting);
        }
        false
    }

    /// The class of a partly directed graph, with a member that knowledge allows, where there is one.
    pub(super) fn class_of(&self, graph: &Pattern) -> Option<(Pattern, Pattern)> {
        let allowed = |cause: usize, effect: usize| !self.knowledge.is_some_and(|k| k.forbids(cause, effect));
        let member = extension_where(graph, allowed).ok()?;
        if self.is_bound() && member.directed_edges().any(|(cause, effect)| !allowed(cause, effect)) {
            return None;
        }
        Some((cpdag_of(&member).ok()?, member))
    }

    /// Moves on. Returns the nodes around which something changed.
    pub(super) fn enter(&mut self, (class, member): (Pattern, Pattern)) -> NodeSet {
        let around = sets(&class);
        let mut changed = NodeSet::new(self.nodes());
        for (node, (new, old)) in around.iter().zip(&self.around).enumerate() {
            if new != old {
                changed.insert(node);
            }
        }
        (self.class, self.member, self.around) = (class, member, around);
        changed
    }

    /// The class, with what knowledge directs directed, and all that follows from it.
    pub(super) fn into_pattern(self) -> Pattern {
        let mut pattern = self.class;
        if let Some(knowledge) = self.knowledge {
            for i in 0..pattern.nodes() {
                for j in 0..pattern.nodes() {
                    if pattern.undirected(i, j) && knowledge.directs(i, j) {
                        pattern.orient(i, j);
                    }
                }
            }
            close(&mut pattern);
        }
        pattern
    }
}

fn sets(class: &Pattern) -> Vec<Around> {
    let nodes = class.nodes();
    (0..nodes)
        .map(|i| {
            let empty = NodeSet::new(nodes);
            let mut around =
                Around { neighbours: empty.clone(), parents: empty.clone(), adjacent: empty.clone(), onward: empty };
            for j in class.neighbours(i) {
                around.adjacent.insert(j);
                if class.directed(j, i) {
                    around.parents.insert(j);
                } else {
                    around.onward.insert(j);
                    if class.undirected(i, j) {
                        around.neighbours.insert(j);
                    }
                }
            }
            around
        })
        .collect()
}
