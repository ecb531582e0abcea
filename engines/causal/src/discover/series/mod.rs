//! Series over time.

mod blocks;
mod frame;
mod granger;
mod lagged_pc;
mod momentary;
mod raw;
mod var_lingam;

use std::sync::OnceLock;

use atsre_domain::graph::BackgroundKnowledge;
use atsre_domain::panel::Panel;

use super::adjustment::Adjustment;
use super::assemble::Assembly;
use super::learner::Learner;
use super::progress::{Progress, Stage};
use super::statements::{refuse_left_out, required_lag, restrict};
use super::{Algorithm, DiscoverError, DiscoverOptions, Discovery, LeftOut, TestChoice, choice, confidence};
use crate::knowledge::{Knowledge, Window};
use crate::lagged::columns::Frame;
use crate::lagged::moments::Moments;
use crate::lagged::{Prepared, effective};

/// Complete rows below which no test is worth asking.
const ROWS_MIN: usize = 20;

pub(super) use momentary::Momentary;
pub(super) use var_lingam::residuals;

/// A panel that has been made ready.
pub(super) struct Ready {
    pub(super) frame: Frame,
    pub(super) max_lag: usize,
    /// Rows that have all lags behind them.
    pub(super) moments: Moments,
    /// Rows that have twice as many, which the algorithms that condition on the parents of both ends need.
    deep: OnceLock<Moments>,
    /// The columns before they were standardised, where an algorithm of the compatible mode wants them.
    pub(super) raw: Option<Frame>,
    /// By how much the variance of a correlation exceeds that of independent rows.
    pub(super) inflation: Vec<f64>,
}

impl Ready {
    pub(super) fn window(&self) -> Window {
        Window::lagged(self.frame.names.len(), self.max_lag)
    }

    pub(super) fn deep(&self) -> &Moments {
        self.deep.get_or_init(|| Moments::of_frame(&self.frame, 2 * self.max_lag))
    }

    /// Whether the algorithms that look back twice the longest lag have enough rows.
    pub(super) fn deep_enough(&self) -> bool {
        self.deep().rows() >= deep_needed(self.frame.names.len(), self.max_lag)
    }
}

fn deep_needed(columns: usize, max_lag: usize) -> usize {
    ROWS_MIN.max(2 * max_lag * columns + columns + 5)
}

/// `asked`: the column whose drivers are told.
pub(super) fn discover(
    panel: &Panel,
    options: &DiscoverOptions,
    asked: Option<&String>,
    mut reasons: Vec<String>,
    progress: &dyn Progress,
) -> Result<Discovery, DiscoverError> {
    options.check()?;
    if options.compatible() && options.algorithm.is_none() {
        reasons.push("PCMCI+, because the compatible mode chooses nothing from the data".to_owned());
        let options = DiscoverOptions { algorithm: Some(Algorithm::PcmciPlus), ..options.clone() };
        return discover(panel, &options, asked, reasons, progress);
    }
    let all: Vec<String> =
        std::iter::once(&panel.target).chain(panel.covariates.iter().map(|c| &c.name)).cloned().collect();
    let target = asked.unwrap_or(&panel.target);
    if !all.contains(target) {
        return Err(DiscoverError::NoTarget { target: target.clone(), columns: all.join(", ") });
    }
    if let Some((_, name)) = all.iter().enumerate().find(|(k, name)| all[..*k].contains(name)) {
        return Err(DiscoverError::Repeated(name.clone()));
    }
    check(options)?;
    progress.advanced(Stage::Choosing, 0, None);
    let (prepared, statements) = prepared(panel, options, target)?;
    let Prepared { frame, reasons: preparing, deviations } = prepared;
    reasons.extend(preparing);
    let ready = ready(frame, options, &mut reasons)?;
    let left_out: Vec<LeftOut> =
        ready.frame.left_out.iter().map(|(column, why)| LeftOut { column: column.clone(), why: why.clone() }).collect();
    refuse_left_out(&statements, &left_out)?;
    let kept = restrict(&statements, &all, &ready.frame.names)?;
    let window = ready.window();
    // Granger causality looks at the past alone.
    let shortest = usize::from(options.algorithm == Some(Algorithm::Granger));
    let correlation = ready.moments.correlation(None);
    let lag_of = required_lag(&kept, &ready.frame.names, window, shortest, &correlation);
    let knowledge = Knowledge::compile(&kept, &ready.frame.names, window, lag_of)?;
    let chosen = choice::of_series(&ready, &knowledge, options, progress, &mut reasons)?;
    let (algorithm, test) = (chosen.algorithm, chosen.test.unwrap_or_default());
    let learner = learner(&ready, &knowledge, &kept, chosen, options, &mut reasons)?;
    progress.advanced(Stage::Searching, 0, None);
    let learned = learner.learn(None, progress)?;
    if options.bootstrap > 0 {
        reasons.push(format!(
            "confidence: share of {} samples of {} blocks of {} rows in which the edge returns with the same marks",
            options.bootstrap,
            learner.units(),
            ready.moments.block_length()
        ));
    }
    let frequencies = confidence::measure(learner.as_ref(), window, options.bootstrap, options.seed, progress)?;
    let columns = ready.frame.names.len();
    let own: Option<Vec<f64>> = ready.frame.names.iter().map(|name| deviations.get(name).copied()).collect();
    let own = own.filter(|d| d.iter().all(|v| *v > 0.0 && v.is_finite()));
    let adjustment = Adjustment {
        series: &ready.frame.series,
        in_deviations: own.is_none(),
        deviations: own,
        inflation: (0..columns * columns)
            .map(|k| ready.inflation[k / columns * window.nodes() + k % columns])
            .collect(),
    };
    Assembly {
        algorithm,
        test,
        names: &ready.frame.names,
        window,
        learned,
        frequencies,
        rows: if momentary::looks_deep(algorithm) { ready.deep().rows() } else { ready.moments.rows() },
        reasons,
        left_out,
        statements,
        adjustment,
    }
    .finish(options, asked.map(String::as_str))
}

