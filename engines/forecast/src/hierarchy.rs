//! Hierarchies that the names of series tell: `north/shop 1` is part of `north`, and that of the total.

use std::collections::BTreeMap;

use atsre_domain::panel::{Panel, Series};

use crate::job::TrialResult;
use crate::reconciliation::{Hierarchy, Method, ReconciliationError, reconcile};

/// The name of the sum of all series.
pub const TOTAL: &str = "total";

/// A panel is no hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HierarchyError {
    /// One series adds up to nothing that is not itself.
    #[error("a hierarchy needs two series at least; there is {0}")]
    Alone(usize),
    /// A series has the name of a sum of others.
    #[error("series {0:?} is named as the sum of others; leave sums out, they are made here")]
    Sum(String),
    /// Two series have other moments, so that they cannot be added.
    #[error("series {first:?} and {other:?} do not have the same times: cut both to those that they share")]
    Times {
        /// The first series.
        first: String,
        /// The other one.
        other: String,
    },
}

/// A panel with the sums of its series before them, and which series each is the sum of. The sums at a level that has one
/// series only are left out: they are that series. A sum is missing where one of its parts is. Covariates are left out:
/// what they would be of a sum is not known.
///
/// # Errors
/// [`HierarchyError`], by its kind.
pub fn sum_up(panel: &Panel, separator: char) -> Result<(Panel, Hierarchy), HierarchyError> {
    let bottom = &panel.series;
    let [first, others @ ..] = bottom.as_slice() else { return Err(HierarchyError::Alone(0)) };
    if others.is_empty() {
        return Err(HierarchyError::Alone(1));
    }
    let moments = |series: &Series| series.times.get(..series.target.len()).map(<[_]>::to_vec);
    for other in others {
        if moments(other) != moments(first) {
            return Err(HierarchyError::Times { first: first.item_id.clone(), other: other.item_id.clone() });
        }
    }
    let mut parts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, series) in bottom.iter().enumerate() {
        for (end, _) in series.item_id.match_indices(separator) {
            parts.entry(&series.item_id[..end]).or_default().push(place);
        }
    }
    parts.retain(|_, members| members.len() > 1 && members.len() < bottom.len());
    let sums = std::iter::once((TOTAL, (0..bottom.len()).collect())).chain(parts);
    let (mut series, mut places) = (Vec::new(), Vec::new());
    for (name, members) in sums {
        if bottom.iter().any(|series| series.item_id == name) {
            return Err(HierarchyError::Sum(name.to_owned()));
        }
        let target = (0..first.target.len()).map(|t| members.iter().map(|b| bottom[*b].target[t]).sum()).collect();
        let times = first.times[..first.target.len()].to_vec();
        series.push(Series { item_id: name.to_owned(), times, target, covariates: Vec::new() });
        places.push(members);
    }
    for (place, own) in bottom.iter().enumerate() {
        let times = own.times[..own.target.len()].to_vec();
        let (item_id, target) = (own.item_id.clone(), own.target.clone());
        series.push(Series { item_id, times, target, covariates: Vec::new() });
        places.push(vec![place]);
    }
    let hierarchy = Hierarchy::new(bottom.len(), places)
        .unwrap_or_else(|error| unreachable!("each sum is of series that are there: {error}"));
    let summed = Panel { target: panel.target.clone(), frequency: panel.frequency, covariates: Vec::new(), series };
    Ok((summed, hierarchy))
}

/// Makes the forecasts of a trial over a summed panel add up. The covariance of errors is that of the backtest, over all
/// windows and steps in which every series has one; quantiles move with the mean.
///
/// # Errors
/// As [`reconcile`].
pub fn reconcile_result(
    result: &mut TrialResult,
    hierarchy: &Hierarchy,
    method: Method,
) -> Result<(), ReconciliationError> {
    let means: Vec<Vec<f64>> = result.forecasts.iter().map(|forecast| forecast.mean.clone()).collect();
    let reconciled = reconcile(hierarchy, method, &means, &errors(result, hierarchy.len()))?;
    for (forecast, mean) in result.forecasts.iter_mut().zip(reconciled) {
        for row in &mut forecast.quantiles {
            row.iter_mut().zip(mean.iter().zip(&forecast.mean)).for_each(|(q, (new, old))| *q += new - old);
        }
        forecast.mean = mean;
    }
    Ok(())
}

/// The errors of the backtest, one row a series.
fn errors(result: &TrialResult, series: usize) -> Vec<Vec<f64>> {
    let mut rows = vec![Vec::new(); series];
    let windows = result.windows.chunk_by(|one, next| one.window == next.window);
    for window in windows.filter(|window| window.len() == series) {
        let steps = window.iter().map(|forecast| forecast.mean.len().min(forecast.actual.len())).min().unwrap_or(0);
        for step in 0..steps {
            let errors: Vec<f64> = window.iter().map(|forecast| forecast.actual[step] - forecast.mean[step]).collect();
            if errors.iter().all(|error| error.is_finite()) {
                rows.iter_mut().zip(errors).for_each(|(row, error)| row.push(error));
            }
        }
    }
    rows
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use atsre_domain::frequency::{Frequency, FrequencyUnit};
    use atsre_domain::identity::Timestamp;

    use super::*;

    fn series(item_id: &str, from: i64, target: &[f64]) -> Series {
        let times = (from..).take(target.len()).map(Timestamp).collect();
        Series { item_id: item_id.to_owned(), times, target: target.to_vec(), covariates: Vec::new() }
    }

    fn panel(series: Vec<Series>) -> Panel {
        let frequency = Frequency::every(FrequencyUnit::Step);
        Panel { target: "sales".to_owned(), frequency, covariates: Vec::new(), series }
    }

    #[test]
    fn names_tell_the_sums() {
        let shops = panel(vec![
            series("north/a", 0, &[1.0, 2.0]),
            series("north/b", 0, &[10.0, f64::NAN]),
            series("south/c", 0, &[100.0, 200.0]),
        ]);
        let (summed, hierarchy) = sum_up(&shops, '/').unwrap();
        let names: Vec<&str> = summed.series.iter().map(|series| series.item_id.as_str()).collect();
        assert_eq!(names, ["total", "north", "north/a", "north/b", "south/c"], "the south is its only shop");
        assert_eq!(summed.series[0].target[0], 111.0);
        assert_eq!(summed.series[1].target[0], 11.0);
        assert!(summed.series[0].target[1].is_nan(), "a part is missing");
        assert_eq!(hierarchy.sum_up(&[1.0, 10.0, 100.0]), [111.0, 11.0, 1.0, 10.0, 100.0]);
    }

    #[test]
    fn what_cannot_be_summed_is_named() {
        let one = |name: &str, from| series(name, from, &[1.0, 2.0]);
        assert_eq!(sum_up(&panel(vec![one("a", 0)]), '/').unwrap_err(), HierarchyError::Alone(1));
        let shifted = sum_up(&panel(vec![one("a", 0), one("b", 1)]), '/').unwrap_err();
        assert_eq!(shifted, HierarchyError::Times { first: "a".to_owned(), other: "b".to_owned() });
        let summed = sum_up(&panel(vec![one("a", 0), one("total", 0)]), '/').unwrap_err();
        assert_eq!(summed, HierarchyError::Sum(TOTAL.to_owned()));
    }
}
