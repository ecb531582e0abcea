//! The choice for rows without time.

use atsre_domain::graph::Mark;

use super::model::{self, LEVEL};
use super::{Chosen, p_value};
use crate::discover::learner::Learner;
use crate::discover::progress::Progress;
use crate::discover::rows::{Constraint, Sample, Table};
use crate::discover::{Algorithm, DiscoverError, DiscoverOptions, TestChoice};
use crate::knowledge::{Knowledge, Window};

/// A column with at most this many different values holds categories.
const LEVELS_MAX: usize = 12;
/// A kernel is affordable for at most so many columns and rows.
const KERNEL_COLUMNS: usize = 10;
const KERNEL_ROWS: usize = 1_000;
/// Above this many columns GES takes longer than PC for no better a graph.
const GES_COLUMNS: usize = 100;
/// Levels at all of which a sign of a hidden cause has to show: at the strict ones every edge is sure, at the loose ones every
/// independence.
const LEVELS: [f64; 4] = [0.001, 0.01, 0.05, 0.1];
/// The largest conditioning set of that search.
const DEPTH: usize = 4;

/// Chooses what the caller left open.
pub(in crate::discover) fn of_rows(
    table: &Table,
    knowledge: &Knowledge,
    options: &DiscoverOptions,
    progress: &dyn Progress,
    reasons: &mut Vec<String>,
) -> Result<Chosen, DiscoverError> {
    if let Some(algorithm) = options.algorithm {
        let needs_test = algorithm.asks_tests() && options.test.is_none() && !options.compatible();
        let test = if needs_test { Some(test_for(table, reasons)) } else { options.test };
        if let Some(test) = test.filter(|_| algorithm.asks_tests()) {
            reasons.push(format!("{}, as asked, with {}", algorithm.name(), test.name()));
        } else {
            reasons.push(format!("{}, as asked", algorithm.name()));
        }
        return Ok(Chosen { algorithm, test });
    }
    if options.compatible() {
        reasons.push("PC, as the compatible mode chooses nothing from the data".to_owned());
        return Ok(Chosen { algorithm: Algorithm::Pc, test: options.test });
    }
    choose(table, knowledge, options, progress, reasons)
}

fn choose(
    table: &Table,
    knowledge: &Knowledge,
    options: &DiscoverOptions,
    progress: &dyn Progress,
    reasons: &mut Vec<String>,
) -> Result<Chosen, DiscoverError> {
    let columns = table.names.len();
    reasons.push(format!("{} rows for {columns} columns", table.rows()));
    let asked = options.test.is_some() || has_gaps(table) || holds_categories(table);
    if !asked && columns > 1 {
        let complete = model::thinned(&table.complete());
        if let Some(fit) = model::fit(&complete) {
            let told = format!(
                "the disturbances of {} of {columns} columns are not normal (Jarque–Bera at {LEVEL}, corrected; {} rows)",
                fit.non_gaussian, fit.rows
            );
            reasons.push(told);
            if fit.identifies() {
                reasons.push(linear_told(fit.linearity, "each column on those before it in DirectLiNGAM's order"));
                if fit.linear() {
                    reasons.push(format!(
                        "what these regressions leave is {} ({})",
                        if fit.independent() {
                            "independent"
                        } else {
                            "dependent, as hidden common causes would make it"
                        },
                        p_value(fit.independence)
                    ));
                    if fit.independent() {
                        reasons.push(
                            "DirectLiNGAM: linear, not Gaussian and without signs of hidden common causes, so every direction can be told"
                                .to_owned(),
                        );
                        return Ok(Chosen { algorithm: Algorithm::DirectLingam, test: None });
                    }
                }
            }
        }
    }
    let test = options.test.unwrap_or_else(|| test_for(table, reasons));
    let algorithm = if hidden_causes(table, knowledge, test, options, progress, reasons)? {
        Algorithm::Fci
    } else if test == TestChoice::FisherZ && columns <= GES_COLUMNS && options.test.is_none() {
        reasons.push(
            "GES: linear, no signs of hidden common causes, and few enough columns for a search by score".to_owned(),
        );
        return Ok(Chosen { algorithm: Algorithm::Ges, test: None });
    } else {
        Algorithm::Pc
    };
    reasons.push(format!("{}, with {}", algorithm.name(), test.name()));
    Ok(Chosen { algorithm, test: Some(test) })
}

