//! The PC algorithm (Spirtes, Glymour and Scheines 2000).
//!
//! [`Mode::Default`] is PC-stable with the majority rule and order-independent orientation (Colombo and Maathuis
//! 2014, "Order-independent constraint-based causal structure learning", JMLR 15): the answer does not depend on the
//! order of the columns, has no directed cycle, and keeps background knowledge as a hard invariant.
//! [`Mode::Compatible`] answers exactly as the implementation in causal-learn 0.1.4.8 does, its peculiarities
//! included, so that results can be compared edge by edge.

mod collider;
mod compatible;
mod meek;
mod skeleton;

use std::collections::BTreeMap;

pub(crate) use compatible::exhaustive_skeleton;
pub use compatible::{ColliderRule, Compatibility, Priority};

use crate::independence::{IndependenceTest, Outcome};
use crate::knowledge::Knowledge;
use crate::pattern::Pattern;

/// Which PC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Order-independent, acyclic, true to background knowledge.
    #[default]
    Default,
    /// As causal-learn 0.1.4.8. Knowledge orients and vetoes as it does there and is not an invariant of
    /// [`run`]; required edges may be missing.
    Compatible(Compatibility),
}

/// How PC runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Level of the tests: an edge goes when `p > alpha`.
    pub alpha: f64,
    /// The largest conditioning set; `None` is no limit.
    pub max_depth: Option<usize>,
    /// Which PC.
    pub mode: Mode,
}

/// What PC found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The graph. In a window over time it holds every copy of an edge.
    pub pattern: Pattern,
    /// For each pair (`smaller * nodes + larger`, its latest copy), the tested outcome nearest to independence.
    pub nearest: Vec<Option<Outcome>>,
    /// For each removed pair (smaller, larger), what separated it: the first separating set found
    /// ([`Mode::Default`]) or the union of all of them ([`Mode::Compatible`]).
    pub separating: BTreeMap<(usize, usize), Vec<usize>>,
    /// How many tests were asked; in [`Mode::Compatible`] how many different ones.
    pub tests: usize,
}

/// The skeleton of [`Mode::Default`]: FCI begins with it too.
pub(crate) fn stable_skeleton<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    alpha: f64,
    max_depth: Option<usize>,
) -> skeleton::Skeleton {
    skeleton::find(test, knowledge, &Settings { alpha, max_depth, mode: Mode::Default })
}

/// Runs PC on the nodes of `knowledge`'s window.
///
/// Cost: with d the largest number of neighbours, of the order of `nodes² · 2^d` tests, bounded by `max_depth`.
pub fn run<T: IndependenceTest + ?Sized>(test: &T, knowledge: &Knowledge, settings: &Settings) -> Found {
    match settings.mode {
        Mode::Default => {
            let skeleton = skeleton::find(test, knowledge, settings);
            let mut pattern = skeleton::oriented_by_knowledge(&skeleton, knowledge);
            let (triples, asked) = collider::classify(test, &pattern, knowledge, settings.alpha, skeleton.depth);
            collider::orient(&mut pattern, &triples, knowledge);
            meek::close(&mut pattern, &triples, knowledge.window());
            Found { pattern, nearest: skeleton.nearest, separating: skeleton.separating, tests: skeleton.tests + asked }
        }
        Mode::Compatible(how) => compatible::run(test, knowledge, settings, how),
    }
}
