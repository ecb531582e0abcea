//! d-separation in a known graph, in the place of a test: what an infinite sample would answer.

use petgraph::graph::DiGraph;

use super::{IndependenceTest, Outcome};
use crate::paths;

/// Independent exactly where the graph d-separates (Pearl 1988): p is then 1, otherwise 0.
#[derive(Clone, Debug)]
pub struct DSeparation {
    graph: DiGraph<(), ()>,
}

impl DSeparation {
    /// The oracle of a directed acyclic graph with `variables` nodes and `edges` (cause, effect).
    #[must_use]
    pub fn new(variables: usize, edges: &[(usize, usize)]) -> Self {
        let mut graph = DiGraph::with_capacity(variables, edges.len());
        let nodes: Vec<_> = (0..variables).map(|_| graph.add_node(())).collect();
        for (cause, effect) in edges {
            graph.add_edge(nodes[*cause], nodes[*effect], ());
        }
        Self { graph }
    }
}

impl IndependenceTest for DSeparation {
    fn variables(&self) -> usize {
        self.graph.node_count()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        if paths::separated(&self.graph, x, y, given) {
            Outcome { statistic: 0.0, p_value: 1.0 }
        } else {
            Outcome { statistic: 1.0, p_value: 0.0 }
        }
    }
}
