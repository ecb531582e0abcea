//! What follows from orientations.

use crate::pattern::Pattern;

/// Orients every undirected edge whose direction follows from the directed ones, by Meek's (1995) rules 1 to 4: the fourth
/// is needed where background knowledge has oriented edges, and changes nothing otherwise. `graph` holds directed and
/// undirected edges that some directed acyclic graph without further colliders extends.
pub fn close(graph: &mut Pattern) {
    let nodes = graph.nodes();
    let around: Vec<Vec<usize>> = (0..nodes).map(|n| graph.neighbours(n).collect()).collect();
    loop {
        let mut changed = false;
        for (a, around) in around.iter().enumerate() {
            for b in around {
                if graph.undirected(a, *b) && follows(graph, around, a, *b) {
                    graph.orient(a, *b);
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

/// Whether `a — b` has to be `a → b`; `around` are the neighbours of a.
fn follows(graph: &Pattern, around: &[usize], a: usize, b: usize) -> bool {
    around.iter().any(|c| {
        let c = *c;
        // 1: c → a — b with c, b not adjacent. 2: a → c → b.
        (graph.directed(c, a) && c != b && !graph.adjacent(c, b))
            || (graph.directed(a, c) && graph.directed(c, b))
            || (graph.undirected(a, c)
                && around.iter().any(|d| {
                    // 3: a — c → b, a — d → b with c, d not adjacent. 4: a — c → d → b with a, d adjacent, c, b not.
                    (graph.undirected(a, *d)
                        && graph.directed(c, b)
                        && graph.directed(*d, b)
                        && !graph.adjacent(c, *d)
                        && c != *d)
                        || (c != b && !graph.adjacent(c, b) && graph.directed(c, *d) && graph.directed(*d, b))
                }))
    })
}
