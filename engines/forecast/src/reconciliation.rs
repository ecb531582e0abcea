//! Forecasts of a hierarchy that add up.
//!
//! A hierarchy is a summing matrix: each series is a sum of bottom series. Forecasts made one by one do not add up;
//! [`Method::BottomUp`] sums those of the bottom, [`Method::MinTraceShrink`] finds the sums that have the least total
//! variance, given the covariance of one-step errors (Wickramasuriya, Athanasopoulos and Hyndman 2019).

use crate::linear::Cholesky;

/// Which bottom series each series of a hierarchy is the sum of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    bottom: usize,
    /// For each series, ascending places among the bottom series.
    sums: Vec<Vec<usize>>,
}

/// How forecasts are made to add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The bottom forecasts, summed.
    BottomUp,
    /// Minimum trace with the sample covariance of errors shrunk towards its diagonal (MinT-shrink).
    MinTraceShrink,
}

/// What is wrong with a hierarchy, or with what is to be reconciled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReconciliationError {
    /// A series sums nothing, or a bottom series that does not exist.
    #[error("series {series} of the hierarchy sums nothing, or a bottom series beyond the {bottom} that there are")]
    Sum {
        /// The series.
        series: usize,
        /// Bottom series.
        bottom: usize,
    },
    /// A bottom series has no row of its own.
    #[error("bottom series {bottom} has no series of its own in the hierarchy: add one that sums only it")]
    NoBottom {
        /// The bottom series.
        bottom: usize,
    },
    /// The number of series or of steps differs.
    #[error("{what}: expected {expected}, got {found}")]
    Shape {
        /// What was counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A forecast or an error is NaN or infinite.
    #[error(
        "series {series} has a value that is not finite at step {step}: leave out steps where one series is missing"
    )]
    NotFinite {
        /// The series.
        series: usize,
        /// The step, from 0.
        step: usize,
    },
    /// The errors of the forecasts do not determine a covariance.
    #[error("the errors' covariance is singular even after shrinking; take bottom-up")]
    Singular,
}

impl Hierarchy {
    /// A hierarchy over `bottom` series, from the bottom places that each series sums, in the order of the forecasts.
    ///
    /// # Errors
    /// [`ReconciliationError::Sum`] and [`ReconciliationError::NoBottom`].
    pub fn new(bottom: usize, sums: Vec<Vec<usize>>) -> Result<Self, ReconciliationError> {
        let mut sums = sums;
        for (series, own) in sums.iter_mut().enumerate() {
            own.sort_unstable();
            own.dedup();
            if own.last().is_none_or(|last| *last >= bottom) {
                return Err(ReconciliationError::Sum { series, bottom });
            }
        }
        for b in 0..bottom {
            if !sums.iter().any(|own| own.as_slice() == [b]) {
                return Err(ReconciliationError::NoBottom { bottom: b });
            }
        }
        Ok(Self { bottom, sums })
    }

    /// Series, sums and bottom together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there is no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// The place of each bottom series among all.
    fn bottom_places(&self) -> Vec<usize> {
        (0..self.bottom).map(|b| self.sums.iter().position(|own| own.as_slice() == [b]).unwrap_or(0)).collect()
    }

    /// Bottom values, summed up to all series: S b.
    #[must_use]
    pub fn sum_up(&self, bottom: &[f64]) -> Vec<f64> {
        self.sums.iter().map(|own| own.iter().map(|b| bottom.get(*b).copied().unwrap_or(0.0)).sum()).collect()
    }
}

/// Reconciles forecasts, one row a series with one value a step. `errors` are the one-step errors of the forecasts in
/// sample, one row a series, all of one length; bottom-up does not read them.
///
/// # Errors
/// [`ReconciliationError`], by its kind.
pub fn reconcile(
    hierarchy: &Hierarchy,
    method: Method,
    forecasts: &[Vec<f64>],
    errors: &[Vec<f64>],
) -> Result<Vec<Vec<f64>>, ReconciliationError> {
    let steps = rectangle("forecast rows", "forecast steps", hierarchy.len(), forecasts)?;
    let places = hierarchy.bottom_places();
    let mut reconciled: Vec<Vec<f64>> = vec![Vec::with_capacity(steps); hierarchy.len()];
    let map = match method {
        Method::BottomUp => None,
        Method::MinTraceShrink => Some(MinTrace::new(hierarchy, errors)?),
    };
    for h in 0..steps {
        let column: Vec<f64> = forecasts.iter().map(|row| row[h]).collect();
        let bottom = match &map {
            None => places.iter().map(|p| column[*p]).collect(),
            Some(map) => map.bottom(hierarchy, &column),
        };
        reconciled.iter_mut().zip(hierarchy.sum_up(&bottom)).for_each(|(row, v)| row.push(v));
    }
    Ok(reconciled)
}

