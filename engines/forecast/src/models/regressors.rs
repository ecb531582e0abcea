//! Known covariates as the columns of a regression with time series errors.

use atsre_domain::panel::CovariateKind;

use crate::view::{SeriesView, TrainingView};

/// Levels of a categorical covariate that get a column each; the first level and the rarer ones share none.
const MOST_LEVELS: usize = 12;
/// Observations that a column must have to itself, or it is left out.
const OBSERVATIONS_PER_COLUMN: usize = 8;

/// Columns over the history (from the first observation on) and over the horizon, row for row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Regressors {
    /// Over the history.
    pub(crate) past: Vec<Vec<f64>>,
    /// Over the horizon.
    pub(crate) future: Vec<Vec<f64>>,
}

impl Regressors {
    /// The covariates that are known over the horizon, as columns: gaps are held; columns that never vary over the
    /// history are left out, and so are those for which the history is too short.
    pub(crate) fn known(view: &TrainingView<'_>, series: &SeriesView<'_>, start: usize, horizon: usize) -> Self {
        let mut regressors = Self::default();
        let length = series.origin() - start;
        for (position, covariate) in view.covariates().enumerate().filter(|(_, c)| c.kind == CovariateKind::Known) {
            let seen = series.covariate(position);
            let held = held(&seen[start.min(seen.len())..], length + horizon);
            match covariate.levels {
                None => regressors.push(held, length),
                Some(levels) => {
                    for level in 1..levels.len().min(MOST_LEVELS) {
                        let column = held.iter().map(|v| f64::from(u8::from(*v == level as f64))).collect();
                        regressors.push(column, length);
                    }
                }
            }
        }
        let room = length / OBSERVATIONS_PER_COLUMN;
        regressors.past.truncate(room);
        regressors.future.truncate(room);
        regressors
    }

    /// Adds a column over the history and the horizon, unless it never varies over the history.
    pub(crate) fn push(&mut self, mut column: Vec<f64>, length: usize) {
        let future = column.split_off(length);
        let first = column.first().copied().unwrap_or(0.0);
        if column.iter().any(|v| (v - first).abs() > 1e-12 * first.abs().max(v.abs())) {
            self.past.push(column);
            self.future.push(future);
        }
    }
}

/// Gaps hold the value before them, the first ones the first value.
fn held(seen: &[f64], length: usize) -> Vec<f64> {
    let mut last = seen.iter().copied().find(|v| v.is_finite()).unwrap_or(0.0);
    (0..length)
        .map(|t| {
            if let Some(value) = seen.get(t).filter(|v| v.is_finite()) {
                last = *value;
            }
            last
        })
        .collect()
}

/// What a reader should know of covariates that a regression of this kind cannot use.
pub(crate) fn note(view: &TrainingView<'_>, model: &str) -> Option<String> {
    let unused: Vec<&str> = view.covariates().filter(|c| c.kind != CovariateKind::Known).map(|c| c.name).collect();
    (!unused.is_empty()).then(|| format!("{model}: not known over the horizon, and so not used: {}", unused.join(", ")))
}
