//! The forecast of a short series of levels by ridge regression, with the penalty averaged over leave-one-out errors.

use std::f64::consts::TAU;

use crate::linear::Cholesky;

/// Penalties, relative to the number of rows; columns have unit variance.
const PENALTIES: [f64; 8] = [1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0];
/// Levels of the past that are columns.
const LAGS: usize = 3;
/// Harmonics of the longer season.
const HARMONICS: usize = 2;
/// No forecast leaves the range of the past levels by more than this multiple of it.
const BEYOND: f64 = 1.0;

/// Expected levels and their variances.
#[derive(Clone, Debug)]
pub(super) struct LevelForecast {
    pub(super) mean: Vec<f64>,
    pub(super) variance: Vec<f64>,
}

/// Which columns there are.
#[derive(Clone, Copy, Debug)]
struct Layout {
    lags: usize,
    /// The longer season's lag.
    seasonal_lag: Option<usize>,
    /// The longer season's harmonics.
    period: Option<f64>,
    length: f64,
}

impl Layout {
    fn start(&self) -> usize {
        self.lags.max(self.seasonal_lag.unwrap_or(0))
    }

    /// The columns for the level at time t, from the levels before it: those levels less the last one.
    fn row(&self, levels: &[f64], t: usize, row: &mut Vec<f64>) {
        row.clear();
        let last = levels[t - 1];
        row.extend((2..=self.lags).map(|lag| levels[t - lag] - last));
        let mean = levels[..t].iter().sum::<f64>() / t as f64;
        row.push(mean - last);
        if let Some(lag) = self.seasonal_lag {
            row.push(levels[t - lag] - levels[t - lag - usize::from(t > lag)]);
            row.push(levels[t - lag] - last);
        }
        if let Some(period) = self.period {
            for k in 1..=HARMONICS {
                let (sine, cosine) = (TAU * k as f64 * t as f64 / period).sin_cos();
                row.extend([sine, cosine]);
            }
        }
        row.push(t as f64 / self.length);
    }
}

impl LevelForecast {
    /// Forecasts `horizon` levels; `longer` is the season of the levels themselves.
    pub(super) fn of(levels: &[f64], horizon: usize, longer: Option<usize>) -> Self {
        let n = levels.len();
        let last = levels.last().copied().unwrap_or(0.0);
        let (layout, targets, regression) = learn(levels, longer);
        let Some(regression) = regression else {
            let square = targets.iter().map(|v| v * v).sum::<f64>() / targets.len().max(1) as f64;
            let variance = (1..=horizon).map(|h| square * h as f64).collect();
            return Self { mean: vec![last; horizon], variance };
        };
        let mut row = Vec::new();
        let (low, high) = levels.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        let margin = BEYOND * (high - low);
        let mut path = levels.to_vec();
        for t in n..n + horizon {
            layout.row(&path, t, &mut row);
            let next = path[t - 1] + regression.predict(&row);
            path.push(next.clamp(low - margin, high + margin));
        }
        // What one unexpected level does to those after it.
        let mut shocked = levels.to_vec();
        shocked.push(path[n] + regression.deviation);
        let mut variance = 0.0;
        let variances = (n..n + horizon).map(|t| {
            if t > n {
                layout.row(&shocked, t, &mut row);
                let next = shocked[t - 1] + regression.predict(&row);
                shocked.push(next.clamp(low - 2.0 * margin, high + 2.0 * margin));
            }
            variance += (shocked[t] - path[t]).powi(2);
            variance
        });
        let variance = variances.collect();
        Self { mean: path.split_off(n), variance }
    }
}

impl LevelForecast {
    /// What is expected of each level after those before it; NaN where nothing is.
    pub(super) fn fitted(levels: &[f64], longer: Option<usize>) -> Vec<f64> {
        let (layout, _, regression) = learn(levels, longer);
        let mut row = Vec::new();
        let one = |t: usize| match &regression {
            _ if t == 0 => f64::NAN,
            Some(regression) if t >= layout.start().max(1) => {
                layout.row(levels, t, &mut row);
                levels[t - 1] + regression.predict(&row)
            }
            _ => levels[t - 1],
        };
        (0..levels.len()).map(one).collect()
    }
}