/// Combinations of algorithm, test and mode that make no sense over time.
fn check(options: &DiscoverOptions) -> Result<(), DiscoverError> {
    let algorithm = options.algorithm.unwrap_or_default();
    if !algorithm.works_on_series() {
        let instead = algorithm.counterpart().key();
        return Err(DiscoverError::NeedsRows { algorithm: algorithm.name(), instead });
    }
    let no_mode = |why| Err(DiscoverError::NotCompatible { algorithm: algorithm.name(), why });
    if options.compatible() && algorithm == Algorithm::Pc {
        return no_mode("the reference's works on rows without time");
    }
    if options.compatible() && algorithm == Algorithm::Lpcmci {
        return no_mode("it orients by the rules of FCI and not by middle marks");
    }
    let Some(test) = options.test else { return Ok(()) };
    let refuse = |why| Err(DiscoverError::Test { algorithm: algorithm.name(), test: test.key(), why });
    match test {
        _ if !algorithm.asks_tests() && options.algorithm.is_some() => {
            refuse("it asks no test of independence; leave the test out, or use pc, pcmci, pcmci-plus or lpcmci")
        }
        TestChoice::ChiSquare | TestChoice::GSquare => refuse(
            "over time columns are measured quantities, freed of seasons and trends; use fisher-z, robust or kernel",
        ),
        TestChoice::MissingFisherZ => {
            refuse("over time only the moments with gaps are left out anyway; use fisher-z, robust or kernel")
        }
        TestChoice::Kernel if options.algorithm.is_some_and(|a| a != Algorithm::Pc) => {
            refuse("its tests condition on too many columns for a kernel; use pc with it, or robust")
        }
        TestChoice::FisherZ | TestChoice::Robust | TestChoice::Kernel => Ok(()),
    }
}

/// The columns that take part, and what is known of them. In the compatible mode they are taken as they are.
fn prepared(
    panel: &Panel,
    options: &DiscoverOptions,
    target: &String,
) -> Result<(Prepared, BackgroundKnowledge), DiscoverError> {
    if options.compatible() {
        return Ok((raw::frame(panel)?, options.knowledge.clone()));
    }
    let mut prepared = frame::prepared_frame(panel, options, target)?;
    let statements = frame::with_assumptions(panel, options, target, &mut prepared.reasons);
    if options.test == Some(TestChoice::Robust) {
        prepared.frame.score();
        prepared.reasons.push("each column was replaced by the normal scores of its ranks".to_owned());
    }
    Ok((prepared, statements))
}

fn ready(mut frame: Frame, options: &DiscoverOptions, reasons: &mut Vec<String>) -> Result<Ready, DiscoverError> {
    let raw = options.compatible().then(|| frame.clone());
    if raw.is_some() {
        frame.standardise();
    }
    let mut max_lag = frame::longest_lag(&frame, options, reasons);
    if let Some(algorithm) = options.algorithm.filter(|a| *a != Algorithm::Pc && max_lag == 0) {
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
    frame::explain_rows(&frame, &moments, &inflation, reasons);
    Ok(Ready { frame, max_lag, moments, deep: OnceLock::new(), raw, inflation })
}

fn learner<'a>(
    ready: &'a Ready,
    knowledge: &'a Knowledge,
    known: &BackgroundKnowledge,
    chosen: choice::Chosen,
    options: &'a DiscoverOptions,
    reasons: &mut Vec<String>,
) -> Result<Box<dyn Learner + 'a>, DiscoverError> {
    let (algorithm, columns, max_lag) = (chosen.algorithm, ready.frame.names.len(), ready.max_lag);
    if momentary::looks_deep(algorithm) && !ready.deep_enough() {
        let (rows, needed) = (ready.deep().rows(), deep_needed(columns, max_lag));
        return Err(DiscoverError::TooFewRows { rows, columns, max_lag, needed });
    }
    Ok(match algorithm {
        Algorithm::Pcmci | Algorithm::PcmciPlus | Algorithm::Lpcmci => {
            Box::new(momentary::Momentary { algorithm, ready, knowledge, options })
        }
        Algorithm::VarLingam => Box::new(var_lingam::VarLearner::new(ready, knowledge, known, options)),
        Algorithm::Granger => Box::new(granger::GrangerLearner::new(ready, knowledge, options, reasons)),
        Algorithm::Pc | Algorithm::Fci | Algorithm::Ges | Algorithm::DirectLingam | Algorithm::IcaLingam => {
            let test = chosen.test.unwrap_or_default();
            Box::new(lagged_pc::LaggedPc::new(ready, knowledge, test, options, reasons))
        }
    })
}
