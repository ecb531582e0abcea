//! Condition selection: the lagged parents of each column.

use super::par_corr::{LaggedTest, Measured};
use crate::knowledge::Knowledge;

/// A column so many steps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lagged {
    /// The column.
    pub column: usize,
    /// Steps back, at least 1.
    pub lag: usize,
}

/// The lagged parents of each column, the strongest first.
pub type Parents = Vec<Vec<Lagged>>;

/// What the selection found for one column.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    pub(super) parents: Vec<Lagged>,
    /// For each candidate the tested outcome nearest to independence.
    pub(super) nearest: Vec<(Lagged, Measured)>,
}

struct Candidate {
    at: Lagged,
    node: usize,
    required: bool,
    weakest: f64,
    nearest: Measured,
    gone: bool,
}

/// The PC₁ step of PCMCI (Runge et al. 2019, algorithm S1): for growing d each candidate is tested given the d strongest others; what
/// is independent goes after each round, and the rest is sorted by its weakest value so far.
pub(super) fn select<T: LaggedTest>(
    test: &T,
    target: usize,
    lags: std::ops::RangeInclusive<usize>,
    alpha: f64,
    knowledge: &Knowledge,
) -> Selection {
    let columns = test.columns();
    let mut candidates: Vec<Candidate> = Vec::new();
    for column in 0..columns {
        for lag in lags.clone() {
            let node = lag * columns + column;
            if !knowledge.forbids(node, target) {
                let required = knowledge.requires(node, target);
                let nearest = Measured { value: 0.0, p_value: -1.0 };
                candidates.push(Candidate {
                    at: Lagged { column, lag },
                    node,
                    required,
                    weakest: f64::INFINITY,
                    nearest,
                    gone: false,
                });
            }
        }
    }
    let mut dropped = Vec::new();
    let mut given = Vec::new();
    let mut size = 0;
    while candidates.len() > size {
        for at in 0..candidates.len() {
            given.clear();
            given.extend((0..candidates.len()).filter(|other| *other != at).take(size).map(|o| candidates[o].node));
            let candidate = &mut candidates[at];
            let measured = test.test(candidate.node, target, &given);
            candidate.weakest = candidate.weakest.min(measured.value.abs());
            if measured.p_value > candidate.nearest.p_value {
                candidate.nearest = measured;
            }
            candidate.gone = measured.p_value > alpha && !candidate.required;
        }
        let (out, kept): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|c| c.gone);
        dropped.extend(out);
        candidates = kept;
        candidates.sort_by(|a, b| b.weakest.total_cmp(&a.weakest));
        size += 1;
    }
    let parents = candidates.iter().map(|c| c.at).collect();
    let nearest = candidates.iter().chain(&dropped).map(|c| (c.at, c.nearest)).collect();
    Selection { parents, nearest }
}

/// The conditions of a link between `x` (a column `lag` steps back) and `target`: some nodes of the present, the target's parents
/// but for x, and x's parents; each once. Written to `given`.
pub(super) fn conditions(
    columns: usize,
    present: &[usize],
    parents: &Parents,
    (source, lag): (usize, usize),
    target: usize,
    given: &mut Vec<usize>,
) {
    let x = lag * columns + source;
    given.clear();
    given.extend_from_slice(present);
    for parent in &parents[target] {
        let node = parent.lag * columns + parent.column;
        if node != x && !given.contains(&node) {
            given.push(node);
        }
    }
    for parent in &parents[source] {
        let node = (parent.lag + lag) * columns + parent.column;
        if !given.contains(&node) {
            given.push(node);
        }
    }
}
