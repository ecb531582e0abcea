//! Levels to choose from where none is given.

use super::par_corr::LaggedTest;
use super::parents::{Selection, select};
use crate::knowledge::Knowledge;

/// Levels of the condition selection.
const OF_SELECTION: [f64; 6] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5];

/// The selection of one column's parents: at the level given, or at the one whose parents have the smallest Akaike
/// criterion, the first of equals.
pub(super) fn selection<T: LaggedTest>(
    test: &T,
    target: usize,
    lags: std::ops::RangeInclusive<usize>,
    alpha: Option<f64>,
    knowledge: &Knowledge,
) -> Selection {
    let at = |alpha: f64| select(test, target, lags.clone(), alpha, knowledge);
    if let Some(alpha) = alpha {
        return at(alpha);
    }
    let criterion = |selection: &Selection| {
        let nodes: Vec<usize> = selection.parents.iter().map(|p| p.lag * test.columns() + p.column).collect();
        test.akaike(target, &nodes).unwrap_or(f64::INFINITY)
    };
    let mut best = at(OF_SELECTION[0]);
    let mut least = criterion(&best);
    for alpha in &OF_SELECTION[1..] {
        let next = at(*alpha);
        let value = criterion(&next);
        if value < least {
            (best, least) = (next, value);
        }
    }
    best
}
