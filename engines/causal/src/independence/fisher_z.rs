//! Fisher's z test of zero partial correlation (Fisher 1924), for variables that are jointly normal.

use statrs::function::erf::erfc;

use super::{IndependenceTest, Outcome};

/// The Schur complements of a test of up to this many variables live on the stack.
const ON_STACK: usize = 10;
/// A residual variance below this share of the variance means a linear function of the conditioning set.
const DETERMINED: f64 = 1e-10;

/// A correlation matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlation {
    size: usize,
    values: Vec<f64>,
}

impl Correlation {
    /// The Pearson correlations of `columns`, which have equal length and hold no NaN. A constant column
    /// correlates as NaN.
    #[must_use]
    pub fn of_columns(columns: &[Vec<f64>]) -> Self {
        let rows = columns.first().map_or(0, Vec::len) as f64;
        let centred: Vec<Vec<f64>> = columns
            .iter()
            .map(|column| {
                // A power of two, so that it changes no digit; 1 for all but values whose squares are no numbers.
                let largest = column.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                let scale = if (1e-100..1e100).contains(&largest) { 1.0 } else { power_of_two_below(largest) };
                let mean = column.iter().map(|v| v / scale).sum::<f64>() / rows;
                column.iter().map(|v| v / scale - mean).collect()
            })
            .collect();
        let products = cross_products(&centred);
        Self::of_covariance(columns.len(), |i, j| products[i * columns.len() + j])
    }

    /// Scales a covariance matrix, given by its entries on and below the diagonal (`row >= column`).
    #[must_use]
    pub fn of_covariance(size: usize, covariance: impl Fn(usize, usize) -> f64) -> Self {
        let mut values = vec![1.0; size * size];
        let deviation: Vec<f64> = (0..size).map(|i| covariance(i, i).max(0.0).sqrt()).collect();
        for i in 0..size {
            if deviation[i].is_nan() || deviation[i] <= 0.0 {
                values[i * size + i] = f64::NAN;
            }
            for j in 0..i {
                let scale = deviation[i] * deviation[j];
                let value = if scale > 0.0 { (covariance(i, j) / scale).clamp(-1.0, 1.0) } else { f64::NAN };
                values[i * size + j] = value;
                values[j * size + i] = value;
            }
        }
        Self { size, values }
    }

    /// Number of variables.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The correlation of two variables.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }

    /// The partial correlation of `x` and `y` given `given`: the correlation left in the Schur complement of the
    /// sub-matrix of `given`, equal to `−P₀₁ / √(P₀₀ P₁₁)` of the inverse `P` of the sub-matrix of all. NaN where
    /// `given` is collinear or determines `x` or `y`.
    #[must_use]
    pub fn partial(&self, x: usize, y: usize, given: &[usize]) -> f64 {
        match given {
            [] => self.get(x, y),
            [z] => {
                let (xy, xz, yz) = (self.get(x, y), self.get(x, *z), self.get(y, *z));
                let (left_x, left_y) = (1.0 - xz * xz, 1.0 - yz * yz);
                if left_x <= DETERMINED || left_y <= DETERMINED {
                    f64::NAN
                } else {
                    (xy - xz * yz) / (left_x * left_y).sqrt()
                }
            }
            _ if given.len() + 2 <= ON_STACK => self.schur(x, y, given, &mut [0.0; ON_STACK * ON_STACK]),
            _ => self.schur(x, y, given, &mut vec![0.0; (given.len() + 2) * (given.len() + 2)]),
        }
    }

    /// Cholesky over [given…, x, y], stopped before the last two rows are scaled.
    fn schur(&self, x: usize, y: usize, given: &[usize], lower: &mut [f64]) -> f64 {
        let (size, kept) = (given.len() + 2, given.len());
        let variable = |k: usize| {
            if k < kept {
                given[k]
            } else if k == kept {
                x
            } else {
                y
            }
        };
        for row in 0..size {
            let line = variable(row) * self.size;
            for column in 0..=row.min(kept - 1) {
                let (before, at) = lower.split_at(row * size);
                let mut rest = self.values[line + variable(column)];
                if row == column {
                    rest -= at[..column].iter().map(|v| v * v).sum::<f64>();
                    if rest.is_nan() || rest <= DETERMINED {
                        return f64::NAN;
                    }
                    lower[row * size + row] = rest.sqrt();
                } else {
                    let other = &before[column * size..=column * size + column];
                    rest -= at[..column].iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
                    lower[row * size + column] = rest / other[column];
                }
            }
        }
        let (of_x, of_y) =
            (&lower[kept * size..kept * size + kept], &lower[(kept + 1) * size..(kept + 1) * size + kept]);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (left_x, left_y) = (1.0 - dot(of_x, of_x), 1.0 - dot(of_y, of_y));
        if left_x <= DETERMINED || left_y <= DETERMINED {
            return f64::NAN;
        }
        (self.get(x, y) - dot(of_x, of_y)) / (left_x * left_y).sqrt()
    }
}

fn power_of_two_below(value: f64) -> f64 {
    if value > 0.0 && value.is_finite() {
        2.0_f64.powi(value.log2().floor().clamp(-1022.0, 1023.0) as i32)
    } else {
        1.0
    }
}

/// Rows that are multiplied at a time, so that a block of many columns stays in the cache.
const BLOCK: usize = 512;
/// Partial sums of one product, so that additions need not wait for each other.
const LANES: usize = 8;

