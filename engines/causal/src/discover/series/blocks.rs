//! Rows over time in blocks, for algorithms that need the rows themselves and not their moments.

use crate::lagged::columns::Frame;

/// The moments at which every column at every lag is there, in blocks that lie in one series each.
pub(super) struct Blocks {
    max_lag: usize,
    /// (series, moment) of each row.
    blocks: Vec<Vec<(usize, usize)>>,
}

impl Blocks {
    /// The same rows in the same blocks as [`crate::lagged::moments::Moments`].
    pub(super) fn of_frame(frame: &Frame, max_lag: usize, block_length: usize) -> Self {
        let mut blocks = Vec::new();
        for (number, series) in frame.series.iter().enumerate() {
            let mut open = Vec::new();
            for t in max_lag..series[0].len() {
                if (0..=max_lag).all(|lag| series.iter().all(|column| !column[t - lag].is_nan())) {
                    open.push((number, t));
                    if open.len() >= block_length {
                        blocks.push(std::mem::take(&mut open));
                    }
                }
            }
            if !open.is_empty() {
                blocks.push(open);
            }
        }
        Self { max_lag, blocks }
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    fn drawn<'a>(&'a self, times: Option<&'a [u32]>) -> impl Iterator<Item = &'a Vec<(usize, usize)>> {
        self.blocks.iter().enumerate().flat_map(move |(number, block)| {
            std::iter::repeat_n(block, times.map_or(1, |times| times[number] as usize))
        })
    }

    /// The columns at every lag as one table: node `lag * columns + column`.
    pub(super) fn nodes(&self, frame: &Frame, times: Option<&[u32]>) -> Vec<Vec<f64>> {
        let columns = frame.names.len();
        let value =
            |node: usize, (series, t): &(usize, usize)| frame.series[*series][node % columns][t - node / columns];
        (0..columns * (self.max_lag + 1))
            .map(|node| self.drawn(times).flatten().map(|row| value(node, row)).collect())
            .collect()
    }

    /// Stretches of consecutive moments, each with the steps behind its first row. All rows in their order where none are drawn.
    pub(super) fn stretches(&self, frame: &Frame, times: Option<&[u32]>) -> Vec<Vec<Vec<f64>>> {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for block in self.drawn(times) {
            for (k, (series, t)) in block.iter().enumerate() {
                // A block that was drawn begins a stretch of its own; blocks as they lie go on from each other.
                let goes_on = runs.last().is_some_and(|(s, _, last)| s == series && last + 1 == *t);
                match runs.last_mut() {
                    Some((_, _, last)) if goes_on && (k > 0 || times.is_none()) => *last = *t,
                    _ => runs.push((*series, *t, *t)),
                }
            }
        }
        let cut = |(series, first, last): &(usize, usize, usize)| {
            frame.series[*series].iter().map(|column| column[first - self.max_lag..=*last].to_vec()).collect()
        };
        runs.iter().map(cut).collect()
    }
}
