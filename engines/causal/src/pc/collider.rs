//! Which unshielded triples are colliders, by majority, and the orientations that follow at once.

use std::collections::BTreeMap;

use atsre_domain::graph::Mark;
use rayon::prelude::*;

use super::meek::undo_cycles;
use crate::independence::IndependenceTest;
use crate::knowledge::{Knowledge, Window};
use crate::pattern::Pattern;
use crate::subsets::visit_subsets;

/// What `x — y — z` with `x`, `z` not adjacent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Triple {
    /// `x → y ← z`.
    Collider,
    /// Not a collider.
    NonCollider,
    /// The tests do not agree; nothing is inferred from it.
    Ambiguous,
}

/// Verdicts by (smaller end, middle, larger end) of the latest copy.
pub(super) type Triples = BTreeMap<(usize, usize, usize), Triple>;

/// The verdict on a triple, where one was needed.
pub(super) fn verdict(triples: &Triples, window: Window, x: usize, y: usize, z: usize) -> Option<Triple> {
    let [x, y, z] = window.latest([x, y, z]);
    triples.get(&(x.min(z), y, x.max(z))).copied()
}

/// The majority rule (Colombo and Maathuis 2014, §4.2): of all sets of neighbours of either end that separate the
/// ends, fewer than half hold the middle → collider; more than half → not one; otherwise ambiguous. Sets up to the
/// size that the skeleton tried are asked. Returns the verdicts and the number of tests.
pub(super) fn classify<T: IndependenceTest + ?Sized>(
    test: &T,
    pattern: &Pattern,
    knowledge: &Knowledge,
    alpha: f64,
    depth: usize,
) -> (Triples, usize) {
    let window = knowledge.window();
    let mut wanted: Vec<(usize, usize, usize)> = Vec::new();
    for y in 0..window.columns() {
        // Both y and z are at lag 0: an edge between moments is oriented by time.
        for z in (0..window.columns()).filter(|z| pattern.adjacent(y, *z)) {
            let ends = pattern.neighbours(y).filter(|x| *x != z && !pattern.adjacent(*x, z));
            wanted.extend(
                ends.filter(|x| !(knowledge.settles(y, z) && knowledge.settles(*x, y)))
                    .map(|x| (x.min(z), y, x.max(z))),
            );
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    let judged: Vec<(Triple, usize)> =
        wanted.par_iter().map(|triple| judge(test, pattern, window, *triple, alpha, depth)).collect();
    let tests = judged.iter().map(|(_, tests)| tests).sum();
    (wanted.into_iter().zip(judged.into_iter().map(|(triple, _)| triple)).collect(), tests)
}

fn judge<T: IndependenceTest + ?Sized>(
    test: &T,
    pattern: &Pattern,
    window: Window,
    (x, y, z): (usize, usize, usize),
    alpha: f64,
    depth: usize,
) -> (Triple, usize) {
    let (mut with_middle, mut without, mut tests) = (0_usize, 0_usize, 0_usize);
    let first: Vec<usize> = pattern.neighbours(x).collect();
    // The neighbours of a node of an earlier moment are cut off by the window; the later end's separate by themselves.
    let sides: Vec<Vec<usize>> =
        [x, z].iter().filter(|end| window.lag(**end) == 0).map(|end| pattern.neighbours(*end).collect()).collect();
    for (turn, side) in sides.iter().enumerate() {
        for size in 0..=depth.min(side.len()) {
            visit_subsets(side, size, |given| {
                if turn == 1 && given.iter().all(|n| first.contains(n)) {
                    return true;
                }
                tests += 1;
                if test.test(x, z, given).independent(alpha) {
                    if given.contains(&y) { with_middle += 1 } else { without += 1 }
                }
                true
            });
        }
    }
    let triple = match with_middle.cmp(&without) {
        std::cmp::Ordering::Less => Triple::Collider,
        std::cmp::Ordering::Greater => Triple::NonCollider,
        std::cmp::Ordering::Equal => Triple::Ambiguous,
    };
    (triple, tests)
}

/// Orients all colliders at once. An edge that two colliders orient against each other gets an arrow at both ends:
/// the sample is contradictory there, or a hidden common cause is at work. Knowledge outranks colliders, and
/// orientations that close a cycle are taken back.
pub(super) fn orient(pattern: &mut Pattern, triples: &Triples, knowledge: &Knowledge) {
    let window = knowledge.window();
    let mut arrows: Vec<(usize, usize)> = Vec::new();
    for ((x, y, z), triple) in triples {
        let contradicted = knowledge.forbids(*x, *y) || knowledge.forbids(*z, *y);
        if *triple == Triple::Collider && !contradicted {
            arrows.extend([(*x, *y), (*z, *y)].iter().filter(|(end, middle)| !knowledge.settles(*end, *middle)));
        }
    }
    arrows.sort_unstable();
    arrows.dedup();
    for (from, to) in &arrows {
        let conflict = arrows.binary_search(&(*to, *from)).is_ok();
        for (from, to) in window.copies(*from, *to) {
            pattern.join(from, if conflict { Mark::Arrow } else { Mark::Tail }, to, Mark::Arrow);
        }
    }
    undo_cycles(pattern, window, &arrows);
}
