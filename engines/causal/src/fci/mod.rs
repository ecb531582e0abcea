//! FCI: causal structure where common causes may be hidden (Spirtes, Meek and Richardson 1995; Zhang 2008).
//!
//! The answer is a partial ancestral graph. `a → b`: a is a cause of b, directly or through what was not measured.
//! `a ↔ b`: neither causes the other, a hidden common cause is behind both. A circle says that the data leave the mark
//! open. [`Mode::Default`] keeps background knowledge as a hard invariant and does not depend on the order of the columns;
//! [`Mode::Compatible`] answers exactly as the implementation in causal-learn 0.1.4.8 does.

mod compatible;
mod evidence;
mod pag;
mod possible_d_sep;
mod rules;
mod search;
mod separations;
mod sets;
mod uncovered;

use std::collections::BTreeMap;

pub(crate) use evidence::Evidence;
pub(crate) use pag::Pag;
pub(crate) use rules::close_marks;

use crate::independence::{IndependenceTest, Outcome};
use crate::knowledge::Knowledge;
use crate::pattern::Pattern;

/// Which FCI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As published, order-independent, true to background knowledge.
    #[default]
    Default,
    /// As causal-learn 0.1.4.8: knowledge orients as it does there and is no invariant.
    Compatible {
        /// Whether the knowledge has forbidden edges, required edges and tiers, all three: then discriminating paths
        /// are looked for in the first round even if rules 1 to 3 did nothing.
        every_kind_of_knowledge: bool,
    },
}

/// How FCI runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Level of the tests: an edge goes when `p > alpha`.
    pub alpha: f64,
    /// The largest conditioning set of the first phase; `None` is no limit.
    pub max_depth: Option<usize>,
    /// The largest conditioning set of the possible-d-sep step; `None` is no limit on the size. 0 or 1 skips the step. Whatever
    /// the size, the step looks at no more than 2²⁴ sets ([`Found::curtailed`]).
    pub max_possible_d_sep: Option<usize>,
    /// Which FCI.
    pub mode: Mode,
}

/// What can be said of a directed edge beyond its direction (Zhang 2008, on visible edges).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeProperties {
    /// No other path can carry the effect (`dd`), or one may (`pd`).
    pub definitely_direct: bool,
    /// No hidden common cause can be behind the edge (`nl`), or one may (`pl`).
    pub visible: bool,
}

/// What FCI found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The partial ancestral graph.
    pub pattern: Pattern,
    /// For each pair (`smaller * nodes + larger`), the tested outcome nearest to independence.
    pub nearest: Vec<Option<Outcome>>,
    /// What separated two nodes, by ordered pair.
    pub separating: BTreeMap<(usize, usize), Vec<usize>>,
    /// Pairs (smaller, larger) that only the possible-d-sep step separated.
    pub removed_late: Vec<(usize, usize)>,
    /// The properties of each directed edge (cause, effect).
    pub properties: BTreeMap<(usize, usize), EdgeProperties>,
    /// Whether the possible-d-sep step ended early, at its bound of 2²⁴ sets: edges may be left that a set would remove.
    pub curtailed: bool,
    /// How many tests were asked; in [`Mode::Compatible`] how many different ones.
    pub tests: usize,
}

/// Runs FCI on the nodes of `knowledge`'s window, which has to be one of rows without time.
///
/// In [`Mode::Default`] a forbidden cause always gets an arrow at its end of the edge, a pair forbidden both ways has no edge,
/// and a required edge is there and directed, whatever the data.
pub fn run<T: IndependenceTest + ?Sized>(test: &T, knowledge: &Knowledge, settings: &Settings) -> Found {
    match settings.mode {
        Mode::Default => search::run(test, knowledge, settings),
        Mode::Compatible { every_kind_of_knowledge } => {
            compatible::run(test, knowledge, settings, every_kind_of_knowledge)
        }
    }
}
