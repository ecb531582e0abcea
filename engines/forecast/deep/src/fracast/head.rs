//! The head: 48 coming moments, each with its own query, become nine quantiles.

use pulp::{Simd, WithSimd};

use super::block::{Block, FeedForward};
use super::encoder::{Encoded, TAIL};
use super::kernel::{Convolution, Linear, Norm, dispatch};
use super::positions::{RECENCY, recency};
use super::{HORIZON, LEVELS, Row, WIDTH, WINDOW};
use crate::weights::{Error, Weights};

/// Numbers of a query's input: how far ahead, the mean state and the last.
const SUMMARY: usize = RECENCY + 2 * WIDTH;
/// Uses of the block over the coming moments, each at twice the dilation of the one before.
const FUTURE_STAGES: usize = 6;
/// Convolutions over the horizon.
const SMOOTHINGS: usize = 2;

/// The head's weights.
#[derive(Debug)]
pub(super) struct Head {
    recency: Vec<[f32; RECENCY]>,
    summary: Vec<f32>,
    summary_bias: Vec<f32>,
    queries: Vec<f32>,
    feed_forward: FeedForward,
    smoothings: Vec<(Convolution, Norm)>,
    future: Vec<f32>,
    future_bias: Vec<f32>,
    future_block: Block,
    future_out: Linear<WIDTH>,
    out: Vec<f32>,
    out_bias: Vec<f32>,
}

impl Head {
    pub(super) fn read(weights: &Weights) -> Result<Self, Error> {
        let read = |name: &str, shape: &[usize]| weights.read(&format!("head.{name}"), shape);
        let smoothing = |i: usize| {
            let read = |part: &str, shape: &[usize]| read(&format!("fc_blocks.{i}.{part}"), shape);
            let convolution = Convolution::new(&read("dw_weight", &[WIDTH, 1, 3])?, &read("dw_bias", &[WIDTH])?);
            Ok((convolution, Norm::new(&read("norm.weight", &[WIDTH])?)))
        };
        Ok(Self {
            recency: (WINDOW..WINDOW + HORIZON).map(recency).collect(),
            summary: read("summary_proj.weight", &[WIDTH, SUMMARY])?,
            summary_bias: read("summary_proj.bias", &[WIDTH])?,
            queries: read("queries", &[HORIZON, WIDTH])?,
            feed_forward: FeedForward::read(weights, "head.decoder_ffns.0", "head.decoder_norms.0")?,
            smoothings: (0..SMOOTHINGS).map(smoothing).collect::<Result<_, Error>>()?,
            future: read("future_conv.in_proj.weight", &[WIDTH, 1 + RECENCY])?,
            future_bias: read("future_conv.in_proj.bias", &[WIDTH])?,
            future_block: Block::read(weights, "head.future_conv.block")?,
            future_out: Linear::new(
                &read("future_conv.out_proj.weight", &[WIDTH, WIDTH])?,
                read("future_conv.out_proj.bias", &[WIDTH])?,
            ),
            out: read("out_proj.weight", &[LEVELS.len(), WIDTH])?,
            out_bias: read("out_proj.bias", &[LEVELS.len()])?,
        })
    }

    /// The normalised quantiles of each coming moment, not yet in order. `fill` is the seasonal expectation.
    pub(super) fn forecast(&self, encoded: &Encoded, fill: &[f32; HORIZON]) -> Vec<[f32; LEVELS.len()]> {
        let states = dispatch(Decode { head: self, encoded, fill });
        let quantile = |state: &Row, q: usize| self.out_bias[q] + dot(&self.out[q * WIDTH..][..WIDTH], state);
        states.iter().map(|state| std::array::from_fn(|q| quantile(state, q))).collect()
    }

    /// Each coming moment's query, before the feed-forward.
    fn queries(&self, encoded: &Encoded) -> Vec<Row> {
        let last = encoded.tail[TAIL - 1];
        let common: Row = std::array::from_fn(|c| {
            let row = &self.summary[c * SUMMARY + RECENCY..][..2 * WIDTH];
            self.summary_bias[c] + dot(&row[..WIDTH], &encoded.mean) + dot(&row[WIDTH..], &last)
        });
        let query = |(h, recency): (usize, &[f32; RECENCY])| -> Row {
            let ahead = |c: usize| dot(&self.summary[c * SUMMARY..][..RECENCY], recency);
            std::array::from_fn(|c| common[c] + ahead(c) + self.queries[h * WIDTH + c])
        };
        self.recency.iter().enumerate().map(query).collect()
    }

    /// The coming moments as the future path sees them at first.
    fn future(&self, fill: &[f32; HORIZON]) -> impl Iterator<Item = Row> {
        self.recency.iter().zip(fill).map(|(recency, fill)| {
            std::array::from_fn(|c| {
                let row = &self.future[c * (1 + RECENCY)..][..1 + RECENCY];
                self.future_bias[c] + row[0] * fill + dot(&row[1..], recency)
            })
        })
    }
}

struct Decode<'a> {
    head: &'a Head,
    encoded: &'a Encoded,
    fill: &'a [f32; HORIZON],
}

impl WithSimd for Decode<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Row> {
        let Self { head, encoded, fill } = self;
        let mut states = head.queries(encoded);
        let mut next = vec![[0.0; WIDTH]; HORIZON];
        head.feed_forward.apply(simd, &states, &mut next);
        std::mem::swap(&mut states, &mut next);
        for (number, (convolution, norm)) in head.smoothings.iter().enumerate() {
            for h in 0..HORIZON {
                let back = |steps: usize| h.checked_sub(steps << number).map_or(&[0.0; WIDTH], |i| &states[i]);
                let mut convolved = [0.0; WIDTH];
                convolution.apply(simd, [back(2), back(1), back(0)], &mut convolved);
                norm.of_sum(simd, &states[h], &convolved, &mut next[h]);
            }
            std::mem::swap(&mut states, &mut next);
        }
        let mut path: Vec<Row> = encoded.tail.iter().copied().chain(head.future(fill)).collect();
        let mut onward = vec![[0.0; WIDTH]; path.len()];
        for stage in 0..FUTURE_STAGES {
            head.future_block.apply(simd, 0, 1 << stage, |t| &path[t], &mut onward);
            std::mem::swap(&mut path, &mut onward);
        }
        head.future_out.apply(simd, &path[TAIL..], next.as_flattened_mut());
        for (state, future) in states.iter_mut().zip(&next) {
            state.iter_mut().zip(future).for_each(|(s, f)| *s += f);
        }
        states
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
