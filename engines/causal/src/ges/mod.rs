//! GES: greedy search over Markov equivalence classes (Chickering 2002, "Optimal structure identification with greedy
//! search", JMLR 3) with the Gaussian BIC (Schwarz 1978).
//!
//! First the insertion that raises the score most is made until none does, then the deletion. With enough rows and no
//! hidden common causes the class that comes out is the true one.

mod delete;
mod insert;
mod score;
mod state;

pub use score::{GaussianBic, ScoreError};

use crate::knowledge::Knowledge;
use crate::pattern::Pattern;
use state::State;

/// Which GES.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As published; `max_parents` bounds the parents that an insertion leaves, and knowledge is a hard invariant.
    #[default]
    Default,
    /// As causal-learn 0.1.4.8: `max_parents` bounds the directed parents before an insertion, which may then exceed it;
    /// knowledge is not used.
    Compatible,
}

/// How GES runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The most parents of a node; `None` is no limit.
    pub max_parents: Option<usize>,
    /// Which GES.
    pub mode: Mode,
}

/// One step of the search, between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The node whose edge to `to` came or went.
    pub from: usize,
    /// The other node.
    pub to: usize,
    /// The neighbours of `to` that were oriented with it: T of an insertion, H of a deletion.
    pub with: Vec<usize>,
    /// How much the score rose.
    pub gain: f64,
}

/// What GES found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The equivalence class: directed and undirected edges. With knowledge, what knowledge directs is directed too.
    pub pattern: Pattern,
    /// Its score; higher is better.
    pub score: f64,
    /// The insertions in order.
    pub inserts: Vec<Step>,
    /// The deletions in order.
    pub deletes: Vec<Step>,
}

/// Runs GES over the variables of `score`, which are the nodes of `knowledge`'s window.
///
/// Each step costs time of the order of nodes² and, for nodes with many undirected neighbours, of the number of sets of
/// these, of which 16,384 are tried for each pair.
#[must_use]
pub fn run(score: &GaussianBic, knowledge: &Knowledge, settings: &Settings) -> Found {
    let knowledge = (settings.mode == Mode::Default).then_some(knowledge).filter(|k| says_anything(k));
    let mut state = State::new(score.variables(), knowledge);
    let inserts = insert::search(&mut state, score, settings);
    let deletes = delete::search(&mut state, score);
    let total = score.of_graph(state.member());
    Found { pattern: state.into_pattern(), score: total, inserts, deletes }
}

fn says_anything(knowledge: &Knowledge) -> bool {
    let nodes = knowledge.window().nodes();
    (0..nodes).any(|i| (0..nodes).any(|j| i != j && knowledge.forbids(i, j)))
}

/// Sets of neighbours that are tried with one pair of nodes, the smallest first: a node with more than 14 undirected
/// neighbours could have more.
const SETS_MAX: usize = 1 << 14;

/// A gain has to exceed the best so far by this share to replace it: operators that lead to equivalent graphs differ by
/// rounding only, and of those the first is taken.
const TIE: f64 = 1e-10;

fn beats(gain: f64, best: f64) -> bool {
    gain > best + TIE * (1.0 + best.abs())
}
