//! The columns of the additive regression.

use std::f64::consts::TAU;

use crate::linear::Cholesky;
use crate::models::regressors::Regressors;

/// The share of the history in which the slope may change.
const CHANGING: f64 = 0.8;
/// Pairs of sine and cosine of a season at most; a long season is smoother than its length.
const MOST_PAIRS: usize = 10;
/// The penalty on a season's and a regressor's weights, relative to the number of observations.
const SMALL: f64 = 1e-4;
/// The penalty that keeps the level and the slope determined.
const LEAST: f64 = 1e-9;

/// Where the slope may change, and which seasons there are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    length: f64,
    changes: Vec<f64>,
    seasons: Vec<(usize, usize)>,
}

impl Layout {
    /// For a history of `n` values: seasons that it has twice, and as many changes as it has room for.
    pub(super) fn new(n: usize, periods: &[usize], changes: usize) -> Self {
        let count = changes.min(n / 6);
        let place = |j: usize| (CHANGING * n as f64 * (j + 1) as f64 / (count + 1) as f64).floor();
        let mut room = n / 4;
        let mut seasons = Vec::new();
        for &period in periods.iter().filter(|p| n >= 2 * **p) {
            let pairs = (period / 2).min(MOST_PAIRS).min(room);
            room -= pairs;
            seasons.push((period, pairs));
        }
        Self { length: n.max(1) as f64, changes: (0..count).map(place).collect(), seasons }
    }
}

/// The rows of the history and of the horizon.
#[derive(Clone, Debug)]
pub(super) struct Design {
    layout: Layout,
    columns: usize,
    cells: Vec<f64>,
}

/// Normal equations and what weights cost.
#[derive(Clone, Debug)]
pub(super) struct Equations {
    columns: usize,
    gram: Vec<f64>,
    products: Vec<f64>,
    /// Which weights are changes of the slope.
    changes: std::ops::Range<usize>,
    count: f64,
}

impl Design {
    /// Rows for `length` times and the `ahead` after them; `known` reaches at least as far.
    pub(super) fn new(layout: Layout, known: &Regressors, length: usize, ahead: usize) -> Self {
        let scales: Vec<(f64, f64)> =
            known.past.iter().map(|column| moments(&column[..length.min(column.len())])).collect();
        let mut cells = Vec::new();
        for t in 0..length + ahead {
            let time = t as f64;
            cells.extend([1.0, time / layout.length]);
            cells.extend(layout.changes.iter().map(|place| (time - place).max(0.0) / layout.length));
            for &(period, pairs) in &layout.seasons {
                for k in 1..=pairs {
                    let (sine, cosine) = (TAU * ((k * (t % period)) % period) as f64 / period as f64).sin_cos();
                    cells.extend([sine, cosine]);
                }
            }
            for ((past, future), (mean, deviation)) in known.past.iter().zip(&known.future).zip(&scales) {
                let value = past.get(t).or_else(|| future.get(t - past.len())).copied().unwrap_or(*mean);
                cells.push(if *deviation > 0.0 { (value - mean) / deviation } else { 0.0 });
            }
        }
        let columns = cells.len() / (length + ahead).max(1);
        Self { layout, columns, cells }
    }

    fn row(&self, t: usize) -> &[f64] {
        &self.cells[t * self.columns..(t + 1) * self.columns]
    }

    /// Sums over the observed values of a history.
    pub(super) fn equations(&self, values: &[f64]) -> Equations {
        let columns = self.columns;
        let mut gram = vec![0.0; columns * columns];
        let mut products = vec![0.0; columns];
        let mut count = 0.0;
        for (t, value) in values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
            let row = self.row(t);
            count += 1.0;
            for (i, a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                products[i] += a * value;
                gram[i * columns + i..(i + 1) * columns].iter_mut().zip(&row[i..]).for_each(|(g, b)| *g += a * b);
            }
        }
        Equations { columns, gram, products, changes: 2..2 + self.layout.changes.len(), count }
    }

    pub(super) fn predict(&self, t: usize, weights: &[f64]) -> f64 {
        self.row(t).iter().zip(weights).map(|(x, w)| x * w).sum()
    }

    /// Columns that are hardly penalised.
    pub(super) fn spent(&self) -> f64 {
        (self.columns - self.layout.changes.len()) as f64
    }

    /// How often the slope may change, a step, and the mean square of what it then changes by, a step.
    pub(super) fn restlessness(&self, weights: &[f64]) -> (f64, f64) {
        let count = self.layout.changes.len();
        if count == 0 {
            return (0.0, 0.0);
        }
        let squares: f64 = weights[2..2 + count].iter().map(|w| (w / self.layout.length).powi(2)).sum();
        (count as f64 / (CHANGING * self.layout.length), squares / count as f64)
    }
}

impl Equations {
    /// The weights; none where the system is singular.
    pub(super) fn solve(&self, penalty: f64) -> Option<Vec<f64>> {
        let mut system = self.gram.clone();
        for i in 0..self.columns {
            let relative = match i {
                0 | 1 => LEAST,
                i if self.changes.contains(&i) => penalty,
                _ => SMALL,
            };
            system[i * self.columns + i] += relative * self.count.max(1.0);
        }
        Some(Cholesky::new(system, self.columns)?.solve(&self.products))
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs())).max(f64::MIN_POSITIVE);
    let mean = values.iter().map(|v| v / largest).sum::<f64>() / n;
    let variance = values.iter().map(|v| (v / largest - mean).powi(2)).sum::<f64>() / n;
    (mean * largest, variance.sqrt() * largest)
}