fn rectangle(
    rows: &'static str,
    columns: &'static str,
    expected: usize,
    values: &[Vec<f64>],
) -> Result<usize, ReconciliationError> {
    if values.len() != expected {
        return Err(ReconciliationError::Shape { what: rows, expected, found: values.len() });
    }
    let length = values.first().map_or(0, Vec::len);
    for (series, row) in values.iter().enumerate() {
        if row.len() != length {
            return Err(ReconciliationError::Shape { what: columns, expected: length, found: row.len() });
        }
        if let Some(step) = row.iter().position(|v| !v.is_finite()) {
            return Err(ReconciliationError::NotFinite { series, step });
        }
    }
    Ok(length)
}

/// b̃ = (Sᵀ W⁻¹ S)⁻¹ Sᵀ W⁻¹ ŷ (Wickramasuriya and others 2019, eq. 9), factored once for all steps.
struct MinTrace {
    covariance: Cholesky,
    normal: Cholesky,
}

impl MinTrace {
    fn new(hierarchy: &Hierarchy, errors: &[Vec<f64>]) -> Result<Self, ReconciliationError> {
        let n = hierarchy.len();
        let length = rectangle("error rows", "errors", n, errors)?;
        if length < 2 {
            return Err(ReconciliationError::Shape { what: "errors of each series", expected: 2, found: length });
        }
        let covariance = Cholesky::new(shrunk_covariance(errors), n).ok_or(ReconciliationError::Singular)?;
        let columns: Vec<Vec<f64>> = (0..hierarchy.bottom)
            .map(|b| {
                let column: Vec<f64> =
                    hierarchy.sums.iter().map(|own| f64::from(u8::from(own.binary_search(&b).is_ok()))).collect();
                covariance.solve(&column)
            })
            .collect();
        let m = hierarchy.bottom;
        let mut normal = vec![0.0; m * m];
        for (b, column) in columns.iter().enumerate() {
            let row = transposed(hierarchy, column);
            (0..m).for_each(|k| normal[k * m + b] = row[k]);
        }
        let normal = Cholesky::new(normal, m).ok_or(ReconciliationError::Singular)?;
        Ok(Self { covariance, normal })
    }

    fn bottom(&self, hierarchy: &Hierarchy, forecasts: &[f64]) -> Vec<f64> {
        self.normal.solve(&transposed(hierarchy, &self.covariance.solve(forecasts)))
    }
}

/// Sᵀ v.
fn transposed(hierarchy: &Hierarchy, values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; hierarchy.bottom];
    for (own, value) in hierarchy.sums.iter().zip(values) {
        own.iter().for_each(|b| sums[*b] += value);
    }
    sums
}

