//! The columns over time that take part, and how far back they are looked at.

use atsre_domain::graph::BackgroundKnowledge;
use atsre_domain::panel::{CovariateKind, Panel};

use crate::discover::assemble::{SAME, drop_duplicates};
use crate::discover::{DiscoverError, DiscoverOptions};
use crate::lagged::columns::Frame;
use crate::lagged::moments::Moments;
use crate::lagged::{self, Prepared, lags, season};

/// More columns than this are screened by their correlation with the target.
const COLUMNS_MAX: usize = 28;
/// Steps that have to be complete together, as long as no longest lag is known.
const LAGS_USUAL: u32 = 3;

/// The columns that take part, with seasons and unit roots removed, and why.
pub(super) fn prepared_frame(
    panel: &Panel,
    options: &DiscoverOptions,
    target: &String,
) -> Result<Prepared, DiscoverError> {
    let mut frame = Frame::of_panel(panel);
    let units = frame.tame();
    let refuse = |frame: &Frame| match frame.left_out.iter().find(|(column, _)| column == target) {
        Some((_, why)) => Err(DiscoverError::Target { target: target.clone(), why: why.clone() }),
        None => Ok(()),
    };
    frame.leave_out_missing();
    let mut reasons = Vec::new();
    if !frame.scored.is_empty() {
        reasons.push(format!(
            "categories became numbers, each level the target's mean over it (from other stretches of the series): {}",
            frame.scored.join(", ")
        ));
    }
    let mut lengths: Vec<usize> = frame.series.iter().map(|s| s[0].len()).collect();
    lengths.sort_unstable();
    let typical = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let periods = options.season_lengths.clone().unwrap_or_else(|| panel.frequency.calendar_periods());
    let prepared = lagged::prepare(frame, &season::plan(&periods, typical));
    let mut deviations = prepared.deviations;
    for (name, unit) in units {
        deviations.entry(name).and_modify(|deviation| *deviation *= unit);
    }
    frame = prepared.frame;
    reasons.extend(prepared.reasons);
    refuse(&frame)?;
    frame.leave_out_until_complete(target, options.max_lag.unwrap_or(LAGS_USUAL) as usize);
    // Twice, because a matrix of all columns may be too large to look for repetitions in.
    let mut screened = screen(&mut frame, target, &options.knowledge, 4 * COLUMNS_MAX);
    let same_moment = Moments::of_frame(&frame, 0);
    for (column, why) in
        drop_duplicates(&frame.names, Some(target), &same_moment.correlation(None), SAME).into_iter().rev()
    {
        frame.leave_out(column, why);
    }
    screened |= screen(&mut frame, target, &options.knowledge, COLUMNS_MAX);
    if screened {
        reasons.push(format!("only the {COLUMNS_MAX} columns that correlate most with the target take part"));
    }
    Ok(Prepared { frame, reasons, deviations })
}

/// Leaves out the columns that correlate least with the target over lags 0 and 1 until `most` are left, never one that
/// a required edge names. Returns whether any had to go.
fn screen(frame: &mut Frame, target: &str, known: &BackgroundKnowledge, most: usize) -> bool {
    if frame.names.len() <= most {
        return false;
    }
    let at = frame.names.iter().position(|n| n == target).unwrap_or(0);
    let named = |name: &String| name == target || known.required.iter().any(|(a, b)| a == name || b == name);
    let strength: Vec<f64> = (0..frame.names.len())
        .map(|c| {
            if named(&frame.names[c]) {
                f64::INFINITY
            } else {
                frame.correlation(c, at, 0).abs().max(frame.correlation(c, at, 1).abs())
            }
        })
        .collect();
    let mut order: Vec<usize> = (0..frame.names.len()).collect();
    order.sort_by(|a, b| strength[*b].total_cmp(&strength[*a]).then_with(|| frame.names[*a].cmp(&frame.names[*b])));
    let mut out = order.split_off(most);
    out.sort_unstable();
    for column in out.into_iter().rev() {
        frame.leave_out(column, "it correlates less with the target than the columns that take part".to_owned());
    }
    true
}

/// The caller's knowledge, and that what is known in advance is not caused by the target.
pub(super) fn with_assumptions(
    panel: &Panel,
    options: &DiscoverOptions,
    target: &str,
    reasons: &mut Vec<String>,
) -> BackgroundKnowledge {
    let mut statements = options.knowledge.clone();
    let mut assumed = Vec::new();
    for covariate in panel.covariates.iter().filter(|c| c.kind == CovariateKind::Known && c.name != target) {
        let edge = (target.to_owned(), covariate.name.clone());
        if !statements.required.contains(&edge) && !statements.forbidden.contains(&edge) {
            statements.forbidden.push(edge);
            assumed.push(covariate.name.as_str());
        }
    }
    if !assumed.is_empty() {
        reasons.push(format!("known in advance, and so not caused by {target}: {}", assumed.join(", ")));
    }
    reasons.push("time's order is kept: what is later never causes what is earlier".to_owned());
    statements
}

pub(super) fn longest_lag(frame: &Frame, options: &DiscoverOptions, reasons: &mut Vec<String>) -> usize {
    let shortest = frame.series.iter().map(|s| s[0].len()).max().unwrap_or(0).saturating_sub(2);
    if let Some(asked) = options.max_lag {
        let lag = (asked as usize).min(shortest);
        reasons.push(format!("lags up to {lag} steps, as asked"));
        return lag;
    }
    let longest = lags::longest(frame.names.len(), Moments::of_frame(frame, 0).rows()).min(shortest.max(1));
    let lag = lags::choose(frame, longest);
    reasons.push(format!(
        "lags up to {lag} steps: of the vector autoregressions of order 1 to {longest}, that of order {lag} has the smallest Bayesian information criterion"
    ));
    lag
}

pub(super) fn explain_rows(frame: &Frame, moments: &Moments, inflation: &[f64], reasons: &mut Vec<String>) {
    let most = inflation.iter().fold(1.0_f64, |m, v| m.max(*v));
    let series = if frame.series.len() == 1 {
        "one series".to_owned()
    } else {
        format!("{} series, each standardised", frame.series.len())
    };
    let worth = (moments.rows() as f64 / most).floor();
    reasons.push(format!("{} complete rows of {series}", moments.rows()));
    if most > 1.01 {
        reasons.push(format!(
            "rows remain autocorrelated after each column's own past; the most affected pair counts as {worth} independent rows (Bartlett's formula)"
        ));
    }
}
