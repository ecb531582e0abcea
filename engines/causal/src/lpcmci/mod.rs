//! LPCMCI: causal discovery in time series where common causes may be hidden (Gerhardus and Runge 2020, NeurIPS 33).
//!
//! The answer is a partial ancestral graph over columns at lags 0 to L. `a → b`: a is a cause of b, directly or through what was not
//! measured; `a ↔ b`: neither causes the other, a hidden common cause is behind both; a circle leaves the mark open. What is earlier is never
//! caused by what is later, and an edge holds at every moment.
//!
//! The idea of LPCMCI is kept: every test conditions on the causes already known of both ends, which makes autocorrelated series easier to
//! tell apart, and a number of preliminary rounds learn such causes, each starting anew with what the last one learnt. It is
//! kept by other means than middle marks on edges: a preliminary round only draws conclusions that hold of any two columns, adjacent or
//! not (an arrow at the middle of a triple after both of its sides were tested to depend given the separating set, as in RFCI, Colombo,
//! Maathuis, Kalisch and Richardson 2012, lemma 3.1; the rules 1, 2 and 8 of Zhang 2008, which speak of ancestors alone). The last round adds
//! the possible-d-sep step and all rules of FCI.

mod facts;
mod orientation;
mod removal;

use std::collections::BTreeMap;

use facts::Facts;
use removal::Search;

use crate::knowledge::Knowledge;
use crate::pattern::Pattern;
use crate::pcmci::{LaggedTest, Measured, ParCorr, PcmciError};

/// How [`lpcmci`](lpcmci()) runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The longest lag.
    pub max_lag: usize,
    /// Level of the tests: an edge goes when `p > alpha`.
    pub alpha: f64,
    /// Preliminary rounds.
    pub preliminary: usize,
    /// The most nodes in a conditioning set, known causes not counted.
    pub max_conditions: usize,
    /// The most tests of one pair in the possible-d-sep step.
    pub max_tests: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_lag: 1, alpha: 0.01, preliminary: 1, max_conditions: usize::MAX, max_tests: 20_000 }
    }
}

/// What LPCMCI found.
#[derive(Clone, Debug, PartialEq)]
pub struct Lpcmci {
    /// The partial ancestral graph over the nodes of knowledge's window; every copy of an edge is there.
    pub pattern: Pattern,
    /// For each pair (earlier, later; the later at lag 0) the tested outcome nearest to independence.
    pub nearest: BTreeMap<(usize, usize), Measured>,
    /// What separated the pairs that are not adjacent.
    pub separating: BTreeMap<(usize, usize), Vec<usize>>,
    /// How many tests were asked.
    pub tests: usize,
}

/// Seeks the partial ancestral graph of columns in order of time (`columns[column][time]`) with partial correlation.
///
/// A forbidden cause always gets an arrow at its end of the edge, a pair forbidden both ways has no edge, and a required edge is
/// there and directed, whatever the data.
///
/// # Errors
/// [`PcmciError`]: columns or settings out of range, knowledge about another window.
pub fn lpcmci(columns: &[Vec<f64>], settings: &Settings, knowledge: &Knowledge) -> Result<Lpcmci, PcmciError> {
    check(columns.len(), settings, knowledge)?;
    lpcmci_with(&ParCorr::new(columns, settings.max_lag)?, settings, knowledge)
}

/// Seeks the partial ancestral graph with any test.
///
/// # Errors
/// [`PcmciError`]: settings out of range, knowledge about another window.
pub fn lpcmci_with<T: LaggedTest>(test: &T, settings: &Settings, knowledge: &Knowledge) -> Result<Lpcmci, PcmciError> {
    check(test.columns(), settings, knowledge)?;
    let mut facts = Facts::of_knowledge(knowledge);
    let mut tests = 0;
    for _ in 0..settings.preliminary {
        let mut round = Search::new(test, settings, knowledge, &facts);
        round.remove_by_neighbours();
        orientation::learn(&mut round, &mut facts);
        facts.keep_causes(&round);
        tests += round.tests;
    }
    let mut last = Search::new(test, settings, knowledge, &facts);
    last.remove_by_neighbours();
    let mut learnt = facts.clone();
    orientation::learn(&mut last, &mut learnt);
    last.remove_by_possible_d_sep(&learnt);
    let pattern = orientation::complete(&last, &facts, knowledge);
    Ok(Lpcmci { pattern, tests: tests + last.tests, nearest: last.nearest, separating: last.separating })
}

fn check(columns: usize, settings: &Settings, knowledge: &Knowledge) -> Result<(), PcmciError> {
    if settings.max_lag == 0 {
        return Err(PcmciError::Lags { min_lag: 0, max_lag: 0 });
    }
    if !(settings.alpha > 0.0 && settings.alpha < 1.0) {
        return Err(PcmciError::Level(settings.alpha));
    }
    let window = knowledge.window();
    if window.columns() != columns || window.max_lag() != settings.max_lag {
        return Err(PcmciError::Window {
            columns: window.columns(),
            max_lag: window.max_lag(),
            expected: columns,
            expected_lag: settings.max_lag,
        });
    }
    Ok(())
}
