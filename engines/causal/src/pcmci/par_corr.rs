//! Partial correlation between columns at different lags.

use super::PcmciError;
use super::student;
use crate::independence::Correlation;
use crate::lagged::moments::Moments;
use crate::vectors::{dot, standardised};
use crate::window_products::WindowProducts;

/// A residual variance below this share of the variance means a linear function of the conditions.
const DETERMINED: f64 = 1e-10;
/// Tests of up to this many nodes live on the stack.
const ON_STACK: usize = 20;

/// What a test of one link says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The strength of the dependence, with its sign.
    pub value: f64,
    /// Probability of at least such a strength under independence.
    pub p_value: f64,
}

impl Measured {
    /// A test that could not be computed: no evidence of a link.
    pub const NOTHING: Self = Self { value: 0.0, p_value: 1.0 };
}

/// A test of conditional independence between columns at lags: node `lag * columns + column`.
pub trait LaggedTest: Sync {
    /// Number of columns.
    fn columns(&self) -> usize;

    /// The longest lag that a node may have.
    fn max_lag(&self) -> usize;

    /// Tests `x ⊥ y | given`, which are different nodes.
    fn test(&self, x: usize, y: usize, given: &[usize]) -> Measured;

    /// Akaike's criterion `n ln RSS + 2 (k + 1)` of the regression of a node on others, up to a constant of the node. `None` where
    /// the test knows no regression.
    fn akaike(&self, y: usize, given: &[usize]) -> Option<f64>;
}

/// Partial correlation, its p-value from Student's t with `rows − 2 − |given|` degrees of freedom.
#[derive(Clone, Debug)]
pub struct ParCorr {
    columns: usize,
    max_lag: usize,
    rows: usize,
    correlation: Correlation,
}

impl ParCorr {
    /// The test for columns in order of time (`columns[column][time]`) and links of lags up to `link_lag`: nodes reach
    /// back twice as far, and every test uses the rows from `2 · link_lag` on.
    ///
    /// Cost: `columns² · (2 · link_lag + 1)` scalar products; other lags follow from the rows at the ends.
    ///
    /// # Errors
    /// [`PcmciError`]: columns that are ragged, not finite, constant or too short.
    pub fn new(columns: &[Vec<f64>], link_lag: usize) -> Result<Self, PcmciError> {
        let max_lag = 2 * link_lag;
        let length = columns.first().map_or(0, Vec::len);
        let needed = max_lag + 4;
        if length < needed {
            return Err(PcmciError::TooFewRows { rows: length, max_lag: link_lag, needed });
        }
        let mut scaled = Vec::with_capacity(columns.len());
        for (column, values) in columns.iter().enumerate() {
            if values.len() != length {
                return Err(PcmciError::Ragged { column, rows: values.len(), expected: length });
            }
            if let Some(row) = values.iter().position(|v| !v.is_finite()) {
                return Err(PcmciError::NotFinite { column, row });
            }
            scaled.push(standardised(values).ok_or(PcmciError::Constant { column })?.0);
        }
        let rows = length - max_lag;
        let products = WindowProducts::new(&scaled, max_lag);
        let size = columns.len();
        let correlation = Correlation::of_covariance(size * (max_lag + 1), |i, j| products.covariance(i, j));
        if let Some(node) = (0..size * (max_lag + 1)).find(|n| correlation.get(*n, *n).is_nan()) {
            return Err(PcmciError::Constant { column: node % size });
        }
        Ok(Self { columns: size, max_lag, rows, correlation })
    }

    /// The test on rows summed beforehand, of all blocks or of blocks drawn so many times each.
    pub(crate) fn of_moments(columns: usize, max_lag: usize, moments: &Moments, times: Option<&[u32]>) -> Self {
        Self { columns, max_lag, rows: moments.rows(), correlation: moments.correlation(times) }
    }

