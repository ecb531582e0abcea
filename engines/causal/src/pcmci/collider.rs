//! Colliders of PCMCI+: unshielded triples whose middle is an effect of both ends.

use super::links::{LaggedLinks, Link};
use super::par_corr::LaggedTest;
use super::parents::conditions;
use super::plus::{ColliderRule, Triple};
use super::skeleton::Skeleton;
use crate::knowledge::Knowledge;
use crate::subsets::visit_subsets;

/// What the unshielded triples are, in order of target, middle, source and lag.
#[derive(Clone, Debug, Default)]
pub(super) struct Triples {
    pub(super) colliders: Vec<Triple>,
    pub(super) ambiguous: Vec<Triple>,
}

/// Every triple (source, middle, target) with a link into or next to the middle, an open link from middle to target, and
/// nonadjacent ends.
pub(super) fn unshielded(links: &LaggedLinks) -> Vec<Triple> {
    let columns = links.columns();
    let mut triples = Vec::new();
    for target in 0..columns {
        for middle in (0..columns).filter(|m| links.get(*m, target, 0) == Link::Open) {
            for source in 0..columns {
                for lag in 0..=links.max_lag() {
                    let into = matches!(links.get(source, middle, lag), Link::Forward | Link::Open);
                    let same = lag == 0 && source == target;
                    if into && !same && !links.adjacent(source, target, lag) {
                        triples.push(Triple { source, lag, middle, target });
                    }
                }
            }
        }
    }
    triples
}

/// Decides each triple.
pub(super) fn classify<T: LaggedTest>(test: &T, skeleton: &Skeleton, alpha: f64, rule: ColliderRule) -> Triples {
    let mut found = Triples::default();
    for triple in unshielded(&skeleton.links) {
        let verdict = match rule {
            ColliderRule::SeparatingSet => {
                let key = (triple.source, triple.target, triple.lag);
                Some(!skeleton.separating.get(&key).is_some_and(|set| set.contains(&triple.middle)))
            }
            ColliderRule::Majority => {
                let (with, all) = separating_sets(test, skeleton, alpha, triple);
                if all == 0 || 2 * with == all { None } else { Some(2 * with < all) }
            }
            ColliderRule::Conservative => {
                let (with, all) = separating_sets(test, skeleton, alpha, triple);
                if all > 0 && with == 0 {
                    Some(true)
                } else if all > 0 && with == all {
                    Some(false)
                } else {
                    None
                }
            }
        };
        match verdict {
            Some(true) => found.colliders.push(triple),
            Some(false) => {}
            None => found.ambiguous.push(triple),
        }
    }
    found
}

/// Of all sets of columns of the present adjacent to one end that separate the ends: how many hold the middle, and how
/// many there are. A set adjacent to both ends counts once.
fn separating_sets<T: LaggedTest>(test: &T, skeleton: &Skeleton, alpha: f64, triple: Triple) -> (usize, usize) {
    let (links, columns) = (&skeleton.links, test.columns());
    let Triple { source, lag, middle, target } = triple;
    let adjacent = |to: usize, but: usize| -> Vec<usize> {
        (0..columns).filter(|c| links.adjacent(*c, to, 0) && (lag > 0 || *c != but)).collect()
    };
    let mut sides = vec![(adjacent(target, source), (source, lag), target)];
    if lag == 0 {
        sides.push((adjacent(source, target), (target, 0), source));
    }
    let (mut with, mut all) = (0, 0);
    let mut given = Vec::new();
    let mut seen: Vec<Vec<usize>> = Vec::new();
    for (neighbours, from, to) in sides {
        for size in 0..=neighbours.len() {
            visit_subsets(&neighbours, size, |subset| {
                if seen.iter().any(|s| s == subset) {
                    return true;
                }
                seen.push(subset.to_vec());
                conditions(columns, subset, &skeleton.parents, from, to, &mut given);
                if test.test(from.1 * columns + from.0, to, &given).p_value > alpha {
                    all += 1;
                    with += usize::from(subset.contains(&middle));
                }
                true
            });
        }
    }
    (with, all)
}

/// How a link of the present is directed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orienter<'a> {
    pub(super) knowledge: &'a Knowledge,
    /// Whether a link that is asked to point both ways is marked as contradictory, rather than pointing as asked last.
    pub(super) mark_conflicts: bool,
}

impl Orienter<'_> {
    /// Points a link of the present. What knowledge decides stays.
    pub(super) fn orient(self, links: &mut LaggedLinks, cause: usize, effect: usize) {
        if self.knowledge.settles(cause, effect) {
            return;
        }
        match links.get(cause, effect, 0) {
            Link::Open => links.set(cause, effect, 0, Link::Forward),
            Link::Backward if self.mark_conflicts => links.set(cause, effect, 0, Link::Conflict),
            Link::Backward => links.set(cause, effect, 0, Link::Forward),
            Link::Forward | Link::Conflict | Link::Absent => {}
        }
    }

    /// Points both links of each collider at its middle.
    pub(super) fn orient_colliders(self, links: &mut LaggedLinks, colliders: &[Triple]) {
        for triple in colliders {
            if triple.lag == 0 {
                self.orient(links, triple.source, triple.middle);
            }
            self.orient(links, triple.target, triple.middle);
        }
    }
}
