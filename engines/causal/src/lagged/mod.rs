//! Time series as rows that a test for independence may be asked about.
//!
//! A test of independence wants rows that do not repeat each other, and it calls any two series with a common season
//! or a common trend dependent. So, before PC sees them:
//!
//! 1. **Columns.** Covariates that are constant within each series say nothing about time and are left out, as are
//!    columns that are mostly missing or equal to another. Categories become numbers (`columns`).
//! 2. **Seasons.** Means by phase, or harmonics of long seasons, are removed from every series and column (`season`),
//!    so that a shared season does not count as a cause.
//! 3. **Unit roots.** A column with a unit root (augmented Dickey–Fuller) is differenced, so that a shared trend or two random
//!    walks do not count as causes (`unit_root`).
//! 4. **Lags.** Each column at lags 0 to L is a node; L by the Bayesian information criterion of a vector autoregression
//!    (`lags`). The past is never caused by the present, and an edge holds at every moment.
//! 5. **Effective sample size.** Autocorrelated rows count for less (Bartlett 1946), measured on what a column's own past leaves
//!    over, because PC conditions on the own past (`effective`).
//! 6. **Moments** of blocks of rows are summed once, so that a block bootstrap needs no data (`moments`).

pub(crate) mod columns;
pub(crate) mod effective;
pub(crate) mod lags;
pub(crate) mod moments;
pub(crate) mod season;
pub(crate) mod unit_root;

use std::collections::BTreeMap;

use columns::Frame;

/// What preparation did, and what it left.
pub(crate) struct Prepared {
    pub(crate) frame: Frame,
    pub(crate) reasons: Vec<String>,
    /// Of one series, the standard deviation of each column before it was scaled, in its own unit.
    pub(crate) deviations: BTreeMap<String, f64>,
}

/// Steps 2 and 3: removes seasons and unit roots, then scales each series and column to mean 0 and variance 1.
pub(crate) fn prepare(mut frame: Frame, seasons: &[season::Season]) -> Prepared {
    let mut reasons = Vec::new();
    let before = frame.variances();
    for series in &mut frame.series {
        for values in series.iter_mut() {
            season::remove(values, seasons);
        }
    }
    if !seasons.is_empty() {
        let list: Vec<String> = seasons.iter().map(ToString::to_string).collect();
        reasons.push(format!(
            "removed from every series, so that a shared season does not count as a cause: {}",
            list.join("; ")
        ));
    }
    frame.leave_out_constant(&before);
    let mut differenced = Vec::new();
    for column in 0..frame.names.len() {
        let votes: Vec<bool> = frame.series.iter().filter_map(|s| unit_root::has_unit_root(&s[column])).collect();
        if votes.iter().filter(|v| **v).count() * 2 > votes.len() {
            differenced.push(frame.names[column].clone());
            frame.series.iter_mut().for_each(|s| unit_root::difference(&mut s[column]));
        }
    }
    if !differenced.is_empty() {
        reasons.push(format!(
            "differenced once, because an augmented Dickey–Fuller test does not reject a unit root at 5 %: {}",
            differenced.join(", ")
        ));
    }
    let deviations = frame.deviations();
    frame.standardise();
    Prepared { frame, reasons, deviations }
}
