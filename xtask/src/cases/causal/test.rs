//! The test of independence that a case names.

use std::time::Duration;

use anyhow::{Result, bail};
use atsre_causal::independence::{
    Contingency, Correlation, CountStatistic, FisherZ, IndependenceTest, MissingFisherZ, Tail,
};

use super::Case;
use super::answer::timed;

/// Runs `compute` with the test of that name; its preparation counts as part of the algorithm.
pub(super) fn with_test<T>(
    case: &Case,
    name: &str,
    compute: impl Fn(&dyn IndependenceTest) -> T,
) -> Result<(T, Duration)> {
    let table = &case.table;
    let rows = table.first().map_or(0, Vec::len);
    let counts = |statistic| {
        let (result, cpu) = timed(|| Contingency::new(table, statistic).map(|test| compute(&test)));
        Ok((result?, cpu))
    };
    match name {
        "fisherz" => {
            Ok(timed(|| compute(&FisherZ::new(Correlation::of_columns(table), rows).with_tail(Tail::OneMinus))))
        }
        "mv_fisherz" => Ok(timed(|| compute(&MissingFisherZ::new(table.clone(), Tail::OneMinus)))),
        "chisq" => counts(CountStatistic::ChiSquare),
        "gsq" => counts(CountStatistic::GSquare),
        other => bail!("unknown test of independence {other:?}"),
    }
}
