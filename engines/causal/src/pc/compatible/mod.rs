//! PC as causal-learn 0.1.4.8 answers, behaviour for behaviour, so that results can be compared exactly.
//!
//! What differs from [`Mode::Default`](super::Mode::Default): every conditioning set of a size is tested even after one
//! separates, and the union of all that separate is kept; colliders and Meek's rules act at once and in the order of the
//! columns, so the answer depends on that order; a cycle guard works on a reachability matrix that is not transitively
//! closed; knowledge orients and vetoes, but does not keep required edges in the graph.

mod colliders;
mod meek;
mod ordered;
mod skeleton;

use super::{Found, Settings};
use crate::independence::{IndependenceTest, Memo};
use crate::knowledge::Knowledge;
use ordered::Ordered;
pub(crate) use skeleton::Skeleton;

/// Which rule decides that `x — y — z` is a collider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColliderRule {
    /// `uc_rule` 0: y is in none of the sets that separated x and z.
    #[default]
    SeparatingSet,
    /// `uc_rule` 1: the largest p-value over sets without y exceeds that over sets with y.
    LargestP,
    /// `uc_rule` 2: as 1, but only where the sets with y, or those without, never separate; the rest is ambiguous.
    /// Goes with [`Priority::Existing`], [`Priority::LeastWith`] and [`Priority::MostWithout`]; with another it acts as
    /// with [`Priority::MostWithout`].
    DefiniteLargestP,
}

/// What happens where two colliders orient an edge against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// `uc_priority` 0: the later collider overwrites.
    Overwrite,
    /// `uc_priority` 1: the edge gets an arrow at both ends.
    Bidirected,
    /// `uc_priority` 2: the earlier collider stays.
    #[default]
    Existing,
    /// `uc_priority` 3: as 2, in ascending order of the largest p-value over sets with the middle.
    LeastWith,
    /// `uc_priority` 4: as 2, in descending order of the largest p-value over sets without the middle.
    MostWithout,
}

/// The settings of the implementation that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compatibility {
    /// Whether removals wait for the end of a depth.
    pub stable: bool,
    /// `uc_rule`.
    pub collider_rule: ColliderRule,
    /// `uc_priority`.
    pub priority: Priority,
}

impl Default for Compatibility {
    fn default() -> Self {
        Self { stable: true, collider_rule: ColliderRule::default(), priority: Priority::default() }
    }
}

/// The skeleton with every set of a size tested, and the union of all that separate: FCI begins with it too.
pub(crate) fn exhaustive_skeleton<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    alpha: f64,
    max_depth: Option<usize>,
) -> Skeleton {
    let settings = Settings { alpha, max_depth, mode: super::Mode::Default };
    skeleton::find(test, knowledge, &settings, true)
}

pub(super) fn run<T: IndependenceTest + ?Sized>(
    test: &T,
    knowledge: &Knowledge,
    settings: &Settings,
    how: Compatibility,
) -> Found {
    let memo = Memo::new(test);
    let skeleton = skeleton::find(&memo, knowledge, settings, how.stable);
    let nodes = knowledge.window().nodes();
    let mut graph = Ordered::of_skeleton(nodes, &skeleton.adjacent);
    for i in 0..nodes {
        for j in i + 1..nodes {
            orient_known(&mut graph, knowledge, i, j);
        }
    }
    let definite = colliders::orient(&mut graph, &skeleton, &memo, knowledge, settings.alpha, how);
    meek::close(&mut graph, knowledge, definite.as_ref());
    let separating =
        skeleton.separating.into_iter().map(|(pair, members)| (pair, members.into_iter().collect())).collect();
    Found { pattern: graph.into_pattern(), nearest: memo.nearest(), separating, tests: memo.distinct() }
}

fn orient_known(graph: &mut Ordered, knowledge: &Knowledge, i: usize, j: usize) {
    if !graph.undirected(i, j) {
        return;
    }
    if knowledge.forbids(j, i) {
        graph.replace_directed(i, j);
    } else if knowledge.forbids(i, j) || knowledge.requires(j, i) {
        graph.replace_directed(j, i);
    } else if knowledge.requires(i, j) {
        graph.replace_directed(i, j);
    }
}

/// Whether knowledge speaks against `cause → effect`.
fn vetoed(knowledge: &Knowledge, cause: usize, effect: usize) -> bool {
    knowledge.forbids(cause, effect) || knowledge.requires(effect, cause)
}
