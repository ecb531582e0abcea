//! The skeleton, with every set of a size tested.

use std::collections::{BTreeMap, BTreeSet};

use crate::independence::IndependenceTest;
use crate::knowledge::Knowledge;
use crate::pc::Settings;
use crate::subsets::visit_subsets;

/// Adjacencies, and for each pair the union of all sets that separated it.
pub(crate) struct Skeleton {
    pub(crate) adjacent: Vec<bool>,
    pub(crate) separating: BTreeMap<(usize, usize), BTreeSet<usize>>,
}

impl Skeleton {
    /// The union for a pair; empty where nothing was recorded.
    pub(super) fn separates_with(&self, x: usize, z: usize, y: usize) -> bool {
        self.separating.get(&(x.min(z), x.max(z))).is_some_and(|members| members.contains(&y))
    }

    fn note(&mut self, x: usize, y: usize, members: impl IntoIterator<Item = usize>) {
        self.separating.entry((x.min(y), x.max(y))).or_default().extend(members);
    }
}

pub(super) fn find<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    settings: &Settings,
    stable: bool,
) -> Skeleton {
    let nodes = knowledge.window().nodes();
    let mut skeleton = Skeleton {
        adjacent: (0..nodes * nodes).map(|k| k / nodes != k % nodes).collect(),
        separating: BTreeMap::new(),
    };
    let mut depth = 0;
    loop {
        let degree = |s: &Skeleton, x: usize| (0..nodes).filter(|y| s.adjacent[x * nodes + y]).count();
        if !(0..nodes).any(|x| degree(&skeleton, x) > depth) {
            return skeleton;
        }
        let mut removals: Vec<(usize, usize)> = Vec::new();
        for x in 0..nodes {
            let neighbours: Vec<usize> = (0..nodes).filter(|y| skeleton.adjacent[x * nodes + y]).collect();
            if stable {
                examine_all(test, knowledge, settings.alpha, &mut skeleton, &mut removals, x, &neighbours, depth);
            } else {
                examine_at_once(test, knowledge, settings.alpha, &mut skeleton, x, &neighbours, depth);
            }
        }
        for (x, y) in removals {
            remove(&mut skeleton, nodes, x, y);
        }
        if settings.max_depth.is_some_and(|limit| depth >= limit) {
            return skeleton;
        }
        depth += 1;
    }
}

fn remove(skeleton: &mut Skeleton, nodes: usize, x: usize, y: usize) {
    skeleton.adjacent[x * nodes + y] = false;
    skeleton.adjacent[y * nodes + x] = false;
}

/// One node of a stable depth: every set is tested, and removals are collected for the depth's end.
#[expect(clippy::too_many_arguments, reason = "the state of one loop body, which is split in two for its length only")]
fn examine_all<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    alpha: f64,
    skeleton: &mut Skeleton,
    removals: &mut Vec<(usize, usize)>,
    x: usize,
    neighbours: &[usize],
    depth: usize,
) {
    for y in neighbours {
        let others: Vec<usize> = neighbours.iter().copied().filter(|n| n != y).collect();
        let mut union = BTreeSet::new();
        let mut separated = knowledge.excludes(x, *y);
        visit_subsets(&others, depth, |given| {
            if test.test(x, *y, given).independent(alpha) {
                separated = true;
                union.extend(given.iter().copied());
            }
            true
        });
        if separated {
            removals.push((x, *y));
            skeleton.note(x, *y, union);
        }
    }
}

/// One node of an unstable depth: an edge goes at once, but later neighbours still condition on what has gone. A pair
/// that knowledge excludes ends the loop over the node's neighbours.
fn examine_at_once<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    alpha: f64,
    skeleton: &mut Skeleton,
    x: usize,
    neighbours: &[usize],
    depth: usize,
) {
    let nodes = test.variables();
    for y in neighbours {
        if knowledge.excludes(x, *y) {
            remove(skeleton, nodes, x, *y);
            skeleton.note(x, *y, []);
            return;
        }
        let others: Vec<usize> = neighbours.iter().copied().filter(|n| n != y).collect();
        visit_subsets(&others, depth, |given| {
            let separates = test.test(x, *y, given).independent(alpha);
            if separates {
                remove(skeleton, nodes, x, *y);
                skeleton.note(x, *y, given.iter().copied());
            }
            !separates
        });
    }
}