    /// Rows that every test uses.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Cholesky over `[given…, last…]`, stopped before the last rows are scaled; a condition that the ones before it determine is
    /// passed over. Gives the residual variances and covariance of the last two nodes (the second may be missing).
    fn residual(&self, given: &[usize], x: usize, y: Option<usize>, lower: &mut [f64]) -> (f64, f64, f64) {
        let kept = given.len();
        for row in 0..kept + 1 + usize::from(y.is_some()) {
            let node = if row < kept {
                given[row]
            } else if row == kept {
                x
            } else {
                y.unwrap_or(x)
            };
            for column in 0..=row.min(kept.wrapping_sub(1)) {
                if column >= kept {
                    break;
                }
                let (before, at) = lower.split_at_mut(row * kept);
                let mut rest = self.correlation.get(node, given[column]);
                if row == column {
                    rest -= dot(&at[..column], &at[..column]);
                    at[column] = if rest > DETERMINED { rest.sqrt() } else { 0.0 };
                } else {
                    let other = &before[column * kept..=column * kept + column];
                    let pivot = other[column];
                    rest -= dot(&at[..column], &other[..column]);
                    at[column] = if pivot > 0.0 { rest / pivot } else { 0.0 };
                }
            }
        }
        let of_x = &lower[kept * kept..kept * kept + kept];
        let left_x = 1.0 - dot(of_x, of_x);
        let Some(y) = y else { return (left_x, left_x, left_x) };
        let of_y = &lower[(kept + 1) * kept..(kept + 1) * kept + kept];
        (left_x, 1.0 - dot(of_y, of_y), self.correlation.get(x, y) - dot(of_x, of_y))
    }

    fn with_workspace<T>(&self, given: &[usize], work: impl FnOnce(&mut [f64]) -> T) -> T {
        if given.len() + 2 <= ON_STACK {
            work(&mut [0.0; ON_STACK * ON_STACK])
        } else {
            work(&mut vec![0.0; (given.len() + 2) * (given.len() + 2)])
        }
    }
}

impl LaggedTest for ParCorr {
    fn columns(&self) -> usize {
        self.columns
    }

    fn max_lag(&self) -> usize {
        self.max_lag
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Measured {
        let freedom = self.rows as f64 - 2.0 - given.len() as f64;
        if freedom < 1.0 {
            return Measured::NOTHING;
        }
        let (left_x, left_y, both) = self.with_workspace(given, |lower| self.residual(given, x, Some(y), lower));
        if left_x <= DETERMINED || left_y <= DETERMINED || both.is_nan() {
            return Measured::NOTHING;
        }
        let value = (both / (left_x * left_y).sqrt()).clamp(-1.0, 1.0);
        Measured { value, p_value: student::p_value(value, freedom) }
    }

    fn akaike(&self, y: usize, given: &[usize]) -> Option<f64> {
        let (left, _, _) = self.with_workspace(given, |lower| self.residual(given, y, None, lower));
        Some(self.rows as f64 * left.max(f64::MIN_POSITIVE).ln() + 2.0 * (given.len() as f64 + 1.0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn series(count: usize, length: usize) -> Vec<Vec<f64>> {
        (0..count).map(|c| (0..length).map(|t| (((t + 3) * (c * 31 + 17)) % 101) as f64).collect()).collect()
    }

    #[test]
    fn shifted_products_equal_those_of_the_rows_themselves() {
        let columns = series(3, 60);
        let test = ParCorr::new(&columns, 2).unwrap();
        let node = |k: usize| columns[k % 3][4 - k / 3..60 - k / 3].to_vec();
        let direct = Correlation::of_columns(&(0..15).map(node).collect::<Vec<_>>());
        for i in 0..15 {
            for j in 0..15 {
                assert!((direct.get(i, j) - test.correlation.get(i, j)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_partial_correlation_follows_the_recursion_and_repeated_conditions_change_nothing() {
        let test = ParCorr::new(&series(4, 80), 1).unwrap();
        let value = |given: &[usize]| test.test(0, 1, given).value;
        let (xy, xz, yz) =
            (test.test(0, 1, &[4, 6]).value, test.test(0, 9, &[4, 6]).value, test.test(1, 9, &[4, 6]).value);
        let want = (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
        assert!((value(&[4, 6, 9]) - want).abs() < 1e-12);
        assert!((value(&[4, 6, 9, 6]) - want).abs() < 1e-12);
    }
}
