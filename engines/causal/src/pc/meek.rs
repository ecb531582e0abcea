//! Meek's rules (Meek 1995), applied so that the order of the columns has no influence.

use std::collections::BTreeSet;

use atsre_domain::graph::Mark;

use super::collider::{Triple, Triples, verdict};
use crate::knowledge::Window;
use crate::paths;
use crate::pattern::Pattern;

/// Applies rules 1 to 4 until nothing changes. Each round finds everything that the rules say of the graph as it
/// is, then orients it all at once (Colombo and Maathuis 2014, §4.3): what two rules orient against each other gets an arrow
/// at both ends. Rule 4 is needed because knowledge orients edges too. Orientations that would close a directed cycle are
/// taken back and not tried again.
pub(super) fn close(pattern: &mut Pattern, triples: &Triples, window: Window) {
    let mut refused: BTreeSet<(usize, usize)> = BTreeSet::new();
    loop {
        let mut arrows: Vec<(usize, usize)> = Vec::new();
        for from in 0..window.columns() {
            for to in (0..window.columns()).filter(|to| pattern.undirected(from, *to)) {
                let tried = refused.contains(&(from.min(to), from.max(to)));
                if !tried && compelled(pattern, triples, window, from, to) {
                    arrows.push((from, to));
                }
            }
        }
        if arrows.is_empty() {
            return;
        }
        for (from, to) in &arrows {
            let conflict = arrows.contains(&(*to, *from));
            for (from, to) in window.copies(*from, *to) {
                pattern.join(from, if conflict { Mark::Arrow } else { Mark::Tail }, to, Mark::Arrow);
            }
        }
        refused.extend(undo_cycles(pattern, window, &arrows));
    }
}

/// Whether a rule orients the undirected edge `a — b` as `a → b`.
fn compelled(pattern: &Pattern, triples: &Triples, window: Window, a: usize, b: usize) -> bool {
    let chain = |x: usize, y: usize, z: usize| {
        !pattern.adjacent(x, z) && verdict(triples, window, x, y, z) == Some(Triple::NonCollider)
    };
    // Rule 1: c *→ a — b, a not a collider.
    let rule_1 =
        || pattern.neighbours(a).any(|c| c != b && pattern.mark_at(a, c) == Some(Mark::Arrow) && chain(c, a, b));
    // Rule 2: a → c → b.
    let rule_2 = || pattern.neighbours(a).any(|c| pattern.directed(a, c) && pattern.directed(c, b));
    // Rule 3: a — c → b, a — d → b, c and d not adjacent, a not a collider between them.
    let rule_3 = || {
        let sides: Vec<usize> =
            pattern.neighbours(a).filter(|c| pattern.undirected(a, *c) && pattern.directed(*c, b)).collect();
        sides.iter().enumerate().any(|(k, c)| sides[..k].iter().any(|d| chain(*c, a, *d)))
    };
    // Rule 4: a — c → d → b, a and d adjacent, c and b not, a not a collider between them.
    let rule_4 = || {
        pattern.neighbours(a).any(|d| {
            pattern.directed(d, b)
                && pattern.neighbours(a).any(|c| pattern.undirected(a, c) && pattern.directed(c, d) && chain(c, a, b))
        })
    };
    rule_1() || rule_2() || rule_3() || rule_4()
}

/// Makes every edge among `fresh` that lies on a directed cycle undirected again, and returns those (smaller, larger).
pub(super) fn undo_cycles(pattern: &mut Pattern, window: Window, fresh: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let component = paths::components(pattern.nodes(), pattern.directed_edges());
    let mut undone = Vec::new();
    for (from, to) in fresh {
        if pattern.directed(*from, *to) && component[*from] == component[*to] {
            window.copies(*from, *to).for_each(|(i, j)| pattern.join(i, Mark::Tail, j, Mark::Tail));
            undone.push((*from.min(to), *from.max(to)));
        }
    }
    undone
}
