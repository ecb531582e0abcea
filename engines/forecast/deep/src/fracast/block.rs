//! The block that is used again and again: a depthwise causal convolution and a linear map, then a gated feed-forward,
//! each added to what came in and normalised.

use pulp::Simd;

use super::kernel::{Convolution, Linear, Norm, gate};
use super::{INNER, Row, WIDTH};
use crate::weights::{Error, Weights};

/// Rows that pass a block together: what they need lies in the first-level cache.
const TILE: usize = 24;

/// The block's weights.
#[derive(Clone, Debug)]
pub(super) struct Block {
    convolution: Convolution,
    mix: Linear<WIDTH>,
    norm: Norm,
    feed_forward: FeedForward,
}

impl Block {
    pub(super) fn read(weights: &Weights, name: &str) -> Result<Self, Error> {
        let read = |part: &str, shape: &[usize]| weights.read(&format!("{name}.{part}"), shape);
        Ok(Self {
            convolution: Convolution::new(&read("dw_weight", &[WIDTH, 1, 3])?, &read("dw_bias", &[WIDTH])?),
            mix: Linear::new(&read("pw.weight", &[WIDTH, WIDTH])?, read("pw.bias", &[WIDTH])?),
            norm: Norm::new(&read("norm1.weight", &[WIDTH])?),
            feed_forward: FeedForward::read(weights, &format!("{name}.ffn"), &format!("{name}.norm2"))?,
        })
    }

    /// Rows `first..` of a sequence through the block. `row` gives any row before the sequence's end, as the block's
    /// input; `out` takes one row for each.
    #[inline(always)]
    pub(super) fn apply<'a, S: Simd>(
        &self,
        simd: S,
        first: usize,
        dilation: usize,
        row: impl Fn(usize) -> &'a Row,
        out: &mut [Row],
    ) {
        const ZERO: Row = [0.0; WIDTH];
        let mut convolved = [ZERO; TILE];
        let mut mixed = [ZERO; TILE];
        for (number, out) in out.chunks_mut(TILE).enumerate() {
            let start = first + number * TILE;
            let rows = out.len();
            for (i, place) in convolved[..rows].iter_mut().enumerate() {
                let back = |steps: usize| (start + i).checked_sub(steps * dilation).map_or(&ZERO, &row);
                self.convolution.apply(simd, [back(2), back(1), back(0)], place);
            }
            self.mix.apply(simd, &convolved[..rows], mixed[..rows].as_flattened_mut());
            for (i, mixed) in mixed[..rows].iter().enumerate() {
                self.norm.of_sum(simd, row(start + i), mixed, &mut convolved[i]);
            }
            self.feed_forward.apply(simd, &convolved[..rows], out);
        }
    }
}

/// A gated feed-forward, added to its input and normalised.
#[derive(Clone, Debug)]
pub(super) struct FeedForward {
    up: Linear<WIDTH>,
    down: Linear<INNER>,
    norm: Norm,
}

impl FeedForward {
    pub(super) fn read(weights: &Weights, name: &str, norm: &str) -> Result<Self, Error> {
        let read = |part: &str, shape: &[usize]| weights.read(&format!("{name}.{part}"), shape);
        Ok(Self {
            up: Linear::new(&read("up.weight", &[2 * INNER, WIDTH])?, read("up.bias", &[2 * INNER])?),
            down: Linear::new(&read("down.weight", &[WIDTH, INNER])?, read("down.bias", &[WIDTH])?),
            norm: Norm::new(&weights.read(&format!("{norm}.weight"), &[WIDTH])?),
        })
    }

    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, simd: S, rows: &[Row], out: &mut [Row]) {
        let mut pairs = [[0.0; 2 * INNER]; TILE];
        let mut gated = [[0.0; INNER]; TILE];
        let mut lowered = [[0.0; WIDTH]; TILE];
        for (rows, out) in rows.chunks(TILE).zip(out.chunks_mut(TILE)) {
            let n = rows.len();
            self.up.apply(simd, rows, pairs[..n].as_flattened_mut());
            for (pairs, gated) in pairs[..n].iter().zip(&mut gated) {
                gate(pairs, gated);
            }
            self.down.apply(simd, &gated[..n], lowered[..n].as_flattened_mut());
            for ((row, lowered), out) in rows.iter().zip(&lowered).zip(out) {
                self.norm.of_sum(simd, row, lowered, out);
            }
        }
    }
}
