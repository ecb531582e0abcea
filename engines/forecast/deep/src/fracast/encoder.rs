//! The encoder: every moment of the window becomes a hidden state, by one block used at ten dilations.

use std::f64::consts::PI;

use pulp::{Simd, WithSimd};

use super::block::Block;
use super::kernel::{Norm, dispatch};
use super::periods::{Periods, SLOTS};
use super::positions::{PHASES, RECENCY, phases, recency};
use super::prefix::Prefix;
use super::{Row, WIDTH, WINDOW};
use crate::weights::{Error, Weights};

/// Uses of the block, each at twice the dilation of the one before.
pub(super) const STAGES: usize = 10;
/// The last states, which the head looks at one by one.
pub(super) const TAIL: usize = 128;
/// Frequencies that tell the block its stage.
const STAGE_FREQUENCIES: usize = 4;

/// The encoder's weights.
#[derive(Debug)]
pub(super) struct Encoder {
    /// Each moment's embedding, as far as it does not depend on the data.
    moments: Vec<Row>,
    value: Row,
    observed: Row,
    phases: [Row; PHASES],
    /// Gain and shift before each stage (Perez et al. 2018).
    modulations: Vec<(Row, Row)>,
    block: Block,
    norm: Norm,
}

/// What the head needs of the hidden states.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    /// Their mean over the window.
    pub(super) mean: Row,
    /// The last [`TAIL`] of them.
    pub(super) tail: Vec<Row>,
}

impl Encoder {
    pub(super) fn read(weights: &Weights) -> Result<Self, Error> {
        let input = weights.read("core.in_proj.weight", &[WIDTH, 2 + RECENCY])?;
        let input_bias = weights.read("core.in_proj.bias", &[WIDTH])?;
        let periodic = weights.read("core.periodic.proj.weight", &[WIDTH, PHASES])?;
        let periodic_bias = weights.read("core.periodic.proj.bias", &[WIDTH])?;
        let column = |k: usize| -> Row { std::array::from_fn(|c| input[c * (2 + RECENCY) + k]) };
        let moment = |t: usize| -> Row {
            let recency = recency(t);
            std::array::from_fn(|c| {
                let row = &input[c * (2 + RECENCY) + 2..][..RECENCY];
                input_bias[c] + periodic_bias[c] + row.iter().zip(recency).map(|(w, r)| w * r).sum::<f32>()
            })
        };
        Ok(Self {
            moments: (0..WINDOW).map(moment).collect(),
            value: column(0),
            observed: column(1),
            phases: std::array::from_fn(|k| std::array::from_fn(|c| periodic[c * PHASES + k])),
            modulations: modulations(weights)?,
            block: Block::read(weights, "core.block")?,
            norm: Norm::new(&weights.read("core.norm.weight", &[WIDTH])?),
        })
    }

    /// The hidden states of a window, normalised and NaN where missing. With a `prefix` of the same periods only the
    /// moments from the first observed one are computed: what lies before is that prefix.
    pub(super) fn encode(&self, window: &[f32; WINDOW], periods: &Periods, prefix: Option<&Prefix>) -> Encoded {
        let first = prefix.map_or(0, |_| window.iter().position(|v| !v.is_nan()).unwrap_or(WINDOW));
        let mut tail = prefix.map_or_else(Vec::new, |p| p.tail(first).to_vec());
        let mut sums = prefix.map_or([0.0; WIDTH], |p| p.sums[first]);
        let rows = dispatch(Pass { encoder: self, window, periods, first, prefix, record: None });
        for (t, row) in (first..).zip(&rows) {
            add(&mut sums, row);
            if t >= WINDOW - TAIL {
                tail.push(*row);
            }
        }
        Encoded { mean: sums.map(|s| (s / WINDOW as f64) as f32), tail }
    }

    /// The hidden states of a window in which nothing was observed.
    pub(super) fn prefix(&self, periods: &Periods) -> Prefix {
        let mut stages = Vec::with_capacity(STAGES);
        let window = [f32::NAN; WINDOW];
        let record = Some(&mut stages);
        let rows = dispatch(Pass { encoder: self, window: &window, periods, first: 0, prefix: None, record });
        Prefix::new(stages, &rows)
    }

