//! Rows without time.

mod constraint;
mod independence;
mod nongaussian;
mod score;
mod table;

use super::adjustment::Adjustment;
use super::assemble::Assembly;
use super::learner::{Learned, Learner};
use super::progress::{Progress, Stage};
use super::statements::{refuse_left_out, restrict};
use super::{Algorithm, DiscoverError, DiscoverOptions, Discovery, choice, confidence};
use crate::knowledge::{Knowledge, Window};

pub(super) use constraint::Constraint;
pub(super) use independence::Sample;
use independence::drawn;
pub(super) use nongaussian::model_error;
pub(super) use table::{Table, check_shape};

/// Every two columns are tested, and memory grows with their square.
const COLUMNS_MAX: usize = 500;

pub(super) fn discover(
    columns: &[String],
    data: &[Vec<f64>],
    options: &DiscoverOptions,
    mut reasons: Vec<String>,
    progress: &dyn Progress,
) -> Result<Discovery, DiscoverError> {
    options.check()?;
    check(columns, data, options)?;
    reasons.push("rows have no order in time, so every edge is of the same moment".to_owned());
    let table = table::prepare(columns, data, options, &mut reasons)?;
    let window = Window::of_rows(table.names.len());
    refuse_left_out(&options.knowledge, &table.left_out)?;
    let kept = restrict(&options.knowledge, columns, &table.names)?;
    let knowledge = Knowledge::compile(&kept, &table.names, window, |_, _| 0)?;
    progress.advanced(Stage::Choosing, 0, None);
    let chosen = choice::of_rows(&table, &knowledge, options, progress, &mut reasons)?;
    let (algorithm, test, rows) = (chosen.algorithm, chosen.test.unwrap_or_default(), table.rows());
    let learner = learner(&table, &knowledge, &kept, chosen, options)?;
    progress.advanced(Stage::Searching, 0, None);
    let learned =
        if table.names.len() < 2 { Learned::empty(table.names.len()) } else { learner.learn(None, progress)? };
    let frequencies = if table.names.len() < 2 {
        confidence::Frequencies::default()
    } else {
        confidence::measure(learner.as_ref(), window, options.bootstrap, options.seed, progress)?
    };
    if options.bootstrap > 0 {
        reasons.push(format!(
            "confidence: share of {} bootstrap samples of the rows in which the edge returns with the same marks",
            options.bootstrap
        ));
    }
    let series = [table.columns.clone()];
    Assembly {
        algorithm,
        test,
        names: &table.names,
        window,
        learned,
        frequencies,
        rows,
        reasons,
        adjustment: Adjustment { series: &series, deviations: None, in_deviations: false, inflation: Vec::new() },
        left_out: table.left_out.clone(),
        statements: options.knowledge.clone(),
    }
    .finish(options, options.target.as_deref())
}

fn check(columns: &[String], data: &[Vec<f64>], options: &DiscoverOptions) -> Result<(), DiscoverError> {
    if let Some(algorithm) = options.algorithm.filter(|algorithm| !algorithm.works_on_rows()) {
        let instead = algorithm.counterpart().key();
        return Err(DiscoverError::NeedsSeries { algorithm: algorithm.name(), instead });
    }
    if let (Some(algorithm), Some(test)) = (options.algorithm.filter(|a| !a.asks_tests()), options.test) {
        let why = "it asks no test of independence; leave the test out, or use pc or fci";
        return Err(DiscoverError::Test { algorithm: algorithm.name(), test: test.key(), why });
    }
    if columns.len() > COLUMNS_MAX {
        return Err(DiscoverError::TooManyColumns { columns: columns.len(), most: COLUMNS_MAX });
    }
    table::check_shape(columns, data)?;
    match options.target.as_ref().filter(|t| !columns.contains(t)) {
        Some(target) => Err(DiscoverError::NoTarget { target: target.clone(), columns: columns.join(", ") }),
        None => Ok(()),
    }
}

/// The algorithm with its data.
fn learner<'a>(
    table: &'a table::Table,
    knowledge: &'a Knowledge,
    known: &atsre_domain::graph::BackgroundKnowledge,
    chosen: choice::Chosen,
    options: &'a DiscoverOptions,
) -> Result<Box<dyn Learner + 'a>, DiscoverError> {
    let sample = || Sample::new(&table.names, &table.columns, chosen.test.unwrap_or_default(), options);
    Ok(match chosen.algorithm {
        Algorithm::Fci => Box::new(Constraint::fci(sample()?, knowledge, known, options)),
        Algorithm::Ges => Box::new(score::Score::new(&table.columns, knowledge, options)),
        algorithm @ (Algorithm::DirectLingam | Algorithm::IcaLingam) => {
            Box::new(nongaussian::NonGaussian::new(algorithm, table, knowledge, known, options)?)
        }
        Algorithm::Pc
        | Algorithm::VarLingam
        | Algorithm::Pcmci
        | Algorithm::PcmciPlus
        | Algorithm::Lpcmci
        | Algorithm::Granger => Box::new(Constraint::pc(sample()?, knowledge, options)),
    })
}
