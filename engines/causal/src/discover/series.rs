//! Series over time.

use atsre_domain::graph::BackgroundKnowledge;
use atsre_domain::panel::{CovariateKind, Panel};

use super::assemble::{Assembly, Conclusion, drop_duplicates, refuse_left_out, restrict};
use super::{Algorithm, DiscoverError, DiscoverOptions, Discovery, LeftOut, momentary};
use crate::bootstrap;
use crate::independence::{Correlation, FisherZ};
use crate::knowledge::{Knowledge, Window};
use crate::lagged::columns::Frame;
use crate::lagged::moments::Moments;
use crate::lagged::{self, effective, lags, season};
use crate::paths;
use crate::pc::{self, Mode, Settings};

/// Complete rows below which no test is worth asking.
const ROWS_MIN: usize = 20;
/// More columns than this are screened by their correlation with the target.
const COLUMNS_MAX: usize = 28;
/// Steps that have to be complete together, as long as no longest lag is known.
const LAGS_USUAL: u32 = 3;

pub(super) fn discover(panel: &Panel, options: &DiscoverOptions) -> Result<Discovery, DiscoverError> {
    options.check()?;
    if options.mode != Mode::Default {
        return Err(DiscoverError::CompatibleNeedsRows);
    }
    let all: Vec<String> =
        std::iter::once(&panel.target).chain(panel.covariates.iter().map(|c| &c.name)).cloned().collect();
    let target = options.target.as_ref().unwrap_or(&panel.target);
    if !all.contains(target) {
        return Err(DiscoverError::NoTarget { target: target.clone(), columns: all.join(", ") });
    }
    let (frame, mut reasons) = prepared_frame(panel, options, target)?;
    let statements = with_assumptions(panel, options, target, &mut reasons);
    let algorithm = options.algorithm.unwrap_or_default();
    let mut max_lag = longest_lag(&frame, options, &mut reasons);
    if algorithm != Algorithm::Pc && max_lag == 0 {
        reasons.push(format!("{} looks at least one step back", algorithm.name()));
        max_lag = 1;
    }
    let moments = Moments::of_frame(&frame, max_lag);
    let (columns, rows) = (frame.names.len(), moments.rows());
    let window = Window::lagged(columns, max_lag);
    let needed = ROWS_MIN.max(window.nodes() + 5);
    if rows < needed {
        return Err(DiscoverError::TooFewRows { rows, columns, max_lag, needed });
    }
    let inflation = effective::inflation(&frame, &moments, window);
    explain_rows(&frame, &moments, &inflation, &mut reasons);
    let left_out: Vec<LeftOut> =
        frame.left_out.iter().map(|(column, why)| LeftOut { column: column.clone(), why: why.clone() }).collect();
    refuse_left_out(&statements, &left_out)?;
    let kept = restrict(&statements, &all, &frame.names)?;
    let correlation = moments.correlation(None);
    let knowledge =
        Knowledge::compile(&kept, &frame.names, window, required_lag(&kept, &frame.names, window, &correlation))?;
    if algorithm != Algorithm::Pc {
        reasons.push(format!("{}, as asked, with partial correlation", algorithm.name()));
        let deep = Moments::of_frame(&frame, 2 * max_lag);
        let needed = ROWS_MIN.max(2 * max_lag * columns + columns + 5);
        if deep.rows() < needed {
            return Err(DiscoverError::TooFewRows { rows: deep.rows(), columns, max_lag, needed });
        }
        let found = momentary::run(algorithm, &frame.names, &deep, max_lag, &knowledge, options)?;
        let (graph, rows) = (found.graph, found.rows);
        return Conclusion { algorithm, graph, max_lag, rows, tests: 0, reasons, left_out, statements }
            .draw(options, Some(target.as_str()));
    }
    let depth = options.depth(columns * columns * max_lag + columns * (columns - 1) / 2, window.nodes() - 1);
    if let Some(depth) = depth {
        reasons.push(format!(
            "conditioning sets hold at most {depth} variables, which keeps the number of tests affordable"
        ));
    }
    let settings = Settings { alpha: options.alpha, max_depth: depth, mode: options.mode };
    let test_of = |correlation: Correlation| FisherZ::new(correlation, rows).with_inflation(inflation.clone());
    let found = pc::run(&test_of(correlation), &knowledge, &settings);
    let replicate = |number: u64| {
        let times = bootstrap::draw(moments.blocks(), options.seed, number);
        pc::run(&test_of(moments.correlation(Some(&times))), &knowledge, &settings).pattern
    };
    if options.bootstrap > 0 {
        reasons.push(format!(
            "confidence: share of {} samples of {} blocks of {} rows in which the edge returns with the same marks",
            options.bootstrap,
            moments.blocks(),
            moments.block_length()
        ));
    }
    let confidence = bootstrap::confidence(&found.pattern, window, options.bootstrap, replicate);
    Assembly {
        names: &frame.names,
        window,
        found,
        confidence,
        rows,
        reasons,
        left_out,
        knowledge: &knowledge,
        statements,
    }
    .finish(options, Some(target.as_str()))
}

/// The columns that take part, with seasons and unit roots removed, and why.
fn prepared_frame(
    panel: &Panel,
    options: &DiscoverOptions,
    target: &String,
) -> Result<(Frame, Vec<String>), DiscoverError> {
    let mut frame = Frame::of_panel(panel);
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
    frame = prepared.frame;
    reasons.extend(prepared.reasons);
    refuse(&frame)?;
    frame.leave_out_until_complete(target, options.max_lag.unwrap_or(LAGS_USUAL) as usize);
    // Twice, because a matrix of all columns may be too large to look for repetitions in.
    let mut screened = screen(&mut frame, target, &options.knowledge, 4 * COLUMNS_MAX);
    let same_moment = Moments::of_frame(&frame, 0);
    for (column, why) in drop_duplicates(&frame.names, Some(target), &same_moment.correlation(None)).into_iter().rev() {
        frame.leave_out(column, why);
    }
    screened |= screen(&mut frame, target, &options.knowledge, COLUMNS_MAX);
    if screened {
        reasons.push(format!("only the {COLUMNS_MAX} columns that correlate most with the target take part"));
    }
    Ok((frame, reasons))
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
fn with_assumptions(
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

fn longest_lag(frame: &Frame, options: &DiscoverOptions, reasons: &mut Vec<String>) -> usize {
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

fn explain_rows(frame: &Frame, moments: &Moments, inflation: &[f64], reasons: &mut Vec<String>) {
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

/// At which lag a required edge acts: where the two columns correlate most. Where required edges run in both
/// directions between columns, at an earlier moment, because within one moment they would form a cycle.
fn required_lag<'a>(
    known: &BackgroundKnowledge,
    names: &'a [String],
    window: Window,
    correlation: &'a Correlation,
) -> impl Fn(usize, usize) -> usize + 'a {
    let number = |name: &String| names.iter().position(|n| n == name).unwrap_or(0);
    let component = paths::components(names.len(), known.required.iter().map(|(a, b)| (number(a), number(b))));
    move |cause: usize, effect: usize| {
        let first = usize::from(component[cause] == component[effect]).min(window.max_lag());
        let strength = |lag: usize| correlation.get(window.node(cause, lag), window.node(effect, 0)).abs();
        (first..=window.max_lag()).rev().max_by(|a, b| strength(*a).total_cmp(&strength(*b))).unwrap_or(first)
    }
}