    /// The rows `first..` before the first stage.
    fn embed(&self, window: &[f32; WINDOW], periods: &Periods, first: usize) -> Vec<Row> {
        let tables: [Vec<Row>; SLOTS] = std::array::from_fn(|slot| {
            let image = |[sine, cosine]: [f32; 2]| -> Row {
                std::array::from_fn(|c| sine * self.phases[2 * slot][c] + cosine * self.phases[2 * slot + 1][c])
            };
            phases(periods[slot]).into_iter().map(image).collect()
        });
        let row = |(t, value): (usize, &f32)| {
            let mut row = self.moments[t];
            for (slot, table) in tables.iter().enumerate().filter(|(slot, _)| periods[*slot] > 0) {
                let phase = &table[t % usize::from(periods[slot])];
                row.iter_mut().zip(phase).for_each(|(row, phase)| *row += phase);
            }
            if !value.is_nan() {
                let columns = self.value.iter().zip(&self.observed);
                row.iter_mut().zip(columns).for_each(|(row, (slope, observed))| *row += value * slope + observed);
            }
            row
        };
        window.iter().enumerate().skip(first).map(row).collect()
    }
}

/// One pass of the rows `first..` through all stages.
struct Pass<'a> {
    encoder: &'a Encoder,
    window: &'a [f32; WINDOW],
    periods: &'a Periods,
    first: usize,
    prefix: Option<&'a Prefix>,
    /// Where to keep each stage's input.
    record: Option<&'a mut Vec<Vec<Row>>>,
}

impl WithSimd for Pass<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<Row> {
        let Self { encoder, window, periods, first, prefix, mut record } = self;
        let mut rows = encoder.embed(window, periods, first);
        let mut next = vec![[0.0; WIDTH]; rows.len()];
        for (stage, (gain, shift)) in encoder.modulations.iter().enumerate() {
            for row in &mut rows {
                for (c, value) in row.iter_mut().enumerate() {
                    *value = *value * gain[c] + shift[c];
                }
            }
            let before = prefix.map_or(&[][..], |p| &p.stages[stage]);
            let row = |t: usize| if t < first { &before[t] } else { &rows[t - first] };
            encoder.block.apply(simd, first, 1 << stage, row, &mut next);
            if let Some(record) = &mut record {
                record.push(rows.clone());
            }
            std::mem::swap(&mut rows, &mut next);
        }
        for (row, out) in rows.iter().zip(&mut next) {
            encoder.norm.of(simd, row, out);
        }
        next
    }
}

/// The gains and shifts of the stages, from the sines and cosines of each stage's angles.
fn modulations(weights: &Weights) -> Result<Vec<(Row, Row)>, Error> {
    const INPUTS: usize = 2 * STAGE_FREQUENCIES;
    let weight = weights.read("core.scale.to_gb.weight", &[2 * WIDTH, INPUTS])?;
    let bias = weights.read("core.scale.to_gb.bias", &[2 * WIDTH])?;
    let of_stage = |stage: usize| {
        let angle = |k: usize| stage as f64 * PI / f64::from(1_u32 << k);
        let inputs: [f64; INPUTS] = std::array::from_fn(|k| match k.checked_sub(STAGE_FREQUENCIES) {
            None => angle(k).sin(),
            Some(k) => angle(k).cos(),
        });
        let output = |o: usize| {
            let row = &weight[o * INPUTS..][..INPUTS];
            (f64::from(bias[o]) + row.iter().zip(inputs).map(|(w, x)| f64::from(*w) * x).sum::<f64>()) as f32
        };
        (std::array::from_fn(|c| 1.0 + output(c)), std::array::from_fn(|c| output(WIDTH + c)))
    };
    Ok((0..STAGES).map(of_stage).collect())
}

/// Adds a hidden state to a sum, in the order of time, so that sums begun elsewhere go on to the same bits.
pub(super) fn add(sums: &mut [f64; WIDTH], row: &Row) {
    sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += f64::from(*v));
}
