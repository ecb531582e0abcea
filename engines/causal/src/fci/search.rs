//! FCI, independent of the order of the columns, with background knowledge as a hard invariant.

use std::collections::BTreeMap;

use atsre_domain::graph::Mark;

use super::pag::Pag;
use super::possible_d_sep::remove_by_possible_d_sep;
use super::rules::close_marks;
use super::separations::Separations;
use super::{EdgeProperties, Found, Settings};
use crate::independence::IndependenceTest;
use crate::knowledge::Knowledge;
use crate::{paths, pc};

/// Skeleton, possible-d-sep step, colliders by majority, rules (Zhang 2008; order-independence after Colombo and Maathuis
/// 2014, §4.5).
pub(super) fn run<T: IndependenceTest + ?Sized>(test: &T, knowledge: &Knowledge, settings: &Settings) -> Found {
    let nodes = knowledge.window().nodes();
    let skeleton = pc::stable_skeleton(test, knowledge, settings.alpha, settings.max_depth);
    let (mut nearest, mut recorded, mut tests) = (skeleton.nearest, skeleton.separating, skeleton.tests);
    let mut pag = Pag::of_skeleton(nodes, |i, j| skeleton.adjacent[i * nodes + j]);
    plant(&mut pag, knowledge);
    let late = {
        let first = Separations::new(test, settings.alpha, skeleton.depth, &recorded, &pag);
        orient_colliders(&mut pag, &first, knowledge);
        tests += first.tests();
        remove_by_possible_d_sep(test, knowledge, settings, &pag, &mut nearest)
    };
    tests += late.tests;
    let curtailed = late.curtailed;
    for (pair, given) in &late.separating {
        pag.separate(pair.0, pair.1);
        recorded.insert(*pair, given.clone());
    }
    pag.forget_marks();
    plant(&mut pag, knowledge);
    let evidence = Separations::new(test, settings.alpha, skeleton.depth, &recorded, &pag);
    orient_colliders(&mut pag, &evidence, knowledge);
    close_marks(&mut pag, &evidence);
    tests += evidence.tests();
    doubt_cycles(&mut pag, knowledge);
    let properties = properties(&pag);
    let removed_late = late.separating.into_keys().collect();
    Found { pattern: pag.into_pattern(), nearest, separating: recorded, removed_late, properties, curtailed, tests }
}

/// Sets the marks that knowledge decides: an arrow at a node that may not be the cause, and the whole of a required edge.
/// Circles are all that the rules replace, so these marks stay.
fn plant(pag: &mut Pag, knowledge: &Knowledge) {
    for i in 0..pag.nodes() {
        for j in pag.neighbours(i).to_vec() {
            if knowledge.requires(i, j) {
                pag.orient(i, j);
            } else if knowledge.forbids(i, j) && !knowledge.requires(j, i) {
                pag.set(i, j, Mark::Arrow);
            }
        }
    }
}

/// Rule 0, all at once. A collider that a required edge contradicts is left out.
fn orient_colliders<T: IndependenceTest + ?Sized>(pag: &mut Pag, evidence: &Separations<'_, T>, knowledge: &Knowledge) {
    let mut arrows = Vec::new();
    for b in 0..pag.nodes() {
        let free: Vec<usize> = pag.neighbours(b).iter().copied().filter(|a| !knowledge.requires(b, *a)).collect();
        for (k, a) in free.iter().enumerate() {
            for c in &free[k + 1..] {
                if !pag.adjacent(*a, *c) && evidence.held_by_most(*a, b, *c) == Some(false) {
                    arrows.extend([(b, *a), (b, *c)]);
                }
            }
        }
    }
    arrows.into_iter().for_each(|(at, other)| pag.set(at, other, Mark::Arrow));
}

/// Finite samples can make directed edges run in a circle, which no ancestral graph does: the tails of those that are not
/// required become circles again.
fn doubt_cycles(pag: &mut Pag, knowledge: &Knowledge) {
    let edges: Vec<(usize, usize)> = pag.pattern().directed_edges().collect();
    let component = paths::components(pag.nodes(), edges.iter().copied());
    for (cause, effect) in edges {
        if component[cause] == component[effect] && !knowledge.requires(cause, effect) {
            let mark = if knowledge.forbids(cause, effect) { Mark::Arrow } else { Mark::Circle };
            pag.set(cause, effect, mark);
        }
    }
}

/// Direct where no other semi-directed path leads from cause to effect; visible by Zhang's (2008) definition 8: a node not
/// adjacent to the effect has an arrow at the cause, or a path of colliders that are causes of the effect leads from it there.
fn properties(pag: &Pag) -> BTreeMap<(usize, usize), EdgeProperties> {
    let edges: Vec<(usize, usize)> = pag.pattern().directed_edges().collect();
    edges
        .into_iter()
        .map(|(cause, effect)| {
            let other = |from: usize, to: usize| (from, to) != (cause, effect) && !pag.has(from, to, Mark::Arrow);
            let definitely_direct = !pag.reached(cause, other)[effect];
            ((cause, effect), EdgeProperties { definitely_direct, visible: visible(pag, cause, effect) })
        })
        .collect()
}

fn visible(pag: &Pag, cause: usize, effect: usize) -> bool {
    let mut seen = vec![false; pag.nodes()];
    let mut waiting = vec![cause];
    while let Some(node) = waiting.pop() {
        for next in pag.with_mark_at(node, Mark::Arrow) {
            if next == effect || std::mem::replace(&mut seen[next], true) {
                continue;
            }
            if !pag.adjacent(next, effect) {
                return true;
            }
            if pag.has(next, node, Mark::Arrow) && pag.directed(next, effect) {
                waiting.push(next);
            }
        }
    }
    false
}
