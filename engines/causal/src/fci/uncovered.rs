//! Uncovered paths: no node is adjacent to the one after the next.

use atsre_domain::graph::Mark;

use super::pag::Pag;

/// Steps that one search may take before it gives up, which leaves a circle where a tail might have been proved. Graphs that
/// data give need a few hundred.
const STEPS_MAX: usize = 20_000;

/// Which nodes uncovered possibly directed paths from `a` lead to that begin with `a, first`; `first` is one of them. The
/// paths end at `end` if they come to it.
pub(super) fn ends_of_uncovered_paths(pag: &Pag, a: usize, first: usize, end: usize) -> Vec<bool> {
    let step = |from: usize, to: usize| !pag.has(from, to, Mark::Arrow) && !pag.has(to, from, Mark::Tail);
    let mut ends = vec![false; pag.nodes()];
    let mut steps = 0;
    walk(pag, &mut vec![a, first], &step, &mut |path| {
        let last = path[path.len() - 1];
        ends[last] = true;
        steps += 1;
        steps < STEPS_MAX && last != end
    });
    ends
}

/// For `a o–o b`: an uncovered path a, c, …, d, b of circles with a, d and b, c not adjacent.
pub(super) fn uncovered_circle_cycle(pag: &Pag, a: usize, b: usize) -> Option<Vec<usize>> {
    let circle = |i: usize, j: usize| pag.has(i, j, Mark::Circle) && pag.has(j, i, Mark::Circle);
    if !circle(a, b) {
        return None;
    }
    let mut found = None;
    let mut steps = 0;
    for c in pag.neighbours(a).iter().copied().filter(|c| *c != b && circle(a, *c) && !pag.adjacent(*c, b)) {
        walk(pag, &mut vec![a, c], &|from, to| circle(from, to) && (from, to) != (a, b), &mut |path| {
            let complete = path[path.len() - 1] == b;
            if complete && found.is_none() && !pag.adjacent(a, path[path.len() - 2]) {
                found = Some(path.to_vec());
            }
            steps += 1;
            steps < STEPS_MAX && found.is_none() && !complete
        });
    }
    found
}

/// Visits every uncovered path that continues `path`, itself first; a path for which `visit` answers `false` is not
/// continued.
fn walk(
    pag: &Pag,
    path: &mut Vec<usize>,
    step: &dyn Fn(usize, usize) -> bool,
    visit: &mut dyn FnMut(&[usize]) -> bool,
) {
    if !visit(path) {
        return;
    }
    let [.., before, last] = path[..] else { return };
    for next in pag.neighbours(last) {
        if step(last, *next) && !pag.adjacent(before, *next) && !path.contains(next) {
            path.push(*next);
            walk(pag, path, step, visit);
            path.pop();
        }
    }
}
