//! Random causal graphs, an oracle of their independencies, and their true equivalence classes, all from definitions: none of
//! it uses what the crate computes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub, dead_code)]

use std::collections::BTreeSet;

use atsre_causal::independence::{IndependenceTest, Outcome};
use atsre_causal::pattern::Pattern;
use atsre_domain::graph::Mark;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A directed acyclic graph as sets of causes, and which nodes are observed.
pub struct Truth {
    pub nodes: usize,
    pub parents: Vec<u32>,
    pub children: Vec<u32>,
    /// Ancestors of each node, itself included.
    pub ancestors: Vec<u32>,
    pub observed: Vec<usize>,
}

impl Truth {
    pub fn new(nodes: usize, edges: &[(usize, usize)], hidden: &[usize]) -> Self {
        let mut truth = Self {
            nodes,
            parents: vec![0; nodes],
            children: vec![0; nodes],
            ancestors: (0..nodes).map(|n| 1 << n).collect(),
            observed: (0..nodes).filter(|n| !hidden.contains(n)).collect(),
        };
        for (cause, effect) in edges {
            truth.parents[*effect] |= 1 << cause;
            truth.children[*cause] |= 1 << effect;
        }
        for _ in 0..nodes {
            for node in 0..nodes {
                let above = bits(truth.parents[node]).fold(0, |all, p| all | truth.ancestors[p]);
                truth.ancestors[node] |= above;
            }
        }
        truth
    }

    /// Of 3 to `most` nodes, with about `degree` edges a node and up to `hidden` of them not observed.
    pub fn random(seed: u64, most: usize, hidden: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let nodes = random.random_range(3..=most);
        let mut order: Vec<usize> = (0..nodes).collect();
        order.shuffle(&mut random);
        let share = (random.random_range(1.0..3.2) / (nodes - 1) as f64).min(0.8);
        let mut edges = Vec::new();
        for j in 0..nodes {
            for i in 0..j {
                if random.random_bool(share) {
                    edges.push((order[i], order[j]));
                }
            }
        }
        let mut unseen: Vec<usize> = (0..nodes).collect();
        unseen.shuffle(&mut random);
        unseen.truncate(random.random_range(0..=hidden.min(nodes - 2)));
        Self::new(nodes, &edges, &unseen)
    }

    pub fn edges(&self) -> Vec<(usize, usize)> {
        (0..self.nodes).flat_map(|y| bits(self.parents[y]).map(move |x| (x, y))).collect()
    }

    /// d-separation by passing balls (Shachter 1998).
    pub fn separated(&self, x: usize, y: usize, given: u32) -> bool {
        let opens = bits(given).fold(0, |all, g| all | self.ancestors[g]);
        // Nodes that a ball came to from an effect, and from a cause.
        let (mut from_effect, mut from_cause) = (0_u32, 0_u32);
        let mut waiting = vec![(x, true)];
        while let Some((node, up)) = waiting.pop() {
            let seen = if up { &mut from_effect } else { &mut from_cause };
            if *seen >> node & 1 == 1 {
                continue;
            }
            *seen |= 1 << node;
            if node == y {
                return false;
            }
            let held = given >> node & 1 == 1;
            if (up && !held) || (!up && opens >> node & 1 == 1) {
                waiting.extend(bits(self.parents[node]).map(|p| (p, true)));
            }
            if !held {
                waiting.extend(bits(self.children[node]).map(|c| (c, false)));
            }
        }
        true
    }

