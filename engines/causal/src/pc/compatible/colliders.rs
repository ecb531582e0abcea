//! Colliders, oriented one after another.

use std::collections::BTreeSet;

use super::ordered::Ordered;
use super::skeleton::Skeleton;
use super::{ColliderRule, Compatibility, Priority, vetoed};
use crate::hash_order::{HashOrder, hash_of_tuple};
use crate::independence::IndependenceTest;
use crate::knowledge::Knowledge;
use crate::subsets::visit_subsets;

type Triple = (usize, usize, usize);

/// What [`ColliderRule::DefiniteLargestP`] is sure of.
#[derive(Default)]
pub(super) struct Definite {
    pub(super) colliders: BTreeSet<Triple>,
    /// In the order in which they were found, which rule 1 follows.
    pub(super) non_colliders: Vec<Triple>,
}

/// The largest p-values of a triple's ends.
#[derive(Clone, Copy, Default)]
struct Largest {
    with: f64,
    without: f64,
}

/// All sets of neighbours of either end, in the order of [`HashOrder`], split by whether they hold the middle.
struct Candidates {
    with: Vec<Vec<usize>>,
    without: Vec<Vec<usize>>,
}

impl Candidates {
    fn of(graph: &Ordered, (x, y, z): Triple) -> Self {
        let mut sets = HashOrder::new();
        for end in [x, z] {
            let neighbours = graph.neighbours(end);
            for size in 0..=neighbours.len() {
                visit_subsets(&neighbours, size, |given| {
                    sets.insert(hash_of_tuple(given), given.to_vec());
                    true
                });
            }
        }
        let (with, without) = sets.into_members().partition(|given: &Vec<usize>| given.contains(&y));
        Self { with, without }
    }
}

/// Orients colliders in `graph`, whose adjacencies are the skeleton's.
pub(super) fn orient<T: IndependenceTest + ?Sized>(
    graph: &mut Ordered,
    skeleton: &Skeleton,
    test: &T,
    knowledge: &Knowledge,
    alpha: f64,
    how: Compatibility,
) -> Option<Definite> {
    let triples: Vec<Triple> = graph.unshielded_triples().into_iter().filter(|(x, _, z)| x < z).collect();
    let mut definite = (how.collider_rule == ColliderRule::DefiniteLargestP).then(Definite::default);
    let mut colliders: Vec<(Triple, Largest)> = Vec::new();
    // Adjacencies do not change from here on, so that testing first and orienting later gives the same colliders.
    for triple in triples {
        let blocked = vetoed_collider(knowledge, triple);
        let (x, y, z) = triple;
        match how.collider_rule {
            ColliderRule::SeparatingSet => {
                if !blocked && !skeleton.separates_with(x, z, y) {
                    colliders.push((triple, sorting_key(graph, test, triple, how.priority)));
                }
            }
            ColliderRule::LargestP => {
                if !blocked {
                    let largest = largest(graph, test, triple);
                    if largest.without > largest.with {
                        colliders.push((triple, largest));
                    }
                }
            }
            ColliderRule::DefiniteLargestP => match examine(graph, test, triple, alpha) {
                Verdict::Collider(largest) => colliders.push((triple, largest)),
                Verdict::NonCollider => definite.iter_mut().for_each(|d| d.non_colliders.push(triple)),
                Verdict::Ambiguous => {}
            },
        }
    }
    match how.priority {
        Priority::LeastWith => colliders.sort_by(|a, b| a.1.with.total_cmp(&b.1.with)),
        Priority::MostWithout => colliders.sort_by(|a, b| b.1.without.total_cmp(&a.1.without)),
        Priority::Overwrite | Priority::Bidirected | Priority::Existing => {}
    }
    for (triple, _) in colliders {
        let oriented = !vetoed_collider(knowledge, triple) && orient_one(graph, triple, how.priority);
        if let Some(definite) = &mut definite
            && oriented
        {
            definite.colliders.insert(triple);
        }
    }
    definite
}

fn vetoed_collider(knowledge: &Knowledge, (x, y, z): Triple) -> bool {
    vetoed(knowledge, x, y) || vetoed(knowledge, z, y)
}

fn orient_one(graph: &mut Ordered, (x, y, z): Triple, priority: Priority) -> bool {
    match priority {
        Priority::Overwrite => {
            graph.replace_directed(x, y);
            graph.replace_directed(z, y);
            true
        }
        Priority::Bidirected => {
            for end in [x, z] {
                if graph.undirected(end, y) {
                    graph.replace_directed(end, y);
                } else if graph.directed(y, end) {
                    graph.replace_bidirected(end, y);
                }
            }
            true
        }
        Priority::Existing | Priority::LeastWith | Priority::MostWithout => {
            if graph.directed(y, x) || graph.directed(y, z) {
                return false;
            }
            graph.replace_directed(x, y);
            graph.replace_directed(z, y);
            true
        }
    }
}

fn largest_over<T: IndependenceTest + ?Sized>(test: &T, (x, _, z): Triple, sets: &[Vec<usize>]) -> f64 {
    sets.iter().map(|given| test.test(x, z, given).p_value).fold(0.0, |best, p| if p > best { p } else { best })
}

fn largest<T: IndependenceTest + ?Sized>(graph: &Ordered, test: &T, triple: Triple) -> Largest {
    let candidates = Candidates::of(graph, triple);
    Largest {
        with: largest_over(test, triple, &candidates.with),
        without: largest_over(test, triple, &candidates.without),
    }
}

/// The side that a priority sorts by, and no test beyond it.
fn sorting_key<T: IndependenceTest + ?Sized>(graph: &Ordered, test: &T, triple: Triple, priority: Priority) -> Largest {
    let over =
        |side: fn(&Candidates) -> &[Vec<usize>]| largest_over(test, triple, side(&Candidates::of(graph, triple)));
    match priority {
        Priority::LeastWith => Largest { with: over(|c| &c.with), without: 0.0 },
        Priority::MostWithout => Largest { with: 0.0, without: over(|c| &c.without) },
        Priority::Overwrite | Priority::Bidirected | Priority::Existing => Largest::default(),
    }
}

enum Verdict {
    Collider(Largest),
    NonCollider,
    Ambiguous,
}

/// Looks for a set with the middle that separates, then for one without.
fn examine<T: IndependenceTest + ?Sized>(graph: &Ordered, test: &T, triple: Triple, alpha: f64) -> Verdict {
    let candidates = Candidates::of(graph, triple);
    let mut largest = Largest::default();
    let (mut may_collide, mut may_not_collide) = (true, true);
    for given in &candidates.with {
        let p = test.test(triple.0, triple.2, given).p_value;
        if p > alpha {
            may_collide = false;
            break;
        }
        largest.with = largest.with.max(p);
    }
    for given in &candidates.without {
        let p = test.test(triple.0, triple.2, given).p_value;
        if p > alpha {
            may_not_collide = false;
            if !may_collide {
                break;
            }
        }
        largest.without = largest.without.max(p);
    }
    match (may_collide, may_not_collide) {
        (false, false) => Verdict::Ambiguous,
        (true, false) => Verdict::Collider(largest),
        (true, true) if largest.without > largest.with => Verdict::Collider(largest),
        (true | false, true) => Verdict::NonCollider,
    }
}
