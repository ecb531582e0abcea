//! Sums of products of columns at lags.

use crate::vectors::dot;

/// Sums and products of every column at lags 0 to L over the rows that have L steps behind them: node `lag * columns + column`.
///
/// The products of two nodes one step further back are the same but for one row at each end, so that only `columns² · (L + 1)` scalar
/// products are computed.
#[derive(Clone, Debug)]
pub(crate) struct WindowProducts {
    nodes: usize,
    rows: f64,
    products: Vec<f64>,
    sums: Vec<f64>,
}

impl WindowProducts {
    /// `columns[column][time]`, all as long, longer than `max_lag`.
    pub(crate) fn new(columns: &[Vec<f64>], max_lag: usize) -> Self {
        let size = columns.len();
        let nodes = size * (max_lag + 1);
        let length = columns.first().map_or(0, Vec::len);
        let mut products = vec![0.0; nodes * nodes];
        for lag in 0..=max_lag {
            for (i, early) in columns.iter().enumerate() {
                let last_column = if lag == 0 { i + 1 } else { size };
                for (j, late) in columns[..last_column].iter().enumerate() {
                    // Column i `lag` steps before column j, then both further back together.
                    let mut sum = dot(&early[max_lag - lag..length - lag], &late[max_lag..length]);
                    for shift in 0..=max_lag - lag {
                        let (a, b) = ((lag + shift) * size + i, shift * size + j);
                        products[a.max(b) * nodes + a.min(b)] = sum;
                        if shift < max_lag - lag {
                            let (first, last) = (max_lag - 1 - shift, length - 1 - shift);
                            sum += early[first - lag] * late[first] - early[last - lag] * late[last];
                        }
                    }
                }
            }
        }
        let sums =
            (0..nodes).map(|k| columns[k % size][max_lag - k / size..length - k / size].iter().sum::<f64>()).collect();
        Self { nodes, rows: (length - max_lag) as f64, products, sums }
    }

    /// The sum of products of two nodes.
    pub(crate) fn product(&self, i: usize, j: usize) -> f64 {
        self.products[i.max(j) * self.nodes + i.min(j)]
    }

    /// The covariance of two nodes, divided by the number of rows.
    pub(crate) fn covariance(&self, i: usize, j: usize) -> f64 {
        self.product(i, j) / self.rows - (self.sums[i] / self.rows) * (self.sums[j] / self.rows)
    }
}