/// The columns, the changes of the levels, and the regression of the second on the first, where there are enough.
fn learn(levels: &[f64], longer: Option<usize>) -> (Layout, Vec<f64>, Option<Regression>) {
    let n = levels.len();
    let layout = Layout {
        lags: LAGS.min(n / 8 + 1),
        seasonal_lag: longer.filter(|p| n >= 3 * p),
        period: longer.filter(|p| n >= 2 * p).map(|p| p as f64),
        length: n.max(1) as f64,
    };
    let start = layout.start().max(1);
    let rows = n.saturating_sub(start);
    let mut row = Vec::new();
    let mut design = Vec::new();
    let mut targets = Vec::with_capacity(rows);
    for t in start..n {
        layout.row(levels, t, &mut row);
        design.extend_from_slice(&row);
        targets.push(levels[t] - levels[t - 1]);
    }
    let columns = row.len();
    let enough = rows >= 6 && rows >= columns / 2;
    let regression = enough.then(|| Regression::fit(&design, &targets, columns));
    (layout, targets, regression)
}

/// A ridge regression with an intercept.
#[derive(Clone, Debug)]
struct Regression {
    means: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
    /// The root mean square of the leave-one-out errors.
    deviation: f64,
}

impl Regression {
    fn fit(design: &[f64], targets: &[f64], columns: usize) -> Self {
        let n = targets.len() as f64;
        let rows = || design.chunks_exact(columns);
        let means: Vec<f64> = (0..columns).map(|c| rows().map(|r| r[c]).sum::<f64>() / n).collect();
        let scales: Vec<f64> = (0..columns)
            .map(|c| {
                let variance = rows().map(|r| (r[c] - means[c]).powi(2)).sum::<f64>() / n;
                if variance > 1e-20 { variance.sqrt() } else { f64::INFINITY }
            })
            .collect();
        let standard: Vec<f64> = rows()
            .flat_map(|r| r.iter().zip(&means).zip(&scales).map(|((v, m), s)| (v - m) / s).collect::<Vec<_>>())
            .collect();
        let intercept = targets.iter().sum::<f64>() / n;
        let mut gram = vec![0.0; columns * columns];
        let mut products = vec![0.0; columns];
        for (row, target) in standard.chunks_exact(columns).zip(targets) {
            for a in 0..columns {
                for b in 0..columns {
                    gram[a * columns + b] += row[a] * row[b];
                }
                products[a] += row[a] * (target - intercept);
            }
        }
        let mut candidates = Vec::with_capacity(PENALTIES.len());
        for penalty in PENALTIES {
            let mut system = gram.clone();
            (0..columns).for_each(|i| system[i * columns + i] += penalty * n);
            let Some(factor) = Cholesky::new(system, columns) else { continue };
            let weights = factor.solve(&products);
            let error: f64 = standard
                .chunks_exact(columns)
                .zip(targets)
                .map(|(row, target)| {
                    let fitted: f64 = row.iter().zip(&weights).map(|(x, w)| x * w).sum();
                    let leverage: f64 = row.iter().zip(&factor.solve(row)).map(|(x, v)| x * v).sum();
                    ((target - intercept - fitted) / (1.0 - leverage - 1.0 / n).max(0.05)).powi(2)
                })
                .sum();
            candidates.push((error / n, weights));
        }
        // Penalties that err much alike are averaged: each counts by e^(−n/2 · log of its error over the least).
        let least = candidates.iter().map(|c| c.0).fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE);
        let mut weights = vec![0.0; columns];
        let mut total = 0.0;
        for (error, candidate) in &candidates {
            let share = (-0.5 * n * (error / least).max(1.0).ln()).exp();
            total += share;
            weights.iter_mut().zip(candidate).for_each(|(w, c)| *w += share * c);
        }
        let deviation = if candidates.is_empty() { 0.0 } else { least.sqrt() };
        weights.iter_mut().zip(&scales).for_each(|(w, s)| *w /= total.max(f64::MIN_POSITIVE) * s);
        Self { means, weights, intercept, deviation }
    }

    fn predict(&self, row: &[f64]) -> f64 {
        let moved = row.iter().zip(&self.means).zip(&self.weights).map(|((v, m), w)| (v - m) * w).sum::<f64>();
        self.intercept + moved
    }
}