fn has_gaps(table: &Table) -> bool {
    table.columns.iter().flatten().any(|v| v.is_nan())
}

/// Whether every column has few different values.
fn holds_categories(table: &Table) -> bool {
    let few = |column: &Vec<f64>| {
        let mut seen: Vec<f64> = Vec::new();
        for value in column.iter().filter(|v| !v.is_nan()) {
            if !seen.contains(value) {
                seen.push(*value);
                if seen.len() > LEVELS_MAX {
                    return false;
                }
            }
        }
        true
    };
    !table.columns.is_empty() && table.columns.iter().all(few)
}

/// The test that the columns ask for.
fn test_for(table: &Table, reasons: &mut Vec<String>) -> TestChoice {
    let columns = table.names.len();
    if has_gaps(table) {
        reasons.push(
            "fewer than half of the rows are complete, so each test takes the rows complete in its own columns"
                .to_owned(),
        );
        return TestChoice::MissingFisherZ;
    }
    if holds_categories(table) {
        reasons.push(format!("no column has more than {LEVELS_MAX} different values: they hold categories"));
        return TestChoice::ChiSquare;
    }
    let complete = model::thinned(&table.columns);
    let Some(linearity) = model::linearity_among(&complete) else { return TestChoice::FisherZ };
    let linear = linearity > LEVEL;
    reasons.push(linear_told(linearity, "each column on all others"));
    if linear {
        return TestChoice::FisherZ;
    }
    // A linear model that is not Gaussian bends these regressions too, but then in its own order they are straight.
    if model::fit(&complete).is_some_and(|fit| fit.identifies() && fit.linear()) {
        reasons.push("in DirectLiNGAM's order the same regressions are linear".to_owned());
        return TestChoice::FisherZ;
    }
    if columns <= KERNEL_COLUMNS && table.rows() <= KERNEL_ROWS { TestChoice::Kernel } else { TestChoice::Robust }
}

fn linear_told(p: f64, of: &str) -> String {
    let verdict = if p > LEVEL { "linear" } else { "not linear" };
    format!("{verdict}: Ramsey's RESET test of {of} has {} at least, corrected", p_value(p))
}

/// Whether FCI finds, at every level, edges that only a hidden common cause explains.
fn hidden_causes(
    table: &Table,
    knowledge: &Knowledge,
    test: TestChoice,
    options: &DiscoverOptions,
    progress: &dyn Progress,
    reasons: &mut Vec<String>,
) -> Result<bool, DiscoverError> {
    let columns = table.names.len();
    if !(3..=model::COLUMNS_MAX).contains(&columns) || test == TestChoice::Kernel {
        reasons.push(
            "hidden common causes were not looked for: too few or too many columns, or too costly a test".to_owned(),
        );
        return Ok(false);
    }
    let mut signs: Vec<(usize, usize)> = Window::of_rows(columns).pairs().collect();
    for alpha in LEVELS {
        let strict = DiscoverOptions { alpha, max_depth: Some(DEPTH), ..options.clone() };
        let sample = Sample::new(&table.names, &table.columns, test, &strict)?;
        match Constraint::fci(sample, knowledge, &options.knowledge, &strict).learn(None, progress) {
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
    let told: Vec<String> = signs.iter().map(|(i, j)| format!("{} ↔ {}", table.names[*j], table.names[*i])).collect();
    reasons.push(if told.is_empty() {
        format!("no sign of a hidden common cause: no edge ↔ that FCI finds at every level of {LEVELS:?}")
    } else {
        format!("signs of hidden common causes: FCI finds at every level of {LEVELS:?} {}", told.join(", "))
    });
    Ok(!told.is_empty())
}
