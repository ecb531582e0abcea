//! Sums and cross-products of the window, block by block.

use super::columns::Frame;
use crate::independence::Correlation;

/// Blocks at most: with more, the bootstrap gains nothing and the sums grow.
const BLOCKS_MAX: usize = 400;

/// One block of consecutive rows.
#[derive(Clone, Debug)]
struct Block {
    rows: f64,
    sums: Vec<f64>,
    /// Lower triangle, row by row.
    products: Vec<f64>,
}

/// The moments of all rows of a window over time: node `lag * columns + column`.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    nodes: usize,
    rows: usize,
    block_length: usize,
    blocks: Vec<Block>,
}

impl Moments {
    /// Sums over every row in which no node is missing. A block is long enough to hold a row's whole window and
    /// 2 n^⅓ steps (the order that minimises the error of a block bootstrap of a mean, Künsch 1989), and lies in one series.
    pub(crate) fn of_frame(frame: &Frame, max_lag: usize) -> Self {
        let columns = frame.names.len();
        let nodes = columns * (max_lag + 1);
        let steps: usize = frame.series.iter().map(|s| s[0].len()).sum();
        let block_length =
            (2 * (max_lag + 1)).max((2.0 * (steps as f64).cbrt()).ceil() as usize).max(steps.div_ceil(BLOCKS_MAX));
        let mut moments = Self { nodes, rows: 0, block_length, blocks: Vec::new() };
        let mut row = vec![0.0; nodes];
        for series in &frame.series {
            let mut open: Option<Block> = None;
            for t in max_lag..series[0].len() {
                for (node, value) in row.iter_mut().enumerate() {
                    *value = series[node % columns][t - node / columns];
                }
                if row.iter().any(|v| v.is_nan()) {
                    continue;
                }
                let block = open.get_or_insert_with(|| Block {
                    rows: 0.0,
                    sums: vec![0.0; nodes],
                    products: vec![0.0; nodes * (nodes + 1) / 2],
                });
                block.add(&row);
                moments.rows += 1;
                if block.rows >= block_length as f64 {
                    moments.blocks.extend(open.take());
                }
            }
            moments.blocks.extend(open.take());
        }
        moments
    }

    /// Rows without a missing value.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Rows in a full block.
    pub(crate) fn block_length(&self) -> usize {
        self.block_length
    }

    /// The correlations of all rows, or of blocks taken so many times each.
    pub(crate) fn correlation(&self, times: Option<&[u32]>) -> Correlation {
        let (mut rows, mut sums) = (0.0, vec![0.0; self.nodes]);
        let mut products = vec![0.0; self.nodes * (self.nodes + 1) / 2];
        for (index, block) in self.blocks.iter().enumerate() {
            let weight = times.map_or(1.0, |t| f64::from(t[index]));
            if weight > 0.0 {
                rows += weight * block.rows;
                sums.iter_mut().zip(&block.sums).for_each(|(to, from)| *to += weight * from);
                products.iter_mut().zip(&block.products).for_each(|(to, from)| *to += weight * from);
            }
        }
        Correlation::of_covariance(self.nodes, |i, j| products[i * (i + 1) / 2 + j] - sums[i] * sums[j] / rows)
    }
}

impl Block {
    fn add(&mut self, row: &[f64]) {
        self.rows += 1.0;
        let mut rest = self.products.as_mut_slice();
        for (i, value) in row.iter().enumerate() {
            self.sums[i] += value;
            let (line, after) = rest.split_at_mut(i + 1);
            line.iter_mut().zip(row).for_each(|(to, other)| *to += value * other);
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_sums_give_the_correlations_of_the_rows() {
        let series: Vec<Vec<Vec<f64>>> = (0..2)
            .map(|s| (0..2).map(|c| (0..50).map(|t| ((t * (c + 2) * 37 + s * 11) % 17) as f64).collect()).collect())
            .collect();
        let mut frame = Frame { names: vec!["a".into(), "b".into()], series, left_out: Vec::new(), scored: Vec::new() };
        frame.series[0][1][20] = f64::NAN;
        let moments = Moments::of_frame(&frame, 1);
        assert_eq!(moments.rows(), 2 * 49 - 2);
        let mut columns = vec![Vec::new(); 4];
        for series in &frame.series {
            for t in 1..50 {
                let row = [series[0][t], series[1][t], series[0][t - 1], series[1][t - 1]];
                if row.iter().all(|v| !v.is_nan()) {
                    columns.iter_mut().zip(row).for_each(|(column, v)| column.push(v));
                }
            }
        }
        let direct = Correlation::of_columns(&columns);
        let summed = moments.correlation(None);
        for i in 0..4 {
            for j in 0..4 {
                assert!((direct.get(i, j) - summed.get(i, j)).abs() < 1e-12);
            }
        }
        // A block left out is as if its rows were not there.
        let mut times = vec![1; moments.blocks()];
        times[0] = 0;
        assert_ne!(moments.correlation(Some(&times)), summed);
    }
}