/// The covariance of errors around zero with its correlations shrunk by λ = Σ var(rᵢⱼ) / Σ rᵢⱼ², i ≠ j (Schäfer and
/// Strimmer 2005, table 1, target D), in units in which the largest variance is one. Series without errors get a tiny
/// variance: their forecasts are kept.
fn shrunk_covariance(errors: &[Vec<f64>]) -> Vec<f64> {
    let (n, length) = (errors.len(), errors[0].len());
    let unit = errors.iter().flatten().fold(0.0_f64, |u, e| u.max(e.abs()));
    let unit = if unit > 0.0 { unit } else { 1.0 };
    let scales: Vec<f64> = errors
        .iter()
        .map(|row| (row.iter().map(|e| (e / unit) * (e / unit)).sum::<f64>() / length as f64).sqrt())
        .collect();
    let standard: Vec<Vec<f64>> = errors
        .iter()
        .zip(&scales)
        .map(|(row, scale)| row.iter().map(|e| if *scale > 0.0 { e / unit / scale } else { 0.0 }).collect())
        .collect();
    let t = length as f64;
    let (mut variances, mut squares) = (0.0, 0.0);
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        for j in i + 1..n {
            let products = || standard[i].iter().zip(&standard[j]).map(|(a, b)| a * b);
            let correlation = products().sum::<f64>() / t;
            let spread: f64 = products().map(|p| (p - correlation) * (p - correlation)).sum();
            variances += spread / (t * (t - 1.0));
            squares += correlation * correlation;
            matrix[i * n + j] = correlation;
        }
    }
    let keep = 1.0 - if squares > 0.0 { (variances / squares).clamp(0.0, 1.0) } else { 1.0 };
    let floor = scales.iter().copied().fold(0.0_f64, f64::max).max(1.0) * 1e-6;
    let scales: Vec<f64> = scales.iter().map(|s| s.max(floor)).collect();
    for i in 0..n {
        for j in i + 1..n {
            let value = keep * matrix[i * n + j] * scales[i] * scales[j];
            matrix[i * n + j] = value;
            matrix[j * n + i] = value;
        }
        matrix[i * n + i] = scales[i] * scales[i] * (1.0 + 1e-10);
    }
    matrix
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A total of two regions, the first of two shops, the second of one.
    fn hierarchy() -> Hierarchy {
        Hierarchy::new(3, vec![vec![0, 1, 2], vec![0, 1], vec![0], vec![1], vec![2]]).unwrap()
    }

    fn adds_up(rows: &[Vec<f64>]) -> bool {
        (0..rows[0].len()).all(|h| {
            (rows[1][h] - rows[2][h] - rows[3][h]).abs() < 1e-9 && (rows[0][h] - rows[1][h] - rows[4][h]).abs() < 1e-9
        })
    }

    fn errors(count: usize) -> Vec<Vec<f64>> {
        let wave = |k: f64, t: usize| (k * t as f64).sin() + 0.3 * ((k + 0.7) * 1.9 * t as f64).cos();
        [0.9, 1.7, 2.3, 3.1, 4.3].iter().map(|k| (0..count).map(|t| k * wave(*k, t)).collect()).collect()
    }

    #[test]
    fn bottom_up_sums_the_bottom() {
        let forecasts = [[100.0], [9.0], [1.0], [2.0], [3.0]].map(|r| r.to_vec());
        let got = reconcile(&hierarchy(), Method::BottomUp, &forecasts, &[]).unwrap();
        assert_eq!(got, [[6.0], [3.0], [1.0], [2.0], [3.0]].map(|r| r.to_vec()));
    }

    #[test]
    fn minimum_trace_adds_up_and_leaves_what_already_does() {
        // given forecasts that do not add up; then the reconciled ones do
        let forecasts = [[20.0, 5.0], [9.0, 1.0], [4.0, 2.0], [6.0, 2.5], [7.0, 1.0]].map(|r| r.to_vec());
        let got = reconcile(&hierarchy(), Method::MinTraceShrink, &forecasts, &errors(40)).unwrap();
        assert!(adds_up(&got), "{got:?}");
        // and doing it again changes nothing
        let again = reconcile(&hierarchy(), Method::MinTraceShrink, &got, &errors(40)).unwrap();
        for (a, b) in got.iter().flatten().zip(again.iter().flatten()) {
            assert!((a - b).abs() < 1e-8, "{a} {b}");
        }
    }

    #[test]
    fn uncorrelated_errors_share_a_gap_by_their_variances() {
        // given a total and two parts, with orthogonal errors of variances 1, 4 and 1: a gap of 6
        let hierarchy = Hierarchy::new(2, vec![vec![0, 1], vec![0], vec![1]]).unwrap();
        let errors = [[1.0, 1.0, -1.0, -1.0], [2.0, -2.0, 2.0, -2.0], [1.0, -1.0, -1.0, 1.0]].map(|r| r.to_vec());
        let forecasts = [[16.0], [4.0], [6.0]].map(|r| r.to_vec());
        let got = reconcile(&hierarchy, Method::MinTraceShrink, &forecasts, &errors).unwrap();
        // then each moves by its share of the variance: 1/6, 4/6 and 1/6 of it
        for (row, expect) in got.iter().zip([15.0, 8.0, 7.0]) {
            assert!((row[0] - expect).abs() < 1e-6, "{got:?}");
        }
    }

    #[test]
    fn few_or_empty_errors_are_survived() {
        // given fewer errors than series, one series without any; then shrinking keeps the covariance regular
        let mut few = errors(3);
        few[2].fill(0.0);
        let forecasts = [[20.0], [9.0], [4.0], [6.0], [7.0]].map(|r| r.to_vec());
        assert!(adds_up(&reconcile(&hierarchy(), Method::MinTraceShrink, &forecasts, &few).unwrap()));
        let none = vec![vec![0.0; 4]; 5];
        assert!(adds_up(&reconcile(&hierarchy(), Method::MinTraceShrink, &forecasts, &none).unwrap()));
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        assert_eq!(Hierarchy::new(2, vec![vec![0, 2]]).unwrap_err(), ReconciliationError::Sum { series: 0, bottom: 2 });
        assert_eq!(
            Hierarchy::new(2, vec![vec![0, 1], vec![0]]).unwrap_err(),
            ReconciliationError::NoBottom { bottom: 1 }
        );
        let bad = reconcile(&hierarchy(), Method::BottomUp, &[vec![1.0]], &[]).unwrap_err();
        assert_eq!(bad, ReconciliationError::Shape { what: "forecast rows", expected: 5, found: 1 });
        let nan = [[1.0], [1.0], [f64::NAN], [1.0], [1.0]].map(|r| r.to_vec());
        let bad = reconcile(&hierarchy(), Method::BottomUp, &nan, &[]).unwrap_err();
        assert_eq!(bad, ReconciliationError::NotFinite { series: 2, step: 0 });
        let forecasts = vec![vec![1.0]; 5];
        assert!(reconcile(&hierarchy(), Method::MinTraceShrink, &forecasts, &vec![vec![1.0]; 5]).is_err());
    }
}
