//! A causal graph as a matrix of endpoint marks.

use atsre_domain::graph::{CausalGraph, Mark};
use serde::{Deserialize, Serialize};

/// The marks of a graph: `marks[i][j]` is the mark **at i** on the edge between i and j: −1 tail, 1 arrow, 2 circle, 0 no
/// edge. So i → j is `marks[i][j] = −1` and `marks[j][i] = 1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjacencyMatrix {
    /// Names of rows and columns: `temp`, `temp[t-1]`.
    pub variables: Vec<String>,
    /// Square, in the order of `variables`.
    pub marks: Vec<Vec<i8>>,
}

/// The matrix of a graph.
#[must_use]
pub fn matrix(graph: &CausalGraph) -> AdjacencyMatrix {
    let mut marks = vec![vec![0; graph.variables.len()]; graph.variables.len()];
    for edge in &graph.edges {
        let (i, j) = (edge.source as usize, edge.target as usize);
        marks[i][j] = number(edge.source_mark);
        marks[j][i] = number(edge.target_mark);
    }
    AdjacencyMatrix { variables: graph.variables.iter().map(ToString::to_string).collect(), marks }
}

fn number(mark: Mark) -> i8 {
    match mark {
        Mark::Tail => -1,
        Mark::Arrow => 1,
        Mark::Circle => 2,
    }
}
