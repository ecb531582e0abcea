//! The cross products of all windows of a series, without going through the windows.
//!
//! A window is `lags` values and the `horizon` values after them. Moving along a diagonal of the matrix of cross
//! products moves all windows by one step, so that each entry is the one before it on its diagonal, plus the product
//! that entered, less the one that left: O(n (lags + horizon)) for the first row and O(1) for each entry after it.

use super::form::Anchor;
use crate::models::arima::dot;

/// Σ over windows of products of their values, not yet anchored.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    lags: usize,
    horizon: usize,
    /// Windows, each counted with its weight.
    count: f64,
    /// Row i: Σ y(i) y(j) for every j of the window; lags rows.
    products: Vec<f64>,
    /// Σ y(j).
    sums: Vec<f64>,
    /// Σ y(j)².
    squares: Vec<f64>,
}

/// The normal equations of a regression on the lags, centred, and what is needed to judge a solution.
#[derive(Clone, Debug)]
pub(super) struct Equations {
    pub(super) lags: usize,
    pub(super) horizon: usize,
    pub(super) count: f64,
    /// X'X, row-major.
    pub(super) gram: Vec<f64>,
    /// X'Y: a row a lag, a column a step.
    pub(super) products: Vec<f64>,
    /// Σ y² of each step.
    pub(super) squares: Vec<f64>,
    /// Means of the lags.
    pub(super) lag_means: Vec<f64>,
    /// Means of the steps.
    pub(super) step_means: Vec<f64>,
}

impl Moments {
    pub(super) fn new(lags: usize, horizon: usize) -> Self {
        let reach = lags + horizon;
        Self {
            lags,
            horizon,
            count: 0.0,
            products: vec![0.0; lags * reach],
            sums: vec![0.0; reach],
            squares: vec![0.0; reach],
        }
    }

    /// Adds the windows of a stretch of a series (less `level`, over `scale`), each of weight one.
    pub(super) fn add(&mut self, values: &[f64], level: f64, scale: f64) {
        let reach = self.lags + self.horizon;
        let Some(windows) = (values.len() + 1).checked_sub(reach).filter(|n| *n > 0) else { return };
        let y: Vec<f64> = values.iter().map(|v| (v - level) / scale).collect();
        self.count += windows as f64;
        let mut own = vec![0.0; reach];
        for (j, value) in own.iter_mut().enumerate() {
            *value = dot(&y[..windows], &y[j..j + windows]);
        }
        for i in 0..self.lags {
            let row = &mut self.products[i * reach + i..(i + 1) * reach];
            row.iter_mut().zip(&own).for_each(|(sum, v)| *sum += v);
            // The row below, from its diagonal on: everything moves one step along.
            let (enters, leaves) = (y.get(windows + i).copied().unwrap_or(0.0), y[i]);
            own.pop();
            for (k, value) in own.iter_mut().enumerate() {
                *value += enters * y.get(windows + i + k).copied().unwrap_or(0.0) - leaves * y[i + k];
            }
        }
        let (mut sum, mut square) = (y[..windows].iter().sum::<f64>(), y[..windows].iter().map(|v| v * v).sum::<f64>());
        for j in 0..reach {
            self.sums[j] += sum;
            self.squares[j] += square;
            let (enters, leaves) = (y.get(windows + j).copied().unwrap_or(0.0), y[j]);
            sum += enters - leaves;
            square += enters * enters - leaves * leaves;
        }
    }

    /// The sum of both.
    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.count += other.count;
        for (mine, theirs) in
            [(&mut self.products, &other.products), (&mut self.sums, &other.sums), (&mut self.squares, &other.squares)]
        {
            mine.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        }
        self
    }

    pub(super) fn count(&self) -> f64 {
        self.count
    }

    fn product(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        self.products[i * (self.lags + self.horizon) + j]
    }

    /// The equations for windows less their anchor, for the steps asked for; centred where there is an intercept.
    pub(super) fn equations(&self, anchor: Anchor, steps: &[usize], intercept: bool) -> Equations {
        let (lags, reach) = (self.lags, self.lags + self.horizon);
        // Products of every place with the anchor, which is itself a mean of lags.
        let places: Vec<usize> = match anchor {
            Anchor::None => Vec::new(),
            Anchor::Last => vec![lags - 1],
            Anchor::Mean => (0..lags).collect(),
        };
        let share = 1.0 / places.len().max(1) as f64;
        let with_anchor: Vec<f64> =
            (0..reach).map(|j| share * places.iter().map(|&k| self.product(k, j)).sum::<f64>()).collect();
        let own = share * places.iter().map(|&k| with_anchor[k]).sum::<f64>();
        let anchor_sum = share * places.iter().map(|&k| self.sums[k]).sum::<f64>();
        let count = self.count.max(1.0);
        let mean = |j: usize| if intercept { (self.sums[j] - anchor_sum) / count } else { 0.0 };
        let lag_means: Vec<f64> = (0..lags).map(mean).collect();
        let step_means: Vec<f64> = steps.iter().map(|h| mean(lags + h)).collect();
        let anchored = |raw: f64, i: usize, j: usize| raw - with_anchor[i] - with_anchor[j] + own;
        let mut gram = vec![0.0; lags * lags];
        for i in 0..lags {
            for j in i..lags {
                let value = anchored(self.product(i, j), i, j) - count * lag_means[i] * lag_means[j];
                gram[i * lags + j] = value;
                gram[j * lags + i] = value;
            }
        }
        let mut products = Vec::with_capacity(lags * steps.len());
        for i in 0..lags {
            products.extend(steps.iter().zip(&step_means).map(|(h, step_mean)| {
                let j = lags + h;
                anchored(self.products[i * reach + j], i, j) - count * lag_means[i] * step_mean
            }));
        }
        let squares = steps.iter().zip(&step_means).map(|(h, step_mean)| {
            let j = lags + h;
            (anchored(self.squares[j], j, j) - count * step_mean * step_mean).max(0.0)
        });
        Equations {
            lags,
            horizon: steps.len(),
            count,
            gram,
            products,
            squares: squares.collect(),
            lag_means,
            step_means,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_the_windows_one_by_one() {
        let y: Vec<f64> = (0..23).map(|t| f64::from((t * t * 7) % 19) * 0.3).collect();
        let (lags, horizon) = (4, 3);
        let mut moments = Moments::new(lags, horizon);
        moments.add(&y, 1.0, 2.0);
        for (anchor, intercept) in [(Anchor::None, false), (Anchor::Last, true), (Anchor::Mean, true)] {
            let equations = moments.equations(anchor, &[0, 2], intercept);
            let windows: Vec<Vec<f64>> = y
                .windows(lags + horizon)
                .map(|w| {
                    let w: Vec<f64> = w.iter().map(|v| (v - 1.0) / 2.0).collect();
                    let level = anchor.of(&w[..lags]);
                    w.iter().map(|v| v - level).collect()
                })
                .collect();
            let n = windows.len() as f64;
            let mean = |j: usize| if intercept { windows.iter().map(|w| w[j]).sum::<f64>() / n } else { 0.0 };
            let product = |i: usize, j: usize| windows.iter().map(|w| (w[i] - mean(i)) * (w[j] - mean(j))).sum::<f64>();
            for i in 0..lags {
                for j in 0..lags {
                    assert!((equations.gram[i * lags + j] - product(i, j)).abs() < 1e-9);
                }
                assert!((equations.products[i * 2 + 1] - product(i, lags + 2)).abs() < 1e-9);
            }
            assert!((equations.squares[1] - product(lags + 2, lags + 2)).abs() < 1e-9);
        }
    }
}