    /// The CPDAG, all nodes observed: v-structures, and what every extension shares, by Meek's first three rules.
    pub fn cpdag(&self) -> Pattern {
        let adjacent = |i: usize, j: usize| (self.parents[i] >> j | self.parents[j] >> i) & 1 == 1;
        let mut graph = Pattern::undirected_where(self.nodes, adjacent);
        for y in 0..self.nodes {
            for x in bits(self.parents[y]) {
                if bits(self.parents[y]).any(|z| z != x && !adjacent(x, z)) {
                    graph.orient(x, y);
                }
            }
        }
        loop {
            let before = graph.clone();
            for (a, b) in (0..self.nodes).flat_map(|a| (0..self.nodes).map(move |b| (a, b))) {
                if !graph.undirected(a, b) {
                    continue;
                }
                let any = |test: &dyn Fn(usize) -> bool| (0..self.nodes).any(test);
                let away = any(&|c| graph.directed(c, a) && c != b && !graph.adjacent(c, b));
                let shorter = any(&|c| graph.directed(a, c) && graph.directed(c, b));
                let side = |c: usize| graph.undirected(a, c) && graph.directed(c, b);
                let kite = any(&|c| side(c) && any(&|d| d != c && side(d) && !graph.adjacent(c, d)));
                if away || shorter || kite {
                    graph.orient(a, b);
                }
            }
            if graph == before {
                return graph;
            }
        }
    }

    /// The maximal ancestral graph over the observed nodes: adjacent where an inducing path joins them, found by walking all
    /// simple paths.
    pub fn mag(&self) -> Pattern {
        let mut graph = Pattern::empty(self.observed.len());
        for (j, y) in self.observed.iter().enumerate() {
            for (i, x) in self.observed[..j].iter().enumerate() {
                if self.induced(*x, *y) {
                    let mark = |above: bool| if above { Mark::Tail } else { Mark::Arrow };
                    let causes = |a: usize, b: usize| self.ancestors[b] >> a & 1 == 1;
                    graph.join(i, mark(causes(*x, *y)), j, mark(causes(*y, *x)));
                }
            }
        }
        graph
    }

    fn induced(&self, x: usize, y: usize) -> bool {
        let adjacent = |n: usize| self.parents[n] | self.children[n];
        let hidden = (0..self.nodes).filter(|n| !self.observed.contains(n)).fold(0_u32, |all, n| all | 1 << n);
        let above = self.ancestors[x] | self.ancestors[y];
        let mut waiting: Vec<Vec<usize>> = bits(adjacent(x)).map(|n| vec![x, n]).collect();
        while let Some(path) = waiting.pop() {
            let [.., before, last] = path[..] else { continue };
            if last == y {
                return true;
            }
            for next in bits(adjacent(last)).filter(|n| !path.contains(n)) {
                let collider = self.parents[last] >> before & 1 == 1 && self.parents[last] >> next & 1 == 1;
                // Every observed node on the way is a collider, and every collider an ancestor of an end.
                if if collider { above >> last & 1 == 1 } else { hidden >> last & 1 == 1 } {
                    let mut longer = path.clone();
                    longer.push(next);
                    waiting.push(longer);
                }
            }
        }
        false
    }
}

impl IndependenceTest for Truth {
    fn variables(&self) -> usize {
        self.observed.len()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        let given = given.iter().fold(0_u32, |all, g| all | 1 << self.observed[*g]);
        let separated = self.separated(self.observed[x], self.observed[y], given);
        Outcome { statistic: f64::from(u8::from(!separated)), p_value: f64::from(u8::from(separated)) }
    }
}

pub fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let bit = set.trailing_zeros() as usize;
            set &= set - 1;
            bit
        })
    })
}

fn arrow(graph: &Pattern, at: usize, other: usize) -> bool {
    graph.mark_at(at, other) == Some(Mark::Arrow)
}

