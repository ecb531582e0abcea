//! The choice for series over time.

use atsre_domain::graph::Mark;

use super::model::{self, LEVEL};
use super::{Chosen, p_value};
use crate::discover::learner::Learner;
use crate::discover::progress::Progress;
use crate::discover::series::{Momentary, Ready, residuals};
use crate::discover::{Algorithm, DiscoverError, DiscoverOptions, TestChoice};
use crate::knowledge::Knowledge;

/// More nodes of the window than this are not searched for signs of hidden causes.
const HIDDEN_NODES: usize = 16;
/// Levels at all of which such a sign has to show: at the strict ones every edge is sure, at the loose ones every independence.
const LEVELS: [f64; 3] = [0.001, 0.01, 0.05];
/// The largest conditioning set of that search, known causes not counted.
const DEPTH: usize = 2;
/// Rows for each node of the window below which VAR-LiNGAM's weights are too uncertain.
const ROWS_EACH: usize = 10;

/// Chooses what the caller left open.
pub(in crate::discover) fn of_series(
    ready: &Ready,
    knowledge: &Knowledge,
    options: &DiscoverOptions,
    progress: &dyn Progress,
    reasons: &mut Vec<String>,
) -> Result<Chosen, DiscoverError> {
    if let Some(algorithm) = options.algorithm {
        reasons.push(match options.test.filter(|_| algorithm.asks_tests()) {
            _ if !algorithm.asks_tests() => format!("{}, as asked", algorithm.name()),
            test => format!("{}, as asked, with {}", algorithm.name(), test.unwrap_or_default().name()),
        });
        return Ok(Chosen { algorithm, test: options.test });
    }
    let pc = Chosen { algorithm: Algorithm::Pc, test: options.test };
    let columns = ready.frame.names.len();
    if options.test == Some(TestChoice::Kernel) || columns < 2 || ready.max_lag == 0 {
        reasons.push("PC over the columns and their lags".to_owned());
        return Ok(pc);
    }
    if options.test.is_none() && linear_and_not_gaussian(ready, reasons) {
        return Ok(Chosen { algorithm: Algorithm::VarLingam, test: None });
    }
    if hidden_causes(ready, knowledge, options, progress, reasons)? {
        reasons.push("LPCMCI, which allows for hidden common causes".to_owned());
        return Ok(Chosen { algorithm: Algorithm::Lpcmci, test: options.test });
    }
    reasons.push(
        "PC over the columns and their lags, with rows that count for less where they are autocorrelated".to_owned(),
    );
    Ok(pc)
}

/// Whether the innovations of the vector autoregression follow a linear non-Gaussian model.
fn linear_and_not_gaussian(ready: &Ready, reasons: &mut Vec<String>) -> bool {
    let nodes = ready.window().nodes();
    if ready.moments.rows() < ROWS_EACH * nodes {
        return false;
    }
    let Some(innovations) = residuals(ready) else { return false };
    let innovations = model::thinned(&innovations);
    let within = model::correlated(&innovations);
    if within > LEVEL {
        reasons.push(format!(
            "within a moment no column correlates with another once its past is known ({})",
            p_value(within)
        ));
        return false;
    }
    let Some(fit) = model::fit(&innovations) else { return false };
    reasons.push(format!(
        "the disturbances of {} of {} columns within a moment are not normal (Jarque–Bera at {LEVEL}, corrected; {} moments)",
        fit.non_gaussian, fit.columns, fit.rows
    ));
    if !fit.identifies() {
        return false;
    }
    reasons.push(format!(
        "innovations regressed on each other in DirectLiNGAM's order: linear {} (Ramsey's RESET), what is left independent {}, corrected",
        p_value(fit.linearity),
        p_value(fit.independence)
    ));
    let fits = fit.linear() && fit.independent();
    if fits {
        reasons.push(
            "VAR-LiNGAM: linear, not Gaussian and without signs of hidden common causes, so every direction within a moment can be told"
                .to_owned(),
        );
    }
    fits
}

/// Whether LPCMCI finds, at every level, edges that only a hidden common cause explains.
fn hidden_causes(
    ready: &Ready,
    knowledge: &Knowledge,
    options: &DiscoverOptions,
    progress: &dyn Progress,
    reasons: &mut Vec<String>,
) -> Result<bool, DiscoverError> {
    let window = ready.window();
    if window.columns() < 3 || window.nodes() > HIDDEN_NODES || !ready.deep_enough() {
        reasons.push(
            "hidden common causes were not looked for: too few columns, too many nodes or too few rows".to_owned(),
        );
        return Ok(false);
    }
    let mut signs: Vec<(usize, usize)> = window.pairs().collect();
    for alpha in LEVELS {
        let strict = DiscoverOptions { alpha, max_depth: Some(DEPTH), ..options.clone() };
        match (Momentary { algorithm: Algorithm::Lpcmci, ready, knowledge, options: &strict }).learn(None, progress) {
            Ok(found) => signs.retain(|(i, j)| {
                found.pattern.mark_at(*i, *j) == Some(Mark::Arrow) && found.pattern.mark_at(*j, *i) == Some(Mark::Arrow)
            }),
            Err(DiscoverError::Cancelled) => return Err(DiscoverError::Cancelled),
            Err(_) => return Ok(false),
        }
        if signs.is_empty() {
            break;
        }
    }
    let name = |node: usize| {
        let (column, lag) = (&ready.frame.names[window.column(node)], window.lag(node));
        if lag == 0 { column.clone() } else { format!("{column}[t-{lag}]") }
    };
    let told: Vec<String> = signs.iter().map(|(i, j)| format!("{} ↔ {}", name(*i), name(*j))).collect();
    reasons.push(if told.is_empty() {
        format!("no sign of a hidden common cause: no edge ↔ that LPCMCI finds at every level of {LEVELS:?}")
    } else {
        format!("signs of hidden common causes: LPCMCI finds at every level of {LEVELS:?} {}", told.join(", "))
    });
    Ok(!told.is_empty())
}
