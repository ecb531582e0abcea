//! PCMCI+.

use super::collider::{self, Orienter};
use super::links::{LaggedLinks, Link};
use super::mci::{check, check_window};
use super::par_corr::{LaggedTest, ParCorr};
use super::parents::{Parents, select};
use super::skeleton::{self, Limits};
use super::{PcmciError, rules};
use crate::knowledge::Knowledge;

/// Levels to choose from where none is given.
const LEVELS: [f64; 5] = [0.001, 0.005, 0.01, 0.025, 0.05];

/// How an unshielded triple is found to be a collider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColliderRule {
    /// The middle is in fewer than half of all sets that separate the ends; in exactly half: ambiguous (Colombo and Maathuis 2014).
    #[default]
    Majority,
    /// The middle is in none of them; in some but not all: ambiguous (Ramsey, Spirtes and Zhang 2006).
    Conservative,
    /// The middle is not in the one set that was found first.
    SeparatingSet,
}

/// How [`pcmci_plus`](pcmci_plus()) runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlusSettings {
    /// The shortest lag of a link; 0 to have links of the same moment.
    pub min_lag: usize,
    /// The longest lag of a link.
    pub max_lag: usize,
    /// Level of all tests; `None`: of 0.001, 0.005, 0.01, 0.025 and 0.05 the one whose graph has the smallest Akaike criterion.
    pub alpha: Option<f64>,
    /// How colliders are found.
    pub colliders: ColliderRule,
    /// Whether a link that is asked to point both ways is marked as contradictory, rather than pointing as asked last.
    pub mark_conflicts: bool,
    /// Whether lagged links that the condition selection removed are tested again.
    pub reset_lagged: bool,
}

impl Default for PlusSettings {
    fn default() -> Self {
        Self {
            min_lag: 0,
            max_lag: 1,
            alpha: Some(0.01),
            colliders: ColliderRule::Majority,
            mark_conflicts: true,
            reset_lagged: false,
        }
    }
}

/// Three columns: `source` so many steps back, adjacent to `middle`, adjacent to `target` of the same moment; source and target
/// are not adjacent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Triple {
    /// One end.
    pub source: usize,
    /// Steps back of that end.
    pub lag: usize,
    /// The middle.
    pub middle: usize,
    /// The other end.
    pub target: usize,
}

/// What PCMCI+ found.
#[derive(Clone, Debug, PartialEq)]
pub struct PcmciPlus {
    /// Links, with the value and the p-value of the test nearest to independence.
    pub links: LaggedLinks,
    /// The lagged parents that the condition selection left.
    pub parents: Parents,
    /// Triples of which the tests do not tell whether they are colliders.
    pub ambiguous: Vec<Triple>,
    /// The level of the tests.
    pub alpha: f64,
}

/// Seeks links, those of the same moment included, in columns in order of time (`columns[column][time]`) with partial correlation.
///
/// # Errors
/// [`PcmciError`]: columns or settings out of range, knowledge about another window.
pub fn pcmci_plus(
    columns: &[Vec<f64>],
    settings: &PlusSettings,
    knowledge: &Knowledge,
) -> Result<PcmciPlus, PcmciError> {
    check(settings.min_lag, settings.max_lag, &[settings.alpha])?;
    pcmci_plus_with(&ParCorr::new(columns, settings.max_lag)?, settings, knowledge)
}

/// Seeks links with any test (Runge 2020, algorithms 1 and 2). `test` reaches back twice the longest lag.
///
/// # Errors
/// [`PcmciError`]: settings out of range, knowledge about another window.
pub fn pcmci_plus_with<T: LaggedTest>(
    test: &T,
    settings: &PlusSettings,
    knowledge: &Knowledge,
) -> Result<PcmciPlus, PcmciError> {
    check(settings.min_lag, settings.max_lag, &[settings.alpha])?;
    check_window(knowledge, test.columns(), settings.max_lag)?;
    if let Some(alpha) = settings.alpha {
        return Ok(at_level(test, settings, alpha, knowledge));
    }
    let mut best = at_level(test, settings, LEVELS[0], knowledge);
    let mut least = criterion(test, &best, knowledge);
    for alpha in &LEVELS[1..] {
        let next = at_level(test, settings, *alpha, knowledge);
        let value = criterion(test, &next, knowledge);
        if value < least {
            (best, least) = (next, value);
        }
    }
    Ok(best)
}

fn at_level<T: LaggedTest>(test: &T, settings: &PlusSettings, alpha: f64, knowledge: &Knowledge) -> PcmciPlus {
    let lags = settings.min_lag.max(1)..=settings.max_lag;
    let selections = (0..test.columns()).map(|target| select(test, target, lags.clone(), alpha, knowledge)).collect();
    let limits =
        Limits { min_lag: settings.min_lag, max_lag: settings.max_lag, alpha, reset_lagged: settings.reset_lagged };
    let skeleton = skeleton::find(test, selections, limits, knowledge);
    let triples = collider::classify(test, &skeleton, alpha, settings.colliders);
    let mut links = skeleton.links;
    let orienter = Orienter { knowledge, mark_conflicts: settings.mark_conflicts };
    orienter.orient_colliders(&mut links, &triples.colliders);
    rules::close(&mut links, &triples.ambiguous, orienter);
    PcmciPlus { links, parents: skeleton.parents, ambiguous: triples.ambiguous, alpha }
}

/// The mean over the columns of Akaike's criterion of the regression on the parents, in one directed graph among those that the
/// links stand for.
fn criterion<T: LaggedTest>(test: &T, found: &PcmciPlus, knowledge: &Knowledge) -> f64 {
    let mut links = found.links.clone();
    let columns = links.columns();
    let orienter = Orienter { knowledge, mark_conflicts: false };
    for cause in 0..columns {
        for effect in 0..columns {
            if matches!(links.get(cause, effect, 0), Link::Open | Link::Conflict) {
                links.set(cause, effect, 0, Link::Forward);
                rules::close(&mut links, &[], orienter);
            }
        }
    }
    let of_column = |target: usize| {
        let mut parents = Vec::new();
        for lag in 0..=links.max_lag() {
            parents.extend(
                (0..columns).filter(|c| links.get(*c, target, lag) == Link::Forward).map(|c| lag * columns + c),
            );
        }
        test.akaike(target, &parents).unwrap_or(f64::INFINITY)
    };
    (0..columns).map(of_column).sum::<f64>() / columns as f64
}
