//! PCMCI.

use super::links::{LaggedLinks, Link};
use super::par_corr::{LaggedTest, ParCorr};
use super::parents::{Parents, conditions};
use super::{PcmciError, alpha, false_discovery};
use crate::knowledge::Knowledge;

/// How [`pcmci`](pcmci()) runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The shortest lag of a link; 0: links of the same moment are tested too, without direction.
    pub min_lag: usize,
    /// The longest lag of a link.
    pub max_lag: usize,
    /// Level of the condition selection; `None`: chosen for each column by Akaike's criterion.
    pub selection_alpha: Option<f64>,
    /// Level of the links.
    pub alpha: f64,
    /// Whether the p-values of lagged links are adjusted for the false discovery rate (Benjamini and Hochberg 1995).
    pub false_discovery: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { min_lag: 0, max_lag: 1, selection_alpha: Some(0.2), alpha: 0.05, false_discovery: false }
    }
}

/// What PCMCI found.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcmci {
    /// Links, values and p-values.
    pub links: LaggedLinks,
    /// The parents that the condition selection left.
    pub parents: Parents,
}

/// Seeks lagged links in columns in order of time (`columns[column][time]`) with partial correlation.
///
/// # Errors
/// [`PcmciError`]: columns or settings out of range, knowledge about another window.
pub fn pcmci(columns: &[Vec<f64>], settings: &Settings, knowledge: &Knowledge) -> Result<Pcmci, PcmciError> {
    check(settings.min_lag, settings.max_lag, &[settings.selection_alpha, Some(settings.alpha)])?;
    pcmci_with(&ParCorr::new(columns, settings.max_lag)?, settings, knowledge)
}

/// Seeks lagged links with any test (Runge, Nowack, Kretschmer, Flaxman and Sejdinovic 2019, algorithm S2). `test` reaches back
/// twice the longest lag.
///
/// # Errors
/// [`PcmciError`]: settings out of range, knowledge about another window.
pub fn pcmci_with<T: LaggedTest>(test: &T, settings: &Settings, knowledge: &Knowledge) -> Result<Pcmci, PcmciError> {
    check(settings.min_lag, settings.max_lag, &[settings.selection_alpha, Some(settings.alpha)])?;
    let (columns, max_lag) = (test.columns(), settings.max_lag);
    check_window(knowledge, columns, max_lag)?;
    let lags = settings.min_lag.max(1)..=max_lag;
    let parents: Parents = (0..columns)
        .map(|target| alpha::selection(test, target, lags.clone(), settings.selection_alpha, knowledge).parents)
        .collect();
    let mut links = LaggedLinks::new(columns, max_lag);
    let mut given = Vec::new();
    for target in 0..columns {
        for source in 0..columns {
            for lag in settings.min_lag..=max_lag {
                let node = lag * columns + source;
                if (lag == 0 && source == target) || knowledge.excludes(node, target) {
                    continue;
                }
                conditions(columns, &[], &parents, (source, lag), target, &mut given);
                let measured = test.test(node, target, &given);
                let at = links.index(source, target, lag);
                links.values[at] = measured.value;
                links.p_values[at] = measured.p_value;
            }
        }
    }
    symmetrise(&mut links);
    if settings.false_discovery {
        adjust_lagged(&mut links, settings.min_lag.max(1), knowledge);
    }
    for target in 0..columns {
        for source in 0..columns {
            for lag in settings.min_lag..=max_lag {
                let node = lag * columns + source;
                let required = knowledge.requires(node, target);
                let significant = links.p_values[links.index(source, target, lag)] <= settings.alpha;
                let backwards = lag == 0 && knowledge.requires(target, node);
                if (lag == 0 && source == target)
                    || knowledge.excludes(node, target)
                    || !(significant || required || backwards)
                {
                    continue;
                }
                let link = if lag > 0 || knowledge.directs(node, target) {
                    Link::Forward
                } else if knowledge.directs(target, node) {
                    Link::Backward
                } else {
                    Link::Open
                };
                links.set(source, target, lag, link);
            }
        }
    }
    Ok(Pcmci { links, parents })
}

/// Two tests of one pair of the same moment: the one nearer to independence stands for both.
fn symmetrise(links: &mut LaggedLinks) {
    for i in 0..links.columns() {
        for j in 0..i {
            let (a, b) = (links.index(i, j, 0), links.index(j, i, 0));
            let (from, to) = if links.p_values[a] >= links.p_values[b] { (a, b) } else { (b, a) };
            links.values[to] = links.values[from];
            links.p_values[to] = links.p_values[from];
        }
    }
}

fn adjust_lagged(links: &mut LaggedLinks, first: usize, knowledge: &Knowledge) {
    let columns = links.columns();
    let mut places = Vec::new();
    for source in 0..columns {
        for target in 0..columns {
            for lag in first..=links.max_lag() {
                if !knowledge.excludes(lag * columns + source, target) {
                    places.push(links.index(source, target, lag));
                }
            }
        }
    }
    let mut p_values: Vec<f64> = places.iter().map(|at| links.p_values[*at]).collect();
    false_discovery::adjust(&mut p_values);
    places.iter().zip(p_values).for_each(|(at, p)| links.p_values[*at] = p);
}

pub(super) fn check(min_lag: usize, max_lag: usize, levels: &[Option<f64>]) -> Result<(), PcmciError> {
    if max_lag == 0 || min_lag > max_lag {
        return Err(PcmciError::Lags { min_lag, max_lag });
    }
    match levels.iter().flatten().find(|level| !(**level > 0.0 && **level < 1.0)) {
        Some(level) => Err(PcmciError::Level(*level)),
        None => Ok(()),
    }
}

pub(super) fn check_window(knowledge: &Knowledge, columns: usize, max_lag: usize) -> Result<(), PcmciError> {
    let window = knowledge.window();
    if window.columns() == columns && window.max_lag() == max_lag {
        return Ok(());
    }
    Err(PcmciError::Window {
        columns: window.columns(),
        max_lag: window.max_lag(),
        expected: columns,
        expected_lag: max_lag,
    })
}