/// The inner products of all pairs of columns, on and below the diagonal (`row * columns + column`).
fn cross_products(columns: &[Vec<f64>]) -> Vec<f64> {
    let (size, rows) = (columns.len(), columns.first().map_or(0, Vec::len));
    let mut products = vec![0.0; size * size];
    for start in (0..rows).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(rows);
        for i in 0..size {
            for j in 0..=i {
                products[i * size + j] += inner_product(&columns[i][block.clone()], &columns[j][block.clone()]);
            }
        }
    }
    products
}

pub(super) fn inner_product(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for k in 0..LANES {
            lanes[k] += a[k] * b[k];
        }
    }
    lanes.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f64>()
}

/// How the two-sided p-value is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// `2 Φ(−z)`: exact far into the tail, so that strong edges can still be compared.
    #[default]
    Exact,
    /// `2 (1 − Φ(z))`, as implementations in common use compute it: zero from about z = 8.3.
    OneMinus,
}

/// Fisher's z: `z = √(n − |S| − 3) · |atanh r|`, where `r` is the partial correlation given `S`, is standard normal
/// (half of it) under independence.
#[derive(Clone, Debug)]
pub struct FisherZ {
    correlation: Correlation,
    rows: f64,
    inflation: Option<Vec<f64>>,
    tail: Tail,
}

impl FisherZ {
    /// A test over a correlation matrix estimated from `rows` independent rows.
    #[must_use]
    pub fn new(correlation: Correlation, rows: usize) -> Self {
        Self { correlation, rows: rows as f64, inflation: None, tail: Tail::Exact }
    }

    /// Chooses how p-values are computed.
    #[must_use]
    pub fn with_tail(mut self, tail: Tail) -> Self {
        self.tail = tail;
        self
    }

    /// Divides the number of rows by `inflation[x * variables + y]`, at least 1, when `x` and `y` are tested: rows
    /// that resemble their predecessors count for less.
    #[must_use]
    pub fn with_inflation(mut self, inflation: Vec<f64>) -> Self {
        self.inflation = Some(inflation);
        self
    }

    /// The correlations that the test rests on.
    #[must_use]
    pub fn correlation(&self) -> &Correlation {
        &self.correlation
    }

    fn p_value(&self, statistic: f64) -> f64 {
        match self.tail {
            Tail::Exact => erfc(statistic / std::f64::consts::SQRT_2),
            Tail::OneMinus => 2.0 * (1.0 - 0.5 * erfc(-statistic / std::f64::consts::SQRT_2)),
        }
    }
}

impl IndependenceTest for FisherZ {
    fn variables(&self) -> usize {
        self.correlation.size()
    }

    fn test(&self, x: usize, y: usize, given: &[usize]) -> Outcome {
        let mut r = self.correlation.partial(x, y, given);
        if r.is_nan() {
            return Outcome::UNDEFINED;
        }
        if r.abs() >= 1.0 {
            r = (1.0 - f64::EPSILON) * r.signum();
        }
        let inflation = self.inflation.as_ref().map_or(1.0, |v| v[x * self.correlation.size() + y]);
        let freedom = self.rows / inflation - given.len() as f64 - 3.0;
        if freedom <= 0.0 {
            return Outcome::UNDEFINED;
        }
        let statistic = freedom.sqrt() * (0.5 * ((1.0 + r) / (1.0 - r)).ln()).abs();
        Outcome { statistic, p_value: self.p_value(statistic) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toeplitz(size: usize) -> Correlation {
        Correlation::of_covariance(size, |i, j| 0.7_f64.powi((i - j) as i32) + if i == j { 0.3 } else { 0.0 })
    }

    #[test]
    fn partial_correlation_follows_the_recursion() {
        // r_xy.Sz = (r_xy.S − r_xz.S r_yz.S) / √((1 − r_xz.S²)(1 − r_yz.S²)), for each size of S that has its own code.
        let r = toeplitz(14);
        for size in 0..11 {
            let given: Vec<usize> = (2..2 + size).collect();
            let next = 2 + size;
            let mut longer = given.clone();
            longer.push(next);
            let (xy, xz, yz) = (r.partial(0, 1, &given), r.partial(0, next, &given), r.partial(1, next, &given));
            let expected = (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
            assert!((r.partial(0, 1, &longer) - expected).abs() < 1e-12, "size {size}");
        }
    }

    #[test]
    fn the_textbook_value_comes_out() {
        // r = 0.5, n = 103: z = 10 · atanh 0.5 = 5.493061443340549, p = 3.950 e-8 (tables of the normal distribution).
        let test = FisherZ::new(Correlation::of_covariance(2, |i, j| if i == j { 1.0 } else { 0.5 }), 103);
        let outcome = test.test(0, 1, &[]);
        assert!((outcome.statistic - 5.493_061_443_340_549).abs() < 1e-12);
        assert!((outcome.p_value / 3.950_0e-8 - 1.0).abs() < 1e-3, "{}", outcome.p_value);
        let coarse = test.with_tail(Tail::OneMinus).test(0, 1, &[]);
        assert!((coarse.p_value - outcome.p_value).abs() < 1e-15);
    }

    #[test]
    fn constants_and_determined_variables_are_never_independent() {
        let columns = [
            vec![1.0, 2.0, 4.0, 3.0, 7.0, 1.0],
            vec![2.0, 4.0, 8.0, 6.0, 14.0, 2.0],
            vec![5.0; 6],
            vec![0.0, 1.0, 0.5, 3.0, 1.0, 2.0],
        ];
        let test = FisherZ::new(Correlation::of_columns(&columns), 6);
        assert!(!test.test(0, 2, &[]).independent(0.05));
        assert!(!test.test(0, 3, &[1]).independent(0.05));
        assert!(!test.test(0, 1, &[3]).independent(0.05));
        assert!(test.test(0, 3, &[1]).p_value.is_nan());
    }
}