/// Whether `a → b` and `a ↔ b` may be exchanged without leaving the equivalence class (Zhang and Spirtes 2005, "A
/// transformational characterization of Markov equivalence for directed acyclic graphs with latent variables", lemma 1),
/// given that the graph is ancestral before.
fn exchangeable(graph: &Pattern, a: usize, b: usize) -> bool {
    let nodes = graph.nodes();
    // (t1) no other directed path from a to b.
    let mut reached = vec![false; nodes];
    let mut waiting: Vec<usize> = graph.neighbours(a).filter(|c| *c != b && graph.directed(a, *c)).collect();
    while let Some(node) = waiting.pop() {
        if !std::mem::replace(&mut reached[node], true) {
            waiting.extend(graph.neighbours(node).filter(|n| graph.directed(node, *n)));
        }
    }
    if reached[b] {
        return false;
    }
    // (t2) every cause of a is one of b; whatever has an arrow at both ends with a causes b or has one with b too.
    let fits = graph
        .neighbours(a)
        .filter(|c| *c != b && arrow(graph, a, *c))
        .all(|c| if arrow(graph, c, a) { graph.adjacent(c, b) && arrow(graph, b, c) } else { graph.directed(c, b) });
    fits && !discriminated(graph, a, b)
}

/// (t3) whether a path d, …, q, a, b discriminates a.
fn discriminated(graph: &Pattern, a: usize, b: usize) -> bool {
    let link = |q: usize| graph.directed(q, b);
    let mut waiting: Vec<Vec<usize>> =
        graph.neighbours(a).filter(|q| *q != b && link(*q) && arrow(graph, *q, a)).map(|q| vec![a, q]).collect();
    while let Some(path) = waiting.pop() {
        let last = path[path.len() - 1];
        for d in graph.neighbours(last).filter(|d| *d != b && !path.contains(d) && arrow(graph, last, *d)) {
            if !graph.adjacent(d, b) {
                return true;
            }
            if link(d) && arrow(graph, d, last) {
                let mut longer = path.clone();
                longer.push(d);
                waiting.push(longer);
            }
        }
    }
    false
}

/// The marks that a whole Markov equivalence class of maximal ancestral graphs shares: every member is reached from one by
/// exchanging `→` and `↔` edge by edge. `None` where the class has more than `most` members.
pub fn pag_by_enumeration(mag: &Pattern, most: usize) -> Option<Pattern> {
    let nodes = mag.nodes();
    let key = |graph: &Pattern| -> Vec<bool> {
        (0..nodes).flat_map(|i| (0..nodes).map(move |j| (i, j))).map(|(i, j)| arrow(graph, i, j)).collect()
    };
    let mut seen = BTreeSet::from([key(mag)]);
    let mut waiting = vec![mag.clone()];
    let mut shared = mag.clone();
    while let Some(graph) = waiting.pop() {
        for i in 0..nodes {
            for j in graph.neighbours(i) {
                if shared.mark_at(i, j) != graph.mark_at(i, j) {
                    shared.join(i, Mark::Circle, j, shared.mark_at(j, i).unwrap());
                }
                if !arrow(&graph, j, i) {
                    continue;
                }
                let mut other = graph.clone();
                if arrow(&graph, i, j) {
                    other.orient(i, j);
                } else {
                    other.join(i, Mark::Arrow, j, Mark::Arrow);
                }
                // The conditions are stated for the graph that has i → j.
                let directed = if arrow(&graph, i, j) { &other } else { &graph };
                if exchangeable(directed, i, j) && ancestral(&other) && seen.insert(key(&other)) {
                    waiting.push(other);
                }
            }
        }
        if seen.len() > most {
            return None;
        }
    }
    Some(shared)
}

/// No directed path leads from a node back to it, or to a node with which it has a bidirected edge.
fn ancestral(graph: &Pattern) -> bool {
    (0..graph.nodes()).all(|start| {
        let mut reached = vec![false; graph.nodes()];
        let mut waiting: Vec<usize> = graph.neighbours(start).filter(|n| graph.directed(start, *n)).collect();
        while let Some(node) = waiting.pop() {
            if !std::mem::replace(&mut reached[node], true) {
                waiting.extend(graph.neighbours(node).filter(|n| graph.directed(node, *n)));
            }
        }
        !reached[start]
            && graph.neighbours(start).all(|n| !(arrow(graph, start, n) && arrow(graph, n, start) && reached[n]))
    })
}
