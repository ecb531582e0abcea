//! The choice for series over time.

use atsre_domain::graph::Mark;

use super::model::{self, LEVEL};
use super::{Chosen, p_value};
use crate::discover::confidence;
use crate::discover::progress::Progress;
use crate::discover::series::{Momentary, Ready, residuals};
use crate::discover::{Algorithm, DiscoverError, DiscoverOptions, TestChoice};
use crate::knowledge::Knowledge;

/// More nodes of the window than this are not searched for signs of hidden causes.
const HIDDEN_NODES: usize = 30;
/// Samples in which such a sign has to come back, in this share of them, at no weaker a level than this.
const SAMPLES: u32 = 10;
const SHARE_MIN: f64 = 0.85;
const HIDDEN_ALPHA: f64 = 0.001;
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
        reasons.push(format!("within a moment no column correlates with another once its past is known ({})", p_value(within)));
        return false;
    }
    let Some(fit) = model::fit(&innovations) else { return false };
    reasons.push(format!(
        "the innovations of {} of {} columns are not normal (Jarque–Bera at {LEVEL}, corrected; {} moments)",
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

/// Whether LPCMCI finds edges that only a hidden common cause explains, and finds them again in most samples drawn again.
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
    let strict = DiscoverOptions { alpha: options.alpha.min(HIDDEN_ALPHA), ..options.clone() };
    let lpcmci = Momentary { algorithm: Algorithm::Lpcmci, ready, knowledge, options: &strict };
    let found = match confidence::measure(&lpcmci, window, SAMPLES, options.seed, progress) {
        Ok(found) => found,
        Err(DiscoverError::Cancelled) => return Err(DiscoverError::Cancelled),
        Err(_) => return Ok(false),
    };
    let name = |node: usize| {
        let (column, lag) = (&ready.frame.names[window.column(node)], window.lag(node));
        if lag == 0 { column.clone() } else { format!("{column}[t-{lag}]") }
    };
    let signs: Vec<String> = window
        .pairs()
        .filter(|pair| found.share(*pair, (Mark::Arrow, Mark::Arrow)).is_some_and(|share| share >= SHARE_MIN))
        .map(|(i, j)| format!("{} ↔ {}", name(i), name(j)))
        .collect();
    let share = 100.0 * SHARE_MIN;
    reasons.push(if signs.is_empty() {
        format!(
            "no sign of a hidden common cause: LPCMCI at level {} finds no edge ↔ in {share:.0} % of {SAMPLES} samples",
            strict.alpha
        )
    } else {
        format!(
            "signs of hidden common causes: LPCMCI at level {} finds in at least {share:.0} % of {SAMPLES} samples {}",
            strict.alpha,
            signs.join(", ")
        )
    });
    Ok(!signs.is_empty())
}
